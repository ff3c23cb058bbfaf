"""Checks that every Swift test is in a suite with a time limit: one that hangs would name nobody."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = re.compile(r"@Suite\b(.*?)\n\s*(?:struct|final class|actor|enum) ", re.DOTALL)


def problems():
    """Each fault: file and words."""
    for path in sorted(ROOT.glob("Tests/**/*.swift")):
        text = path.read_text(encoding="utf-8")
        suites = SUITE.findall(text)
        if re.search(r"@Test\b", text) and not suites:
            yield path, "has tests in no suite, which would limit their time"
        if any(".timeLimit(" not in traits for traits in suites):
            yield path, "has a suite without .timeLimit"


found = [f"{path.relative_to(ROOT)} {words}" for path, words in problems()]
for line in found:
    print(f"error: {line}", file=sys.stderr)
sys.exit(1 if found else 0)
