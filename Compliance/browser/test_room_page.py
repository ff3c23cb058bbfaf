"""The chat page at GET /, in real browsers against a real server. See support.py for what it takes."""

import json
import re
import signal
import unittest
from urllib.parse import quote

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import REPOSITORY, RoomCase, Session, until

PAGE = REPOSITORY / "Sources" / "ParleyServer" / "Page"
IMAGE = "<img src=x onerror=alert(1)>"

# Row 163 of the catalogue of hostile input, and what could go wrong between escaping and decoding.
HOSTILE = [
    IMAGE,
    "<svg onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&amp;lt;b&amp;gt; &amp; &quot; &#39; &nbsp; &",
    "\\\" \\' \\u003c \\n",
    "a\u2028b\u2029c",
    "\u202egnp.exe \u2066abc",
    "1+1=2 & 100% ?key=all#%3C",
    "z\u0323\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a" * 20,
    "🐙" * 2500,
]


class Conversation(RoomCase):
    def test_two_people_talk_both_ways_and_see_each_other_come_and_go(self):
        ann = self.join("a", "Ann")
        self.assertEqual(ann.texts("#members .name"), ["Ann"])
        self.assertEqual(ann.find("#room-name").text, self.room)
        li = self.join("b", "李雷")
        ann.until_text("#log .line > span", "李雷 joined")
        for session in (ann, li):
            until(lambda: sorted(session.texts("#members .name")) == ["Ann", "李雷"], "both in the list")
            self.assertEqual(session.find("#count").text, "2")
        ann.say("Good morning")
        li.until_said("Good morning")
        li.say("早上好，Ann！")
        ann.until_said("早上好，Ann！")
        ann.say("two\nlines")
        li.until_said("two\nlines")
        self.assertEqual(li.texts("#log .msg:not(.mine) .who"), ["Ann", "Ann"])
        self.assertEqual(ann.texts("#log .msg.mine .body"), ["Good morning", "two\nlines"])
        self.assertEqual(ann.texts("#log .msg:not(.mine) .body"), ["早上好，Ann！"])
        self.assertEqual(len(ann.all("#log .msg time[datetime]")), 3)
        self.assertEqual(ann.texts("#outbox .msg"), [], "what has come back is not on its way")
        li.driver.get("about:blank")
        ann.until_text("#log .line > span", "李雷 left")
        until(lambda: ann.texts("#members .name") == ["Ann"], "one in the list")
        self.assertEqual(ann.complaints, [])

    def test_consecutive_messages_of_one_person_are_grouped(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        for text in ("one", "two"):
            ann.say(text)
        bob.until_said("two")
        bob.say("three")
        ann.until_said("three")
        grouped = ann.run("return [...document.querySelectorAll('.log .msg')].map((m) => m.classList.contains('cont'))")
        self.assertEqual(grouped, [False, True, False])

    def test_a_private_message_reaches_one_person_and_nobody_else(self):
        ann, bob, eve = self.join("a", "Ann"), self.join("b", "Bob"), self.join("c", "Eve")
        ann.write_to("Bob")
        ann.say("the secret word")
        bob.until_said("the secret word")
        ann.until_said("the secret word")
        self.assertEqual(bob.texts("#log .msg.private .mark span"), ["Private, to you alone"])
        self.assertEqual(ann.texts("#log .msg.private .mark span"), ["Private to Bob"])
        bob.write_to("Ann")
        bob.say("another secret")
        ann.until_said("another secret")
        # Eve gets what is said after them, so she would have got them by now.
        ann.find("#to-all").click()
        ann.say("open words")
        eve.until_said("open words")
        self.assertNotIn("secret", eve.run("return document.documentElement.outerHTML"))
        self.assertTrue(any("open words" in frame for frame in eve.received))
        self.assertFalse([frame for frame in eve.received if "secret" in frame])

    def test_a_private_draft_never_goes_to_everyone_when_its_addressee_leaves(self):
        ann, bob, eve = self.join("a", "Ann"), self.join("b", "Bob"), self.join("c", "Eve")
        ann.write_to("Bob")
        ann.type("for Bob only")
        bob.driver.get("about:blank")
        ann.until_text("#log .line > span", "Bob left")
        ann.until("return document.querySelector('#hint').textContent.includes('Bob is not here')", "the reason")
        ann.find("#text").send_keys(Keys.ENTER)
        self.assertEqual(ann.find("#text").get_attribute("value"), "for Bob only")
        ann.find("#to-all").click()
        self.assertEqual(ann.find("#text").get_attribute("value"), "for Bob only")
        ann.say("for all")
        eve.until_said("for all")
        self.assertFalse([frame for frame in eve.received if "Bob only" in frame])

    def test_people_are_chosen_from_the_list_too(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        until(lambda: ann.all("#members button.member"), "Bob's entry")
        ann.find("#members button.member").click()
        self.assertEqual(ann.find("#to").get_attribute("value"), bob.code())
        self.assertEqual(ann.find("#members button.member").get_attribute("aria-pressed"), "true")
        self.assertEqual(ann.active, "text")

    def test_a_change_of_name_is_one_quiet_line(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        code = ann.code()
        ann.find("#rename").click()
        ann.find("#name").send_keys(Keys.CONTROL, "a")
        ann.find("#name").send_keys("Anna", Keys.ENTER)
        ann.until_text("#log .line > span", "You are now called Anna")
        bob.until_text("#log .line > span", "Ann is now called Anna")
        self.assertNotIn("Ann left", bob.texts("#log .line > span"))
        self.assertEqual(ann.code(), code)
        ann.say("still me")
        bob.until_said("still me")
        self.assertEqual(bob.texts("#log .msg .who"), ["Anna"])

    def test_people_whose_names_look_alike_are_told_apart(self):
        ann, bob = self.join("a", "admin"), self.join("b", "Bob")
        self.assertEqual(bob.texts("#members .tag"), [])
        self.join("c", "\u0430dmin")  # a Cyrillic letter
        tags = until(lambda: len(bob.texts("#members .tag")) == 2 and bob.texts("#members .tag"), "two tags")
        self.assertEqual(len(set(tags)), 2)
        ann.say("which one am I?")
        bob.until_said("which one am I?")
        self.assertEqual(bob.texts("#log .msg .tag"), ["#" + ann.code()[-4:]])

    def test_rooms_do_not_see_each_other(self):
        ann = self.join("a", "Ann")
        bob = self.session("b").join(f"{self.server.page}?room={self.room}-other", "Bob")
        eve = self.session("c").join(f"{self.server.page}?room={self.room}-other", "Eve")
        ann.say("only here")
        ann.until_said("only here")
        bob.say("only there")
        eve.until_said("only there")
        ann.say("second")
        ann.until_said("second")
        self.assertEqual(ann.texts("#members .name"), ["Ann"])
        self.assertEqual(sorted(bob.texts("#members .name")), ["Bob", "Eve"])
        self.assertFalse([frame for frame in bob.received + eve.received if "only here" in frame or "Ann" in frame])
        self.assertFalse([frame for frame in ann.received if "only there" in frame or "Bob" in frame])

    def test_the_room_can_be_chosen_on_entry_and_is_in_the_address_then(self):
        ann = self.session("a")
        ann.open(self.server.page)
        self.assertEqual(ann.find("#room").get_attribute("value"), "lobby")
        ann.find("#room").clear()
        ann.find("#room").send_keys(self.room)
        ann.find("#name").send_keys("Ann", Keys.ENTER)
        ann.until_state("on")
        self.assertTrue(ann.driver.current_url.endswith(f"?room={self.room}"))
        self.join("b", "Bob")
        ann.until_text("#log .line > span", "Bob joined")


    def test_a_room_that_cannot_be_is_told_on_the_card(self):
        ann = self.session("a")
        ann.open(f"{self.server.page}?room=%E2%80%8B")
        ann.find("#name").send_keys("Ann", Keys.ENTER)
        ann.until_text("#room-error", "The server said: the room's name is too long, invisible or turns text")
        self.assertEqual(ann.texts("#name-error"), [""])
        self.assertEqual(ann.state, "idle")
        ann.find("#room").clear()
        ann.find("#room").send_keys(self.room, Keys.ENTER)
        ann.until_state("on")

    def test_a_room_that_cannot_be_is_told_in_chinese(self):
        li = self.session("zh", "zh-CN")
        for room in ("\u200b", "tea\u202e"):
            with self.subTest(room=ascii(room)):
                li.open(f"{self.server.page}?room={quote(room)}")
                li.find("#name").send_keys("李雷", Keys.ENTER)
                li.until_text("#room-error", "服务器提示：房间名太长、看不见，或含有改变文字方向的字符。")
                self.assertEqual(li.texts("#name-error"), [""])
        li.open(f"{self.server.page}?room={quote('字' * 55)}")
        li.find("#name").send_keys("李雷", Keys.ENTER)
        self.assertEqual(li.texts("#room-error"), ["房间名太长：最多 54 个汉字，或者 164 个英文字母。"])
        self.assertEqual(li.texts("#name-error"), [""])

    def test_the_name_of_a_room_is_as_long_as_the_server_takes_it(self):
        ann = self.session("a")
        words = "That room name is too long: 164 letters without accents are the most, or 54 Chinese characters."
        for room in ("字" * 55, "🐙" * 41 + "x", "x" * 165):
            with self.subTest(room=room):
                ann.open(f"{self.server.page}?room={quote(room)}")
                ann.find("#name").send_keys("Ann", Keys.ENTER)
                self.assertEqual(ann.texts("#room-error"), [words])
                self.assertEqual(ann.texts("#name-error"), [""])
                self.assertEqual((ann.state, ann.active), ("idle", "room"))
        ann.find("#room").send_keys(Keys.END, Keys.BACKSPACE)
        self.assertEqual(ann.texts("#room-error"), [""])
        ann.find("#room").send_keys(Keys.ENTER)
        ann.until_state("on")
        for room in ("字" * 54 + "xx", "🐙" * 41):
            with self.subTest(room=room):
                ann.join(f"{self.server.page}?room={quote(room)}", "Ann")
                self.assertEqual(ann.find("#room-name").text, room)


class HostileInput(RoomCase):
    def test_messages_are_shown_as_exactly_what_was_typed(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        for text in HOSTILE:
            with self.subTest(text=text[:60]):
                ann.say(text)
                bob.until_said(text)
                ann.until_said(text)
        self.assertEqual(ann.texts("#log .msg .body"), HOSTILE)
        for session in (ann, bob):
            self.assertEqual(session.all("#log img, #log svg:not(.icon), #log script, #log a, #log b"), [])
            self.assertEqual(session.complaints, [])

    def test_names_are_shown_as_exactly_what_was_typed(self):
        bob = self.join("b", "Bob")
        names = [IMAGE, "<b>&amp;</b> & 'x'", "</script><script>alert(1)", "{{7*7}}", "a\\'b"]
        for name in names:
            with self.subTest(name=name):
                ann = self.join("a", name)
                self.assertEqual(ann.texts("#members .name")[0], name)
                bob.until_text("#members .name", name)
                bob.until_text("#log .line bdi", name)
                ann.say(f"I am {name}")
                bob.until_said(f"I am {name}")
                self.assertIn(name, bob.texts("#log .msg .who"))
                bob.write_to(name)
                bob.say(f"only for {name}")
                ann.until_said(f"only for {name}")
                # The two pages get their copies on their own: that Ann has hers says nothing of Bob's.
                bob.until_text("#log .mark span", f"Private to {name}")
                bob.find("#to-all").click()
        self.assertEqual(bob.all("#log img, #log script, #log b, #members img, #members b"), [])
        self.assertEqual(bob.complaints, [])

    def test_what_travels_fullwidth_in_a_name_is_shown_as_it_was_typed(self):
        name = '" onmouseover="alert(1) <R&D> & &lt'
        ann = self.join("a", name)
        self.assertEqual(ann.texts("#members .name"), [name])
        travelled = "\uff02 onmouseover=\uff02alert(1) \uff1cR\uff06D\uff1e &amp; \uff06lt"
        self.assertEqual([push["name"] for push in ann.pushes if push.get("type") == "madd"][-1], travelled)

    def test_what_other_pages_send_stays_text(self):
        bob = self.join("b", "Bob")
        stranger = self.stranger("a", "old & page")
        bob.until_text("#members .name", "old & page")
        sent = {
            "<img src='face/7.gif'>": "<img src='face/7.gif'>",
            "&lt;b&gt;already escaped&lt;/b&gt;": "<b>already escaped</b>",
            "a & b &copy; &amp;lt;": "a & b &copy; &lt;",
        }
        for text, shown in sent.items():
            with self.subTest(text=text):
                self.utter(stranger, text, qqnum="7", avatar='"><img src=x onerror=alert(1)>')
                bob.until_said(shown)
        self.assertEqual(bob.all("#log img, #log b"), [])

    def test_a_long_text_and_a_picture_do_not_flood_the_screen(self):
        bob = self.join("b", "Bob")
        stranger = self.stranger("a")
        self.utter(stranger, "line\n" * 400)
        bob.until("return document.querySelectorAll('#log .msg').length === 1", "the long text")
        self.assertLess(bob.run("return document.querySelector('.msg').offsetHeight"), 260)
        more = bob.find("#log .bubble .quiet")
        self.assertEqual(more.get_attribute("aria-expanded"), "false")
        more.click()
        self.assertGreater(bob.run("return document.querySelector('.msg').offsetHeight"), 2000)
        more.click()
        self.utter(stranger, "<img src=" + "A" * 600_000)
        bob.until("return document.querySelectorAll('#log .msg').length === 2", "the endless text")
        self.assertLess(len(bob.texts("#log .body")[1]), 20_100)
        stranger.run(
            """
            const canvas = document.createElement('canvas');
            canvas.width = 64; canvas.height = 48;
            window.stranger.send('nr=' + canvas.toDataURL('image/png') + '&key=all');
            """
        )
        bob.until_text("#log .bubble .quiet", "Show picture")
        self.assertEqual(bob.all("#log img"), [], "a picture is unpacked on demand only")
        bob.driver.execute_script("arguments[0].click()", bob.all("#log .bubble .quiet")[-1])
        bob.until("return document.querySelector('#log img')?.naturalWidth === 64", "the picture")
        self.assertEqual(bob.complaints, [])

    def test_web_addresses_become_links_that_tell_nothing_and_nothing_else_does(self):
        ann = self.join("a", "Ann")
        ann.say(
            "see https://example.org/a_(b)?x=1&y=<2>, (http://example.com). "
            "javascript:alert(1) ftp://example.org data:,x"
        )
        ann.until("return document.querySelectorAll('#log .msg a').length === 2", "two links")
        self.assertEqual(ann.texts("#log .msg a"), ["https://example.org/a_(b)?x=1&y=", "http://example.com"])
        for link in ann.all("#log .msg a"):
            self.assertEqual(link.get_attribute("rel"), "noopener noreferrer nofollow")
            self.assertEqual(link.get_attribute("target"), "_blank")

    def test_nothing_is_loaded_from_elsewhere_and_the_policy_refuses_nothing(self):
        ann = self.join("a", "Ann")
        ann.say("https://example.org/picture.png")
        ann.until_said("https://example.org/picture.png")
        ann.drain()
        self.assertTrue(ann.requests)
        self.assertEqual([url for url in ann.requests if not url.startswith((self.server.page, "data:", "about:"))], [])
        self.assertEqual(ann.complaints, [])

    def test_the_policy_of_the_page_stops_inline_script_and_markup(self):
        ann = self.join("a", "Ann")
        refused = ann.run(
            """
            const script = document.createElement('script');
            script.append('window.ran = 1');
            let refused = 0;
            try { document.body.append(script); } catch { refused += 1; }
            try { document.body.innerHTML += '<i></i>'; } catch { refused += 1; }
            return [window.ran ?? null, refused > 0, document.querySelector('i') === null];
            """
        )
        self.assertEqual(refused, [None, True, True])
        ann.forget()


class Connection(RoomCase):
    def test_a_restart_of_the_server_is_told_and_everybody_joins_again(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        ann.say("before")
        bob.until_said("before")
        codes = {ann.code(), bob.code()}
        self.server.stop()
        for session in (ann, bob):
            session.until_state("waiting", "connecting")
            session.until("return !document.querySelector('#notice').hidden", "the notice")
        ann.until(
            "return /^Reconnecting in \\d+ s$/.test(document.querySelector('#state-text').textContent)", "the seconds"
        )
        ann.type("written without a connection")
        ann.find("#text").send_keys(Keys.ENTER)
        self.assertEqual(ann.find("#text").get_attribute("value"), "written without a connection")
        self.assertIn("Not connected", ann.find("#hint").text)
        self.server.start()
        for session in (ann, bob):
            session.until_state("on")
            session.until_text("#log .line > span", "Connected again.")
            session.until_text("#log .line > span", "Messages may be missing here: the server has started anew.")
            until(lambda: sorted(session.texts("#members .name")) == ["Ann", "Bob"], "both in the list")
            self.assertTrue(session.run("return document.querySelector('#notice').hidden"))
        self.assertFalse(codes & {ann.code(), bob.code()}, "the codes are new ones")
        self.assertEqual(ann.find("#hint").text, "")
        ann.find("#text").send_keys(Keys.ENTER)
        bob.until_said("written without a connection")

    def test_a_message_that_was_not_confirmed_stays_in_view_until_it_turns_out_to_have_arrived(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        self.server.signal(signal.SIGSTOP)
        ann.say("into the silence")
        self.assertEqual(ann.texts("#outbox .body"), ["into the silence"])
        self.assertEqual(ann.texts("#log .msg"), [])
        # No answer within its deadline: the page gives the connection up by itself.
        until(lambda: ann.all("#outbox .failed"), "the message marked as not confirmed")
        self.assertIn("may not have arrived", ann.find("#outbox .fate").text)
        self.server.signal(signal.SIGCONT)
        # The server had it all the time, and the page that comes back gets it with what was missed.
        ann.until_state("on")
        until(lambda: ann.texts("#log .msg.mine .body") == ["into the silence"], "the message, as its writer's own")
        self.assertEqual(ann.texts("#outbox .msg"), [])
        bob.until_said("into the silence")
        self.assertEqual(bob.said, ["into the silence"])

    def test_the_browser_going_offline_makes_the_page_ask_instead_of_guess(self):
        ann = self.join("a", "Ann")
        ann.run("dispatchEvent(new Event('offline'))")
        until(lambda: any(push.get("type") == "error" for push in ann.pushes), "the answer to the question")
        ann.until_state("on")
        self.assertEqual(ann.texts("#log .line"), [], "the answer to the question is nobody's business")
        self.server.signal(signal.SIGSTOP)
        try:
            ann.run("dispatchEvent(new Event('offline'))")
            ann.until_state("checking")
            ann.until_state("waiting", "offline")
        finally:
            self.server.signal(signal.SIGCONT)
        ann.run("dispatchEvent(new Event('online'))")
        ann.until_state("on")

    def test_offline_is_shown_and_ends_with_the_network(self):
        ann = self.join("a", "Ann")
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        ann.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **network})
        try:
            ann.run("sockets.at(-1).close()")
            ann.until_state("offline")
            self.assertEqual(ann.find("#state-text").text, "Offline")
        finally:
            ann.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **network})
        ann.until_state("on")

    def test_retries_are_spread_by_full_jitter_below_a_doubling_bound(self):
        ann = self.join("a", "Ann")
        # The page's own waits: what it hands to setTimeout for its next connection.
        ann.run(
            """
            window.waits = [];
            Math.random = () => 1;
            const later = window.setTimeout;
            window.setTimeout = (act, wait, ...rest) => {
                if (act.name === 'connect') { window.waits.push(wait); wait = 0; }
                return later(act, wait, ...rest);
            };
            """
        )
        self.server.stop()
        waits = ann.until("return window.waits.length >= 8 && window.waits.slice(0, 8)", "eight retries")
        self.server.start()
        ann.until_state("on")
        self.assertEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000])

    def test_an_error_of_the_server_is_shown_and_the_message_kept(self):
        ann = self.join("a", "Ann")
        ann.run("sockets.at(-1).send('nr=x&key=z0')")
        ann.until("return document.querySelectorAll('#log .line.alert').length === 1", "the error as a line")
        # The addressee leaves while the message is on its way: the push that tells it is held back here.
        bob = self.join("b", "Bob")
        ann.write_to("Bob")
        ann.run(
            "sockets.at(-1).addEventListener('message', (event) => { if (event.data.includes('rmove'))"
            " { event.stopImmediatePropagation(); window.held = true; } }, { capture: true });"
            "const socket = sockets.at(-1), send = socket.send;"
            "socket.send = (data) => send.call(socket, data.replace(/key=[a-z0-9]+/, 'key=z0'));"
        )
        ann.say("to nobody")
        until(lambda: ann.all("#outbox .failed"), "the message marked as not sent")
        self.assertIn("Not sent", ann.find("#outbox .fate").text)
        self.assertFalse([frame for frame in bob.received if "nobody" in frame])
        ann.all("#outbox .fate button")[1].click()
        self.assertEqual(ann.texts("#outbox .msg"), [])


class Comfort(RoomCase):
    def test_the_title_counts_what_came_while_the_page_was_hidden(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        self.assertEqual(ann.driver.title, f"{self.room} · Parley")
        ann.driver.minimize_window()
        try:
            ann.until("return document.hidden", "the page out of sight")
            bob.say("one")
            bob.say("two")
            ann.until_said("two")
            self.assertEqual(ann.driver.title, f"(2) {self.room} · Parley")
        finally:
            ann.driver.set_window_rect(0, 0, 1200, 820)
        ann.until("return !document.hidden", "the page in sight")
        ann.until(f"return document.title === {json.dumps(self.room + ' · Parley')}", "the title without a count")

    def test_the_invite_link_leads_into_the_same_room(self):
        ann = self.join("a", "Ann")
        ann.driver.execute_cdp_cmd(
            "Browser.grantPermissions",
            {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": self.server.page},
        )
        ann.find("#invite-open").click()
        link = ann.find("#invite-link").get_attribute("value")
        self.assertEqual(link, self.page)
        self.assertTrue(ann.find("#invite-tip").is_displayed(), "127.0.0.1 can not be reached by others")
        ann.find("#copy").click()
        ann.until("return document.querySelector('#copy').textContent === 'Copied'", "the answer of the button")
        copied = ann.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])")
        self.assertEqual(copied, link)
        ann.find("#invite-close").click()
        bob = self.session("b").join(link, "Bob")
        ann.until_text("#members .name", "Bob")
        self.assertEqual(bob.find("#room-name").text, self.room)

    def test_the_link_can_be_copied_where_the_clipboard_is_closed(self):
        ann = self.join("a", "Ann")
        ann.run("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        ann.find("#invite-open").click()
        ann.find("#copy").click()
        answers = ["Copied", "Press Ctrl+C or ⌘C"]
        ann.until("return arguments[0].includes(document.querySelector('#copy').textContent)", "an answer", answers)

    def test_the_name_is_remembered(self):
        self.join("a", "Ann Émilie").open(self.page)
        self.assertEqual(self.session("a").find("#name").get_attribute("value"), "Ann Émilie")

    def test_the_page_works_without_storage(self):
        ann = self.session("a")
        script = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } })"
        handle = ann.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        try:
            ann.join(self.page, "Ann").say("hello")
            ann.until_said("hello")
        finally:
            ann.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", handle)

    def test_names_that_will_not_do_are_answered_in_the_card(self):
        ann = self.session("a")
        ann.open(self.page)
        for name, answer in (("", "Please enter a name."), ("   ", "Please enter a name."), ("n" * 65, "65")):
            with self.subTest(name=name):
                ann.find("#name").clear()
                ann.find("#name").send_keys(name, Keys.ENTER)
                self.assertIn(answer, ann.find("#name-error").text)
                self.assertEqual(ann.state, "idle")
        ann.find("#name").send_keys(Keys.ESCAPE, Keys.ESCAPE)
        self.assertTrue(ann.run("return document.querySelector('#entry').open"))
        ann.run("document.querySelector('#name').value = arguments[0]", "🐙" * 64)
        ann.find("#name").send_keys(Keys.ENTER)
        ann.until_state("on")

    def test_a_message_that_is_too_long_stays_in_the_box_with_the_reason(self):
        ann = self.join("a", "Ann")
        ann.say("字" * 5003)
        self.assertEqual(ann.find("#hint").text, "Too long by 3: a message can have 5000 characters.")
        self.assertEqual(len(ann.find("#text").get_attribute("value")), 5003)
        self.assertEqual(ann.texts("#outbox .msg"), [])
        ann.say("字" * 5000)
        ann.until_said("字" * 5000)
        self.assertEqual(ann.find("#hint").text, "")

    def test_it_scrolls_along_only_when_the_newest_message_is_in_view(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        bob.say("tall\n" * 14 + "text")
        bob.say("tall\n" * 14 + "text, too")
        ann.until("return document.querySelectorAll('#log .msg').length === 2", "two messages")
        gap = (
            "const s = document.querySelector('#scroll');"
            "return Math.abs(s.scrollHeight - s.scrollTop - s.clientHeight) < 4"
        )
        ann.until(gap, "the newest message in view")
        ann.run("document.querySelector('#scroll').scrollTop = 0")
        ann.until("return !document.querySelector('#jump').hidden", "the way back")
        bob.say("news")
        ann.until_text("#jump-text", "1 new message")
        self.assertEqual(ann.run("return document.querySelector('#scroll').scrollTop"), 0)
        ann.find("#jump").click()
        ann.until(gap, "the newest message in view")
        ann.until("return document.querySelector('#jump').hidden", "the button gone")

    def test_it_keeps_a_thousand_messages_and_no_more(self):
        ann = self.join("a", "Ann")
        ann.run(
            """
            for (let i = 0; i < 1300; i += 1) {
                const data = { nrong: `n ${i}`, code1: 'all', code: 'zz', time: '01-01 00:00:00', msgid: `${i}` };
                sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: JSON.stringify(data) }));
            }
            """
        )
        ann.until("return document.querySelectorAll('#log > *').length === 1000", "what is kept")
        self.assertEqual(ann.said[-1], "n 1299")
        self.assertEqual(ann.texts("#log .body")[-1], "n 1299")
        self.assertFalse(ann.run("return document.querySelector('#log > *').classList.contains('cont')"))

    def test_everything_is_reached_by_keyboard(self):
        bob = self.join("b", "Bob")
        ann = self.session("a")
        ann.open(self.page)

        def press(*keys):
            ActionChains(ann.driver).send_keys(*keys).perform()

        def tab_to(condition, what):
            for _ in range(20):
                press(Keys.TAB)
                if ann.run(f"const e = document.activeElement; return {condition}"):
                    shown = ann.run("return getComputedStyle(document.activeElement).outlineStyle")
                    self.assertNotEqual(shown, "none", f"the focus on {what} is visible")
                    return
            self.fail(f"{what} is not reached")

        self.assertEqual(ann.active, "name")
        press("Ann", Keys.ENTER)
        ann.until_state("on")
        self.assertEqual(ann.active, "text")
        ActionChains(ann.driver).send_keys("one").key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(
            Keys.SHIFT
        ).send_keys("two", Keys.ENTER).perform()
        bob.until_said("one\ntwo")
        tab_to("e.matches('button.member')", "a person in the list")
        press(Keys.ENTER)
        self.assertEqual(ann.active, "text")
        press("whisper", Keys.ENTER)
        bob.until("return document.querySelector('.msg.private .body')?.textContent === 'whisper'", "the whisper")
        tab_to("e.id === 'rename'", "the change of name")
        press(Keys.ENTER)
        self.assertEqual(ann.active, "name")
        press(Keys.ESCAPE)
        ann.until("return !document.querySelector('#entry').open", "the card closed")
        tab_to("e.id === 'invite-open'", "the invitation")
        press(Keys.ENTER)
        ann.until("return document.querySelector('#invite').open", "the invitation open")
        press(Keys.ESCAPE)
        ann.until("return !document.querySelector('#invite').open", "the invitation closed")
        self.assertEqual(ann.active, "invite-open")

    def test_the_drawer_on_a_phone_opens_closes_and_gives_the_focus_back(self):
        self.join("b", "Bob")
        ann = self.join("a", "Ann")
        ann.look(phone=True)
        self.assertFalse(ann.find("#members").is_displayed())
        opener = ann.find("#people-open")
        self.assertEqual(opener.get_attribute("aria-label"), "People here: 2")
        opener.click()
        ann.until("return document.activeElement.id === 'people-close'", "the focus in the drawer")
        self.assertEqual(opener.get_attribute("aria-expanded"), "true")
        self.assertTrue(ann.run("return document.querySelector('.talk').inert"))
        ActionChains(ann.driver).send_keys(Keys.ESCAPE).perform()
        self.assertEqual(ann.active, "people-open")
        self.assertEqual(opener.get_attribute("aria-expanded"), "false")
        opener.click()
        ann.look(phone=True)
        ann.find("#members button.member").click()
        self.assertEqual(ann.active, "text")
        self.assertFalse(ann.run("return document.querySelector('.talk').inert"))
        width = ann.run("return [document.documentElement.scrollWidth, innerWidth]")
        self.assertEqual(*width, "nothing is wider than the phone")

    def test_a_screen_reader_finds_its_way(self):
        ann = self.join("a", "Ann")
        self.assertEqual(ann.find("html").get_attribute("lang"), "en")
        log = ann.find("[role=log]")
        self.assertEqual((log.get_attribute("aria-live"), log.get_attribute("aria-label")), ("polite", "Messages"))
        self.assertTrue(ann.all("main, header") and ann.all("[role=status]"))
        nameless = ann.run(
            """
            return [...document.querySelectorAll('button, input, select, textarea')].filter((e) =>
                e.checkVisibility() && !e.labels?.length && !e.getAttribute('aria-label')?.trim() && !e.innerText.trim()
            ).map((e) => e.id || e.outerHTML);
            """
        )
        self.assertEqual(nameless, [])

    def test_every_text_is_legible_in_light_and_dark(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        ann.say("Have a look at https://example.org/")
        bob.say("hello")
        ann.write_to("Bob")
        ann.say("private")
        bob.until_said("private")
        ann.until_said("hello")
        for scheme in ("light", "dark"):
            with self.subTest(scheme=scheme):
                ann.look(scheme)
                self.assertEqual(ann.run(CONTRAST), [])

    def test_chinese_by_the_language_of_the_browser(self):
        li = self.join("zh", "李雷", "zh-CN")
        self.assertEqual(li.find("html").get_attribute("lang"), "zh-CN")
        self.assertEqual(li.find("#state-text").text, "已连接")
        self.assertEqual(li.find("#text").get_attribute("placeholder"), "发消息给所有人")
        ann = self.join("a", "Ann")
        li.until_text("#log .line > span", "Ann 加入了房间")
        ann.say("hello")
        li.until_said("hello")
        rest = li.run(
            """
            const words = [];
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                const text = walk.currentNode;
                if (!text.parentElement.closest('noscript, bdi, .body, #room-name')) words.push(text.data);
            }
            for (const e of document.querySelectorAll('[aria-label], [title], [placeholder]'))
                if (!e.closest('time')) words.push(e.ariaLabel ?? '', e.title, e.placeholder ?? '');
            return words.filter((word) => /[a-z]{3}/i.test(word));
            """
        )
        allowed = re.compile(r"--host 0\.0\.0\.0|Ann|^#")
        self.assertEqual([word for word in rest if not allowed.search(word)], [])

    def test_both_languages_have_the_same_words(self):
        source = "".join(script.read_text() for script in sorted(PAGE.glob("*.js")))
        tables = re.findall(r"^    (en|zh): \{\n(.*?)^    \},", source, re.S | re.M)
        entries = {name: dict(re.findall(r'^        (\w+): "(.*)",$', table, re.M)) for name, table in tables}
        self.assertEqual(entries["en"].keys(), entries["zh"].keys())
        for key, english in entries["en"].items():
            holes = [sorted(re.findall(r"\{\w+\}", entries[name][key])) for name in ("en", "zh")]
            self.assertEqual(*holes, key)
        used = set(re.findall(r'(?:say|put|button|addLine)\([^;\n]*?"(\w+)"', source))
        self.assertTrue(used & entries["en"].keys())


# Elements with text of their own whose colours are nearer than WCAG 2.2 AA allows (4.5 to 1).
CONTRAST = """
const channel = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
function behind(element) {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
        const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
        layers.push([r, g, b, a]);
        if (a === 1) break;
    }
    const over = (under, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + (under[i] ?? 255) * (1 - a));
    return layers.reverse().reduce(over, []);
}
const found = [];
for (const element of document.querySelectorAll('.app *')) {
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('[aria-disabled=true], select')) continue;
    if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (one + .05) / (two + .05);
    if (ratio < 4.5) found.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)} ${element.textContent}`);
}
return found;
"""


class Screenshots(RoomCase):
    """Pictures for people to look at, in Compliance/results."""

    def setUp(self):
        super().setUp()
        self.room = "garden" if "english" in self._testMethodName else "saturday"
        self.page = f"{self.server.page}?room={self.room}"

    def talk(self, host, guest, lines):
        for speaker, text in lines:
            {"host": host, "guest": guest}[speaker].say(text)
            for session in (host, guest):
                session.until_said(text)

    def test_english(self):
        ann = self.session("a")
        ann.open(self.page)
        ann.shoot("entry")
        self.join("a", "Mara Lind")
        ann.shoot("empty")
        bob = self.join("b", "Tomás")
        self.join("c", "李雷")
        self.talk(
            ann,
            bob,
            [
                ("guest", "Morning! Is the new room open to everybody?"),
                ("host", "It is: whoever has the link can join. Nothing to sign up for."),
                ("host", "The plan for Saturday is at https://example.org/garden/plan"),
                ("guest", IMAGE),
                ("guest", "… and that is just text here, as it should be."),
            ],
        )
        ann.write_to("Tomás")
        self.talk(ann, bob, [("host", "Shall we bring cake as a surprise?")])
        bob.write_to("Mara Lind")
        self.talk(ann, bob, [("guest", "Yes! I will bake on Friday.")])
        ann.shoot("desktop")
        ann.look("dark")
        ann.shoot("desktop-dark")
        ann.find("#to-all").click()
        ann.look("light", phone=True)
        ann.shoot("phone")
        ann.find("#people-open").click()
        ann.look("light", phone=True)
        ann.shoot("phone-people")
        ann.find("#people-close").click()
        ann.look("dark", phone=True)
        ann.shoot("phone-dark")
        ann.find("#invite-open").click()
        ann.look("light", phone=True)
        ann.shoot("phone-invite")
        ann.find("#invite-close").click()
        ann.look()
        self.server.stop()
        ann.until_state("waiting")
        until(lambda: ann.find("#notice").is_displayed(), "the notice")
        ann.type("I will send this as soon as we are back.")
        ann.shoot("reconnecting")
        self.server.start()
        ann.until_state("on")

    def test_chinese(self):
        li = self.session("zh", "zh-CN")
        li.open(self.page)
        li.shoot("chinese-entry")
        self.join("zh", "李雷", "zh-CN")
        han = self.join("b", "韩梅梅")
        self.join("c", "Mara")
        self.talk(
            li,
            han,
            [
                ("guest", "大家好！周六的活动还有名额吗？"),
                ("host", "有的，把链接发给朋友就能进来，不用注册。"),
                ("host", "计划在这里：https://example.org/plan，欢迎提意见。"),
                ("guest", "太好了，我带上相机。"),
            ],
        )
        li.write_to("韩梅梅")
        self.talk(li, han, [("host", "蛋糕的事先别告诉别人。")])
        li.shoot("chinese")
        li.look("dark", phone=True)
        li.shoot("chinese-phone-dark")


if __name__ == "__main__":
    unittest.main()
