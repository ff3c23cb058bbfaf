"""How the page looks and where its focus and its view go: what readers saw wrong."""

import json
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from support import RoomCase, until

LONG = "Maximiliane-Charlotte_von_und_zu_Hohenstein-Wolfsburg_die_Ältere!"[:64]


def picture(width=400, height=300):
    """A data URL of a picture of that size; the browser draws it."""
    return f"""
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [{width}, {height}];
        const pen = canvas.getContext('2d');
        pen.fillStyle = 'teal';
        pen.fillRect(0, 0, {width}, {height});
        return canvas.toDataURL('image/png');
    """


class Looks(RoomCase):
    def test_a_long_name_leaves_an_avatar_round(self):
        ann = self.join("a", "Ann")
        self.stranger("s", LONG)
        self.utter(self.session("s"), "hello")
        ann.until_said("hello")
        for phone in (False, True):
            ann.look(phone=phone)
            if phone:
                ann.find("#people-open").click()
                ann.look(phone=True)
            ann.until_text("#members .name", LONG)
            sizes = ann.run(
                "return [...document.querySelectorAll('.avatar')].filter((e) => e.checkVisibility())"
                ".map((e) => e.getBoundingClientRect()).map(({ width, height }) => [width, height])"
            )
            self.assertGreaterEqual(len(sizes), 2)
            for width, height in sizes:
                self.assertAlmostEqual(width, height, places=1, msg=f"phone: {phone}")
            ann.shoot(f"long-name{'-phone' if phone else ''}")

    def test_a_picture_that_is_shown_is_in_view(self):
        ann = self.join("a", "Ann")
        url = ann.run(picture())
        stranger = self.stranger("s", "Bob")
        for index in range(30):
            self.utter(stranger, f"line {index}")
        self.utter(stranger, url)
        ann.until("return document.querySelector('.bubble > .quiet')", "the picture's button")
        for phone in (False, True):
            with self.subTest(phone=phone):
                ann.look(phone=phone)
                ann.until(AT_END, "the newest message in view")
                ann.find(".bubble > .quiet").click()
                ann.until("return document.querySelector('.body img')?.complete", "the picture")
                ann.until(IN_VIEW, "the whole picture in view")
                self.assertTrue(ann.run("return document.querySelector('#jump').hidden"))
                ann.until(AT_END, "the end in view, for the messages that follow")
                ann.shoot(f"picture{'-phone' if phone else ''}")
                # And one that its reader has scrolled up to, which then grows out of the view.
                self.utter(stranger, url)
                ann.until("return document.querySelectorAll('.bubble > .quiet').length === 1", "another button")
                for index in range(3):
                    self.utter(stranger, f"then {phone} {index}")
                ann.until_said(f"then {phone} 2")
                ann.until(AT_END, "the newest message in view")
                ann.run(UP_TO_BUTTON)
                ann.until("return !document.querySelector('#jump').hidden", "the way back")
                ann.run("document.querySelector('.bubble > .quiet').click()")
                ann.until("return [...document.querySelectorAll('.body img')].at(-1).complete", "the picture")
                ann.until(IN_VIEW, "the whole picture in view")
                for rest in range(2):
                    self.utter(stranger, "tall\n" * 10 + str(rest))
                ann.until_said("tall\n" * 10 + "1")
                self.assertTrue(ann.run(IN_VIEW), "what a reader looks at stays")
                ann.run("document.querySelector('#jump').click(); [...document.images].forEach((e) => e.remove())")
                self.utter(stranger, url)
                ann.until("return document.querySelector('.bubble > .quiet')", "the picture's button")

    def test_a_picture_that_is_none_says_so_and_keeps_the_focus_in_the_log(self):
        ann = self.join("a", "Ann")
        self.utter(self.stranger("s", "Bob"), "data:image/png;base64,AAAA")
        ann.until("return document.querySelector('.bubble > .quiet')", "the picture's button")
        ann.run("document.querySelector('.bubble > .quiet').focus()")
        ActionChains(ann.driver).send_keys(Keys.ENTER).perform()
        ann.until("return !document.querySelector('.bubble > .quiet')", "the button gone")
        self.assertEqual(ann.said, ["This picture cannot be shown."])
        self.assertEqual(ann.active, "scroll")

    def test_arrow_keys_in_the_list_of_recipients_keep_the_focus_there(self):
        self.stranger("s", "Bob")
        self.stranger("t", "Cid")
        ann = self.join("a", "Ann")
        until(lambda: len(ann.texts("#to option")) == 3, "three addressees")
        ann.run("document.querySelector('#to').focus()")
        chosen = []
        for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP):
            ActionChains(ann.driver).send_keys(key).perform()
            self.assertEqual(ann.active, "to")
            chosen.append(ann.run("return document.querySelector('#to').selectedOptions[0].text"))
        self.assertEqual(chosen, ["Bob", "Cid", "Bob"])
        self.assertEqual(ann.find("#text").get_attribute("placeholder"), "Private message to Bob")
        ActionChains(ann.driver).send_keys(Keys.TAB, Keys.TAB, "psst", Keys.ENTER).perform()
        self.session("s").until("return heard.some((push) => push.nrong === 'psst')", "the whisper")

    def test_a_person_has_the_same_colour_after_a_reload_and_in_every_page(self):
        ann, bob = self.join("a", "Ann"), self.join("b", "Bob")
        bob.say("hello")
        ann.until_said("hello")

        def colours(session):
            return session.run(
                """
                const entries = [...document.querySelectorAll('#members .member, #log .msg')].map((e) => [
                    (e.querySelector('.who') ?? e.querySelector('.name')).textContent,
                    getComputedStyle(e.querySelector('.avatar')).backgroundColor,
                ]);
                return JSON.stringify(entries.filter(([name]) => name !== 'You').sort());
                """
            )

        before = colours(ann)
        self.assertEqual(len(set(map(tuple, json.loads(before)))), 2, "one colour for each of two people")
        for session in (bob, ann):
            session.reload()
            for each in (ann, bob):
                until(lambda: sorted(each.texts("#members .name")) == ["Ann", "Bob"], "both in the list")
        ann.until_said("hello")
        self.assertEqual(colours(ann), before)
        self.assertEqual(json.loads(colours(bob))[0], json.loads(before)[0])


AT_END = """
const s = document.querySelector('#scroll');
return Math.abs(s.scrollHeight - s.scrollTop - s.clientHeight) < 4;
"""
IN_VIEW = """
const view = document.querySelector('#scroll').getBoundingClientRect();
const image = [...document.querySelectorAll('.body img')].at(-1)?.getBoundingClientRect();
return image && image.height > 100 && image.top >= view.top - 1 && image.bottom <= view.bottom + 1;
"""
# The button at the lower edge of the view.
UP_TO_BUTTON = """
const s = document.querySelector('#scroll'), b = document.querySelector('.bubble > .quiet');
s.scrollTop -= s.getBoundingClientRect().bottom - b.getBoundingClientRect().bottom;
"""


if __name__ == "__main__":
    unittest.main()
