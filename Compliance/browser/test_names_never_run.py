"""Names and extras as they come over the wire, in pages that read them as text and write that with `innerHTML` again.

A known page of the tutorial's kind does so when the owner leaves. However often it does, no element may come of it.
"""

import random
import unittest

from support import RoomCase

ROUNDS = 24
LABELS = 9  # a name and eight extras

FIXED = [
    "<img src=x onerror=window.hacked=1>",
    "&lt;img src=x onerror=window.hacked=1&gt;",
    "&amp;lt;img src=x onerror=window.hacked=1&amp;gt;",
    "&amp;amp;amp;amp;lt;img src=x onerror=window.hacked=1&amp;amp;amp;amp;gt;",
    "&#60;img src=x onerror=window.hacked=1&#62;",
    "&#x3c;img src=x onerror=window.hacked=1&#x3e",
    "&LT;img src=x onerror=window.hacked=1&GT;",
    "&ltimg src=x onerror=window.hacked=1&gt",
    "&l\x01t;img src=x onerror=window.hacked=1&g\x7ft;",
    "&\x01lt;img src=x onerror=window.hacked=1&\x80gt;",
    "&&lt;lt;img src=x&&gt;gt;",
    "&lbrace;&NewLine;&lt",
    '" onmouseover="window.hacked=1',
    "&quot; onmouseover=&quot;window.hacked=1",
    "&#34; onmouseover=&#34;window.hacked=1",
    "&amp;quot; onmouseover=&amp;quot;window.hacked=1",
    "&",
    "lt;img src=x onerror=window.hacked=1&gt;",
]
PIECES = [
    "&", "&amp;", "&amp", "amp;", "&lt;", "lt;", "&lt", "<", ">", '"', "&quot;", "&gt;", "gt;", "#60;", "#", "x3c;",
    "&#x3C;", "&#60", "60;", ";", " ", "\x01", "\n", "\x80", "img src=x onerror=window.hacked=1 ", "b", "/", "小", "\uff06",
    "\uff1c", "&LT;", "&AMP;", "AMP;", "&;", "'", "`", "\u2028",
]

# Joins under each list of labels, one after another, and gives what the pushes say that they are: [[label…]…].
FETCH = """
const [address, lists, done] = arguments;
const socket = new WebSocket(address), answers = [];
const send = () => socket.send(lists[answers.length].map((label, index) =>
    (index ? 'e' + index : 'type=add&ming') + '=' + encodeURIComponent(label)).join('&'));
socket.onopen = send;
socket.onmessage = (event) => {
    eval('var da=' + event.data);
    if (da.type === 'error') return done(event.data);
    if (da.type !== 'madd') return;
    answers.push(lists[answers.length].map((_, index) => index ? da['e' + index] : da.name));
    if (answers.length === lists.length) socket.close(), done(answers);
    else setTimeout(send, 40);
};
"""

# Every way to show them that made an element, or an attribute, which the page did not write.
SHOW = """
const labels = arguments[0], faults = [], box = document.body.appendChild(document.createElement('div'));
const readers = [(e) => e.textContent, (e) => e.innerText];
const ways = [(a) => a, (a, b) => a + b, (a) => a + 'lt;b&gt;', (a, b) => a + '：' + b];
labels.forEach((label, index) => {
    const next = labels[(index + 1) % labels.length];
    for (const reader of readers) for (const way of ways) {
        let text = way(label, next);
        for (let round = 1; round <= 5; round += 1) {
            box.innerHTML = '<b>' + text + '</b>';
            if (box.querySelectorAll('*').length !== 1) { faults.push([label, next, round]); break; }
            text = reader(box);
        }
    }
    let value = label;
    for (let round = 1; round <= 5; round += 1) {
        box.innerHTML = '<b title="' + value + '"></b>';
        if (box.querySelectorAll('*').length !== 1 || box.firstChild.attributes.length !== 1) {
            faults.push([label, 'title', round]);
            break;
        }
        value = box.firstChild.getAttribute('title');
    }
});
box.remove();
return faults;
"""


class NamesNeverRun(RoomCase):
    def lists(self, seed):
        """What is typed: the fixed ones as names and as extras, then random ones."""
        chance = random.Random(seed)
        labels = FIXED + FIXED[::-1]
        while len(labels) < ROUNDS * LABELS:
            labels.append("".join(chance.choices(PIECES, k=chance.randint(1, 10))))
        lists = [labels[start:start + LABELS] for start in range(0, len(labels), LABELS)]
        # A name has to have something that is shown.
        return [[("n" + names[0])[:64], *names[1:]] for names in lists]

    def test_written_through_inner_html_and_read_as_text_five_times_they_make_no_element(self):
        seed = random.randrange(1 << 32)
        page = self.session("a")
        page.driver.get(self.elsewhere.address + "blank")
        answers = page.driver.execute_async_script(FETCH, self.server.socket, self.lists(seed))
        self.assertIsInstance(answers, list, answers)
        labels = [label for names in answers for label in names]
        self.assertEqual(len(labels), ROUNDS * LABELS)
        self.assertEqual(page.run(SHOW, labels), [], f"seed {seed}")
        self.assertIsNone(page.run("return window.hacked ?? null"))

    def test_this_test_sees_markup_that_comes_at_the_first_the_second_or_the_fifth_writing(self):
        page = self.session("a")
        page.driver.get(self.elsewhere.address + "blank")
        for round in 1, 2, 5:
            markup = "<i>x</i>"
            for _ in range(round - 1):
                markup = markup.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            self.assertIn([markup, "plain", round], page.run(SHOW, [markup, "plain"]))


if __name__ == "__main__":
    unittest.main()
