"""The canary's process: `python canary.py PORT PID room|echo`. Prints one line per exchange: sent echo waited.

Ends when its standard input ends. Exits with a message when a connection fails or an echo takes more than 10 s.
"""

import json
import os
import select
import sys
import time

import wire

PAUSE = 0.01  # 100 exchanges a second


def main():
    port, pid, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    # Twice as many as processors: the server has a loop for each at most, and hands connections out in turns.
    count = min(8, 2 * (os.cpu_count() or 1))
    canaries = [wire.WebSocket(port, "/?room=canary") for _ in range(count)]
    if mode == "room":
        for index, canary in enumerate(canaries):
            canary.join(f"canary{index}")
    turn = 0
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        turn += 1
        before = waits("self"), waits(pid)
        began = time.monotonic()
        exchange(canaries, canaries[turn % count], f"tweet {turn}", mode)
        took = time.monotonic() - began
        waited = longest_wait(before[0], waits("self")) + longest_wait(before[1], waits(pid))
        print(f"{began:.6f} {took * 1000:.3f} {waited * 1000:.3f}", flush=True)


def exchange(canaries, sender, marker, mode):
    """One says something, and all hear it."""
    began = time.monotonic()
    if mode == "room":
        sender.say(marker)
        waiting = set(canaries)
    else:
        sender.send(wire.frame(wire.TEXT, marker))
        waiting = {sender}
    while waiting:
        if time.monotonic() - began > 10:
            sys.exit(f"no echo within 10 s on {len(waiting)} of {len(canaries)} connections")
        select.select([canary.socket for canary in canaries], [], [], 1)
        for canary in canaries:
            if has_marker(canary, marker, mode):
                waiting.discard(canary)


def waits(pid):
    """Seconds that each thread of a process was ready to run but had no processor, so far."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                found[task] = int(file.read().split()[1]) / 1e9
        except OSError:
            pass  # a thread that has just ended
    return found


def longest_wait(before, after):
    return max(after[task] - before.get(task, after[task]) for task in after)


def has_marker(canary, marker, mode):
    """Takes what has arrived; whether the marker was in it."""
    found = False
    canary.take()
    if canary.ended:
        sys.exit(f"the server has ended a canary's connection: {bytes(canary.received)!r}")
    while len(canary.received) >= 2:
        # The canary's pushes are small: whole frames only, so that `message` never waits.
        length = canary.received[1] & 0x7F
        head = 4 if length == 126 else 2
        if len(canary.received) < head:
            break
        size = int.from_bytes(canary.received[2:4], "big") if length == 126 else length
        if len(canary.received) < head + size:
            break
        if canary.received[0] & 0x0F == wire.PING:
            canary.send(wire.frame(wire.PONG, canary.frame().payload))
            continue
        text = canary.message().payload.decode()
        if text == marker if mode == "echo" else json.loads(text).get("nrong") == marker:
            found = True
    return found


main()
