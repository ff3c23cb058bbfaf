"""Counts what a message costs a carrier: instructions, allocations and system calls of the load target under load.

    reactor_counts.py --target BINARY --thresholds FILE [--carrier reactor] [--operation NAME ...]

Each operation runs over real connections, each time in a fresh process. Instructions are counted under callgrind and
allocations under memcheck, with N and with 11 N messages: the difference divided by 10 N is what one message costs.
Starting, connecting and ending fall out, as far as they are the same each time, and N is so large that the rest does not
show. System calls are counted under strace, from the first of N messages to the last. The client is in this file and does
one thing after the other, so that the server sees the same reads each time. Nothing is timed.

The control is a path that echoes and allocates exactly once more per message: when it does not read 1.0 above the echo,
the counting is wrong and nothing else is to be trusted.

Exit status: 0 when all is at or below its threshold, 1 when something is above or could not be counted.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import hmac
import json
import os
import platform
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

LISTENING = re.compile(r"listening on ws://[^ ]*:(\d+) pid (\d+)")
ALLOCATIONS = re.compile(r"total heap usage: ([\d,]+) allocs")
INSTRUCTIONS = re.compile(r"Collected : (\d+)")
# "PID SECONDS NAME(...": where a call begins; "<... NAME resumed>" is where one goes on.
SYSTEM_CALL = re.compile(r"\d+ +(\d+\.\d+) (\w+)\(")
PAYLOAD = 64
SENDS = ("write", "writev", "sendto", "sendmsg", "sendmmsg")
WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
RUNS = (1, 11)  # how many times N


class CountingFailed(Exception):
    """Something that makes the figures worthless, in words for a person."""


def client_frame(first, payload):
    """One frame with its first byte as given, masked as a client's (RFC 6455 section 5.2); up to 64 KiB."""
    key = b"\x12\x34\x56\x78"
    masked = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + key + masked


def client_frames(count, size=PAYLOAD):
    """So many binary frames with so many bytes of payload each."""
    return client_frame(0x82, bytes(index % 256 for index in range(size))) * count


def answer_bytes(size=PAYLOAD):
    """Bytes of a server's frame with so many of payload, up to 64 KiB (RFC 6455 section 5.2)."""
    return size + (2 if size < 126 else 4)


def connect(port, path):
    """A WebSocket on a blocking socket."""
    connection = socket.create_connection(("127.0.0.1", port), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)  # what comes after the head is left for others
        if not piece:
            raise CountingFailed(f"{path}: the server closed the connection during the handshake")
        answer += piece
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise CountingFailed(f"{path}: no 101 but {answer[:60]!r}")
    return connection


def receive_frame(connection):
    """Reads one frame of a server (RFC 6455 section 5.2) and drops it."""
    head = receive(connection, 2)
    extended = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    length = int.from_bytes(receive(connection, extended), "big") if extended else head[1] & 0x7F
    receive(connection, length)


def receive(connection, count):
    """Waits for so many bytes; those."""
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            raise CountingFailed("the server closed a connection")
        found += piece
    return found


class Echo:
    """Batches of messages in one write on one connection; the next when all are back."""

    def __init__(self, path, batch, size=PAYLOAD):
        self.path, self.batch, self.size = path, batch, size

    def units(self, count):
        """What the figures are divided by."""
        return count

    def open(self, port):
        """The connections."""
        return [connect(port, self.path)]

    def run(self, connections, count):
        """Sends so many messages and waits for the echoes."""
        frames = client_frames(self.batch, self.size)
        for _ in range(count // self.batch):
            connections[0].sendall(frames)
            receive(connections[0], answer_bytes(self.size) * self.batch)


class FanOut:
    """Batches of publications in one write; the next when every subscriber has them all."""

    def __init__(self, subscribers, batch):
        self.subscribers, self.batch = subscribers, batch

    def units(self, count):
        """What the figures are divided by."""
        return count * self.subscribers

    def open(self, port):
        """The connections, the publisher first."""
        return [connect(port, "/pub")] + [connect(port, "/sub") for _ in range(self.subscribers)]

    def run(self, connections, count):
        """Publishes so many messages and waits until they have arrived everywhere."""
        frames = client_frames(self.batch)
        for _ in range(count // self.batch):
            connections[0].sendall(frames)
            for subscriber in connections[1:]:
                receive(subscriber, answer_bytes() * self.batch)


class PusherFanOut:
    """One signed publish after the other through the HTTP API to Pusher subscribers; counted per publication."""

    def __init__(self, plain, positioned):
        self.plain, self.positioned = plain, positioned

    def units(self, count):
        """What the figures are divided by."""
        return count

    def open(self, port):
        """The connections, the publisher first; the subscribers have been told that they are."""
        subscribers = []
        for path in ["/pusher/sub"] * self.plain + ["/pusher/recover"] * self.positioned:
            # One after the other, so that opening them costs the same on a busy machine: an allocation for each would
            # show as one for each publication.
            subscribers.append(connect(port, path))
            receive_frame(subscribers[-1])  # pusher:connection_established
            receive_frame(subscribers[-1])  # pusher_internal:subscription_succeeded
        return [connect(port, "/pusher/api")] + subscribers

    def run(self, connections, count):
        """Publishes so many messages and waits until they have arrived everywhere."""
        frame = client_frame(0x81, self.message())
        for _ in range(count):
            connections[0].sendall(frame)
            for subscriber in connections[1:]:
                receive_frame(subscriber)

    @staticmethod
    def message():
        """What the load target takes for a request: the signed query, a line feed, the body."""
        data = "".join(chr(97 + index % 26) for index in range(PAYLOAD))
        body = json.dumps({"name": "news", "channels": ["news"], "data": data}).encode()
        query = f"auth_key=load&auth_timestamp=0&auth_version=1.0&body_md5={hashlib.md5(body).hexdigest()}"
        words = f"POST\n/apps/1/events\n{query}".encode()
        signature = hmac.new(b"load", words, hashlib.sha256).hexdigest()
        return f"{query}&auth_signature={signature}\n".encode() + body


OPERATIONS = {
    "control": Echo("/control", 16),
    "echo-64": Echo("/echo", 1),
    "echo-64x16": Echo("/echo", 16),
    "echo-16k": Echo("/echo", 1, 16_384),
    "fanout-1000-64": FanOut(1000, 1),
    "fanout-1000-64x16": FanOut(1000, 16),
    "pusher-1000-64": PusherFanOut(1000, 0),
    "pusher-500+500-64": PusherFanOut(500, 500),
}


def serve(prefix, options, operation, count):
    """Runs the target under a tool, puts the load on it, ends it; (the tool's words, what happened meanwhile)."""
    command = [*prefix, options.target, "--port", "0", "--keep-memory", "--carrier", options.carrier, "--loops", "1"]
    environment = {**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as words:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, text=True, env=environment)
        try:
            line = process.stdout.readline()
            found = LISTENING.match(line)
            if not found:
                words.seek(0)
                raise CountingFailed(f"{' '.join(command)} did not start:\n{line}{words.read()}")
            port, pid = int(found[1]), int(found[2])
            connections = operation.open(port)
            before, begin = stats(port), time.time()
            operation.run(connections, count)
            end, after = time.time(), stats(port)
            for connection in connections:
                connection.close()
            os.kill(pid, signal.SIGTERM)
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
        words.seek(0)
        return words.read(), Load(begin, end, before, after)


class Load:
    """When the messages went (seconds since 1970), with the target's counters before and after."""

    def __init__(self, begin, end, before, after):
        self.begin, self.end, self.before, self.after = begin, end, before, after

    def grown(self, counter):
        """What one of the counters has grown by."""
        return self.after[counter] - self.before[counter]


def stats(port):
    """The target's counters."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=60) as answer:
        return json.load(answer)


def difference(tool, options, operation, count, pool):
    """What so many messages cost by a tool that can only count whole processes: a function that waits for it."""
    once, often = [pool.submit(tool, options, operation, count * factor) for factor in RUNS]

    def result():
        return {key: (often.result()[key] - value) / (RUNS[1] - RUNS[0]) for key, value in once.result().items()}

    return result


def instructions(options, operation, count):
    """Instructions of the whole process in user mode."""
    words, _ = serve(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], options, operation, count)
    found = INSTRUCTIONS.search(words)
    if not found:
        raise CountingFailed(f"callgrind's output is not understood:\n{words[-500:]}")
    return {"instructions": int(found[1])}


def allocations(options, operation, count):
    """Allocations of the whole process."""
    words, _ = serve(["valgrind", "--leak-check=no"], options, operation, count)
    found = ALLOCATIONS.search(words)
    if not found:
        raise CountingFailed(f"valgrind's output is not understood:\n{words[-500:]}")
    return {"allocations": int(found[1].replace(",", ""))}


def calls(options, operation, count):
    """System calls by kind, and what the target counts itself, from the first message to the last."""
    by_name = collections.Counter()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as log:
        _, load = serve(["strace", "-f", "-ttt", "-s", "0", "-o", log.name], options, operation, count)
        for line in log:
            found = SYSTEM_CALL.match(line)
            if found and load.begin <= float(found[1]) <= load.end:
                by_name[found[2]] += 1
    if not any(by_name[name] for name in SENDS):
        raise CountingFailed(f"strace's log has nothing that was sent, only {dict(by_name)}")
    return {
        "sends": sum(by_name[name] for name in SENDS),
        "waits": sum(by_name[name] for name in WAITS),
        "calls": sum(by_name.values()),
        "wake_ups": load.grown("shard_wake_ups"),
        "encoded": load.grown("publications_encoded"),
    }


def count(options, names, limits):
    """What one message of each operation costs."""
    figures = {name: {} for name in names}
    # Instructions one run after the other: a process that has to wait for a core has more timers fire.
    for tools, workers in (([instructions], 1), ([allocations, calls], os.cpu_count())):
        with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
            counting = []
            for name in names:
                operation, times = OPERATIONS[name], limits[name]["times"]
                for tool in tools:
                    result = (pool.submit(calls, options, operation, times).result if tool is calls else
                              difference(tool, options, operation, times, pool))
                    counting.append((name, operation.units(times), result))
            for name, units, result in counting:
                figures[name].update({key: value / units for key, value in result().items()})
    return figures


def table(options, limits, figures):
    """Prints a table; the names of what is above its threshold."""
    keys = ["instructions", "allocations", "sends", "waits", "calls", "wake_ups", "encoded"]
    checks_instructions = platform.machine() == options.machine
    above = []
    print(f"per message (echo), delivery (fan-out) or publication (pusher), {options.carrier} carrier")
    print(f"{'':<20}" + "".join(f"{key:>14}" for key in keys))
    for name, found in figures.items():
        print(f"{name:<20}" + "".join(f"{found[key]:>14.4f}" if key != "instructions" else f"{found[key]:>14.1f}"
                                      for key in keys))
        allowed = limits[name]
        judged = {}
        for key in keys:
            if key in allowed and (key != "instructions" or checks_instructions):
                judged[key] = found[key] <= allowed[key]
                if not judged[key]:
                    above.append(f"{name}: {key}")
        marks = {key: f"{allowed[key]:g} {'ok' if judged[key] else 'ABOVE'}" for key in judged}
        print(f"{'   allowed':<20}" + "".join(f"{marks.get(key, '-'):>14}" for key in keys))
    if not checks_instructions:
        print(f"(instructions are not compared: the thresholds are for {options.machine})")
    return above


def main():
    """Counts, prints the table, and says whether all is well."""
    parser = argparse.ArgumentParser(prog="scripts/bench carrier", description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, help="the load target")
    parser.add_argument("--thresholds", required=True, help="the file with the thresholds")
    parser.add_argument("--carrier", default="reactor", choices=["reactor", "nio"], help="default reactor")
    parser.add_argument("--operation", nargs="+", default=list(OPERATIONS), choices=list(OPERATIONS), metavar="NAME",
                        help=f"what to count (default all): {' '.join(OPERATIONS)}")
    options = parser.parse_args()
    with open(options.thresholds, encoding="utf-8") as file:
        thresholds = json.load(file)
    options.machine = thresholds["machine"]
    limits = thresholds["carriers"].get(options.carrier)
    if limits is None or set(limits) != set(OPERATIONS):
        raise CountingFailed(f"{options.thresholds} does not have these operations for {options.carrier}: "
                             f"{', '.join(OPERATIONS)}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    with tempfile.TemporaryDirectory() as folder:
        return count_all(options, limits, folder)


def count_all(options, limits, folder):
    """Counts with a copy of the target in `folder`; the exit status."""
    # Older valgrinds give up on the debug information of newer compilers, which counting does not need.
    stripped = os.path.join(folder, "load-target")
    subprocess.run(["strip", "--strip-debug", "-o", stripped, options.target], check=True)
    options.target = stripped
    names = [name for name in OPERATIONS if name in options.operation or name in ("control", "echo-64x16")]
    figures = count(options, names, limits)
    control = figures["control"]["allocations"] - figures["echo-64x16"]["allocations"]
    above = table(options, limits, figures)
    print(f"control: {control:.3f} allocations more than an echo, where 1 is right")
    is_right = abs(control - 1) < 0.02  # a timer that fires once more is no error
    if not is_right:
        print("error: the control does not allocate exactly once: none of these figures is right", file=sys.stderr)
    if above:
        print(f"error: above the threshold: {', '.join(above)}. Make it cheaper again; or, when the work has really "
              "grown, raise the number in Benchmarks/thresholds.json and say why", file=sys.stderr)
    return 0 if is_right and not above else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CountingFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
