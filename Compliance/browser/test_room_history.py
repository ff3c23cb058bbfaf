"""What the page shows of what was said before it came, and while it was cut off. See support.py for what it takes."""

import re
import unittest

from selenium.webdriver.common.keys import Keys

from far import FarCase
from support import REPOSITORY, until


class Reload(FarCase):
    def test_a_reload_shows_the_talk_with_everybody_in_place(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob & <b>")
        talk = [(ann, "one"), (bob, "two <b>&amp;"), (ann, "three"), (bob, "four")]
        for speaker, text in talk:
            speaker.say(text)
            ann.until_said(text)
        bob.driver.get("about:blank")
        ann.until_text("#log .line > span", "Bob & <b> left")
        ann.reload()
        ann.until_said("four")
        self.assertEqual(ann.said, [text for _, text in talk])
        self.assertEqual(ann.texts("#log .msg.mine .body"), ["one", "three"])
        self.assertEqual(ann.texts("#log .msg:not(.mine) .who"), ["Bob & <b>"] * 2, "who has left has a name")
        self.assertEqual(ann.lines, [])
        ann.say("five")
        ann.until_said("five")
        self.assertEqual(ann.said, [text for _, text in talk] + ["five"])
        self.assertEqual(ann.texts("#outbox .msg"), [])

    def test_a_reload_again_and_again_shows_everything_once(self):
        ann = self.join("a", "Ann")
        for count in range(3):
            ann.say(f"n {count}")
            ann.until_said(f"n {count}")
            ann.reload()
            ann.until_said(f"n {count}")
            self.assertEqual(ann.texts("#log .msg.mine .body"), [f"n {n}" for n in range(count + 1)])
        self.assertEqual(ann.texts("#members .name"), ["Ann"])

    def test_whoever_comes_sees_the_last_50_messages_and_that_there_were_more(self):
        talker = self.talker()
        for number in range(60):
            talker.say(f"n {number}")
        ann = self.join("a", "Ann")
        ann.until_said("n 59")
        self.assertEqual(ann.said, [f"n {number}" for number in range(10, 60)])
        self.assertEqual(ann.lines, ["Earlier messages are not shown."])
        ann.until("return document.querySelector('#log').getAttribute('aria-busy') === 'false'", "the end of it")
        talker.say("now")
        ann.until_said("now")

    def test_the_list_of_a_full_room_may_take_its_time_over_a_slow_line(self):
        # A second of the page's deadlines takes a tenth of one here.
        quick = "const real = setTimeout; window.setTimeout = (work, time, ...more) => real(work, time / 10, ...more);"
        ann = self.session("a")
        handle = ann.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": quick})
        self.proxy.holds = 2
        try:
            ann.join(self.far, "Ann").say("hello")
            ann.until_said("hello")
            self.assertEqual(ann.run("return sockets.length"), 1)
        finally:
            ann.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", handle)

    def test_another_visit_asks_for_the_name_and_a_reload_does_not(self):
        ann = self.join("a", "Ann")
        ann.open(self.page + "-other")
        ann.open(self.page)
        self.join("b", "Bob")
        self.assertEqual(ann.state, "idle")

    def test_what_is_private_is_not_shown_again_to_anybody(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        ann.write_to("Bob")
        ann.say("the secret word")
        bob.until_said("the secret word")
        ann.find("#to-all").click()
        ann.say("open words")
        for session in (ann, bob):
            session.until_said("open words")
            session.forget()
            session.reload()
            session.until_said("open words")
        eve = self.join("c", "Eve")
        eve.until_said("open words")
        for session in (ann, bob, eve):
            self.assertEqual(session.said, ["open words"])
            self.assertFalse([frame for frame in session.received if "secret" in frame])

    def test_messages_from_before_do_not_count_as_unread(self):
        self.talker().say("before")
        ann = self.join("a", "Ann")
        ann.until_said("before")
        ann.driver.minimize_window()
        try:
            ann.until("return document.hidden", "the page out of sight")
            ann.reload()
            ann.until_said("before")
            self.assertEqual(ann.driver.title, f"{self.room} · Parley")
        finally:
            ann.driver.set_window_rect(0, 0, 1200, 820)


class Cut(FarCase):
    def test_what_was_said_while_the_network_was_cut_comes_in_order_and_once(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        talker.say("before")
        ann.until_said("before")
        self.proxy.hang_up()
        ann.until_state("waiting", "connecting")
        other = self.talker("Other <i>")
        expected = ["before"]
        for number in range(5):
            (talker if number % 2 else other).say(f"away {number}")
            expected.append(f"away {number}")
        other.close()
        self.proxy.open()
        ann.until_said("away 4")
        talker.say("after")
        ann.until_said("after")
        self.assertEqual(ann.said, [*expected, "after"])
        self.assertEqual(ann.texts("#log .msg:not(.cont) .who"), ["Talker", "Other <i>"] + ["Talker", "Other <i>"] * 2 + ["Talker"])
        self.assertEqual(ann.lines[-1], "Connected again. This was said in between:")

    def test_a_proxy_that_does_not_pass_upgrade_on_is_told(self):
        self.proxy.drops_upgrade = True
        ann = self.session("a")
        ann.open(self.far)
        ann.run("Math.random = () => 0.3")
        ann.find("#name").send_keys("Ann", Keys.ENTER)
        until(lambda: "may not pass Upgrade on" in ann.find("#notice-text").text, "the likely cause")
        self.proxy.drops_upgrade = False
        ann.until_state("on")
        self.assertFalse(ann.find("#notice").is_displayed())
        self.proxy.hang_up()
        until(lambda: "No connection to the server" in ann.find("#notice-text").text, "a server that is away")

    def test_a_return_that_missed_nothing_says_only_that(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        talker.say("before")
        ann.until_said("before")
        self.proxy.cut()
        ann.until_text("#log .line > span", "Connected again.")
        talker.say("after")
        ann.until_said("after")
        self.assertEqual(ann.said, ["before", "after"])

    def test_a_page_that_has_never_heard_anything_misses_nothing_either(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        # Where it is comes behind the welcome, and nothing on the page shows it.
        until(lambda: any(push.get("type") == "resume" for push in ann.pushes), "the position")
        self.proxy.hang_up()
        ann.until_state("waiting", "connecting")
        for number in range(60):
            talker.say(f"n {number}")
        self.proxy.open()
        ann.until_said("n 59")
        self.assertEqual(ann.said, [f"n {number}" for number in range(60)])

    def test_a_message_whose_echo_was_lost_is_found_among_what_was_missed(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        ann.say("first")
        ann.until_said("first")
        self.proxy.swallow("down")
        ann.say("echo lost")
        until(lambda: talker.read().get("nrong") == "echo lost", "the message at the others'")
        self.assertEqual(ann.texts("#outbox .body"), ["echo lost"])
        self.proxy.hang_up()
        until(lambda: ann.all("#outbox .failed"), "the message marked as not confirmed")
        self.proxy.open()
        ann.until_said("echo lost")
        self.assertEqual(ann.texts("#outbox .msg"), [])
        self.assertEqual(ann.texts("#log .msg.mine .body"), ["first", "echo lost"])

    def test_a_message_that_did_not_arrive_stays_in_view_and_can_be_sent_again(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        self.proxy.swallow("up")
        ann.say("into the void")
        self.proxy.hang_up()
        until(lambda: ann.all("#outbox .failed"), "the message marked as not confirmed")
        self.assertIn("may not have arrived", ann.find("#outbox .fate").text)
        self.proxy.open()
        ann.until_text("#log .line > span", "Connected again.")
        talker.say("after")
        ann.until_said("after")
        self.assertEqual(ann.texts("#outbox .body"), ["into the void"])
        ann.find("#outbox .fate button").click()
        ann.until_said("into the void")
        self.assertEqual(ann.texts("#outbox .msg"), [])
        self.assertEqual(ann.said, ["after", "into the void"])

    def test_what_the_server_does_not_keep_any_more_is_told_with_its_number(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        talker.say("before")
        ann.until_said("before")
        self.proxy.hang_up()
        ann.until_state("waiting", "connecting")
        for number in range(105):
            talker.say(f"n {number}")
        self.proxy.open()
        ann.until_text(
            "#log .line > span",
            "105 messages are missing here. A reload of the page shows the newest of them.",
        )
        talker.say("after")
        ann.until_said("after")
        self.assertEqual(ann.said, ["before", "after"])
        ann.reload()
        ann.until_said("after")
        self.assertEqual(ann.said, [*(f"n {number}" for number in range(56, 105)), "after"])

    def test_a_change_of_name_keeps_the_place_in_the_talk(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        talker.say("one")
        ann.until_said("one")
        ann.find("#rename").click()
        ann.find("#name").clear()
        ann.find("#name").send_keys("Anna")
        ann.find("#join").click()
        ann.until_text("#log .line > span", "You are now called Anna")
        talker.say("two")
        ann.until_said("two")
        self.proxy.cut()
        ann.until_text("#log .line > span", "Connected again.")
        talker.say("three")
        ann.until_said("three")
        self.assertEqual(ann.said, ["one", "two", "three"])

    def test_missed_messages_count_as_unread_while_nobody_looks(self):
        talker, ann = self.talker(), self.join_far("a", "Ann")
        ann.driver.minimize_window()
        try:
            ann.until("return document.hidden", "the page out of sight")
            self.proxy.hang_up()
            talker.say("one")
            talker.say("two")
            self.proxy.open()
            ann.until_said("two")
            self.assertEqual(ann.driver.title, f"(2) {self.room} · Parley")
        finally:
            ann.driver.set_window_rect(0, 0, 1200, 820)

    def test_chinese_by_the_language_of_the_browser(self):
        talker, li = self.talker(), self.join_far("zh", "李雷", "zh-CN")
        talker.say("之前")
        li.until_said("之前")
        self.proxy.hang_up()
        for number in range(101):
            talker.say(f"n {number}")
        self.proxy.open()
        li.until_text("#log .line > span", "这里缺少 101 条消息。重新加载页面可以看到其中最新的几条。")
        self.push(li, type="error", nrong="The room is full. Please try again later.")
        li.until("return document.querySelector('#log').innerText.includes('房间已满，请稍后再试。')", "the words in Chinese")

    def test_every_sentence_of_the_server_has_its_translation(self):
        sources = REPOSITORY / "Sources"
        swift = (sources / "RoomProtocol" / "RoomError.swift").read_text()
        said = re.findall(r'"([A-Z][^"\n]+\.)"', swift)
        said = [text.replace("\\(RoomCommand.maximumNameCharacters)", "64") for text in said]
        self.assertGreaterEqual(len(said), 12)
        # With these the server ends a connection whose room cannot be.
        service = (sources / "ParleyServer" / "Room" / "RoomService.swift").read_text()
        refused = re.findall(r'RefusedSession\(reason: "([^"\n]+)"\)', service)
        self.assertGreaterEqual(len(refused), 1)
        said += refused
        translated = (sources / "ParleyServer" / "Page" / "strings.js").read_text()
        self.assertEqual([text for text in said if f'"{text}":' not in translated], [])


class Pushes(FarCase):
    """What the page makes of pushes that a server seldom sends."""

    def said(self, session, offset, text, epoch="aaaaaaaaaaaaa", **more):
        self.push(
            session, nrong=text, code1="all", code="zz", time="01-01 00:00:00", msgid=text, pos=f"{epoch}:{offset}", **more
        )

    def resume(self, session, offset, epoch="aaaaaaaaaaaaa", **more):
        members = {"recovered": False, "missed": 0, "gap": None, "time": "01-01 00:00:00", **more}
        self.push(session, type="resume", pos=f"{epoch}:{offset}", code="0", code1="all", **members)

    def test_what_comes_twice_is_shown_once(self):
        ann = self.join("a", "Ann")
        self.resume(ann, 0)
        for offset in (1, 2, 2, 1, 3):
            self.said(ann, offset, f"n {offset}")
        # Another log begins: its numbers have not been seen.
        self.resume(ann, 0, epoch="baaaaaaaaaaaa")
        self.said(ann, 1, "n 1 again", epoch="baaaaaaaaaaaa")
        self.assertEqual(ann.said, ["n 1", "n 2", "n 3", "n 1 again"])

    def test_a_loss_while_the_page_is_there_is_told_where_it_happened(self):
        ann = self.join("a", "Ann")
        self.resume(ann, 0)
        self.said(ann, 1, "before")
        self.resume(ann, 2, gap={"from": 2, "to": 2, "oldest": 3})
        self.said(ann, 3, "after")
        self.resume(ann, 5, gap={"from": 4, "to": 5, "oldest": 6})
        self.assertEqual(ann.lines[-2:], ["1 message is missing here.", "2 messages are missing here."])
        self.assertNotIn("Connected again.", ann.lines)
        order = ann.run("return [...document.querySelectorAll('#log > .msg, #log > .gap')].map((e) => e.className)")
        self.assertEqual([re.split(r"\s", name)[0] for name in order], ["line", "msg", "line", "msg", "line"])

    def test_missed_messages_bear_the_time_at_which_they_were_said(self):
        ann = self.join("a", "Ann")
        cases = [
            ("06-15 12:00:00", "06-15 11:59:00", 60),
            ("03-01 00:10:00", "02-29 23:50:00", 20 * 60),
            ("01-01 00:00:10", "12-31 23:59:50", 20),
            ("06-15 12:00:00", "06-14 12:00:00", 24 * 3600),
            ("06-15 12:00:00", "06-15 12:00:05", 0),
            ("06-15 12:00:00", "yesterday", 0),
        ]
        for offset, (present, time, seconds) in enumerate(cases, 1):
            with self.subTest(present=present, time=time):
                self.push(
                    ann, type="resume", recovered=True, pos=f"aaaaaaaaaaaaa:{offset - 1}", missed=1, gap=None, time=present
                )
                self.push(
                    ann, nrong=f"n {offset}", code1="all", code="zz", name="Zoe", time=time, msgid="1",
                    pos=f"aaaaaaaaaaaaa:{offset}",
                )  # fmt: skip
                age = ann.run(
                    "return (Date.now() - new Date([...document.querySelectorAll('#log .msg time')].at(-1).dateTime)) / 1000"
                )
                self.assertAlmostEqual(age, seconds, delta=5)
        self.assertTrue(ann.texts("#log .day"), "a day that has passed has its own heading")


if __name__ == "__main__":
    unittest.main()
