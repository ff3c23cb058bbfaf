"""Little memory: strangers cannot make a server take more than its control group or `ulimit -v` allows.

The defaults are made for a machine; in a container they give way. A start without enough memory is one clear line.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time
import zlib

import pytest

import wire

pytestmark = pytest.mark.skipif(wire.SANITIZED, reason="a sanitizer takes memory of its own")

FULL = os.environ.get("PARLEY_FULL") == "1"
V1 = pathlib.Path("/sys/fs/cgroup/memory")
V2 = pathlib.Path("/sys/fs/cgroup")
CONFIGURATION = """apps:
  - id: "1"
    name: one
    keys: [{key: K1, secret: S1}]
"""


class Group:
    """A control group of a few MiB, for one server."""

    def __init__(self, mebibytes):
        is_v1 = (V1 / "memory.limit_in_bytes").exists()
        self.path = (V1 if is_v1 else V2) / f"parley-test-{os.getpid()}"
        limit = "memory.limit_in_bytes" if is_v1 else "memory.max"
        try:
            self.path.mkdir()
            (self.path / limit).write_text(str(mebibytes * wire.MIB))
            if not is_v1:
                # Nothing is paged out instead.
                swap = self.path / "memory.swap.max"
                if swap.exists():
                    swap.write_text("0")
        except OSError as error:
            self.remove()
            pytest.skip(f"no control group can be made here: {error}")

    def remove(self):
        if self.path.exists():
            wire.eventually(self._removed, 10, lambda: f"{self.path} is in use")

    def _removed(self):
        try:
            self.path.rmdir()
        except OSError:
            return False
        return True


class Limited(wire.Server):
    """A server that something comes before: it sets the limit and becomes the server."""

    def __init__(self, prefix, *options):
        super().__init__(*options)
        self.command = [*prefix, *self.command]


@pytest.fixture(params=[64, 150])
def small(request, tmp_path):
    group = Group(request.param)
    configuration = tmp_path / "parley.yml"
    configuration.write_text(CONFIGURATION)
    configuration.chmod(0o600)
    join = ["/bin/sh", "-c", f'echo $$ > {group.path}/cgroup.procs && exec "$@"', "sh"]
    server = Limited(
        join, "--config", str(configuration), "--max-rate", "100000", "--max-byte-rate", "unlimited")
    try:
        with server:
            yield server
            wire.close_all()
    finally:
        wire.close_all()
        group.remove()


def member(server, name, room):
    joined = wire.WebSocket(server.port, f"/?room={room}")
    joined.join(name)
    return joined


def strangers(server, count, path):
    """As many WebSockets as are let in."""
    crowd = []
    for _ in range(count):
        try:
            crowd.append(wire.WebSocket(server.port, path))
        except (wire.Ended, OSError, AssertionError):
            pass  # refused with 503, or closed at once
    return crowd


def push(stranger, data, seconds=0.3):
    """Sends what the server takes."""
    stranger.socket.settimeout(seconds)
    try:
        stranger.socket.sendall(data)
    except OSError:
        pass


def assert_serves(server, ordinary):
    """An ordinary member has its echo, also when the server has read what waits in the kernel."""
    for number in range(4):
        time.sleep(0.4)
        server.assert_alive()
        ordinary.say(f"hello {number}")
        assert ordinary.said() == f"hello {number}"


def test_the_log_says_what_was_lowered(small):
    notice = next(line for line in small.text().splitlines() if "defaults are lowered" in line)
    for word in ("assembly_budget=", "output_budget=", "max_connections=", "max_subscriptions=", "control group", "cure="):
        assert word in notice, notice


def test_unfinished_messages_do_not_end_it(small):
    ordinary = member(small, "ordinary", "quiet")
    started = wire.frame(1, b"x" * 1_000_000)[:950_000]
    crowd = strangers(small, 400 if FULL else 231, "/?room=loud")
    assert len(crowd) > 64
    for stranger in crowd:
        push(stranger, started)
        small.assert_alive()
    assert_serves(small, ordinary)


def test_talk_that_nobody_reads_does_not_end_it(small):
    ordinary = member(small, "ordinary", "quiet")
    crowd = [member(small, f"m{number}", f"loud{number % 3}") for number in range(60)]
    text = wire.frame(1, wire.say_payload("y" * 900_000).encode())
    for _ in range(6 if FULL else 2):
        for stranger in crowd:
            push(stranger, text, 0.1)
        small.assert_alive()
    assert_serves(small, ordinary)


def test_subscriptions_do_not_end_it(small):
    ordinary = member(small, "ordinary", "quiet")
    for number, stranger in enumerate(strangers(small, 300 if FULL else 100, "/app/K1?protocol=7&client=js&version=8")):
        asked = [
            {"event": "pusher:subscribe", "data": {"channel": f"c{number}-{channel}" + "l" * 140}}
            for channel in range(1_000)
        ]
        push(stranger, b"".join(wire.frame(1, json.dumps(one).encode()) for one in asked))
        small.assert_alive()
    assert_serves(small, ordinary)


@pytest.mark.parametrize("carrier", ["reactor", "nio"])
def test_compressed_talk_that_nobody_reads_does_not_end_it(tmp_path, carrier):
    """Texts of a few bytes become 4 MB of JSON for 45 members each, who are cut off, and keep what has begun to leave."""
    group = Group(100)
    configuration = tmp_path / "parley.yml"
    configuration.write_text(CONFIGURATION)
    configuration.chmod(0o600)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = b"key=all&nr=" + b'"' * 370_000
    bomb = wire.frame(1, (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv=4)
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    join = ["/bin/sh", "-c", f'echo $$ > {group.path}/cgroup.procs && exec "$@"', "sh"]
    try:
        with Limited(join, "--config", str(configuration), "--compression", "dedicated", "--carrier", carrier) as server:
            ordinary = member(server, "ordinary", "quiet")
            idle = server.descriptors()
            for _ in range(2):
                crowd = []
                for number in range(225):
                    try:
                        stranger = wire.WebSocket(server.port, f"/?room=z{number % 5}", offer)
                    except (wire.Ended, OSError, AssertionError):
                        continue  # refused
                    push(stranger, wire.frame(1, b"type=add&ming=z"))
                    stranger.deflates = "deflate" in (stranger.answer.get("Sec-WebSocket-Extensions") or "")
                    crowd.append(stranger)
                assert any(stranger.deflates for stranger in crowd)
                for _ in range(30):
                    for stranger in crowd:
                        if stranger.deflates:
                            push(stranger, bomb, 0.01)
                    server.assert_alive()
                    time.sleep(0.1)
                for stranger in crowd:
                    stranger.close()
                # Their places, and the memory of their windows, are free when they have ended there.
                wire.eventually(lambda: server.descriptors() <= idle, 20, server.text)
            assert_serves(server, ordinary)
            wire.close_all()
    finally:
        wire.close_all()
        group.remove()


def test_too_little_memory_is_one_clear_line():
    group = Group(40)
    try:
        ended = subprocess.run(
            ["sh", "-c", f'echo $$ > {group.path}/cgroup.procs && exec "$@"', "sh", wire.PARLEY, "serve", "--port", "0"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    finally:
        group.remove()
    assert ended.returncode == 71
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and "too little memory" in ended.stderr, ended.stderr
    assert "container" in ended.stderr and "50 MiB" in ended.stderr


@pytest.mark.parametrize("megabytes", range(100, 1_001, 20) if FULL else (100, 180, 260, 300, 420, 640))
def test_an_address_space_is_refused_or_served_with(megabytes):
    """How much an idle server needs depends on the processors; no value lets it start and end later."""
    server = Limited([shutil.which("prlimit"), f"--as={megabytes * 1_000_000}"], "--apps", "off")
    try:
        server.start()
    except AssertionError:
        said = server.text()
        assert server.process.returncode == 71, said
        assert said.count("\n") == 1 and "too little memory" in said and "ulimit -v" in said, said
        assert megabytes < 260 or os.cpu_count() > 4, said
        return
    try:
        assert megabytes > 100
        ordinary = member(server, "ordinary", "quiet")
        crowd = strangers(server, 950, "/?room=big")
        for number, stranger in enumerate(crowd):
            push(stranger, wire.frame(1, f"type=add&ming=m{number}".encode()))
        assert len(crowd) > 64
        assert_serves(server, ordinary)
    finally:
        wire.close_all()
        server.stop()
