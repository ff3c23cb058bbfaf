"""The gate of the Autobahn runs: reads the TestSuite's index.json, prints a summary, exits 1 unless all is well.

    check_report.py --report index.json --expected ids.txt [--agent parley] [--seconds N]

It fails when a case or its close behaved otherwise than OK or INFORMATIONAL (so NON-STRICT fails, and UNIMPLEMENTED,
which is what a compression case says when nothing was negotiated), when the agent is missing, when cases are missing
or others were run, and when there is no readable report.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from select_cases import read_case_ids

PASSING = {"OK", "INFORMATIONAL"}
KEYS = ("behavior", "behaviorClose")


def sort_key(case_id):
    """Orders 9.10.1 behind 9.2.1; an id that is not numbers goes last."""
    try:
        return (0, [int(number) for number in case_id.split(".")], case_id)
    except ValueError:
        return (1, [], case_id)


def listed(case_ids, limit=20):
    """Ids in order, cut off after `limit`."""
    ordered = sorted(case_ids, key=sort_key)
    more = "" if len(ordered) <= limit else f" and {len(ordered) - limit} more"
    return ", ".join(ordered[:limit]) + more


def behaviour(result, key):
    """The behaviour that a case reports, or a word for its absence."""
    value = result.get(key) if isinstance(result, dict) else None
    return value if isinstance(value, str) and value else "(none)"


def problems(report, agent, expected):
    """The reasons why the report does not pass, as lines of text; none means that it passes."""
    if not expected:
        return ["no cases are expected, so the report proves nothing"]
    if not isinstance(report, dict):
        return ["the report is not a table of agents"]
    found = []
    others = sorted(set(report) - {agent})
    if others:
        found.append(f"the report has other agents: {', '.join(others)}")
    results = report.get(agent)
    if not isinstance(results, dict):
        return found + [f"the report has no agent {agent}"]
    missing = set(expected) - set(results)
    if missing:
        found.append(f"{len(missing)} of {len(set(expected))} cases were not run: {listed(missing)}")
    extra = set(results) - set(expected)
    if extra:
        found.append(f"{len(extra)} cases were run that are not expected: {listed(extra)}")
    for case_id in sorted(results, key=sort_key):
        values = [behaviour(results[case_id], key) for key in KEYS]
        if not set(values) <= PASSING:
            found.append(f"case {case_id}: behaviour {values[0]}, close {values[1]}")
    return found


def summary(report, agent, seconds=None):
    """One line: how many cases, and how many of each behaviour."""
    results = report.get(agent) if isinstance(report, dict) else None
    results = results if isinstance(results, dict) else {}
    parts = []
    for key, name in zip(KEYS, ("behaviour", "close")):
        counts = Counter(behaviour(result, key) for result in results.values())
        parts.append(f"{name} " + (", ".join(f"{value} {count}" for value, count in sorted(counts.items())) or "-"))
    took = "" if seconds is None else f" in {seconds} s"
    return f"{len(results)} cases{took}; {'; '.join(parts)}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check a report of the Autobahn TestSuite.")
    parser.add_argument("--report", required=True, help="index.json that the TestSuite wrote")
    parser.add_argument("--expected", required=True, help="file with the ids of the cases that had to run")
    parser.add_argument("--agent", default="parley", help="name of the tested side in the report (default parley)")
    parser.add_argument("--seconds", help="duration of the run, for the summary")
    options = parser.parse_args(arguments)
    try:
        report = json.loads(Path(options.report).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"FAILED: no readable report: {error}")
        return 1
    print(summary(report, options.agent, options.seconds))
    found = problems(report, options.agent, read_case_ids(options.expected))
    for line in found:
        print(f"  {line}")
    print("FAILED" if found else "passed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
