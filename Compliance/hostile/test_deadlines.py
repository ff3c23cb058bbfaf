"""The rows with a time in them: 15 and 59 at the defaults, 76, 86 and 91 with shorter times where waiting is long."""

import select
import signal
import time

import pytest

import wire
from wire import (
    BINARY, CONTINUATION, KIB, MIB, PING, PONG, TEXT, WebSocket, close_frame, frame, say_frame, upgrade_request,
)


def watch_until_ended(connections, within, every_second=lambda: None):
    """Waits until all have been ended by the server; gives the moment for each. Calls `every_second` meanwhile."""
    ended = {}
    poller = select.poll()
    by_descriptor = {connection.socket.fileno(): connection for connection in connections}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.POLLIN)
    deadline, next_call = time.monotonic() + within, 0.0
    while len(ended) < len(connections):
        now = time.monotonic()
        assert now < deadline, f"{len(connections) - len(ended)} of {len(connections)} were not ended in {within} s"
        if now >= next_call:
            next_call = now + 1
            every_second()
        for descriptor, _ in poller.poll(200):
            connection = by_descriptor[descriptor]
            while connection.take():
                pass
            if connection.ended:
                poller.unregister(descriptor)
                ended[connection] = time.monotonic()
    return ended


def test_rows_15_and_59_a_handshake_that_is_not_done_in_10_seconds_is_given_up(server, connect):
    """2,000 sockets send a byte a second, 5 a field of 8 KiB in single bytes, 100 nothing at all."""
    head = upgrade_request("/", "X-Slow: " + "a" * 8 * KIB)
    descriptors, resident = server.descriptors(), server.resident()
    began = time.monotonic()
    slow = [connect() for _ in range(2000)]
    steady = [connect() for _ in range(5)]
    silent = [connect() for _ in range(100)]
    opened = time.monotonic()
    position = 0

    def trickle():
        nonlocal position
        for connection in slow:
            connection.send(head[position : position + 1], reading=False)
        for connection in steady:
            for byte in head[position * 100 : position * 100 + 100]:
                connection.send(bytes([byte]), reading=False)
        position += 1

    ended = watch_until_ended(slow + steady + silent, 16, trickle)
    assert min(ended.values()) > began + 9, "the handshake has ten seconds"
    assert max(ended.values()) < opened + 12.5
    for connection in slow + steady:
        assert connection.received.startswith(b"HTTP/1.1 408 "), bytes(connection.received)
    for connection in silent:
        assert connection.received == b"", "who says nothing is told nothing"
    wire.eventually(lambda: server.descriptors() <= descriptors, 5, "the server still holds descriptors")
    assert server.resident() < resident + 32 * MIB


def test_row_15_the_deadline_is_that_of_the_whole_handshake(serve):
    """Each byte comes in time; all together do not. And a handshake that is done has no deadline any more."""
    server = serve("--handshake-timeout", "1")
    done = WebSocket(server.port)
    slow = wire.Connection(server.port)
    began = time.monotonic()
    head = upgrade_request("/", "X-Slow: " + "a" * KIB)
    for byte in head:
        slow.send(bytes([byte]))
        if slow.take():
            break
        time.sleep(0.02)  # the attack itself: fifty bytes a second
    assert slow.response().status == 408
    slow.expect_end()
    assert 0.8 < time.monotonic() - began < 3
    done.join("in time")


def test_row_76_a_message_that_is_never_finished_is_given_up(serve):
    """300 connections hold the first 60 KiB of a message that never goes on."""
    server = serve("--assembly-timeout", "0.5")
    sockets = [WebSocket(server.port) for _ in range(300)]
    began = time.monotonic()
    for index, socket in enumerate(sockets):
        start = b"x" * 60 * KIB
        if index % 3 == 0:  # fragments
            socket.send(frame(TEXT, start, fin=False))
        elif index % 3 == 1:  # a frame that is cut
            socket.send(frame(TEXT, start + b"x" * 10)[:-10])
        else:  # with pings in between: the peer is there, the message is not
            socket.send(frame(TEXT, start, fin=False) + frame(PING, "here"))
    for socket in sockets:
        socket.expect_close(1008, within=8)
    assert time.monotonic() - began > 0.4


def test_row_76_unfinished_messages_of_60_kib_take_no_more_memory_than_they_have(serve):
    server = serve()
    resident = server.resident()
    server.forget_peak()
    sockets = [WebSocket(server.port) for _ in range(300)]
    for socket in sockets:
        for part in range(60):
            socket.send(frame(CONTINUATION if part else TEXT, b"x" * KIB, fin=False))
    for socket in sockets:  # the pong says that everything before the ping has been read
        socket.send(frame(PING, "read?"))
        assert socket.frame().opcode == PONG
    held = 300 * 60 * KIB
    assert server.peak() - resident < 2.5 * held + 8 * MIB
    for socket in sockets:
        socket.close()


def test_row_76_a_long_message_that_keeps_coming_is_not_given_up(serve):
    server = serve("--assembly-timeout", "0.5")
    socket = WebSocket(server.port).join("steady")
    socket.send(frame(TEXT, "nr=", fin=False))
    for _ in range(10):
        socket.send(frame(CONTINUATION, b"x" * KIB, fin=False))
        time.sleep(0.12)  # the input itself: a slow line
    socket.send(frame(CONTINUATION, "&key=all"))
    assert socket.said() == "x" * 10 * KIB


def unanswered_close(server, within):
    """Twenty connections make the server close and never answer; some go on talking."""
    descriptors = server.descriptors()
    sockets = [WebSocket(server.port).join("binary") for _ in range(20)]
    began = time.monotonic()
    for socket in sockets:
        socket.send(frame(BINARY, b"\0"))
    for socket in sockets:
        while (found := socket.frame()).opcode != wire.CLOSE:
            pass
        assert found.code == 1003

    def talk():
        for socket in sockets[::2]:
            socket.send(say_frame("I did not hear that"), reading=False)

    watch_until_ended(sockets, within, talk)
    wire.eventually(
        lambda: server.descriptors() <= descriptors, max(0.1, began + within - time.monotonic()),
        "the server still holds the sockets")


def test_row_86_a_close_that_is_not_answered_ends_after_5_seconds(server):
    unanswered_close(server, within=7)


def test_row_86_the_close_timeout_can_be_set(serve):
    unanswered_close(serve("--close-timeout", "0.5"), within=3)


def test_row_91_who_answers_no_ping_is_gone_and_everybody_is_told_once(serve):
    server = serve("--ping-interval", "0.5", "--pong-timeout", "0.5")
    witness = WebSocket(server.port, "/?room=pong").join("witness")
    dead = WebSocket(server.port, "/?room=pong").join("dead")
    busy = WebSocket(server.port, "/?room=pong").join("busy")  # never a pong, but other bytes
    began, left, pings = time.monotonic(), [], 0
    while time.monotonic() - began < 4:
        busy.send(frame(PONG, "unasked") if pings % 2 else say_frame("here"))
        pings += 1
        try:
            push = witness.push(patience=0.3)
        except TimeoutError:
            continue
        if push.get("type") == "rmove":
            left.append((push["nrong"], time.monotonic() - began))
    assert [code for code, _ in left] == [dead.code]
    assert 0.6 < left[0][1] < 3
    # What the dead one finds when it looks: pushes, a ping, the end.
    while dead.fill(3):
        pass
    opcodes = set()
    while dead.received:
        opcodes.add(dead.frame().opcode)
    assert PING in opcodes
    assert not busy.ended


def test_row_91_a_tcp_connection_that_answers_pings_stays(serve):
    server = serve("--ping-interval", "0.5", "--pong-timeout", "0.5")
    quiet = WebSocket(server.port)
    for _ in range(4):
        found = quiet.frame()
        assert found.opcode == PING
        quiet.send(frame(PONG, found.payload))
    quiet.join("still here")


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_server_that_is_told_to_end_says_1001_and_ends_within_5_seconds(order):
    """In the crowd: members, one in the middle of a message, one in the middle of its handshake."""
    with wire.Server() as server:
        members = [WebSocket(server.port).join(f"member{number}") for number in range(20)]
        members[0].send(frame(TEXT, "nr=", fin=False))
        half = wire.Connection(server.port)
        half.send(upgrade_request("/")[:-2])
        server.process.send_signal(order)
        for member in members:
            while (found := member.frame()).opcode != wire.CLOSE:
                pass
            assert found.code == 1001
            member.send(close_frame(1001))
        assert server.process.wait(5) == 0
    wire.close_all()


def test_the_deadlines_leave_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
