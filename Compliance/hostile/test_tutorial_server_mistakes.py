"""What the server of the tutorial gets wrong, and this one does not: the end of the room protocol's specification."""

import base64

import pytest

import wire
from wire import (
    BINARY, CLOSE, CONTINUATION, MIB, PING, PONG, TEXT, Connection, WebSocket, accept_value, close_frame, frame,
    say_frame, say_payload, upgrade_request,
)


@pytest.fixture
def member(open_websocket, request):
    """Gives members of a room that only this test uses."""
    room = f"/?room=t{abs(hash(request.node.nodeid)) % 10**9}"

    def join(name=None):
        socket = open_websocket(room)
        return socket.join(name) if name else socket

    return join


def nothing_was_sent(socket):
    """Asserts that a connection has got nothing so far: the pong is the first that comes."""
    socket.send(frame(PING, "anything?"))
    found = socket.frame()
    assert (found.opcode, found.payload) == (PONG, b"anything?"), found


# --- Reads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [900, 992, 993, 1000, 1001, 2000, 4096, 9999, 100_000])
def test_a_frame_longer_than_a_read_of_1000_bytes_is_one_message(member, size):
    socket = member("long")
    socket.say("x" * size)
    assert socket.said() == "x" * size


@pytest.mark.parametrize("step", [1, 2, 5, 7, 999, 1000, 1001])
def test_a_frame_that_comes_in_several_reads_is_one_message(member, step):
    socket = member("parts")
    data = say_frame("x" * 2500)
    for at in range(0, len(data), step):
        socket.send(data[at : at + step])
    assert socket.said() == "x" * 2500


def test_several_frames_in_one_read_are_several_messages(member):
    socket = member("many")
    socket.send(b"".join(say_frame(f"number {number}") for number in range(30)))
    assert [socket.said() for _ in range(30)] == [f"number {number}" for number in range(30)]


def test_an_empty_frame_of_6_bytes_is_no_disconnect(member):
    socket = member("empty")
    empty = frame(TEXT)
    assert len(empty) == 6
    socket.send(empty)
    socket.send(empty[:3])
    nothing_more = frame(PING, b"")
    socket.send(empty[3:] + nothing_more)
    assert socket.frame().opcode == PONG
    socket.say("here")
    assert socket.said() == "here"


# --- Frames ----------------------------------------------------------------------------------------------------------


def test_a_fragmented_message_is_one_message(member):
    socket = member("fragments")
    socket.send(frame(TEXT, "nr=one ", fin=False) + frame(CONTINUATION, "two ", fin=False)
                + frame(CONTINUATION, "three&key=all"))
    assert socket.said() == "one two three"


def test_a_binary_frame_is_refused_with_1003(member):
    socket = member("binary")
    socket.send(frame(BINARY, say_payload("binary")))
    socket.expect_close(1003)


def test_a_ping_is_answered_and_a_pong_is_not(member):
    socket = member("ping")
    socket.send(frame(PONG, "unasked") + frame(PING, "asked"))
    answer = socket.frame()
    assert (answer.opcode, answer.payload) == (PONG, b"asked")


def test_the_closing_handshake_is_answered(member):
    witness, socket = member("witness"), member("leaver")
    socket.send(close_frame(1001, b"going away"))
    socket.expect_close(1001, answer=False)
    assert witness.push_of("rmove")["nrong"] == socket.code


# --- What is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offer, answer", [
    ("chat", "chat"), ("chat, superchat", "chat"), ("superchat,chat", "chat"), ("superchat", None), (None, None),
])
def test_the_subprotocol_is_named_when_it_was_offered(connect, offer, answer):
    connection = connect()
    connection.send(upgrade_request("/", *([f"Sec-WebSocket-Protocol: {offer}"] if offer else [])))
    response = connection.response()
    assert response.status == 101
    assert response.get("Sec-WebSocket-Protocol") == answer


def length_form(found):
    """7, 16 or 64: how the frame's length was written."""
    return {126: 16, 127: 64}.get(found.head[1] & 0x7F, 7)


@pytest.mark.parametrize("size", [65_024, 65_025, 65_100, 65_279, 65_280, 65_281, 65_500, 65_534, 65_535, 65_536])
def test_lengths_up_to_65535_have_the_16_bit_form(serve, member, size):
    """To the byte with the echo server, and in the room, where the push is a little longer than the text."""
    echo = WebSocket(serve("--max-message", str(MIB), program="EchoServer").port)
    echo.send(frame(TEXT, "x" * size))
    assert length_form(echo.message()) == (16 if size < 65_536 else 64)

    socket = member("length")
    socket.say("x" * 1000)
    more = len(socket.message().payload) - 1000
    socket.say("x" * (size - more))
    found = socket.message()
    assert abs(len(found.payload) - size) < 8
    assert length_form(found) == (16 if len(found.payload) < 65_536 else 64)


@pytest.mark.parametrize("first", [126, 256, 3840, 4096, 65_280])
def test_lengths_with_a_byte_below_16_are_whole(serve, member, first):
    """Each of 16 lengths in a row: 0x0100, 0x0101, and so on. `frame` checks the form, the payload the length."""
    echo = WebSocket(serve("--max-message", str(MIB), program="EchoServer").port)
    for size in range(first, first + 16):
        echo.send(frame(TEXT, "x" * size))
        assert echo.message().payload == b"x" * size
    socket = member("length")
    for size in range(first, first + 16):
        socket.say("x" * size)
        assert socket.said() == "x" * size


@pytest.mark.parametrize("first", [0, 8])
def test_short_payloads_are_whole(member, first):
    socket = member("short")
    for size in range(first, first + 8):
        socket.send(frame(PING, b"x" * size))
        assert socket.frame().payload == b"x" * size


def test_the_accept_value_is_right_where_the_hash_has_bytes_below_16(server):
    """Of these keys, each of the 20 positions of the hash has such a byte once at least."""
    covered = set()
    for number in range(60):
        key = base64.b64encode(number.to_bytes(16, "big")).decode()
        expected = accept_value(key)
        small = {at for at, byte in enumerate(base64.b64decode(expected)) if byte < 16}
        if small <= covered and number > 5:
            continue
        covered |= small
        connection = Connection(server.port)
        connection.send(upgrade_request("/", key=key))
        assert connection.response().get("Sec-WebSocket-Accept") == expected
    assert covered == set(range(20))


@pytest.mark.parametrize("code", [*range(1, 0x20), 0x7F, 0x85, 0x2028, 0x2029])
def test_control_characters_do_not_break_the_json(member, code):
    """`push` parses it strictly and wants ASCII."""
    socket = member("control")
    socket.send(say_frame(f"before{chr(code)}after"))
    text = socket.said()
    assert text.startswith("before") and text.endswith("after")
    if chr(code) in "\n\t":
        assert text == f"before{chr(code)}after"


# --- Who gets what ---------------------------------------------------------------------------------------------------


def test_nothing_is_pushed_before_the_handshake_is_finished(member, server, request):
    room = f"/?room=t{abs(hash(request.node.nodeid)) % 10**9}"
    handshake = upgrade_request(room)
    half = Connection(server.port)
    half.send(handshake[:-2])
    talker = member("talker")
    for number in range(10):
        talker.say(f"text {number}")
        assert talker.said() == f"text {number}"
    assert not half.take(), bytes(half.received)
    half.send(handshake[-2:])
    assert half.response().status == 101
    half.__class__ = WebSocket
    nothing_was_sent(half)


def test_nothing_is_pushed_before_joining(member):
    silent = member()
    talker, other = member("talker"), member("other")
    talker.say("text")
    assert talker.said() == "text"
    other.send(close_frame(1000))
    talker.push_of("rmove")
    nothing_was_sent(silent)


def test_nobody_is_listed_without_a_name_and_nobody_is_told_when_they_leave(member):
    silent = member()
    empty = member()
    empty.send(frame(TEXT, "type=add&ming="))
    assert empty.push()["type"] == "error"
    first = member("first")
    assert [user["name"] for user in first.welcome["users"]] == ["first"]
    silent.send(close_frame(1000))
    silent.expect_close(1000, answer=False)
    empty.reset()
    second = member("second")
    assert [user["name"] for user in second.welcome["users"]] == ["first", "second"]
    assert first.push()["type"] == "add", "nobody has left before"


def assert_error(push):
    assert push["type"] == "error" and push["code"] == "0" and push["code1"] == "all" and push["nrong"], push


def test_what_is_said_before_joining_is_an_error_for_the_sender_only(member):
    witness, silent = member("witness"), member()
    silent.say("too early")
    assert_error(silent.push())
    silent.say("too early", to=witness.code)
    assert_error(silent.push())
    nothing_was_sent(witness)
    silent.join("late")
    silent.say("now")
    assert silent.said() == "now"
    assert witness.said() == "now"


@pytest.mark.parametrize("code", ["nobody", "0", "All", "ALL", "%00", "a" * 1000, "<b>", "undefined"])
def test_a_message_to_an_unknown_code_is_an_error_for_the_sender_only(member, code):
    witness, talker = member("witness"), member("talker")
    witness.push_of("add")
    talker.say("hello?", to=code)
    assert_error(talker.push())
    nothing_was_sent(witness)
    talker.say("hello")
    assert talker.said() == "hello"


def test_a_message_to_oneself_is_an_error_for_the_sender_only(member):
    witness, talker = member("witness"), member("talker")
    witness.push_of("add")
    talker.say("hello me", to=talker.code)
    assert_error(talker.push())
    nothing_was_sent(witness)


def test_a_message_to_one_is_for_the_two_only(member):
    talker, listener, witness = member("talker"), member("listener"), member("witness")
    talker.say("secret", to=listener.code)
    for socket in (talker, listener):
        push = socket.push_of("said")
        assert (push["nrong"], push["code"], push["code1"]) == ("secret", talker.code, listener.code)
    nothing_was_sent(witness)


# --- Load ------------------------------------------------------------------------------------------------------------


def test_one_slow_reader_blocks_nobody_and_is_cut_off(serve):
    # The talker says 18 MB at once: the room's byte rate would hold it for longer than the slow one stays.
    server = serve("--max-byte-rate", "unlimited")
    room = "/?room=slow"

    def open_websocket(target, **knobs):
        return wire.WebSocket(server.port, target, **knobs)

    talker, listener = open_websocket(room).join("talker"), open_websocket(room).join("listener")
    slow = open_websocket(room, receive_buffer=4096).join("slow")
    server.forget_peak()
    resident = server.resident()
    for number in range(20):
        text = f"{number:02}" + "x" * 900_000
        talker.say(text)
        assert talker.said() == text
        assert listener.said() == text
    for socket in (talker, listener):
        assert socket.push_of("rmove")["nrong"] == slow.code
    assert server.peak() - resident < 24 * MIB
    # What it finds when it reads at last: pushes, and the end.
    try:
        while (found := slow.frame()).opcode != CLOSE:
            pass
        assert found.code == 1013
    except wire.Ended:
        pass
    nothing_was_sent(listener)


def test_more_than_1024_sockets(server, open_websocket):
    sockets = [open_websocket(f"/?room=many{number % 3}") for number in range(1500)]
    assert server.descriptors() > 1500
    for socket in sockets[:20] + sockets[-20:]:
        socket.join("one of many")
    first, last = sockets[0], sockets[-3]
    last.say("from the last")
    assert first.said() == last.said() == "from the last"


def test_the_mistakes_leave_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
