"""Counts allocations and instructions per operation of core-counts, and compares them with the thresholds.

    counts.py [--quick] BINARY THRESHOLDS

Each operation runs under valgrind N times and 2N times; the difference divided by N is what one operation costs, so
that what the process does before and after falls out. Nothing is timed. The operation "control" allocates exactly once
each time: when it does not read 1.0, the counting is wrong and nothing else is to be trusted.

Exit status: 0 when all is at or below its threshold, 1 when something is above or could not be counted.
"""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import subprocess
import sys

ALLOCATIONS = re.compile(r"total heap usage: ([\d,]+) allocs")
INSTRUCTIONS = re.compile(r"Collected : (\d+)")


class CountingFailed(Exception):
    """Something that makes the figures worthless, in words for a person."""


def run(command):
    """Runs a command; its standard output and standard error."""
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        end = "\n".join((process.stdout + process.stderr).splitlines()[-5:])
        raise CountingFailed(f"{' '.join(command)} ended with status {process.returncode}:\n{end}")
    return process.stdout, process.stderr


def count(binary, name, times):
    """(result, allocations, instructions) of so many operations, the whole process included."""
    program = [binary, name, str(times)]
    result, heap = run(["valgrind", "--leak-check=no", *program])
    _, instructions = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *program])
    found = ALLOCATIONS.search(heap), INSTRUCTIONS.search(instructions)
    if not all(found):
        raise CountingFailed("valgrind's output is not understood: its version may be too new or too old")
    return int(result), int(found[0][1].replace(",", "")), int(found[1][1])


def count_one(binary, name, times):
    """(allocations, instructions) of one operation."""
    once = count(binary, name, times)
    twice = count(binary, name, 2 * times)
    if name != "control" and (once[0] <= 0 or twice[0] != 2 * once[0]):
        raise CountingFailed(f"{name}: the work was not done: the result is {once[0]}, then {twice[0]}")
    return (twice[1] - once[1]) / times, (twice[2] - once[2]) / times


def main():
    """Counts, prints the table, and says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the operations that are marked quick")
    parser.add_argument("binary")
    parser.add_argument("thresholds")
    arguments = parser.parse_args()

    with open(arguments.thresholds, encoding="utf-8") as file:
        thresholds = json.load(file)
    operations = thresholds["operations"]
    known, _ = run([arguments.binary, "list"])
    if set(known.split()) != set(operations):
        raise CountingFailed(
            f"{arguments.thresholds} and the benchmark do not name the same operations: "
            f"{sorted(set(known.split()) ^ set(operations))}")
    if arguments.quick:
        operations = {name: limits for name, limits in operations.items() if limits.get("quick")}

    # Instructions are the machine's; allocations are the same everywhere.
    checks_instructions = platform.machine() == thresholds["machine"]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        counting = {
            name: pool.submit(count_one, arguments.binary, name, limits["times"])
            for name, limits in operations.items()}
    failures = []
    print(f"{'per operation':<18}{'allocations':>12}{'allowed':>9}{'instructions':>14}{'allowed':>9}{'a byte':>8}")
    for name, limits in operations.items():
        allocations, instructions = counting[name].result()
        is_right = allocations <= limits["allocations"]
        if name == "control":
            is_right = allocations == limits["allocations"]
        if checks_instructions and "instructions" in limits:
            is_right = is_right and instructions <= limits["instructions"]
        if not is_right:
            failures.append(name)
        bytes_ = limits.get("bytes")
        print(
            f"{name:<18}{allocations:>12.3f}{limits['allocations']:>9}"
            f"{instructions:>14.1f}{limits.get('instructions', '-'):>9}"
            f"{f'{instructions / bytes_:.3f}' if bytes_ else '':>8}  {'ok' if is_right else 'ABOVE'}")
    if not checks_instructions:
        print(f"(instructions are not compared: the thresholds are for {thresholds['machine']})")
    if "control" in failures:
        print("error: the control does not allocate exactly once: none of these figures is right", file=sys.stderr)
    elif failures:
        print(
            f"error: above the threshold: {', '.join(failures)}. Make it cheaper again; "
            "or, when the work has really grown, raise the number in Benchmarks/thresholds.json and say why",
            file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CountingFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
