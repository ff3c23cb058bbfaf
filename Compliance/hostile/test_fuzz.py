"""Row 94: random bytes, for a while. HOSTILE_FUZZ_SECONDS is the time for each target, 60 without it.

The first seed of a run is printed, each batch takes the next one, and a failure names its seed:
HOSTILE_FUZZ_SEED=N runs only that batch.
"""

import os
import random
import time
import zlib

import pytest

from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, Ended, WebSocket, frame, upgrade_request

SECONDS = float(os.environ.get("HOSTILE_FUZZ_SECONDS", "60"))
SEED = os.environ.get("HOSTILE_FUZZ_SEED")
BATCH = 20
FAST = ("--connection-rate", "unlimited")  # thousands a second
LENGTHS = [0, 125, 126, 65535, 65536, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
VERDICTS = {None, 1002, 1003, 1007, 1008, 1009}


def noise(dice):
    """Bytes without any sense."""
    return dice.randbytes(dice.choice([1, 2, 5, 6, 7, 14, 100, 1000, 5000]))


def payload(dice):
    length = dice.choice([0, 0, 1, 2, 5, 124, 125, 126, 127, 300, 65535, 65536, *dice.choices(range(200), k=12)])
    kind = dice.randrange(5)
    if kind == 0:
        return dice.randbytes(length)
    if kind == 1:
        return ("type=add&ming=" + "".join(dice.choices("abé中😀%&=+<\"", k=length // 3)))[:length].encode()[:65536]
    if kind == 2:
        return b"nr=" + bytes(dice.choices(b"ab%&=+12345key\xc3\xa9\xed", k=length)) + b"&key=all"
    if kind == 3:
        stream = zlib.compressobj(wbits=-15)
        text = dice.choice([b"a", b"\0", b"nr=x&key=all"]) * length
        return stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH)[:-4]
    return dice.choice([1000, 1005, 3000, 65535]).to_bytes(2, "big") + dice.randbytes(dice.randrange(10))


def frames(dice):
    """Frames that are mostly right: only so does a fuzzer come past the first two bytes."""
    data = b""
    for _ in range(dice.randrange(1, 12)):
        rare = lambda: dice.random() < 0.06  # noqa: E731
        opcode = dice.choice([CONTINUATION, TEXT, TEXT, TEXT, BINARY, PING, PONG, CLOSE])
        if rare():
            opcode = dice.randrange(16)
        rsv = dice.randrange(8) if rare() else dice.choice([0, 0, 4])
        body = payload(dice)
        if opcode >= 8 and not rare():
            body = body[:125]
        length = dice.choice(LENGTHS) if rare() else None
        data += frame(
            opcode, body, fin=dice.random() < 0.7, rsv=rsv, mask=None if rare() else dice.randbytes(4),
            length=length, form=64 if length is not None or rare() else None)
    return mutated(dice, data)


def mutated(dice, data):
    data = bytearray(data)
    for _ in range(dice.choice([0, 0, 1, 1, 2, 5])):
        at = dice.randrange(len(data))
        kind = dice.randrange(4)
        if kind == 0:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at:at] = dice.randbytes(dice.randrange(1, 8))
        elif kind == 2:
            del data[at : at + dice.randrange(1, 8)]
        else:
            del data[at:]
        if not data:
            return b"\0"
    return bytes(data)


def head(dice):
    """An opening handshake with mistakes, sometimes frames behind it."""
    lines = upgrade_request(dice.choice(["/", "/chat", "/?room=fuzz", "*", "http://127.0.0.1/"])).split(b"\r\n")
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(lines))
        kind = dice.randrange(4)
        if kind == 0:
            lines.insert(at, lines[at])
        elif kind == 1 and len(lines) > 3:
            del lines[at]
        elif kind == 2:
            lines.insert(at, dice.choice([
                b"Transfer-Encoding: chunked", b"Content-Length: 5",
                b"Sec-WebSocket-Protocol: chat, " + dice.randbytes(5),
                b"Sec-WebSocket-Extensions: permessage-deflate; " + dice.randbytes(8), b"Origin: " + dice.randbytes(9),
                b"Expect: 100-continue", b"X: " + b"y" * dice.randrange(20_000), dice.randbytes(30)]))
        else:
            lines[at] = mutated(dice, lines[at] or b"x")
    return b"\r\n".join(lines) + (frames(dice) if dice.random() < 0.3 else b"")


def send_in_pieces(dice, connection, data):
    """All of it, cut at random, then FIN."""
    while data:
        step = dice.choice([1, 2, 3, 7, 100, 4096, len(data)])
        connection.send(data[:step])
        data = data[step:]
    connection.finish_sending()


def may_be_answered(code):
    """Verdicts on the input, and the codes of RFC 6455 §7.4 that a peer may have sent and gets back."""
    return code in VERDICTS or code in (1000, 1001, 1010, 1011, 1012, 1013, 1014) or 3000 <= code < 5000


def verdict(socket):
    """Reads until the end; the answer has to be frames, and a close code one that fits."""
    try:
        while True:
            found = socket.frame(5)
            assert found.opcode != CLOSE or may_be_answered(found.code), found
    except Ended:
        pass


def run(server, open_one, generate):
    base = int(SEED) if SEED else int(time.time() * 1000) % 1_000_000_000
    deadline, seed, batches = time.monotonic() + SECONDS, base, 0
    print(f"seeds from {base}")
    while time.monotonic() < deadline:
        dice = random.Random(seed)
        connections = [open_one() for _ in range(BATCH)]
        for connection in connections:
            send_in_pieces(dice, connection, generate(dice))
        for connection in connections:
            try:
                verdict(connection) if isinstance(connection, WebSocket) else connection.rest(5)
            except (AssertionError, TimeoutError, UnicodeDecodeError) as error:
                raise AssertionError(f"seed {seed}: {error}") from error
            connection.close()
        server.assert_alive()
        seed, batches = seed + 1, batches + 1
        if SEED:
            break
    print(f"{batches} batches of {BATCH} connections, the last seed was {seed - 1}")


@pytest.mark.parametrize("generate", [noise, frames])
def test_row_94_random_bytes_after_the_handshake(serve, generate):
    server = serve(*FAST)
    run(server, lambda: WebSocket(server.port, "/?room=fuzz"), generate)


def test_row_94_random_bytes_with_compression(serve):
    server = serve(*FAST, "--compression", "dedicated")
    run(server, lambda: WebSocket(server.port, "/?room=fuzz", "Sec-WebSocket-Extensions: permessage-deflate"), frames)


def test_row_94_random_opening_handshakes(serve):
    server = serve(*FAST)
    run(server, lambda: Connection(server.port), head)


def test_the_fuzzing_leaves_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
