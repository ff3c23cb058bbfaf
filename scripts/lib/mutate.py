"""Plants bugs in a copy of the sources, one at a time, and sees whether the Swift tests find them."""

import argparse
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = "Tests/Mutants"
# Mutants of one target have numbers that begin with a multiple of this, so that one more leaves the others' alone.
NUMBERS_PER_TARGET = 1000
DEFAULT_ENVIRONMENT = {"SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH": "4"}

HELP = """\
usage: scripts/mutate [--only REGEX] [--resume] [--limit SECONDS] [--patience SECONDS] [--scratch DIR]
       scripts/mutate --list [--only REGEX]
       scripts/mutate --check

Plants bugs ("mutants") in a copy of the sources, one at a time, runs the tests that should find each, and says which of
them no test has found. The checkout is not touched.

  --only REGEX        only mutants whose number, target, file or name matches, ignoring case
  --list              prints the mutants with their numbers; runs nothing
  --check             checks that every mutant can be planted; builds nothing (scripts/lint does this)
  --resume            leaves out those that were judged in the same scratch folder on the same sources and tests
  --limit SECONDS     how long the tests of one mutant may take; without it three times what they take without any, and
                      a minute
  --patience SECONDS  how long a test waits for something before it fails (PARLEY_PATIENCE); 30 without it
  --scratch DIR       where the copy and its build are kept; without it parley/mutate in $XDG_CACHE_HOME or ~/.cache

A mutant is a table in a TOML file of Tests/Mutants, which has the name of the target:

    tests = "ReactorTests|WebSocketNIOTests"   # for all of the file; a filter as `swift test --filter` takes it
    environment = { PARLEY_TEST_CARRIER = "nio" }   # for their tests; may be left out

    [[mutant]]
    name = "The assembly budget is not returned at the end of a connection"
    file = "Sources/Reactor/Loop/ReactorLoop+Lifecycle.swift"
    kind = "statement"                         # or "expression"
    old = "assemblingBytes -= extras.accountedBytes"
    new = ""
    tests = "..."                              # in place of that of the file; may be left out
    equivalent = "why no test can tell"        # only where that is so

`old` stands in `file` exactly once. A statement becomes `if Mutant.isOn(N) { new } else { old }`, so it declares nothing
that is used behind it; an expression becomes `(Mutant.isOn(N) ? (new) : (old))`. Several mutants may have the same `old`.
All are built at once, and PARLEY_MUTANT=N switches one on.

What is said of each mutant:

  found     an expectation failed; the first such test is named
  hang      no expectation failed, but a test or all of them took too long: write a test that fails instead
  crash     the process ended: an assertion, or memory that was gone; the tests that ran at that time are named
  SURVIVED  all tests passed: write one that does not, or say in `equivalent` why there can be none

Exit status: 0 when every mutant that has no `equivalent` was found; 1 when one survived; 2 when something else is wrong.
"""


class Problem(Exception):
    """What stops the run, in words for a person."""


class Mutant:
    """One planted bug."""

    def __init__(self, number, target, defaults, table):
        unknown = set(table) - {"name", "file", "old", "new", "kind", "tests", "equivalent"}
        self.number = number
        self.target = target
        self.name = table.get("name", "")
        where = f"{MUTANTS}/{target}.toml: \"{self.name}\""
        missing = [key for key in ("name", "file", "old", "new", "kind") if key not in table]
        if missing or unknown:
            raise Problem(f"{where}: " + ", ".join(
                [f"{key} is missing" for key in missing] + [f"unknown key {key}" for key in sorted(unknown)]))
        self.file = table["file"]
        self.old = table["old"]
        self.new = table["new"]
        self.kind = table["kind"]
        self.tests = table.get("tests", defaults.get("tests"))
        self.environment = defaults.get("environment", {})
        self.equivalent = table.get("equivalent")
        if self.kind not in ("statement", "expression"):
            raise Problem(f"{where}: kind is statement or expression, not {self.kind}")
        if not self.tests:
            raise Problem(f"{where}: tests is missing")
        if not self.file.startswith(f"Sources/{target}/"):
            raise Problem(f"{where}: {self.file} is not of the target {target}")

    @property
    def kind_of_run(self):
        """The same for mutants whose tests are run alike."""
        return self.tests + "".join(f" {name}={value}" for name, value in sorted(self.environment.items()))

    def matches(self, pattern):
        """Whether `--only` means this one."""
        return any(pattern.search(text) for text in (str(self.number), self.target, self.file, self.name))


def load_mutants():
    """All mutants, in the order of their numbers."""
    mutants = []
    for index, path in enumerate(sorted((ROOT / MUTANTS).glob("*.toml")), start=1):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise Problem(f"{path.relative_to(ROOT)}: {error}") from error
        for place, table in enumerate(document.get("mutant", []), start=1):
            mutants.append(Mutant(index * NUMBERS_PER_TARGET + place, path.stem, document, table))
    names = [mutant.name for mutant in mutants]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise Problem(f"two mutants have the name \"{name}\"")
    return mutants


def planted(text, mutants):
    """The text of a file with all its mutants in it."""
    by_place = {}
    for mutant in mutants:
        where = f"mutant {mutant.number} \"{mutant.name}\": its `old` in {mutant.file}"
        count = text.count(mutant.old)
        if not mutant.old.strip() or count != 1:
            raise Problem(f"{where} stands there {count} times, not once")
        by_place.setdefault((text.index(mutant.old), len(mutant.old)), []).append(mutant)
    pieces, end = [], 0
    for (start, length), group in sorted(by_place.items()):
        if start < end or len({mutant.kind for mutant in group}) > 1:
            raise Problem(f"mutant {group[0].number} \"{group[0].name}\" overlaps another one in {group[0].file}")
        pieces += [text[end:start], variants(group)]
        end = start + length
    return "".join(pieces) + text[end:]


def variants(group):
    """What stands in the place of the text that a group of mutants replaces."""
    old = group[0].old
    if group[0].kind == "expression":
        return "(" + "".join(f"Mutant.isOn({m.number}) ? ({m.new}) : " for m in group) + f"({old}))"
    return "".join(f"if Mutant.isOn({m.number}) {{\n{m.new}\n}} else " for m in group) + f"{{\n{old}\n}}"


SWITCH = """\
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The planted bug that is switched on in this process.
@usableFromInline
enum Mutant {
    @usableFromInline static let on = getenv("PARLEY_MUTANT").map { atoi($0) } ?? 0

    @usableFromInline
    @inline(never)
    static func isOn(_ number: Int32) -> Bool { on == number }
}
"""


def tracked_files():
    """The files of the checkout that git knows or would add, as paths below its root."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def contents(mutants):
    """What the copy consists of: bytes by path."""
    files = {name: (ROOT / name).read_bytes() for name in tracked_files()}
    if (ROOT / "Package.resolved").is_file():  # the versions that the checkout has
        files["Package.resolved"] = (ROOT / "Package.resolved").read_bytes()
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant.file, []).append(mutant)
    for name, group in by_file.items():
        if name not in files:
            raise Problem(f"mutant {group[0].number} \"{group[0].name}\": there is no file {name}")
        files[name] = planted(files[name].decode(), group).encode()
    for target in {mutant.target for mutant in mutants}:
        files[f"Sources/{target}/Mutant.swift"] = SWITCH.encode()
    return files


def copy(files, tree, manifest):
    """Brings the copy up to date; what has not changed keeps its time, so that it is not built again."""
    before = set(json.loads(manifest.read_text())) if manifest.exists() else set()
    for name in before - set(files):
        (tree / name).unlink(missing_ok=True)
    for name, data in files.items():
        path = tree / name
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        shutil.copymode(ROOT / name, path) if (ROOT / name).is_file() else None
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(sorted(files)))


def fingerprint(files):
    """Tells one state of sources, tests and mutants from any other."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        if not name.startswith(("Sources/", "Tests/", "Package")):
            continue
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


# ✘ Test "Its name" recorded an issue [with 1 argument x → 1] at File.swift:1:2: Expectation failed: …
ISSUE = re.compile(r"Test (?P<test>\".*?\"|\S+\(\)) recorded an issue.*? at (?P<place>\S+:\d+:\d+): (?P<words>.*)")
STARTED = re.compile(r"Test (\".*?\"|\S+\(\)) started\.")
ENDED = re.compile(r"Test (\".*?\"|\S+\(\)).* (?:passed|failed) after ")
PASSED = re.compile(r"Test run with (\d+) tests.* passed")
FATAL = re.compile(r"Fatal error|Assertion failed|Precondition failed|precondition failure|AddressSanitizer")


def test_program(tree):
    """What runs the tests: the program that `swift test` calls, which alone would take seconds for each mutant."""
    programs = [path for path in tree.glob(".build/debug/*PackageTests.xctest") if path.is_file()]
    return [programs[0], "--testing-library", "swift-testing"] if len(programs) == 1 else ["swift", "test"]


class Run:
    """One run of tests: what came of it."""

    def __init__(self, tree, mutant_number, tests, environment, limit):
        self.failure = None
        self.timeout = None
        self.fatal = None
        self.running = []
        self.passed = 0
        self.has_ended = False
        started = time.monotonic()
        variables = os.environ | DEFAULT_ENVIRONMENT | environment
        variables.pop("PARLEY_MUTANT", None)
        if mutant_number:
            variables["PARLEY_MUTANT"] = str(mutant_number)
        command = [*test_program(tree), "--skip-build", "--disable-xctest", "--filter", tests]
        # In a group of its own: the tests' own processes end with it.
        self.process = subprocess.Popen(
            command, cwd=tree, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.output = self._read(started + limit)
        finally:
            self._end()
        self.seconds = time.monotonic() - started

    def _read(self, deadline):
        lines, rest = [], b""
        stream = self.process.stdout.fileno()
        while self.failure is None:
            left = deadline - time.monotonic()
            if left <= 0:
                self.timeout = self.timeout or "the time limit of all tests: " + ", ".join(self.running)
                break
            if not select.select([stream], [], [], left)[0]:
                continue
            data = os.read(stream, 65536)
            if not data:
                self.has_ended = True
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                lines.append(line.decode(errors="replace"))
                self._look(lines[-1])
        return lines

    def _look(self, line):
        if match := ISSUE.search(line):
            if match["words"].startswith("Time limit was exceeded"):
                self.timeout = self.timeout or match["test"]
            else:
                self.failure = self.failure or f"{match['test']} ({match['place']})"
        elif match := STARTED.search(line):
            self.running.append(match[1])
        elif match := ENDED.search(line):
            if match[1] in self.running:
                self.running.remove(match[1])
        elif match := PASSED.search(line):
            self.passed += int(match[1])
        elif FATAL.search(line):
            self.fatal = self.fatal or line.strip()

    def _end(self):
        if not self.has_ended:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.stdout.close()
        self.status = self.process.wait()

    def verdict(self):
        """How a mutant fared, and what tells so."""
        if self.failure is not None:
            return "found", self.failure
        if self.timeout is not None:
            return "hang", self.timeout
        if self.status != 0:
            words = self.fatal or f"the process ended with status {self.status}"
            return "crash", f"{words}; while: {', '.join(self.running) or 'nothing ran'}"
        if self.passed == 0:
            raise Problem("the filter matches no test")
        return "SURVIVED", ""


def build(tree):
    """Builds the tests with all mutants in them."""
    command = ["swift", "build", "--build-tests", "-j", str(min(os.cpu_count() or 2, 8))]
    run = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode != 0:
        errors = dict.fromkeys(line for line in run.stdout.splitlines() if re.search(r":\d+: error: ", line))
        raise Problem("the copy does not build:\n" + "\n".join([*errors][:20] or run.stdout.splitlines()[-40:]))


def baseline(tree, mutants, environment, times):
    """Checks that the tests pass without a mutant, and enters how long those of each kind take, in seconds."""
    for mutant in mutants:
        kind = mutant.kind_of_run
        if kind in times:
            continue
        run = Run(tree, 0, mutant.tests, environment | mutant.environment, 1800)
        verdict, words = run.verdict()
        if verdict != "SURVIVED":
            raise Problem(f"without a mutant the tests {mutant.tests} do not pass: {verdict} {words}")
        times[kind] = run.seconds
        print(f"{'passed':9} no mutant {run.seconds:6.1f} s  {mutant.tests}", flush=True)


def table(mutants, verdicts):
    """The results by target, as lines."""
    yield f"{'target':22} planted  found  crash  hang  survived  equivalent"
    targets = sorted({mutant.target for mutant in mutants})
    for target in [*targets, None]:
        group = [mutant for mutant in mutants if target in (None, mutant.target)]
        judged = [verdicts[m.name]["verdict"] for m in group if not m.equivalent]
        count = judged.count
        yield (
            f"{target or 'all':22} {len(group):7} {count('found'):6} {count('crash'):6} {count('hang'):5}"
            f" {count('SURVIVED'):9} {sum(1 for m in group if m.equivalent):11}")


def judge(options, mutants, everything):
    """Builds, runs the tests for each mutant, prints; the exit status."""
    began = time.monotonic()
    scratch = options.scratch
    tree, results = scratch / "tree", scratch / "results.json"
    files = contents(everything)
    copy(files, tree, scratch / "manifest.json")
    print(f"building {len(everything)} mutants in {tree}", flush=True)
    build(tree)
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    environment = {"PARLEY_PATIENCE": str(options.patience)}
    state = fingerprint(files)
    known = json.loads(results.read_text()) if results.exists() else {}
    if not options.resume or known.get("state") != state:
        known = {"state": state, "times": {}, "verdicts": {}}
    times, verdicts = known["times"], known["verdicts"]
    baseline(tree, [m for m in mutants if m.name not in verdicts and not m.equivalent], environment, times)
    for mutant in mutants:
        if mutant.equivalent:
            print(f"{'equal':9} {mutant.number:5}           {mutant.name}: {mutant.equivalent}")
            continue
        if mutant.name not in verdicts:
            limit = options.limit or 3 * times[mutant.kind_of_run] + 60
            run = Run(tree, mutant.number, mutant.tests, environment | mutant.environment, limit)
            verdict, words = run.verdict()
            verdicts[mutant.name] = {"verdict": verdict, "words": words, "seconds": round(run.seconds, 1)}
            results.write_text(json.dumps(known, indent=1))
        said = verdicts[mutant.name]
        words = f" — {said['words']}" if said["words"] else ""
        print(f"{said['verdict']:9} {mutant.number:5} {said['seconds']:6.1f} s  {mutant.name}{words}", flush=True)
    print()
    print("\n".join(table(mutants, verdicts)))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if any(verdicts[m.name]["verdict"] == "SURVIVED" for m in mutants if not m.equivalent) else 0


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP, end="")
        return 0
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="scripts/mutate", add_help=False)
    parser.add_argument("--only", type=lambda text: re.compile(text, re.IGNORECASE), default=re.compile(""))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--limit", type=float)
    parser.add_argument("--patience", type=int, default=30)
    parser.add_argument("--scratch", type=pathlib.Path, default=cache / "parley" / "mutate")
    options = parser.parse_args()
    try:
        everything = load_mutants()
        mutants = [mutant for mutant in everything if mutant.matches(options.only)]
        if options.check:
            contents(everything)
            return 0
        if not mutants:
            raise Problem("no mutant matches")
        if options.list:
            for mutant in mutants:
                print(f"{mutant.number:5}  {mutant.target:20} {mutant.name}{' (equivalent)' if mutant.equivalent else ''}")
            return 0
        options.scratch = options.scratch.resolve()
        if options.scratch.is_relative_to(ROOT):
            raise Problem(f"{options.scratch} is in the checkout: the copy would copy itself")
        return judge(options, mutants, everything)
    except (Problem, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


sys.exit(main())
