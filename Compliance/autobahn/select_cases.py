"""Prints the Autobahn case ids of a run, one a line.

    select_cases.py cases.txt          all of them
    select_cases.py --fast cases.txt   1-7, 9 and 10 in full and a spread of 12 and 13 (compression)

The ids go into the TestSuite's configuration one by one, because its patterns match prefixes: `12.*.1` takes 12.1.10
too.
"""

import argparse
from pathlib import Path

# Each group of 12 and 13 has the same 18 cases (1000 messages each). Of these: the first (16 bytes), the middle
# (64 KiB), the first of those in fragments (8 KiB in pieces of 256 bytes), and the last (128 KiB in pieces of 32 KiB).
COMPRESSION_SPREAD = {"1", "9", "11", "18"}
COMPRESSION_CATEGORIES = {"12", "13"}


def read_case_ids(path):
    """The ids in a file, without empty lines."""
    return [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def fast_selection(case_ids):
    """The ids that are run on every change, in the order given."""
    selected = []
    for case_id in case_ids:
        numbers = case_id.split(".")
        if numbers[0] not in COMPRESSION_CATEGORIES or numbers[-1] in COMPRESSION_SPREAD:
            selected.append(case_id)
    return selected


def main():
    parser = argparse.ArgumentParser(description="Print the Autobahn case ids of a run.")
    parser.add_argument("--fast", action="store_true", help="leave most of the compression cases out")
    parser.add_argument("cases", help="file with all case ids")
    options = parser.parse_args()
    case_ids = read_case_ids(options.cases)
    print("\n".join(fast_selection(case_ids) if options.fast else case_ids))


if __name__ == "__main__":
    main()
