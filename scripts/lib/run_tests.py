#!/usr/bin/env python3
"""Runs the parts of scripts/test side by side: each is a function of scripts/lib/parts.sh with a log of its own.

Which parts there are, and what may run beside what, stands in scripts/parts.toml; scripts/test --help explains the rest.
"""

import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "scripts/parts.toml"
LOGS = ROOT / ".build/test-logs"
# What passed whole, and at which commit; outside the checkout, so that a clean one knows it.
RECORD = pathlib.Path(os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local/state") / "parley/full-tests.json"
# Lines of a failed part's log that are shown; the whole is in its file.
SHOWN = 200


@dataclass
class Part:
    name: str
    about: str
    run: list
    budget: int
    after: list = field(default_factory=list)
    alone: bool = False
    lock: str = ""
    tier: str = "default"


@dataclass
class Outcome:
    status: int
    seconds: float
    processor_seconds: float


class Running:
    """A part that runs, in a process group of its own."""

    def __init__(self, part, log):
        self.part = part
        self.log = log
        self.began = time.monotonic()
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                ["bash", ROOT / "scripts/lib/parts.sh", *part.run], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True)

    def outcome(self):
        """How it ended; `None` while it runs. Processor time is that of all descendants that were waited for."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return Outcome(
            self.process.returncode, time.monotonic() - self.began, usage.ru_utime + usage.ru_stime)

    def stop(self):
        """Ends the part and everything that it has started."""
        for number in signal.SIGTERM, signal.SIGKILL:
            for _ in range(50):
                try:
                    os.killpg(self.process.pid, number)
                    if self.process.returncode is None:
                        self.outcome()
                except ProcessLookupError:
                    return
                number = 0 if number == signal.SIGTERM else number
                time.sleep(0.1)


def read_parts(table=TABLE):
    return [Part(**entry) for entry in tomllib.loads(table.read_text())["part"]]


def selected(parts, patterns, is_full):
    """The parts to run: by name, by the name of their group, or by a pattern; and what they need first."""
    if not patterns:
        return [part for part in parts if is_full or part.tier == "default"]
    known = {part.name: part for part in parts}
    wanted = set()
    for pattern in patterns:
        names = [name for name in known if name.split("/")[0] == pattern or fnmatch.fnmatch(name, pattern)]
        if not names:
            groups = dict.fromkeys(name.split("/")[0] for name in known)
            sys.exit(f"error: unknown part {pattern}; the parts: {' '.join(groups)}; scripts/test --list has all")
        wanted.update(names)
    # What was built before is there already; a build says so in a second.
    waiting = list(wanted)
    while waiting:
        for name in known[waiting.pop()].after:
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    return [part for part in parts if part.name in wanted]


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def changed_files(since):
    """What differs from a commit: what was committed, what was not, and what git does not know yet."""
    differences = git("diff", "--name-only", since).splitlines()
    return differences + git("ls-files", "--others", "--exclude-standard").splitlines()


def touched_by(name, parts, rules):
    """The names of the parts that a change of this file can touch; `None` when that is unsure."""
    own = {part.name for part in parts if name in part.run}
    if own:
        return own
    for rule in rules:
        if any(fnmatch.fnmatch(name, pattern) for pattern in rule["paths"]):
            return {part.name for part in parts for wanted in rule["parts"] if fnmatch.fnmatch(part.name, wanted)}
    return None


def touched(parts, files, rules):
    """The names of the parts that a change of these files can touch, and the file that makes it everything, if any."""
    found = set()
    for name in files:
        names = touched_by(name, parts, rules)
        if names is None:
            return {part.name for part in parts}, name
        found |= names
    return found, None


class Record:
    """Which parts passed with --full, and when: so that it can go on where it ended, and says what is stale."""

    def __init__(self, path=RECORD):
        self.path = path
        try:
            self.parts = json.loads(path.read_text())
        except (OSError, ValueError):
            self.parts = {}
        self.commit = git("rev-parse", "HEAD").strip()
        self.is_clean = not git("status", "--porcelain").strip()

    def passed(self, name, seconds):
        # Nobody could say later what it was that passed.
        if not self.is_clean:
            return
        self.parts[name] = {
            "commit": self.commit, "seconds": round(seconds),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.parts, indent=1, sort_keys=True) + "\n")

    def is_current(self, name):
        return self.is_clean and self.parts.get(name, {}).get("commit") == self.commit

    def show(self, parts):
        for part in parts:
            entry = self.parts.get(part.name)
            if entry is None:
                words = "has never passed whole"
            elif entry["commit"] == self.commit:
                words = f"passed at this commit, {entry['date']}, in {entry['seconds']} s"
            else:
                words = f"is stale: passed at {entry['commit'][:10]}, {entry['date']}, in {entry['seconds']} s"
            print(f"{part.name:28} {words}")


class Schedule:
    """Which part comes next: in the order of the table, as far as places, locks and what has to come before allow."""

    def __init__(self, parts, places):
        self.waiting = list(parts)
        self.names = {part.name for part in parts}
        self.places = places
        self.passed = set()

    def next(self, running):
        """A part that may begin beside those that run; `None` when it is nobody's turn."""
        if any(other.alone for other in running) or len(running) >= self.places:
            return None
        locks = {other.lock for other in running if other.lock}
        for part in self.waiting:
            if any(name in self.names and name not in self.passed for name in part.after):
                continue
            if part.lock in locks or part.alone and running:
                continue
            self.waiting.remove(part)
            return part
        return None

    def drop_what_needs(self, name):
        """The parts that cannot run any more because one has failed."""
        dropped = [part for part in self.waiting if name in part.after]
        for part in dropped:
            self.waiting.remove(part)
            dropped += self.drop_what_needs(part.name)
        return dropped


def show_log(log, part):
    lines = log.read_text(errors="replace").splitlines()
    print(f"---- {part.name}: the end of {log.relative_to(ROOT)} ----")
    print("\n".join(lines[-SHOWN:]))
    print(f"---- {part.name} ----", flush=True)


def run_all(parts, places, record):
    """Runs all, however many fail; the outcomes by name, and the parts that could not run."""
    LOGS.mkdir(parents=True, exist_ok=True)
    schedule, running, outcomes, dropped = Schedule(parts, places), [], {}, []
    began = time.monotonic()
    try:
        while schedule.waiting or running:
            while part := schedule.next([item.part for item in running]):
                print(f"{time.monotonic() - began:6.0f} s  {part.name} begins: {part.about}", flush=True)
                running.append(Running(part, LOGS / f"{part.name.replace('/', '-')}.log"))
            time.sleep(0.1)
            for item in list(running):
                outcome = item.outcome()
                if outcome is None:
                    continue
                running.remove(item)
                outcomes[item.part.name] = outcome
                word = "passed" if outcome.status == 0 else "FAILED"
                print(
                    f"{time.monotonic() - began:6.0f} s  {item.part.name} {word} in {outcome.seconds:.0f} s "
                    f"({outcome.processor_seconds:.0f} s of processor time)", flush=True)
                if outcome.status == 0:
                    schedule.passed.add(item.part.name)
                    if record is not None:
                        record.passed(item.part.name, outcome.seconds)
                else:
                    show_log(item.log, item.part)
                    dropped += schedule.drop_what_needs(item.part.name)
    finally:
        for item in running:
            item.stop()
    return outcomes, dropped


def summary(parts, outcomes, dropped, seconds):
    print("\nseconds  processor  budget  part")
    for part in parts:
        outcome = outcomes.get(part.name)
        if outcome is None:
            continue
        marks = " FAILED" if outcome.status != 0 else " above its budget" if outcome.seconds > part.budget else ""
        print(f"{outcome.seconds:7.0f}  {outcome.processor_seconds:9.0f}  {part.budget:6d}  {part.name}{marks}")
    for part in dropped:
        print(f"                          {part.name} could not run: what it needs has failed")
    total = sum(outcome.processor_seconds for outcome in outcomes.values())
    print(f"{seconds:7.0f}  {total:9.0f}          together")
    failed = [name for name, outcome in outcomes.items() if outcome.status != 0]
    if failed:
        print(f"error: {len(failed)} of {len(outcomes)} parts failed: {' '.join(failed)}")
    return 1 if failed else 0


def check():
    """What scripts/lint asks of the table; the problems."""
    table = tomllib.loads(TABLE.read_text())
    parts = read_parts()
    names = [part.name for part in parts]
    problems = [f"{name} is there twice" for name in set(names) if names.count(name) > 1]
    for index, part in enumerate(parts):
        problems += [f"{part.name} comes before {name}, which it needs" for name in part.after
                     if name not in names[:index]]
    total = sum(part.budget for part in parts if part.tier == "default")
    if total > table["limit"]:
        problems.append(f"the budgets of the default tier are {total} s together, {table['limit']} s are allowed")
    covered = {argument for part in parts for argument in part.run}
    for path in sorted((ROOT / "Compliance").glob("*/test_*.py")):
        name = str(path.relative_to(ROOT))
        if not covered & {name, str(path.parent.relative_to(ROOT))}:
            problems.append(f"{name} is in no part")
    return problems


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Builds and runs the tests, parts side by side, and says how long each took.",
        epilog="examples:\n"
        "  scripts/test                       everything that a change needs\n"
        "  scripts/test hostile               all parts of one group\n"
        "  scripts/test hostile/door          one part\n"
        "  scripts/test --repeat 20 hostile/deflate\n"
        "                                     one part again and again, until it fails\n"
        "  scripts/test --full                the long tests in whole, and the sanitizers; takes hours\n\n"
        "The output of each part is in .build/test-logs. The table of the parts: scripts/parts.toml.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="a part, a group of parts, or a pattern")
    parser.add_argument("--full", action="store_true", help="run the long tests in whole (PARLEY_FULL=1 tells them)")
    parser.add_argument("--resume", action="store_true", help="with --full: only what has not passed at this commit")
    parser.add_argument("--status", action="store_true",
                        help="say when each part has passed with --full, and which are stale; run nothing")
    parser.add_argument("--changed", action="store_true",
                        help="only what the difference to the branch main can touch; everything when that is unsure")
    parser.add_argument("--since", metavar="COMMIT", help="the same for the difference to a commit")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run the parts up to N times, until one fails")
    parser.add_argument("--places", type=int, default=max(2, os.cpu_count() or 1), metavar="N",
                        help="parts that run side by side; default one for each processor, 2 at least")
    parser.add_argument("--list", action="store_true", help="print the parts, and run nothing")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # The parts have process groups of their own: they end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if arguments.check:
        problems = check()
        print("\n".join(problems), end="\n" if problems else "")
        return 1 if problems else 0
    table = tomllib.loads(TABLE.read_text())
    known = read_parts()
    parts = selected(known, arguments.parts, arguments.full or arguments.status)
    if arguments.changed or arguments.since:
        since = arguments.since or git("merge-base", "HEAD", "main").strip()
        files = changed_files(since)
        touchable, unsure = touched(parts, files, table["rule"])
        if unsure:
            print(f"everything runs: no rule says what {unsure} can touch")
        elif not touchable:
            print(f"nothing that differs from {since[:10]} can touch a test")
            return 0
        else:
            parts = selected([part for part in known if arguments.full or part.tier == "default"], sorted(touchable), True)
    if arguments.list:
        for part in parts:
            print(f"{part.budget:5d} s  {part.name:28} {part.about}")
        return 0
    record = Record() if arguments.full or arguments.status else None
    if arguments.status:
        record.show(parts)
        return 0
    if arguments.full:
        os.environ["PARLEY_FULL"] = "1"
        if arguments.resume:
            builds = {name for part in parts for name in part.after}
            parts = [part for part in parts if part.name in builds or not record.is_current(part.name)]
    for number in range(max(1, arguments.repeat)):
        if arguments.repeat > 1:
            print(f"==== run {number + 1} of {arguments.repeat}")
        began = time.monotonic()
        outcomes, dropped = run_all(parts, arguments.places, record)
        status = summary(parts, outcomes, dropped, time.monotonic() - began)
        if status:
            return status
    return 0


sys.exit(main())
