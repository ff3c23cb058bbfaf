"""Measures what the Pusher protocol adds: processor time per delivery, and memory per connection in a presence channel.

    pusher.py --target BINARY --parley BINARY [--runs 7] [--work ratio memory] [--carrier reactor]

ratio: one load target holds 1,000 raw subscribers and 1,000 Pusher subscribers. In turns (A B B A ...) a publication goes
to the ones and to the others, the same bytes on the wire, the next when all have the one before; what counts is the
ratio of the target's processor time per delivery. The target runs on core 0, this program on core 1.

memory: 19,900 connections to `parley serve` with its limits off, each present in one of 200 presence channels; what the
server's anonymous memory has grown by.

Exit status: 0 when all is within its limits, 1 when something is above or could not be measured.
"""

import argparse
import hashlib
import hmac
import json
import os
import pathlib
import re
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

LISTENING = re.compile(r"listening on ws://[^ ]*:(\d+) pid (\d+)")
READY = re.compile(r"http://127\.0\.0\.1:(\d+)/")
SUBSCRIBERS = 1_000
RATIO_LIMIT = 1.10
MEMORY_CONNECTIONS = 19_900
CHANNELS = 200
MEMORY_LIMIT = 1_536
KEY, SECRET = "measured", "measured-secret"


class MeasuringFailed(Exception):
    """Something that makes the figures worthless, in words for a person."""


class Peer:
    """A WebSocket client on a plain socket; text frames only."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self.fill()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise MeasuringFailed(f"{path}: no 101 but {head[:60]!r}")

    def fill(self):
        """Waits for bytes."""
        piece = self.socket.recv(65_536)
        if not piece:
            raise MeasuringFailed("the server closed a connection")
        self.received += piece

    def message(self):
        """The next message's text; control frames are passed over."""
        while True:
            frame = self.frame()
            if frame is not None:
                return frame

    def frame(self):
        """The payload of the next frame if it is a message."""
        self.need(2)
        length, start = self.received[1] & 0x7F, 2
        if length == 126:
            self.need(4)
            length, start = int.from_bytes(self.received[2:4], "big"), 4
        elif length == 127:
            self.need(10)
            length, start = int.from_bytes(self.received[2:10], "big"), 10
        self.need(start + length)
        is_message = self.received[0] & 0x0F in (1, 2)
        payload, self.received = self.received[start:start + length], self.received[start + length:]
        return payload if is_message else None

    def need(self, count):
        """Waits until so many bytes are there."""
        while len(self.received) < count:
            self.fill()

    def send(self, text):
        """Sends a text message."""
        payload = text if isinstance(text, bytes) else text.encode()
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
        self.socket.sendall(head + b"\0\0\0\0" + payload)


def processor_time(pid):
    """Seconds that the process has run."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
        except (OSError, IndexError):
            pass  # a thread that has just ended
    return total / 1e9


def spread(values):
    """In words: median, smallest, largest."""
    return f"median {statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


class Audience:
    """Subscribers of one kind, with who publishes to them."""

    def __init__(self, port, path, publish_path):
        self.publisher = Peer(port, publish_path)
        self.peers = [Peer(port, path) for _ in range(SUBSCRIBERS)]

    def watch(self):
        """Gets ready to count what arrives."""
        self.poll = select.epoll()
        self.by_descriptor = {peer.socket.fileno(): peer.socket for peer in self.peers}
        for peer in self.peers:
            peer.socket.setblocking(False)
            self.poll.register(peer.socket, select.EPOLLIN)

    def publish(self, payload, frame_bytes):
        """Publishes, and returns when everybody has the frame."""
        self.publisher.send(payload)
        left = SUBSCRIBERS * frame_bytes
        while left > 0:
            ready = self.poll.poll(30)
            if not ready:
                raise MeasuringFailed(f"{left} bytes of a publication did not arrive within 30 s")
            for descriptor, _ in ready:
                piece = self.by_descriptor[descriptor].recv(65_536)
                if not piece:
                    raise MeasuringFailed("the server closed a subscriber's connection")
                left -= len(piece)
        if left < 0:
            raise MeasuringFailed("more arrived than was published")


def measure_ratio(options):
    """Processor time of a delivery to Pusher subscribers over that to raw ones."""
    command = ["taskset", "-c", "0", options.target, "--port", "0", "--carrier", options.carrier, "--loops", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        found = LISTENING.match(process.stdout.readline())
        if not found:
            raise MeasuringFailed(f"{' '.join(command)} did not start")
        port, pid = int(found[1]), int(found[2])
        pusher = Audience(port, "/pusher/sub", "/pusher/pub")
        raw = Audience(port, "/sub", "/pub")
        for peer in pusher.peers:
            peer.message()
            peer.message()
        data = b"x" * 64
        pusher.publisher.send(data)
        envelope = {peer.message() for peer in pusher.peers}
        if len(envelope) != 1:
            raise MeasuringFailed("the subscribers have not received the same")
        envelope = envelope.pop()
        frame_bytes = len(envelope) + (2 if len(envelope) < 126 else 4)
        works = {"raw": (raw, envelope), "pusher": (pusher, data)}
        for audience, payload in works.values():
            audience.watch()
            for _ in range(50):
                audience.publish(payload, frame_bytes)
        ratios = []
        for run in range(options.runs):
            cost = {}
            for name in ("raw", "pusher") if run % 2 == 0 else ("pusher", "raw"):
                audience, payload = works[name]
                before = processor_time(pid)
                for _ in range(options.publications):
                    audience.publish(payload, frame_bytes)
                cost[name] = (processor_time(pid) - before) / options.publications / SUBSCRIBERS * 1e6
            ratios.append(cost["pusher"] / cost["raw"])
            print(f"run {run + 1}/{options.runs}  raw {cost['raw']:.2f} us  pusher {cost['pusher']:.2f} us  "
                  f"ratio {ratios[-1]:.3f}", file=sys.stderr, flush=True)
    finally:
        process.terminate()
        process.wait(10)
    value = statistics.median(ratios)
    print(f"fan-out to {SUBSCRIBERS:,} Pusher subscribers over raw ones, {frame_bytes} bytes each, {options.carrier}: "
          f"{spread(ratios)}, limit {RATIO_LIMIT}: {'ok' if value <= RATIO_LIMIT else 'ABOVE'}", flush=True)
    return value <= RATIO_LIMIT


def anonymous_bytes(pid):
    """The process's own memory."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def settled_bytes(pid):
    """The same when it has stopped changing."""
    history = []
    for _ in range(120):
        history.append(anonymous_bytes(pid))
        if len(history) > 8 and max(history[-8:]) - min(history[-8:]) <= 64 << 10:
            return history[-1]
        time.sleep(0.5)
    raise MeasuringFailed(f"the server's memory does not settle: {history[-8:]}")


def measure_memory(options):
    """Bytes of a connection that is present in one presence channel."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 64
    connections = min(MEMORY_CONNECTIONS, most)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "parley.yml")
        config.write_text(f'apps: [{{id: "1", name: measured, keys: [{{key: {KEY}, secret: {SECRET}}}]}}]\n')
        command = [options.parley, "serve", "--config", str(config), "--port", "0", "--carrier", options.carrier,
                   "--max-connections", "unlimited", "--max-connections-per-address", "unlimited",
                   "--connection-rate", "unlimited"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            found = READY.search(process.stdout.readline())
            if not found:
                raise MeasuringFailed(f"{' '.join(command)} did not start")
            port = int(found[1])
            for index in range(200):  # what only the first ones cost
                present(port, index, f"presence-warm{index % 2}").socket.close()
            before = settled_bytes(process.pid)
            peers = []
            for index in range(connections):
                peers.append(present(port, index, f"presence-{index % CHANNELS}"))
                if index % 2_000 == 1_999:
                    print(f"{index + 1} connections", file=sys.stderr, flush=True)
                    drain(peers)
            drain(peers)
            after = settled_bytes(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    value = (after - before) / connections
    print(f"memory of a Pusher connection in one presence channel, {connections:,} connections in {CHANNELS} channels, "
          f"{options.carrier}: {value:.0f} bytes, limit {MEMORY_LIMIT}: {'ok' if value <= MEMORY_LIMIT else 'ABOVE'}",
          flush=True)
    return value <= MEMORY_LIMIT


def present(port, index, channel):
    """A connection that has become a member of a presence channel."""
    peer = Peer(port, f"/app/{KEY}?protocol=7&client=bench&version=1.0")
    established = json.loads(json.loads(peer.message())["data"])
    user = json.dumps({"user_id": f"user{index}", "user_info": {"name": f"Name {index}"}})
    words = f"{established['socket_id']}:{channel}:{user}".encode()
    signature = hmac.new(SECRET.encode(), words, hashlib.sha256).hexdigest()
    peer.send(json.dumps({"event": "pusher:subscribe", "data": {
        "channel": channel, "auth": f"{KEY}:{signature}", "channel_data": user}}))
    while json.loads(peer.message())["event"] != "pusher_internal:subscription_succeeded":
        pass
    peer.received = b""
    return peer


def drain(peers):
    """Takes what has arrived, so that nobody is a slow reader."""
    for peer in peers:
        peer.socket.setblocking(False)
        try:
            while peer.socket.recv(65_536):
                pass
        except BlockingIOError:
            pass


def main():
    """Measures what was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/bench pusher", description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, help="the load target")
    parser.add_argument("--parley", required=True, help="the server")
    parser.add_argument("--carrier", default="reactor", choices=["reactor", "nio"], help="default reactor")
    parser.add_argument("--runs", type=int, default=7, help="turns of each kind (default 7)")
    parser.add_argument("--publications", type=int, default=300, help="publications a turn (default 300)")
    parser.add_argument("--work", nargs="+", default=["ratio", "memory"], choices=["ratio", "memory"])
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    is_right = True
    if "ratio" in options.work:
        os.sched_setaffinity(0, {1})
        is_right = measure_ratio(options) and is_right
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
    if "memory" in options.work:
        is_right = measure_memory(options) and is_right
    return 0 if is_right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MeasuringFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
