"""Catalogue section D, rows 61 to 93: frames, messages and the closing handshake (RFC 6455 §5 to §8).

The room's limits are the defaults: messages and frames of 1 MiB, 1024 fragments, ten control frames a second with a
burst of twenty. Row 94 is in test_fuzz.py; the rows with a time in them (76, 86, 91) are in test_deadlines.py.
"""

import json
import time

import pytest

import wire
from wire import (
    BINARY, CLOSE, CONTINUATION, FRAGMENT_LIMIT, KIB, MESSAGE_LIMIT, MIB, PING, PONG, TEXT, WebSocket, close_frame,
    frame, say_frame, say_payload,
)

CONTROL = [CLOSE, PING, PONG]


def header(opcode, length, form=64):
    """The header of a frame whose payload never comes."""
    return frame(opcode, length=length, form=form)


def works(socket, text="still here"):
    """Asserts that the connection is alive: it joins where it has not, and hears itself."""
    if not hasattr(socket, "code"):
        socket.join("member")
    socket.say(text)
    assert socket.said() == text


# --- Lengths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1 << 63, (1 << 63) + 1, (1 << 64) - 1])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, PING])
def test_row_61_a_length_with_the_highest_bit_closes(open_websocket, length, opcode):
    socket = open_websocket()
    socket.send(header(opcode, length) + b"x" * 64)
    socket.expect_close(1002, 1009)


@pytest.mark.parametrize("length", [
    (1 << 63) - 1, 1 << 62, (1 << 32) + 1, 1 << 32, (1 << 32) - 1, 1 << 31, (1 << 31) - 1,
])
def test_row_62_a_huge_length_is_refused_at_the_header(server, open_websocket, length):
    sockets = [open_websocket() for _ in range(10)]
    server.forget_peak()
    resident = server.resident()
    for socket in sockets:
        socket.send(header(TEXT, length))
    for socket in sockets:
        socket.expect_close(1009)
    assert server.peak() - resident < 2 * MIB


def test_row_62_a_huge_length_is_refused_inside_a_message_too(open_websocket):
    socket = open_websocket()
    socket.send(frame(TEXT, "nr=", fin=False) + header(CONTINUATION, (1 << 63) - 1))
    socket.expect_close(1009)


def test_row_63_one_byte_over_the_limit_is_refused_before_the_payload(open_websocket):
    socket = open_websocket()
    socket.send(header(TEXT, MESSAGE_LIMIT + 1))
    socket.expect_close(1009)


def test_row_63_a_message_at_the_limit_is_accepted(open_websocket):
    socket = open_websocket().join("large")
    room_for_text = MESSAGE_LIMIT - len(say_payload(""))
    socket.say("x" * room_for_text)
    assert socket.said() == "x" * room_for_text


def test_row_63_the_limit_can_be_set_to_64_kib(serve):
    server = serve("--max-message", str(64 * KIB), program="EchoServer")
    fits = WebSocket(server.port)
    fits.send(frame(BINARY, b"x" * 64 * KIB))
    assert len(fits.message().payload) == 64 * KIB
    fits.send(header(BINARY, 64 * KIB + 1))
    fits.expect_close(1009)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
@pytest.mark.parametrize("form, length", [(16, 5), (16, 0), (16, 125), (64, 200), (64, 0), (64, 126), (64, 65535)])
def test_row_64_a_length_not_in_its_shortest_form_closes(open_websocket, opcode, form, length):
    socket = open_websocket()
    start = frame(TEXT, "a", fin=False) if opcode == CONTINUATION else b""
    socket.send(start + frame(opcode, b"x" * length, form=form))
    socket.expect_close(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
@pytest.mark.parametrize("payload", [b"", b"unmasked"], ids=["empty", "text"])
def test_row_65_an_unmasked_frame_closes(open_websocket, opcode, payload):
    socket = open_websocket()
    start = frame(TEXT, "a", fin=False) if opcode == CONTINUATION else b""
    socket.send(start + frame(opcode, payload, mask=None))
    socket.expect_close(1002)


@pytest.mark.parametrize("rsv", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
def test_row_66_reserved_bits_close(open_websocket, rsv, opcode):
    socket = open_websocket()
    start = frame(TEXT, "a", fin=False) if opcode == CONTINUATION else b""
    socket.send(start + frame(opcode, b"", rsv=rsv))
    socket.expect_close(1002)


@pytest.mark.parametrize("mode", ["shared", "dedicated"])
@pytest.mark.parametrize("opcode, rsv", [
    (CONTINUATION, 4), (CLOSE, 4), (PING, 4), (PONG, 4), (TEXT, 2), (TEXT, 1), (TEXT, 6), (TEXT, 5), (PING, 2),
])
def test_row_67_rsv1_stands_on_the_first_frame_of_a_message_only(serve, mode, opcode, rsv):
    server = serve("--compression", mode)
    socket = WebSocket(server.port, "/", "Sec-WebSocket-Extensions: permessage-deflate")
    assert (socket.answer.get("Sec-WebSocket-Extensions") or "").startswith("permessage-deflate")
    start = frame(TEXT, "a", fin=False) if opcode == CONTINUATION else b""
    socket.send(start + frame(opcode, b"", rsv=rsv))
    socket.expect_close(1002)


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("payload", [b"", b"payload"], ids=["empty", "payload"])
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "inside a message"])
def test_row_68_reserved_opcodes_close(open_websocket, opcode, payload, inside):
    socket = open_websocket()
    socket.send((frame(TEXT, "a", fin=False) if inside else b"") + frame(opcode, payload))
    socket.expect_close(1002)


@pytest.mark.parametrize("opcode", CONTROL)
@pytest.mark.parametrize("knobs", [
    {"fin": False}, {"payload": b"\x03\xe8" + b"x" * 124}, {"payload": b"\x03\xe8" + b"x" * 65600},
    {"length": 126, "form": 16}, {"length": 1 << 20, "form": 64},
], ids=["fragmented", "126", "64-bit", "126 announced", "1 MiB announced"])
def test_row_69_a_control_frame_is_whole_and_short(open_websocket, opcode, knobs):
    socket = open_websocket()
    socket.send(frame(opcode, **knobs))
    socket.expect_close(1002)


# --- Fragments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [
    frame(CONTINUATION, "x"),
    frame(CONTINUATION, "x", fin=False),
    frame(CONTINUATION),
    frame(TEXT, "nr=a", fin=False) + frame(TEXT, "&key=all"),
    frame(TEXT, "nr=a", fin=False) + frame(TEXT, "&key=all", fin=False),
    frame(TEXT, "nr=a", fin=False) + frame(BINARY, "x"),
    frame(TEXT, "", fin=False) + frame(TEXT, ""),
    say_frame("whole") + frame(CONTINUATION, "x"),
], ids=range(8))
def test_row_70_a_message_begins_once_and_goes_on_with_continuations(open_websocket, frames):
    socket = open_websocket()
    socket.send(frames)
    socket.expect_close(1002)


def parts(*texts):
    """A message in as many frames."""
    last = len(texts) - 1
    return [frame(CONTINUATION if index else TEXT, text, fin=index == last) for index, text in enumerate(texts)]


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("frames, pongs, outcome", [
    (parts("nr=ab", "cd&key=all"), [], "abcd"),
    (parts("nr=", "abcd", "&key=all"), [], "abcd"),
    (parts("", "nr=abcd", "", "&key=all", ""), [], "abcd"),
    ([parts("nr=ab", "cd&key=all")[0], frame(PING, "p"), parts("", "cd&key=all")[1]], [b"p"], "abcd"),
    ([parts("nr=ab", "x")[0], frame(PING, "p"), frame(PING, "q"), frame(PONG, "r"), parts("", "&key=all")[1]],
     [b"p", b"q"], "ab"),
    ([frame(CONTINUATION, "x"), say_frame("after")], [], 1002),
    (parts("nr=ab", "cd&key=all") + [frame(CONTINUATION, "x")], [], 1002),
    ([frame(TEXT, "nr=a", fin=False), frame(CONTINUATION, "b", fin=False), say_frame("new")], [], 1002),
    ([frame(TEXT, "nr=a", fin=False), frame(PING, "p", fin=False)], [], 1002),
    ([frame(TEXT, "nr=a", fin=False), close_frame(1000)], [], 1000),
    ([frame(BINARY, "nr=a", fin=False), frame(CONTINUATION, "&key=all")], [], 1003),
], ids=["two", "three", "empty ones", "ping between", "pings between", "continuation first", "continuation after",
        "text inside", "fragmented ping inside", "close inside", "binary"])
def test_row_71_fragments_and_what_may_stand_between_them(open_websocket, frames, pongs, outcome, bytewise):
    """Autobahn's section 5; the test suite itself runs in full by its own script."""
    socket = open_websocket().join("fragmenter")
    if bytewise:
        socket.send_bytewise(b"".join(frames))
    else:
        socket.send(b"".join(frames))
    for payload in pongs:
        answer = socket.frame()
        assert (answer.opcode, answer.payload) == (PONG, payload)
    if isinstance(outcome, int):
        socket.expect_close(outcome)
    else:
        assert socket.said() == outcome
        works(socket)


@pytest.mark.parametrize("start", [frame(TEXT, fin=False), frame(TEXT, "nr=x", fin=False)], ids=["empty", "text"])
def test_row_72_100000_empty_fragments_close(server, open_websocket, start):
    socket = open_websocket()
    server.forget_peak()
    resident = server.resident()
    socket.send(start + frame(CONTINUATION, fin=False) * 100_000)
    socket.expect_close(1008)
    assert server.peak() - resident < 2 * MIB


def test_row_73_65536_fragments_of_one_byte_close(server, open_websocket):
    socket = open_websocket()
    server.forget_peak()
    resident = server.resident()
    socket.send(frame(TEXT, "n", fin=False) + frame(CONTINUATION, "x", fin=False) * 65_535)
    socket.expect_close(1008)
    assert server.peak() - resident < 2 * MIB


def test_row_73_as_many_fragments_as_the_limit_says_and_not_one_more(open_websocket):
    socket = open_websocket().join("fragmenter")
    start, end = "nr=", "&key=all"
    middle = frame(CONTINUATION, "x", fin=False)
    socket.send(frame(TEXT, start, fin=False) + middle * (FRAGMENT_LIMIT - 2) + frame(CONTINUATION, end))
    assert socket.said() == "x" * (FRAGMENT_LIMIT - 2)
    socket.send(frame(TEXT, start, fin=False) + middle * (FRAGMENT_LIMIT - 1) + frame(CONTINUATION, end))
    socket.expect_close(1008)


def test_row_73_64_fragments_at_the_limit_of_64_kib(serve):
    server = serve("--max-message", str(64 * KIB), program="EchoServer")
    socket = WebSocket(server.port)
    middle = frame(CONTINUATION, "x", fin=False)
    socket.send(frame(TEXT, "x", fin=False) + middle * 62 + frame(CONTINUATION, "x"))
    assert socket.message().payload == b"x" * 64
    socket.send(frame(TEXT, "x", fin=False) + middle * 63 + frame(CONTINUATION, "x"))
    socket.expect_close(1008)


def test_row_74_a_frame_in_65536_segments_of_one_byte_is_accepted(server, open_websocket):
    socket = open_websocket().join("slow")

    def cost(size):
        text = "x" * (size - len(say_payload("")) - 14)
        before = server.processor_seconds()
        socket.send_bytewise(say_frame(text))
        assert socket.said() == text
        return server.processor_seconds() - before

    short, long = cost(16 * KIB), cost(64 * KIB + 14)
    assert long < 10 * short + 0.3, f"16 KiB took {short:.3f} s, 64 KiB took {long:.3f} s"


@pytest.mark.parametrize("sizes", [
    (MESSAGE_LIMIT, 1), (1, MESSAGE_LIMIT), (MESSAGE_LIMIT // 2, MESSAGE_LIMIT // 2, 1), (64 * KIB,) * 16 + (1,),
], ids=["limit first", "limit last", "halves", "sixteenths"])
def test_row_75_fragments_over_the_limit_together_close(open_websocket, sizes):
    socket = open_websocket()
    last = len(sizes) - 1
    for index, size in enumerate(sizes):
        socket.send(frame(CONTINUATION if index else TEXT, b"x" * size, fin=index == last))
    socket.expect_close(1009)


def test_row_75_the_buffer_is_freed_at_once(server, open_websocket):
    """Fifty connections hold 1 MiB each; after they have gone over the limit, and are still open, it is free."""
    resident = server.resident()
    sockets = [open_websocket() for _ in range(50)]
    for socket in sockets:
        socket.send(frame(TEXT, b"x" * (MESSAGE_LIMIT - 1), fin=False))
    for socket in sockets:
        socket.send(frame(CONTINUATION, b"xx", fin=False))
        socket.expect_close(1009, answer=False)
    wire.eventually(
        lambda: server.resident() < resident + 16 * MIB, 10,
        lambda: f"{server.resident() - resident} bytes more than before")


# --- Text ------------------------------------------------------------------------------------------------------------

INVALID_UTF8 = {
    "lone continuation": b"\x80", "lone lead": b"\xc3(", "overlong slash": b"\xc0\x80", "overlong C1": b"\xc1\xbf",
    "overlong three": b"\xe0\x80\xaf", "overlong four": b"\xf0\x80\x80\xaf", "surrogate": b"\xed\xa0\x80",
    "surrogate pair": b"\xed\xa0\x80\xed\xb0\x80", "over 10FFFF": b"\xf4\x90\x80\x80", "F5": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff", "latin-1": "é".encode("latin-1") + b"a",
}


@pytest.mark.parametrize("position", [0, 1, 7, 8, 15, 16, 1000], ids=lambda position: f"at {position}")
@pytest.mark.parametrize("bad", INVALID_UTF8.values(), ids=INVALID_UTF8.keys())
def test_row_77_invalid_utf8_closes(open_websocket, bad, position):
    socket = open_websocket()
    socket.send(frame(TEXT, b"a" * position + bad + b"b" * 20))
    socket.expect_close(1007)


def test_row_78_a_code_point_over_four_fragments_is_accepted(open_websocket):
    socket = open_websocket().join("splitter")
    first, second, third, fourth = (bytes([byte]) for byte in "😀".encode())
    socket.send(b"".join(parts(b"nr=" + first, second, third, fourth + b"&key=all")))
    assert socket.said() == "😀"


@pytest.mark.parametrize("cut", range(1, 12))
def test_row_78_any_cut_of_valid_text_is_accepted(open_websocket, cut):
    socket = open_websocket().join("splitter")
    text = "é中😀é".encode()
    socket.send(b"".join(parts(b"nr=" + text[:cut], text[cut:] + b"&key=all")))
    assert socket.said() == "é中😀é"


@pytest.mark.parametrize("bad", INVALID_UTF8.values(), ids=INVALID_UTF8.keys())
def test_row_79_invalid_utf8_closes_before_the_message_is_complete(open_websocket, bad):
    socket = open_websocket()
    socket.send(frame(TEXT, b"nr=" + bad + b"a", fin=False))
    socket.expect_close(1007)


@pytest.mark.parametrize("bad", INVALID_UTF8.values(), ids=INVALID_UTF8.keys())
def test_row_79_invalid_utf8_closes_before_the_frame_is_complete(open_websocket, bad):
    """Autobahn 6.4: the frame announces more than ever comes."""
    socket = open_websocket()
    whole = frame(TEXT, b"nr=" + bad + b"a" * 1000)
    socket.send(whole[: -990])
    socket.expect_close(1007)


@pytest.mark.parametrize("tail", [b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xf0"], ids=lambda tail: tail.hex())
@pytest.mark.parametrize("fragments", [1, 2])
def test_row_80_text_that_ends_inside_a_code_point_closes(open_websocket, tail, fragments):
    socket = open_websocket()
    socket.send(frame(TEXT, b"nr=" + tail) if fragments == 1 else b"".join(parts(b"nr=" + tail, b"")))
    socket.expect_close(1007)


@pytest.mark.parametrize("frames", [
    frame(BINARY, b"\0\1\2"), frame(BINARY), frame(BINARY, b"x" * 70_000),
    frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xff"),
], ids=["short", "empty", "70 kB", "fragmented"])
def test_row_81_binary_is_refused_by_the_room(open_websocket, frames):
    socket = open_websocket().join("binary")
    socket.send(frames)
    socket.expect_close(1003)


# --- Close -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("byte", [b"\x00", b"\x03", b"\xff"])
def test_row_82_a_close_frame_with_one_byte_closes(open_websocket, byte):
    socket = open_websocket()
    socket.send(frame(CLOSE, byte))
    socket.expect_close(1002)


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535])
def test_row_83_a_code_that_must_not_be_sent_closes(open_websocket, code):
    socket = open_websocket()
    socket.send(close_frame(code))
    socket.expect_close(1002)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_row_83_a_code_that_may_be_sent_is_echoed(open_websocket, code):
    socket = open_websocket()
    socket.send(close_frame(code, "再见".encode()))
    socket.expect_close(code, answer=False)


def test_row_83_a_close_frame_without_a_code_is_answered(open_websocket):
    socket = open_websocket()
    socket.send(close_frame())
    answer = socket.frame()
    assert answer.opcode == CLOSE and answer.code in (None, 1000)
    socket.expect_end()


@pytest.mark.parametrize("reason", [*INVALID_UTF8.values(), "中".encode()[:2]], ids=[*INVALID_UTF8.keys(), "cut"])
def test_row_84_a_reason_that_is_not_utf8_closes(open_websocket, reason):
    socket = open_websocket()
    socket.send(close_frame(1000, reason))
    socket.expect_close(1007)


@pytest.mark.parametrize("length", [124, 125, 1000])
def test_row_84_a_long_reason_closes(open_websocket, length):
    socket = open_websocket()
    socket.send(close_frame(1000, b"x" * length))
    socket.expect_close(1002)


def test_row_84_a_reason_of_123_bytes_is_accepted(open_websocket):
    socket = open_websocket()
    socket.send(close_frame(1000, b"x" * 123))
    socket.expect_close(1000, answer=False)


@pytest.mark.parametrize("behind", [
    say_frame("ignored"), close_frame(4000), close_frame(999), frame(PING, "p"), b"\xff" * 100, frame(TEXT, b"\xff"),
    say_frame("x" * 100_000),
], ids=["text", "close", "bad close", "ping", "noise", "bad text", "long text"])
@pytest.mark.parametrize("together", [True, False], ids=["one segment", "two segments"])
def test_row_85_what_comes_after_close_is_ignored(server, open_websocket, behind, together):
    witness = open_websocket("/?room=close").join("witness")
    socket = open_websocket("/?room=close").join("leaver")
    witness.push_of("add")
    descriptors = server.descriptors()
    began = time.monotonic()
    if together:
        socket.send(close_frame(1000) + behind)
    else:
        socket.send(close_frame(1000))
    answer = socket.frame()
    while answer.opcode != CLOSE:  # the leaver's own pushes
        answer = socket.frame()
    assert answer.code == 1000
    if not together:
        socket.send(behind)
    socket.expect_end(within=1.5)  # the row says 1 s
    left = witness.push()
    assert (left["type"], left["nrong"]) == ("rmove", socket.code), "the first push after the close is about leaving"
    # Our side stays open; the server gives its end back all the same.
    wire.eventually(lambda: server.descriptors() < descriptors, 3, "the server still holds the socket")
    assert time.monotonic() - began < 5
    works(witness)


# --- What the server sends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provoke, code", [
    (close_frame(4999, b"r" * 123), 4999), (frame(TEXT, b"\xff"), 1007), (frame(BINARY), 1003),
    (header(TEXT, 1 << 40), 1009), (frame(7), 1002),
    (frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 2000, 1008),
], ids=[4999, 1007, 1003, 1009, 1002, 1008])
def test_row_87_every_close_frame_of_the_server_is_valid(open_websocket, provoke, code):
    """`WebSocket.frame` asserts it of each: no forbidden code, a reason of 123 bytes at most in whole characters.

    What an application may hand in (code -1 or 70000, a reason of 4 KiB) is tested in Swift: CloseFrameTests and
    CloseCodeTests.
    """
    socket = open_websocket()
    socket.send(provoke)
    found = socket.expect_close(code)
    assert len(found.payload) <= 125


def test_row_92_the_largest_push_of_the_room_is_carried(open_websocket):
    """A message at the limit grows when it is encoded, sixfold in the worst case.

    Frames beyond what an encoder can carry are tested in Swift: FrameHeaderTests and the tests of the writer.
    """
    talker, listener = open_websocket("/?room=large").join("talker"), open_websocket("/?room=large").join("listener")
    text = "中" * ((MESSAGE_LIMIT - len(say_payload(""))) // 3)
    talker.send(frame(TEXT, "nr=" + text + "&key=all"))
    assert talker.said() == text
    assert listener.said() == text


# --- Ping and pong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(0, 126, 18))
def test_row_88_a_ping_is_answered_with_its_payload(open_websocket, first):
    socket = open_websocket()
    for length in range(first, min(first + 18, 126)):
        payload = bytes((length + index) % 256 for index in range(length))
        socket.send(frame(PING, payload))
        answer = socket.frame()
        assert (answer.opcode, answer.payload) == (PONG, payload)


def test_row_89_ten_pings_at_once_get_ten_pongs(open_websocket):
    """Autobahn 2.10."""
    socket = open_websocket()
    socket.send(b"".join(frame(PING, f"ping {number}") for number in range(10)))
    assert [socket.frame().payload for _ in range(10)] == [f"ping {number}".encode() for number in range(10)]
    works(socket)


def test_row_89_a_flood_of_pings_without_reading_closes(server, open_websocket):
    server.forget_peak()
    resident = server.resident()
    socket = open_websocket(receive_buffer=4096)
    socket.send(frame(PING, b"x" * 125) * 100_000, reading=False)
    socket.expect_close(1008)
    assert server.peak() - resident < 4 * MIB


def test_row_89_while_output_is_blocked_the_latest_pong_is_kept(open_websocket):
    """Fewer than ten pings a second, so that nobody is closed; nobody reads, and less waits than the limit allows."""
    talker = open_websocket("/?room=blocked").join("talker")
    socket = open_websocket("/?room=blocked", receive_buffer=4096).join("blocked")
    for _ in range(4):
        talker.say("x" * 900_000)
        talker.said()
    last = 14
    for number in range(last + 1):
        socket.send(frame(PING, f"{number:02}"), reading=False)
    pongs, texts = [], 0
    while not pongs or pongs[-1] != last or texts < 4:
        found = socket.frame()
        if found.opcode == PONG:
            pongs.append(int(found.payload))
        elif found.opcode == TEXT and len(found.payload) > 900_000:
            texts += 1
    assert pongs == sorted(set(pongs))


def test_row_90_a_flood_of_pongs_closes(open_websocket):
    socket = open_websocket()
    socket.send(frame(PONG, b"unasked") * 100_000)
    socket.expect_close(1008)


def test_row_90_a_few_unsolicited_pongs_are_ignored(open_websocket):
    socket = open_websocket()
    socket.send(frame(PONG, b"unasked") * 5)
    works(socket)


@pytest.mark.parametrize("flood", [PING, PONG])
def test_row_90_control_frames_inside_a_message_count_as_well(open_websocket, flood):
    socket = open_websocket()
    socket.send(frame(TEXT, "nr=", fin=False) + frame(flood) * 1000)
    socket.expect_close(1008)


def test_messages_above_the_rate_wait_and_none_is_lost(open_websocket):
    """Fifty a second with a burst of a hundred; the rest is read when there is room, in order."""
    socket = open_websocket("/?room=rate").join("hasty")
    socket.send(b"".join(say_frame(f"x{number}") for number in range(180)))
    for number in range(180):
        assert f"x{number}" in json.dumps(socket.said())


# --- Masks -----------------------------------------------------------------------------------------------------------

MASKS = ["00000000", "ffffffff", "01020304", "00000001", "80000000", "ff00ff00", "a5c3e197"]


@pytest.mark.parametrize("mask", MASKS)
def test_row_93_every_length_and_mask_is_unmasked_correctly(serve, mask):
    server = serve("--max-rate", "1000000", "--max-message", str(MIB), program="EchoServer")
    socket = WebSocket(server.port)
    for length in [*range(131), *range(1000, 1010), 65535, 65536, 65537]:
        payload = bytes((index * 7 + length) % 256 for index in range(length))
        socket.send(frame(BINARY, payload, mask=bytes.fromhex(mask)))
        found = socket.message()
        assert (found.opcode, found.payload) == (BINARY, payload), f"length {length}"


@pytest.mark.parametrize("mask", MASKS)
def test_row_93_the_mask_goes_on_over_cuts_of_the_payload(open_websocket, mask):
    """The same through the room, with the frame cut at every position of its first 24 bytes."""
    socket = open_websocket().join("masked")
    for cut in range(1, 25):
        text = f"cut at {cut}"
        data = say_frame(text, mask=bytes.fromhex(mask))
        socket.send(data[:cut])
        socket.send(data[cut:])
        assert socket.said() == text


def test_section_d_leaves_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
