"""The page of a room under a network that is cut at random bytes, while somebody else talks.

Every message that the server has acknowledged is on the page exactly once and in order, or the page says how many are
missing, and that is true. CUTS_SEEDS and CUTS_FIRST choose other seeds; a failing one is named and replays.
"""

import os
import random
import re
import unittest

from far import FarCase
from support import until

SEEDS = int(os.environ.get("CUTS_SEEDS", "20"))
FIRST = int(os.environ.get("CUTS_FIRST", "1"))

# What is new in the log since this was asked before: messages with their text, and what is said to be missing.
LOG = """
return [...document.querySelectorAll('#log > :is(.msg, .gap):not([data-checked])')].map((e) => {
    e.dataset.checked = '';
    return e.classList.contains('msg')
        ? ['msg', e.querySelector('.body').textContent] : ['gap', e.firstChild.textContent];
});
"""


class Cuts(FarCase):
    def setUp(self):
        super().setUp()
        self.said = self.spoken = self.gaps = 0

    def check(self, page, talker):
        """Walk down the log: each message stands at the next position, or at the one behind a gap that is told."""
        offsets = {text: offset for offset, text in talker.kept.items()}
        self.assertEqual(len(offsets), len(talker.kept), "every message has a text of its own")
        last, missing = self.last, 0
        # Whatever is wrong with this seed, the next one begins where it ends.
        self.last = max(talker.kept)
        for kind, text in page.run(LOG):
            if kind == "gap":
                number = re.match(r"(\d+) messages? (?:is|are) missing here", text)
                self.assertTrue(number, f"no gap was to be expected whose size is unknown: {text}")
                missing += int(number[1])
                self.gaps += 1
                continue
            self.assertIn(text, offsets)
            self.assertEqual(offsets[text], last + missing + 1, f"{text!r} comes after {last}, {missing} told missing")
            last, missing = offsets[text], 0
        self.assertEqual(last, self.last, "the last message is there")

    def test_cuts_at_random_bytes(self):
        talker = self.talker()
        self.last = talker.say("beginning") - 1
        page = self.join_far("a", "Page")
        page.until_said("beginning")
        for seed in range(FIRST, FIRST + SEEDS):
            with self.subTest(seed=seed):
                self.round(random.Random(seed), page, talker)
                self.check(page, talker)
                self.settled(page, talker)
        print(f"{SEEDS} seeds, {self.proxy.cuts} connections cut, {len(talker.kept)} messages kept, "
              f"{self.gaps} gaps told, {self.spoken} messages by the page itself")  # fmt: skip
        self.assertGreaterEqual(self.proxy.cuts, SEEDS)

    def round(self, dice, page, talker):
        cuts = self.proxy.cuts
        # The connection that is there, and up to three that follow: cut in the handshake, the welcome, the replay, later.
        steps = [(dice.choice((0, 1, 2, dice.randrange(4_000))), dice.random() < 0.5)]
        steps += [(dice.randrange(1, 6_000), dice.random() < 0.5) for _ in range(dice.randrange(4))]
        keeps_away = dice.random() < 0.2
        self.proxy.cut(steps)
        if dice.random() < 0.7:
            self.spoken += 1
            page.say(f"page {self.spoken}")
        count = dice.randrange(3, 40)
        for number in range(count):
            if keeps_away and number == count // 2:
                self.away(talker)
            self.tell(talker)
        # What is left of the plan is carried out, too: there is always something more to say.
        until(lambda: self.tell(talker) and not self.proxy.plan and self.proxy.cuts > cuts, "the cuts")
        self.proxy.cut(((10**9, False),))
        page.until_state("on")
        text = self.tell(talker)
        page.until_said(text)

    def tell(self, talker):
        self.said += 1
        text = f"n {self.said} " + "x" * (self.said * 37 % 300)
        talker.say(text)
        return text

    def away(self, talker):
        """Nobody gets through while more is said than the room keeps."""
        self.proxy.hang_up()
        for _ in range(101):
            self.tell(talker)
        self.proxy.open()

    def settled(self, page, talker):
        """What the page itself has said and the server has kept is not in doubt any more."""
        kept = set(talker.kept.values())
        for text in page.texts("#outbox .body"):
            self.assertNotIn(text, kept)
        page.run("for (const button of document.querySelectorAll('#outbox .failed button:last-child')) button.click()")
        page.run("document.querySelector('#text').value = ''")


if __name__ == "__main__":
    unittest.main()
