"""Fixtures: servers with their canaries, one of each kind a file, and what every test asserts at its end.

Run `pytest Compliance/hostile` after `swift build -c release`. PARLEY_BIN and ECHO_SERVER_BIN name other binaries,
HOSTILE_FUZZ_SECONDS says how long each target of test_fuzz.py takes. Linux only: memory, processor time and descriptors
are read from /proc.
"""

import os
import resource
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import wire  # noqa: E402

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Watched:
    """A server, its canary, and what it used before the attacks."""

    SLACK = 6 * wire.MIB  # an allocator keeps some memory for the next time

    def __init__(self, program, options, crowd):
        # What rooms keep is no leak: the warm-up fills it, and from then on it does not grow.
        kept = ("--history-budget", str(8 * wire.MIB)) if program == "parley" and "--config" not in options else ()
        self.server = wire.Server(*options, *kept, program=program).start()
        try:
            self.canary = wire.Canary(self.server, "room" if program == "parley" else "echo")
        except BaseException:
            self.server.stop()
            raise
        self._warm_up(program, crowd)
        self.descriptors = self.settled_descriptors()
        self.resident = self.server.resident()

    def _warm_up(self, program, members):
        """What a day of honest use leaves behind in caches and pools belongs to the baseline."""
        port = self.server.port
        for _ in range(2):
            crowd = [wire.WebSocket(port, f"/?room=warm{index // 20}") for index in range(members)]
            for index, member in enumerate(crowd if program == "parley" else []):
                member.join(f"guest{index}")
            for talker in crowd[::20]:
                text = "x" * (60_000 if program != "parley" else 900_000)
                talker.say(text)
                talker.message() if program != "parley" else talker.said()
            for member in crowd:
                member.close()
        for _ in range(20):
            page = wire.Connection(port)
            page.send(wire.request("/"))
            page.response()
            page.close()

    def settled_descriptors(self):
        """The number of descriptors when it has stopped changing."""
        history = []

        def settled():
            history.append(self.server.descriptors())
            return len(history) >= 10 and len(set(history[-10:])) == 1

        wire.eventually(settled, 30, lambda: f"descriptors keep changing: {history[-10:]}")
        return history[-1]

    def assert_nothing_left(self):
        """Once a section: memory at the baseline + 5 % within 30 s, no descriptor leaked, the canary never late."""
        wire.close_all()
        server = self.server
        self.canary.assert_unharmed()
        wire.eventually(
            lambda: server.descriptors() <= self.descriptors, 30,
            lambda: f"{server.descriptors()} descriptors, {self.descriptors} before the attacks",
        )
        allowed = self.resident * 1.05 + self.SLACK
        wire.eventually(
            lambda: server.resident() <= allowed, 30,
            lambda: f"{server.resident() // 1024} KiB resident, {self.resident // 1024} KiB before the attacks: "
            f"{' '.join(server.command)}",
        )
        server.assert_alive()

    def stop(self):
        self.canary.stop()
        return self.server.stop()


@pytest.fixture(scope="module")
def pool():
    """The servers of a test file, by program and options."""
    servers = {}
    yield servers
    for watched in servers.values():
        watched.stop()


@pytest.fixture
def serve(pool, request):
    """Gives a server with these options, and asserts at the end of the test that it is unharmed.

    Tables and pools grow with the connections that there are at once, and stay so: a file whose tests open very many
    says so in CROWD, and the warm-up has as many.
    """
    used = {}
    crowd = getattr(request.module, "CROWD", 200)

    def start(*options, program="parley"):
        key = (program, options)
        if key not in pool:
            pool[key] = Watched(program, options, crowd)
        pool[key].server.assert_alive()
        used.setdefault(key, time.monotonic())
        return pool[key].server

    yield start
    wire.close_all()
    for key, began in used.items():
        pool[key].server.assert_alive()
        pool[key].canary.assert_unharmed(began)


@pytest.fixture
def server(serve):
    """The server at its default limits."""
    return serve()


@pytest.fixture
def connect(server):
    """Opens plain connections to the default server."""
    return lambda **knobs: wire.Connection(server.port, **knobs)


@pytest.fixture
def open_websocket(server):
    """Opens WebSocket connections to the default server."""
    return lambda target="/", *fields, **knobs: wire.WebSocket(server.port, target, *fields, **knobs)
