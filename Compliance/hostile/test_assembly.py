"""Messages that are not finished: they have a budget, those that take most pay, and what is closed takes nothing."""

import time

import pytest

import wire
from test_deflate import DeflateWebSocket, RSV1, deflate
from wire import MIB, TEXT, WebSocket, frame

CARRIERS = pytest.mark.parametrize("carrier", ["reactor", "nio"])
BUDGET = 16 * MIB


def unfinished(kind, server):
    """A connection that has sent nearly all of a large message, or a little that becomes one."""
    if kind == "compressed":
        socket = DeflateWebSocket(server, "/?room=greedy")
        data = deflate(b"nr=" + b"a" * 990_000)
        socket.send(frame(TEXT, data, fin=False, rsv=RSV1))
    else:
        socket = WebSocket(server.port, "/?room=greedy")
        whole = frame(TEXT, b"nr=" + b"a" * 1_000_000)
        socket.send(whole[:-1_000])
    return socket


@CARRIERS
@pytest.mark.parametrize("kind", ["plain", "compressed"])
def test_those_that_hold_most_pay_and_nobody_else(carrier, kind):
    options = ("--assembly-budget", str(BUDGET), "--compression", "shared", "--ping-interval", "600",
               "--assembly-timeout", "600", "--max-byte-rate", "unlimited")
    with wire.Server("--carrier", carrier, *options) as server:
        innocent = [WebSocket(server.port, "/?room=quiet").join(f"i{number}") for number in range(8)]
        # What connections take that are new belongs to the idle value.
        crowd = [WebSocket(server.port, "/?room=warm") for _ in range(60)]
        for socket in crowd:
            socket.close()
        server.forget_peak()
        idle = server.peak()
        halves = []
        for number, socket in enumerate(innocent):
            whole = frame(TEXT, f"nr={'b' * 100}{number}&key=all")
            socket.send(whole[:40])
            halves.append(whole[40:])
        greedy = [unfinished(kind, server) for _ in range(120)]

        def closed():
            for socket in greedy:
                socket.take()
            return sum(b"too many unfinished messages" in bytes(socket.received) for socket in greedy)

        wire.eventually(lambda: closed() >= 60, 20, lambda: f"{closed()} of {len(greedy)} are closed")
        for socket, half in zip(innocent, halves):
            socket.send(half)
        for number, socket in enumerate(innocent):
            said = [socket.said() for _ in innocent]
            assert sorted(said) == [f"{'b' * 100}{other}" for other in range(8)], said
        assert server.peak() - idle < 1.3 * BUDGET + 16 * MIB, f"{(server.peak() - idle) / MIB:.0f} MiB"
        server.assert_alive()
