"""A client of the tutorial's kind (tutorial.html) against a real server: from another port and from a file.

It sends everything raw, reads every push with `eval`, and writes names and texts through `innerHTML` and into
attributes. All of it has to work, and nothing that anybody writes may run.
"""

import re
import unittest
from pathlib import Path

from support import RoomCase, until

FILE = Path(__file__).resolve().parent / "tutorial.html"

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=window.hacked=1>",
    "<svg/onload=window.hacked=1>",
    '" onmouseover="window.hacked=1',
    "' onmouseover='window.hacked=1",
    '"><script>window.hacked=1</script>',
    "</script><script>window.hacked=1</script>",
    "a\u2028window.hacked=1\u2029b",
    '\\";window.hacked=1;//',
    "\\'+(window.hacked=1)+\\'",
    '"+(window.hacked=1)+"',
    "');window.hacked=1;('",
    "&#34; onmouseover=&#34;window.hacked=1",
    "&quot; onmouseover=&quot;window.hacked=1",
    "&lt;img src=x onerror=window.hacked=1&gt;",
    "\\u003cimg src=x onerror=window.hacked=1\\u003e",
    "<<img src=x onerror=window.hacked=1>",
    "`${window.hacked=1}`",
    "</span></p><iframe src='javascript:top.hacked=1'>",
    "</option></select><img src=x onerror=window.hacked=1>",
    "__proto__",
]

# What a mouse would set off: every handler that a text might have smuggled into the document.
TOUCH = """
for (const element of document.querySelectorAll('body *'))
    for (const name of ['mouseover', 'mouseenter', 'focus', 'error', 'load', 'toggle'])
        element.dispatchEvent(new Event(name));
"""

# Elements and attributes that the page itself never writes.
STRANGE = """
return [...document.querySelectorAll('#out *, #list *, #target *')].flatMap((element) => [
    ...(['P', 'B', 'I', 'SPAN', 'LI', 'OPTION'].includes(element.tagName) ? [] : [element.outerHTML]),
    ...[...element.attributes].map((a) => a.name).filter((name) =>
        !['id', 'class', 'title', 'value', 'data-avatar', 'onclick'].includes(name)),
    ...(/^choose\\('\\w+'\\)$/.test(element.getAttribute('onclick') ?? "choose('a')") ? [] : [element.outerHTML]),
]);
"""


class TutorialPage:
    """The same for each way to open the page; `self.home` is its address."""

    def visit(self, key, name, extra=""):
        session = self.session(key)
        session.driver.get(self.home)
        session.run("connect(arguments[0], arguments[1], arguments[2])", self.socket, name, extra)
        session.until("return document.title === 'open'", "the connection")
        if name:
            session.until("return me !== ''", "the page's own madd")
        return session

    def until_line(self, session, text):
        return session.until_text("#out p span", text)

    def test_people_join_talk_whisper_and_leave(self):
        li = self.visit("a", "李雷")
        self.assertEqual(li.texts("#list li"), ["李雷"])
        self.until_line(li, "李雷 进入了聊天室")
        han = self.visit("b", "韩梅梅")
        self.until_line(li, "韩梅梅 来了")
        self.assertEqual(han.texts("#list li"), ["李雷", "韩梅梅"])
        eve = self.visit("c", "Eve")
        until(lambda: len(li.texts("#list li")) == 3, "three people")
        li.run("say('大家好，100% 新鲜', 'all')")
        for session in (li, han, eve):
            self.until_line(session, "大家好，100% 新鲜")
        han.run("document.querySelector('#list li').click()")
        han.find("#words").send_keys("悄悄话")
        han.find("button").click()
        for session in (li, han):
            self.until_line(session, "悄悄话")
        self.assertIn("韩梅梅 悄悄地对 李雷", li.texts("#out b"))
        li.run("say('公开的话', 'all')")
        self.until_line(eve, "公开的话")
        self.assertNotIn("悄悄话", eve.run("return document.documentElement.outerHTML"))
        self.assertFalse([push for push in eve.pushes if push.get("nrong") == "悄悄话"])
        han.run("ws.close()")
        for session in (li, eve):
            self.until_line(session, "韩梅梅 走了")
            until(lambda: session.texts("#list li") == ["李雷", "Eve"], "two people left")
        for session in (li, han, eve):
            self.assertEqual(session.complaints, [])

    def test_pushes_have_the_members_that_pages_read(self):
        li = self.visit("a", "李雷", "&avatar=7.png&uid=42")
        han = self.visit("b", "韩梅梅")
        code, other = li.run("return me"), han.run("return me")
        until(lambda: any(push.get("type") == "add" for push in li.pushes), "the add")
        li.run("say('话', 'all')")
        self.until_line(han, "话")
        han.run("ws.close()")
        until(lambda: any(push.get("type") == "rmove" for push in li.pushes), "the rmove")
        madd, add, said, left = li.pushes[:4]
        when = re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d")
        for push in (madd, add, said, left):
            self.assertRegex(push["time"], when)
            self.assertEqual(push["code1"], "all")
        self.assertEqual((madd["type"], madd["name"], madd["code"]), ("madd", "李雷", code))
        self.assertEqual(madd["users"], [{"code": code, "name": "李雷", "avatar": "7.png", "uid": "42"}])
        self.assertEqual((add["type"], add["name"], add["code"]), ("add", "韩梅梅", other))
        self.assertEqual((said["nrong"], said["code"]), ("话", code))
        self.assertNotIn("type", said)
        self.assertIsInstance(said["msgid"], str)
        self.assertEqual((left["type"], left["nrong"], left["code"]), ("rmove", other, False))
        self.assertTrue(all(frame.isascii() for frame in li.received))

    def test_an_error_is_a_line_of_the_systems(self):
        li = self.visit("a", "")
        li.run("say('too early', 'all')")
        until(lambda: len(li.all("#out p.system")) == 1, "the error as a line")
        li.run("enter('李雷')")
        li.until("return me !== ''", "the entry after the error")
        li.run("say('hello?', 'z0')")
        until(lambda: len(li.all("#out p.system")) == 2, "the error as a line")
        li.run("say('hello, me', me)")
        until(lambda: len(li.all("#out p.system")) == 3, "the error as a line")
        self.assertEqual(set(li.texts("#out p.system b")), {"系统"})
        self.assertTrue(all(text.strip() for text in li.texts("#out p.system span")))
        self.assertEqual(li.find("title").get_attribute("text"), "open", "the connection stays")
        self.assertEqual(li.complaints, [])

    def test_a_picture_of_700_kb_arrives_whole(self):
        li, han = self.visit("a", "李雷"), self.visit("b", "韩梅梅")
        size = li.run(
            """
            const canvas = document.createElement('canvas');
            canvas.width = 400; canvas.height = 440;
            const context = canvas.getContext('2d'), image = context.createImageData(400, 440);
            for (let i = 0; i < image.data.length; i += 1) image.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
            context.putImageData(image, 0, 0);
            window.picture = canvas.toDataURL('image/png');
            say(picture.replace(/[+]/g, '%2B'), 'all');
            return picture.length;
            """
        )
        self.assertGreater(size, 700_000)
        for session in (li, han):
            session.until("return document.querySelector('#out img')?.naturalWidth === 400", "the picture")
        sent = li.run("return picture")
        self.assertTrue(sent == han.run("return document.querySelector('#out img').src"), "the very picture")
        self.assertEqual(han.complaints, [])

    def test_hostile_texts_are_shown_and_run_nothing(self):
        li, stranger = self.visit("a", "李雷"), self.stranger("b")
        for text in HOSTILE:
            with self.subTest(text=text):
                self.utter(stranger, text, avatar=text, msgType=text)
                shown = li.run("const e = document.createElement('p'); e.innerHTML = arguments[0].replace("
                               "/[<>]/g, (c) => ({ '<': '&lt;', '>': '&gt;' })[c]); return e.textContent", text)
                self.until_line(li, shown)
                li.run(TOUCH)
                self.assertIsNone(li.run("return window.hacked ?? null"))
                self.assertEqual(li.run(STRANGE), [])
        self.assertEqual(li.complaints, [])

    def test_hostile_names_and_extras_are_shown_and_run_nothing(self):
        li = self.visit("a", "李雷")
        for name in HOSTILE:
            with self.subTest(name=name):
                self.stranger("b", name, avatar=name, uid=name)
                shown = name.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
                shown = re.sub(r"[\x00-\x1f\x7f-\x9f]", "", shown)
                shown = re.sub("&(?=[A-Za-z0-9#]|$)", "\uff06", shown)
                shown = shown.translate(str.maketrans('<>"', "\uff1c\uff1e\uff02"))
                seen = {shown, re.sub("[\u2028\u2029]", "", shown)}
                until(lambda: len(li.texts("#list li")) == 2, "the newcomer")
                self.assertIn(li.texts("#list li")[1], seen)
                self.assertIn(li.find("#list li:last-child").get_attribute("title"), seen)
                self.assertIn(li.find("#list li:last-child").get_attribute("data-avatar"), seen)
                li.run(TOUCH)
                self.assertIsNone(li.run("return window.hacked ?? null"))
                self.assertEqual(li.run(STRANGE), [])
                self.session("b").run("stranger.close()")
                until(lambda: len(li.texts("#list li")) == 1, "its leaving")
        self.assertEqual(li.complaints, [])

    def test_it_talks_with_the_page_of_this_server(self):
        li = self.visit("a", "李雷")
        ann = self.join("b", "Ann & <Co>")
        self.until_line(li, "Ann & \uff1cCo\uff1e 来了")
        li.run("say('你好 <img src=face/1.gif>', 'all')")
        ann.until_said("你好 <img src=face/1.gif>")
        ann.say('"quoted" & <b>not bold</b> &lt;')
        self.until_line(li, '"quoted" & <b>not bold</b> &lt;')
        ann.write_to("李雷")
        ann.say("只给你")
        self.until_line(li, "只给你")
        self.assertEqual(li.complaints, [])


class FromAnotherPort(TutorialPage, RoomCase):
    @property
    def home(self):
        return self.elsewhere.address + "tutorial.html"


class FromAFile(TutorialPage, RoomCase):
    @property
    def home(self):
        return FILE.as_uri()


if __name__ == "__main__":
    unittest.main()
