"""Catalogue section E, rows 95 to 103: permessage-deflate (RFC 7692)."""

import base64
import random
import time
import zlib

import pytest

import wire
from wire import (
    CONTINUATION, FRAGMENT_LIMIT, KIB, MESSAGE_LIMIT, MIB, TEXT, Connection, WebSocket, frame, say_payload,
    upgrade_request,
)

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
CROWD = 2000
MODES = pytest.mark.parametrize("mode", ["shared", "dedicated"])


def deflate(data, level=9):
    """One message as a client compresses it, without context (RFC 7692 §7.2.1)."""
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    compressed = stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    assert compressed.endswith(TAIL)
    return compressed[:-4]


class DeflateWebSocket(WebSocket):
    """A connection that negotiates permessage-deflate and reads compressed messages."""

    def __init__(self, server, target="/", offer="permessage-deflate; client_max_window_bits"):
        super().__init__(server.port, target, "Sec-WebSocket-Extensions: " + offer)
        self.agreed = self.answer.get("Sec-WebSocket-Extensions") or ""
        self.inflater = None
        self.window = 15
        self.compressed_messages = 0

    def message(self, patience=wire.PATIENCE):
        found = super().message(patience)
        if found.rsv & RSV1:
            if self.inflater is None or "server_no_context_takeover" in self.agreed:
                self.inflater = zlib.decompressobj(-self.window)
            found.payload = self.inflater.decompress(found.payload + TAIL)
            found.rsv &= ~RSV1
            self.compressed_messages += 1
        return found

    def say_compressed(self, text, to="all"):
        self.send(frame(TEXT, deflate(say_payload(text, to).encode()), rsv=RSV1))


@pytest.fixture
def compressing(serve):
    """Opens a connection to a server that compresses in this mode."""

    def open_it(mode, **knobs):
        socket = DeflateWebSocket(serve("--compression", mode), **knobs)
        assert socket.agreed.startswith("permessage-deflate"), socket.answer.head
        return socket

    return open_it


def test_the_clients_of_these_tests_can_compress(compressing):
    for mode in ("shared", "dedicated"):
        socket = compressing(mode).join("talker")
        for _ in range(3):
            socket.say_compressed("hello " * 100)
            assert socket.said() == "hello " * 100
        assert socket.compressed_messages >= 3


def bomb(size=64 * MIB):
    """64 KiB that are 64 MiB of zeros."""
    return deflate(b"\0" * size)


@MODES
@pytest.mark.parametrize("joined", [True, False], ids=["joined", "first frame"])
def test_rows_95_and_97_a_bomb_closes_at_the_message_limit(serve, compressing, mode, joined):
    sockets = [compressing(mode) for _ in range(10)]
    if joined:
        for socket in sockets:
            socket.join("bomber")
    server, payload = serve("--compression", mode), bomb()
    assert len(payload) < 80 * KIB
    server.forget_peak()
    resident, processor = server.resident(), server.processor_seconds()
    for socket in sockets:
        socket.send(frame(TEXT, payload, rsv=RSV1))
        socket.expect_close(1009)
    assert server.peak() - resident < 16 * MIB, "inflation stops at the limit"
    assert server.processor_seconds() - processor < 2, "ten whole bombs are 640 MiB"


@MODES
def test_row_97_a_bomb_in_fragments_closes(compressing, mode):
    socket = compressing(mode)
    payload = bomb()
    pieces = [payload[at : at + 200] for at in range(0, len(payload), 200)]
    assert len(pieces) < FRAGMENT_LIMIT
    for index, piece in enumerate(pieces):
        socket.send(frame(CONTINUATION if index else TEXT, piece, rsv=0 if index else RSV1,
                          fin=index == len(pieces) - 1))
    socket.expect_close(1009)


@MODES
@pytest.mark.parametrize("size, outcome", [
    (MESSAGE_LIMIT - 1, "said"), (MESSAGE_LIMIT, "said"), (MESSAGE_LIMIT + 1, 1009), (2 * MESSAGE_LIMIT, 1009)])
@pytest.mark.parametrize("fragments", [1, 3])
def test_row_96_the_message_limit_counts_inflated_bytes(compressing, mode, size, outcome, fragments):
    socket = compressing(mode).join("talker")
    text = "x" * (size - len(say_payload("")))
    payload = deflate(say_payload(text).encode())
    step = -(-len(payload) // fragments)
    for index in range(fragments):
        socket.send(frame(CONTINUATION if index else TEXT, payload[index * step : (index + 1) * step],
                          rsv=0 if index else RSV1, fin=index == fragments - 1))
    if outcome == "said":
        assert socket.said() == text
    else:
        socket.expect_close(outcome)


def bits(*fields):
    """Packs (value, width) pairs as deflate does: the least significant bit first (RFC 1951 §3.1.1)."""
    number = at = 0
    for value, width in fields:
        number |= value << at
        at += width
    return number.to_bytes(-(-at // 8), "little")


GOOD = deflate(say_payload("good").encode())
CORRUPT = {
    "block type 3": bits((0, 1), (3, 2)) + b"\0" * 4,
    "noise": b"\xff" * 50,
    # A fixed block: 'a', then length 3 at distance 4, of which only one byte has been.
    "distance past the window": bits((0, 1), (1, 2), (0b10001001, 8), (0b1000000, 7), (0b11000, 5), (0, 7)),
    "stored length without its complement": b"\x00\x05\x00\x00\x00hello",
    "stored block cut short": b"\x00\x64\x00\x9b\xffonly a little",
    "bad code lengths": bits((0, 1), (2, 2), (31, 5), (31, 5), (15, 4)) + b"\xff" * 20,
    "cut in the middle": deflate(bytes(random.Random(1).choices(b"abcdefgh", k=2000)))[:300],
    "changed in the middle": GOOD[:3] + b"\xff\xff\xff\xff" + GOOD[7:],
}


@MODES
@pytest.mark.parametrize("payload", CORRUPT.values(), ids=CORRUPT.keys())
@pytest.mark.parametrize("second", [False, True], ids=["first message", "second message"])
def test_row_98_corrupt_data_closes(compressing, mode, payload, second):
    socket = compressing(mode).join("corrupt")
    if second:
        socket.say_compressed("good")
        assert socket.said() == "good"
    socket.send(frame(TEXT, payload, rsv=RSV1))
    socket.expect_close(1007)


@MODES
def test_row_98_invalid_utf8_inside_compressed_text_closes(compressing, mode):
    socket = compressing(mode)
    socket.send(frame(TEXT, deflate(b"nr=\xff\xfe&key=all"), rsv=RSV1))
    socket.expect_close(1007)


@MODES
@pytest.mark.parametrize("payload", [b"\x00", b"\x02\x00", b"\x00\x00\x00\xff\xff\x00", b""],
                         ids=["empty block", "fixed", "stored", "nothing"])
def test_row_98_an_empty_message_is_legal(compressing, mode, payload):
    """RFC 7692 §7.2.3.6: an empty message is one byte, 0x00; an empty payload inflates to nothing as well."""
    socket = compressing(mode).join("quiet")
    socket.send(frame(TEXT, payload, rsv=RSV1))
    socket.say_compressed("after")
    assert socket.said() == "after"


@MODES
def test_row_98_a_final_block_is_legal_and_the_stream_goes_on(compressing, mode):
    """RFC 7692 §7.2.3.4: BFINAL=1, then an empty block in the byte that follows."""
    socket = compressing(mode).join("final")
    for text in ("one", "two", "three"):
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        final = stream.compress(say_payload(text).encode()) + stream.flush(zlib.Z_FINISH)
        socket.send(frame(TEXT, final + b"\x00", rsv=RSV1))
        assert socket.said() == text
    socket.say_compressed("after")
    assert socket.said() == "after"


@MODES
def test_row_99_messages_may_be_uncompressed_all_the_same(compressing, mode):
    socket = compressing(mode).join("mixed")
    for number in range(10):
        if number % 2:
            socket.say_compressed(f"text {number}")
        else:
            socket.say(f"text {number}")
        assert socket.said() == f"text {number}"
    socket.send(frame(TEXT, "nr=in parts", fin=False) + frame(CONTINUATION, "&key=all"))
    assert socket.said() == "in parts"


@MODES
@pytest.mark.parametrize("size", [4095, 16 * KIB, 65_535, 70_000, 700_000])
def test_row_100_a_compressed_message_larger_than_any_buffer_arrives(compressing, mode, size):
    """Data that hardly shrinks, in pieces of odd sizes."""
    socket = compressing(mode).join("large")
    noise = random.Random(size)
    text = base64.b16encode(noise.randbytes(size // 2)).decode()
    data = frame(TEXT, deflate(say_payload(text).encode(), level=1), rsv=RSV1)
    while data:
        step = noise.choice([1, 2, 1000, 4096, 16384, 65536, 65537])
        socket.send(data[:step])
        data = data[step:]
    assert socket.said() == text


@pytest.mark.parametrize("carrier", ["reactor", "nio"])
@MODES
def test_what_grows_a_thousandfold_takes_turns(carrier, mode):
    """Forty connections send sixty messages of a KiB at once, each of which becomes a megabyte, and leave."""
    message = frame(TEXT, deflate(b"nr=" + b"a" * 1_000_000 + b"&key=none"), rsv=RSV1)
    with wire.Server("--carrier", carrier, "--compression", mode) as server:
        canary = wire.Canary(server)
        sockets = [DeflateWebSocket(server, f"/?room=z{number}") for number in range(40)]
        began = time.monotonic()
        try:
            for socket in sockets:
                socket.send(message * 60)
            wire.eventually(lambda: time.monotonic() > began + 3, 9, "the time stands still")
            canary.assert_unharmed(began, least=20)
            # Half of them end their side, half are reset, with most of it unread.
            left = time.monotonic()
            for number, socket in enumerate(sockets):
                socket.finish_sending() if number % 2 else socket.reset()
            wire.eventually(lambda: time.monotonic() > left + 2, 9, "the time stands still")
            canary.assert_unharmed(left, least=10)
        finally:
            canary.stop()
        code, seconds = server.stop()
        assert code == 0 and seconds < 9, (code, seconds)


@pytest.mark.parametrize("carrier", ["reactor", "nio"])
@MODES
def test_a_message_above_a_mebibyte_leaves_as_it_is(carrier, mode):
    """It was compressed in one piece, and the loop's other connections waited for 0.2 s."""
    with wire.Server("--carrier", carrier, "--compression", mode, "--max-message", str(4 * MIB)) as server:
        talker = DeflateWebSocket(server).join("talker")
        for size, is_compressed in (MIB // 2, True), (2 * MIB, False), (1000, True):
            before = talker.compressed_messages
            talker.say_compressed("x" * size)
            assert talker.said() == "x" * size
            assert talker.compressed_messages - before == is_compressed, size


def crowd(server, count, offer="permessage-deflate"):
    """Connections that have sent and received compressed messages, ten in a room: a room that was used keeps its place."""
    sockets = []
    for number in range(count):
        socket = DeflateWebSocket(server, f"/?room=crowd{number // 10}", offer).join("single")
        if socket.agreed:
            socket.say_compressed("hello " * 20)
        else:
            socket.say("hello " * 20)
        assert socket.said() == "hello " * 20
        sockets.append(socket)
    return sockets


def test_row_101_shared_keeps_no_window_for_a_connection(serve):
    """2,000 connections that leave the window at 15 bits both ways; a pair of windows takes about 300 KiB."""
    server = serve("--compression", "shared")
    for socket in crowd(server, 100):
        assert "server_no_context_takeover" in socket.agreed
        assert "client_no_context_takeover" in socket.agreed
    resident = server.resident()
    crowd(server, CROWD)
    assert (server.resident() - resident) / CROWD < 24 * KIB


def test_row_101_dedicated_stays_within_its_memory_and_then_declines(serve):
    server = serve("--compression", "dedicated")
    resident = server.resident()
    sockets = crowd(server, 1300)
    compressed = [socket for socket in sockets if socket.agreed]
    assert 0 < len(compressed) < len(sockets), "the memory for windows has a limit, beyond which none is given"
    assert server.resident() - resident < 300 * MIB
    wire.close_all()

    def accepted_again():
        socket = DeflateWebSocket(server)
        socket.close()
        return bool(socket.agreed)

    wire.eventually(accepted_again, 5, "what the connections had taken was not given back")


@MODES
def test_row_101_a_client_without_client_max_window_bits_is_not_limited(compressing, mode):
    assert "client_max_window_bits" not in compressing(mode, offer="permessage-deflate").agreed


@MODES
def test_row_101_a_window_of_8_bits_is_declined(serve, mode):
    server = serve("--compression", mode)
    assert DeflateWebSocket(server, offer="permessage-deflate; server_max_window_bits=8").agreed == ""
    second = DeflateWebSocket(server, offer="permessage-deflate; server_max_window_bits=8, permessage-deflate")
    assert second.agreed.startswith("permessage-deflate") and "server_max_window_bits" not in second.agreed


@MODES
@pytest.mark.parametrize("window", range(9, 16))
def test_row_101_the_window_that_was_asked_for_is_kept(serve, mode, window):
    socket = DeflateWebSocket(
        serve("--compression", mode), f"/?room=window{window}{mode}",
        f"permessage-deflate; server_max_window_bits={window}")
    assert f"server_max_window_bits={window}" in socket.agreed
    socket.window = window
    socket.join("narrow")
    text = base64.b16encode(random.Random(window).randbytes(20_000)).decode()
    for _ in range(3):
        socket.say_compressed(text)
        assert socket.said() == text
    assert socket.compressed_messages >= 3


def test_row_102_compression_is_off_by_default(server):
    """So no secret is ever compressed together with what an attacker chose.

    That private pushes are never compressed is for the tests of the protocols that have any.
    """
    connection = Connection(server.port)
    connection.send(upgrade_request("/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"))
    answer = connection.response()
    assert answer.status == 101 and answer.all("Sec-WebSocket-Extensions") == []
    connection.__class__ = WebSocket
    connection.join("plain")
    connection.say("a" * 10_000)
    assert connection.frame().rsv == 0


def test_row_102_rsv1_closes_where_compression_is_off(server):
    socket = WebSocket(server.port, "/", "Sec-WebSocket-Extensions: permessage-deflate")
    socket.send(frame(TEXT, deflate(b"nr=a&key=all"), rsv=RSV1))
    socket.expect_close(1002)


@MODES
def test_row_103_errors_of_the_inflater_stay_with_their_connection(compressing, mode):
    """What the inflater throws is tested in Swift too: InflateDecompressorTests."""
    neighbour = compressing(mode).join("neighbour")
    for round_number in range(40):
        broken = [compressing(mode) for _ in range(5)]
        for index, socket in enumerate(broken):
            payload = list(CORRUPT.values())[(round_number + index) % len(CORRUPT)]
            socket.send(frame(TEXT, payload, rsv=RSV1))
        for socket in broken:
            socket.expect_close(1007)
            socket.close()
        if round_number % 10 == 0:
            neighbour.say_compressed(f"round {round_number}")
            assert neighbour.said() == f"round {round_number}"


def test_section_e_leaves_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
