"""Prints the line coverage of the protocol targets from llvm-cov's JSON, and fails below their floor.

What is not covered is printed with its lines: Documentation/conformance.md says why."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOOR = {"WebSocketCore": 98.0, "WebSocketCompression": 98.0}

files = json.load(open(sys.argv[1]))["data"][0]["files"]
failed = False
for folder in sorted((ROOT / "Sources").iterdir()):
    inside = [f for f in files if f"{ROOT}/Sources/{folder.name}/" in f["filename"]]
    if not inside:
        continue
    lines = sum(f["summary"]["lines"]["count"] for f in inside)
    covered = sum(f["summary"]["lines"]["covered"] for f in inside)
    percent = 100 * covered / max(lines, 1)
    floor = FLOOR.get(folder.name)
    note = "" if floor is None else f"  at least {floor:.0f} %" + ("" if percent >= floor else "  TOO LOW")
    failed |= floor is not None and percent < floor
    print(f"line coverage {folder.name:22} {percent:6.2f} %  ({covered} of {lines}){note}")
    if floor is None:
        continue
    for file in sorted(inside, key=lambda f: f["filename"]):
        # A segment is [line, column, count, has count, ...]: it holds until the next one begins.
        missed = sorted({s[0] for s in file["segments"] if s[3] and s[2] == 0 and s[4]})
        if missed:
            name = pathlib.Path(file["filename"]).relative_to(ROOT)
            print(f"  not covered: {name}:{','.join(map(str, missed))}")
sys.exit(1 if failed else 0)
