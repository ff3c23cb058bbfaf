"""What a stranger in the room can make another reader's page do: little work for each message, and little kept."""

import json
import subprocess
import unittest

from support import REPOSITORY, RoomCase, WAIT

PAGE = REPOSITORY / "Sources" / "ParleyServer" / "Page"

# Texts on which a careless pattern takes the square of their length, or more. Seconds for one of each, before: 38, 4,
# 1, 1.
FREEZING = {
    "spaces in a picture": "data:image/png;base64," + " " * 320_000 + "!",
    "brackets after an address": "http://a" + ")" * 19_900,
    "full stops inside an address": "http://a" + "." * 19_900 + "a",
    "a host name of many letters": "http://" + "".join(chr(0x4E00 + i) for i in range(19_900)),
    "many addresses": "http://a) " * 1_990,
    "an address in an address": "http://" * 2_800,
    "entities": "&amp;" * 60_000,
    "marks without a letter": "a" + "\u0323\u0300" * 9_000,
}

# Notes the longest time for which the page did not answer its own timer.
CANARY = """
window.gap = 0;
let last = performance.now();
setInterval(() => { const now = performance.now(); window.gap = Math.max(window.gap, now - last); last = now; }, 20);
"""


class Freezing(RoomCase):
    def test_no_text_freezes_a_page(self):
        """Ten of each: before, a page stood still for seven minutes, and again after a reload."""
        ann = self.join("a", "Ann")
        stranger = self.stranger("s")
        for what, text in FREEZING.items():
            with self.subTest(what):
                ann.run(CANARY)
                for _ in range(2 if len(text) > 100_000 else 10):
                    self.utter(stranger, text)
                self.utter(stranger, what)
                ann.until_said(what)
                # No matter of speed: a slow machine draws all of this in a second, a frozen page stands for minutes.
                self.assertLess(ann.run("return window.gap"), 10_000)
        ann.reload()
        ann.until_said("marks without a letter")


class Floods(RoomCase):
    # Hands the page many pushes at once, as a burst from the network comes, and counts what it builds for them.
    BURST = """
    const [pushes, done] = arguments;
    const counts = { log: 0, members: 0, to: 0, most: 0 };
    const watch = (id) => new MutationObserver((records) => {
        let added = 0;
        for (const record of records) added += record.addedNodes.length;
        counts[id] += added;
        if (id !== "to") counts.most = Math.max(counts.most, added);
    }).observe(document.getElementById(id), { childList: true });
    ["log", "members", "to"].forEach(watch);
    for (const push of pushes)
        sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: JSON.stringify(push) }));
    // Whatever the page puts off is done when nothing has come for two seconds, by its last resort of a timer too.
    let before = "";
    const timer = setInterval(() => {
        const now = JSON.stringify(counts);
        if (now !== before) return void (before = now);
        clearInterval(timer);
        done(counts);
    }, 2000);
    """

    def burst(self, session, pushes):
        session.driver.set_script_timeout(120)
        return session.driver.execute_async_script(self.BURST, pushes)

    def test_a_flood_of_messages_is_drawn_once_a_frame_and_only_what_the_log_holds(self):
        ann = self.join("a", "Ann")
        said = [
            {"nrong": f"n {i}", "code1": "all", "code": "zz", "time": "01-01 00:00:00", "msgid": str(i)}
            for i in range(5000)
        ]
        counts = self.burst(ann, said)
        self.assertEqual(counts["log"], 1000)
        self.assertLessEqual(counts["most"], 50, "rows made in one frame")
        self.assertEqual(ann.said, [f"n {i}" for i in range(4000, 5000)])
        # Whoever scrolled up and reads is not pulled down; what is new is counted.
        ann.run("document.querySelector('#scroll').scrollTop = 0")
        ann.until("return !document.querySelector('#jump').hidden", "the way back")
        self.burst(ann, said[:300])
        ann.until_text("#jump-text", "300 new messages")

    def test_a_thousand_members_come_and_go_and_the_page_draws_who_is_there(self):
        ann = self.join("a", "Ann")
        add = lambda i: {"type": "add", "name": f"member {i % 500}", "code1": "all", "code": f"m{i}", "time": ""}
        leave = lambda i: {"type": "rmove", "nrong": f"m{i}", "code1": "all", "code": False, "time": ""}
        come = [add(i) for i in range(1000)]
        counts = self.burst(ann, [*come, *map(leave, range(1000)), *come])
        self.assertEqual(ann.find("#count").text, "1001")
        self.assertLessEqual(counts["log"], 1000)
        self.assertEqual(counts["members"], 1000, "a row for each who is there")
        self.assertLessEqual(counts["most"], 50, "rows made in one frame")
        self.assertEqual(counts["to"], 1000, "an addressee for each who is there")
        self.assertEqual(len(ann.texts("#members .tag")), 1000, "each of two with one name has a tag")
        self.assertEqual(ann.texts("#members .name")[:3], ["Ann", "member 0", "member 1"])
        counts = self.burst(ann, [leave(i) for i in range(999)])
        self.assertEqual(ann.texts("#members .name"), ["Ann", "member 499"])
        self.assertEqual(ann.texts("#members .tag"), [])
        self.assertEqual(counts["members"], 0)
        self.assertEqual(ann.texts("#to option"), ["Everyone", "member 499"])

    def test_a_hidden_page_keeps_no_more_than_a_visible_one(self):
        ann = self.join("a", "Ann")
        # A page that is hidden has no frames.
        ann.run("window.frames_ = window.requestAnimationFrame; window.requestAnimationFrame = () => 0")
        self.addCleanup(ann.run, "window.requestAnimationFrame = window.frames_")
        counts = self.burst(
            ann,
            [{"nrong": f"n {i}", "code1": "all", "code": "zz", "time": "", "msgid": str(i)} for i in range(3000)],
        )
        self.assertLessEqual(counts["log"], 1000)
        # What is in view comes first, however much is still to be drawn.
        self.assertEqual(ann.said[-50:], [f"n {i}" for i in range(2950, 3000)])
        ann.run("window.requestAnimationFrame = window.frames_")
        ann.until("return document.querySelectorAll('#log .msg').length === 1000", "everything that is kept")
        self.assertEqual(ann.said, [f"n {i}" for i in range(2000, 3000)])

    # 150 pushes every 20 ms for a second, messages and changes of names; then whether the end is in view.
    FLOOD = """
    const [done] = arguments;
    const push = (value) => sockets.at(-1).dispatchEvent(new MessageEvent('message', { data: JSON.stringify(value) }));
    let most = 0;
    new MutationObserver((records) => {
        most = Math.max(most, records.reduce((sum, record) => sum + record.addedNodes.length, 0));
    }).observe(document.getElementById('log'), { childList: true });
    let turn = 0;
    const timer = setInterval(() => {
        for (let i = 0; i < 50; i += 1) {
            const code = `f${i}`;
            push({ type: 'rmove', nrong: code, code1: 'all', code: false, time: '' });
            push({ type: 'add', name: `name ${i} ${turn}`, code1: 'all', code, time: '' });
            // Long ones leave as short ones come: the log gets shorter as well as longer.
            const nrong = `n ${turn} ${i} ${'long '.repeat(turn % 10 ? 0 : 200)}`;
            push({ nrong, code1: 'all', code, time: '', msgid: '' });
        }
        if ((turn += 1) < 50) return;
        clearInterval(timer);
        setTimeout(() => {
            const scroll = document.getElementById('scroll');
            const below = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
            done([most, below, document.getElementById('jump').hidden, turn]);
        }, 1000);
    }, 20);
    """

    def test_a_flood_of_messages_and_names_does_not_lose_the_end_of_the_log(self):
        ann = self.join("a", "Ann")
        ann.driver.set_script_timeout(120)
        most, below, following, turns = ann.driver.execute_async_script(self.FLOOD)
        self.assertEqual(turns, 50)
        self.assertLessEqual(most, 50, "rows made in one frame")
        self.assertLess(below, 40, "pixels between what is shown and the newest message")
        self.assertTrue(following, "a way back is offered to a reader who never left the end")
        ann.until_said("n 49 49 ")


# What scan.js finds, as plain as it can be said. The addresses have no brackets and no punctuation.
SCAN = """
import { linksIn, pictureIn } from "./scan.js";
const results = JSON.parse(process.argv[1]).map(([what, text]) => what === "picture" ? pictureIn(text) : linksIn(text));
console.log(JSON.stringify(results));
"""


def scan(cases):
    command = ["node", "--input-type=module", "--eval", SCAN.replace("./scan.js", (PAGE / "scan.js").as_uri()), "-"]
    command[-1] = json.dumps(cases)
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=WAIT).stdout)


class Scanners(unittest.TestCase):
    def test_pictures_are_found_and_nothing_else(self):
        head = "data:image/png;base64,"
        cases = {
            head + "AAA/": head + "AAA/",
            head + "A +A": head + "A++A",
            head + "AA==": head + "AA==",
            head + "AA== ": head + "AA==",
            head + "AA =": head + "AA+=",
            head: None,
            head + "==": None,
            head + "  ": None,
            head + "A=A": None,
            head + "A= =": None,
            head + "AA\n": None,
            head + "AA<": None,
            "data:image/webp;base64,AA": "data:image/webp;base64,AA",
            "data:image/svg+xml;base64,AA": None,
            " " + head + "AA": None,
            "DATA:image/png;base64,AA": None,
        }
        self.assertEqual(scan([["picture", text] for text in cases]), list(cases.values()))

    def test_addresses_end_where_a_reader_would_end_them(self):
        def link(text):
            return {"text": text, "href": text if text.count("/") > 2 else text + "/"}

        a = "https://example.org"
        cases = {
            "no address": ["no address"],
            f"see {a}.": ["see ", link(a), "."],
            f"({a}/b_(c))": ["(", link(f"{a}/b_(c)"), ")"],
            f"({a}/b_(c).)": ["(", link(f"{a}/b_(c)"), ".)"],
            f"{a}/x?y=1&z=[2]!?": ["", link(f"{a}/x?y=1&z=[2]"), "!?"],
            f"{a}/\u3002": ["", link(f"{a}/"), "\u3002"],
            f"<{a}/> \"{a}/\"": ["<", link(f"{a}/"), "> \"", link(f"{a}/"), "\""],
            "xhttp://a http:// https://": ["xhttp://a http:// https://"],
            "http://[ http://a/": ["http://[ ", link("http://a/"), ""],
            "javascript://x http:x": ["javascript://x http:x"],
            "http://a/" + "x" * 1991: ["", link("http://a/" + "x" * 1991), ""],
            "http://a/" + "x" * 1992: ["http://a/" + "x" * 1992],
        }
        for text, (expected, found) in zip(cases, zip(cases.values(), scan([["links", text] for text in cases]))):
            with self.subTest(text[:60]):
                self.assertEqual(found, expected)
                self.assertEqual("".join(p if isinstance(p, str) else p["text"] for p in found), text)
        many = scan([["links", "http://a/ " * 300]])[0]
        self.assertEqual(sum(isinstance(part, dict) for part in many), 100)

    def test_the_page_repeats_nothing_in_a_pattern_for_what_strangers_send(self):
        """Of two repetitions that can take the same text, or one that may begin anywhere, only these are harmless."""
        harmless = {r"/^(localhost|127\.[\d.]+|\[::1\])$/", r"/\{(\w+)\}/", r"/\{(\w+)\}/g"}  # the page's own words
        for script in sorted(PAGE.glob("*.js")):
            patterns = subprocess.run(
                ["node", "--eval", PATTERNS, script], check=True, capture_output=True, text=True
            ).stdout.splitlines()
            for pattern in patterns:
                with self.subTest(script=script.name, pattern=pattern):
                    self.assertTrue(pattern in harmless or not repeats(pattern))


# Regular expressions, told from divisions by what stands before them.
PATTERNS = r"""
const text = require("fs").readFileSync(process.argv[1], "utf8").replace(/^\s*\/\/.*$/gm, "");
const pattern = /(?<=[(,=:?&|!\[]\s*|return )(\/(?![\/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\/\\\n\[])+\/[a-z]*)/g;
for (const [, found] of text.matchAll(pattern)) console.log(found);
"""


def repeats(pattern):
    """Whether a pattern has `*`, `+` or `{n,}` outside its classes."""
    inside = False
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            # A class by its property has its name in braces.
            position += 2 if pattern[position + 1] not in "pP" else pattern.index("}", position) + 1 - position
            continue
        if character == "[":
            inside = True
        elif character == "]":
            inside = False
        elif not inside and character in "*+{":
            return True
        position += 1
    return False


if __name__ == "__main__":
    unittest.main()
