"""Raw sockets for the tests: HTTP requests, WebSocket frames with every knob, and the server as a process.

Nothing here is polite. A frame may lie about its length, a request may be cut anywhere. All connections go to
127.0.0.1.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARLEY = os.environ.get("PARLEY_BIN", str(ROOT / ".build/release/parley"))
CARRIER = os.environ.get("PARLEY_CARRIER")
ECHO_SERVER = os.environ.get("ECHO_SERVER_BIN", str(ROOT / ".build/release/EchoServer"))

KIB = 1024
MIB = 1024 * KIB
MESSAGE_LIMIT = MIB  # the room's default
FRAGMENT_LIMIT = 1024  # one for each KiB of the message limit, 64 at least
HEAD_LIMIT = 16 * KIB
URI_LIMIT = 4 * KIB
# The server is built with a sanitizer, and judged by what it does: what it takes and how late it is says nothing then.
SANITIZED = os.environ.get("PARLEY_SANITIZED") == "1"
PATIENCE = 10.0  # seconds for an answer that should come at once, on a busy machine

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x37\xfa\x21\x3d"

_open_connections = []


class Ended(Exception):
    """The peer ended the connection before what was expected arrived."""


# --- HTTP ------------------------------------------------------------------------------------------------------------


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def request(target="/", *fields, method="GET", version="HTTP/1.1", host="127.0.0.1", body=b""):
    """A request as bytes. `fields` are whole lines ("Name: value"); `host=None` leaves Host out."""
    lines = [b" ".join(to_bytes(part) for part in (method, target, version))]
    if host is not None:
        lines.append(b"Host: " + to_bytes(host))
    lines += [to_bytes(line) for line in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def upgrade_request(
    target="/", *fields, key=KEY, version_field="13", upgrade="websocket", connection="Upgrade", **rest
):
    """An opening handshake; `None` leaves a field out, further lines are appended."""
    lines = []
    for name, value in (
        ("Upgrade", upgrade),
        ("Connection", connection),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", version_field),
    ):
        if value is not None:
            lines.append(f"{name}: {value}")
    return request(target, *lines, *fields, **rest)


def accept_value(key):
    """RFC 6455 §4.2.2."""
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return base64.b64encode(digest).decode()


@dataclass
class Response:
    status: int
    head: bytes
    fields: list
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) < 2, f"{name} stands {len(values)} times in {self.head!r}"
        return values[0] if values else None


# --- Frames ----------------------------------------------------------------------------------------------------------


def apply_mask(payload, mask):
    if not payload:
        return b""
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=MASK, length=None, form=None):
    """A frame as a client sends it (RFC 6455 §5.2).

    rsv: the three reserved bits as a number, 4 is RSV1. mask: `None` for an unmasked frame. length: what the header
    says instead of the truth. form: 7, 16 or 64, instead of the shortest form.
    """
    if isinstance(payload, str):
        payload = payload.encode()
    said = len(payload) if length is None else length
    form = form or (7 if said < 126 else 16 if said < 65536 else 64)
    masked = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([masked | said])
    elif form == 16:
        head += bytes([masked | 126]) + struct.pack(">H", said)
    else:
        head += bytes([masked | 127]) + struct.pack(">Q", said)
    return head + (mask + apply_mask(payload, mask) if mask is not None else payload)


def close_frame(code=None, reason=b"", **knobs):
    payload = b"" if code is None else struct.pack(">H", code) + reason
    return frame(CLOSE, payload, **knobs)


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    head: bytes

    @property
    def code(self):
        return struct.unpack(">H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self):
        return self.payload[2:].decode()


# --- Connections -----------------------------------------------------------------------------------------------------


class Connection:
    """A TCP connection that reads while it writes, so that neither side blocks the other for good."""

    def __init__(self, port, receive_buffer=None, source=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if source:  # another address of the loopback
            self.socket.bind((source, 0))
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = bytearray()
        self.raw_count = 0
        self.ended = False  # the peer has sent FIN or RST
        self.refused = False  # the peer takes no more
        _open_connections.append(self)

    def _poll(self, events, deadline):
        poller = select.poll()
        poller.register(self.socket, events)
        return bool(poller.poll(max(0, (deadline - time.monotonic()) * 1000)))

    def take(self):
        """Reads what is there, without waiting; whether anything was."""
        if self.ended:
            return False
        try:
            data = self.socket.recv(262144)
        except BlockingIOError:
            return False
        except OSError:
            self.ended = self.refused = True
            return True
        if data:
            self.received += data
            self.raw_count += len(data)
        else:
            self.ended = True
        return True

    def send(self, data, *, reading=True, patience=PATIENCE):
        """Sends all of it, or until the peer takes no more; returns how many bytes went out."""
        view, sent, deadline = memoryview(data), 0, time.monotonic() + patience
        while sent < len(view) and not self.refused:
            try:
                sent += self.socket.send(view[sent : sent + 262144])
                continue
            except BlockingIOError:
                pass
            except OSError:
                self.refused = True
                break
            if time.monotonic() > deadline:
                break
            watched = select.POLLOUT | (select.POLLIN if reading and not self.ended else 0)
            self._poll(watched, deadline)
            if reading:
                self.take()
        return sent

    def send_bytewise(self, data):
        for index in range(len(data)):
            self.send(data[index : index + 1])

    def fill(self, patience=PATIENCE):
        """Waits for more bytes; False at the end of the connection."""
        deadline = time.monotonic() + patience
        while not self.ended:
            if self.take():
                return not self.ended
            if not self._poll(select.POLLIN, deadline):
                raise TimeoutError(f"nothing came within {patience} s; {len(self.received)} bytes are unread")
        return False

    def read(self, count, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while len(self.received) < count:
            if not self.fill(max(0.001, deadline - time.monotonic())):
                raise Ended(f"{count} bytes were expected, the connection ended after {bytes(self.received)[:200]!r}")
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def read_until(self, end, patience=PATIENCE):
        while (at := self.received.find(end)) < 0:
            if not self.fill(patience):
                raise Ended(f"{end!r} was expected, the connection ended after {bytes(self.received)[:200]!r}")
        return self.read(at + len(end))

    def response(self, patience=PATIENCE, head_only=False):
        """The next HTTP response."""
        head = self.read_until(b"\r\n\r\n", patience)
        lines = head[:-4].split(b"\r\n")
        assert lines[0].startswith(b"HTTP/1."), head
        for line in lines:
            assert all(0x20 <= byte <= 0x7E or byte == 9 for byte in line), f"raw bytes in a response: {head!r}"
        status = int(lines[0].split()[1])
        fields = [tuple(part.strip().decode() for part in line.split(b":", 1)) for line in lines[1:]]
        answer = Response(status, head, fields)
        if status >= 200 and status not in (204, 304) and not head_only:
            length = answer.get("Content-Length")
            if length is not None:
                answer.body = self.read(int(length), patience)
            elif answer.get("Transfer-Encoding") == "chunked":
                while size := int(self.read_until(b"\r\n"), 16):
                    answer.body += self.read(size + 2)[:-2]
                self.read(2)
            else:
                answer.body = self.rest(patience)
        return answer

    def rest(self, patience=PATIENCE):
        """Everything up to the end of the connection."""
        deadline = time.monotonic() + patience
        while not self.ended:
            self.fill(max(0.001, deadline - time.monotonic()))
        data = bytes(self.received)
        self.received.clear()
        return data

    def expect_end(self, within=3.0):
        """Asserts that the peer ends the connection, and that nothing comes before that."""
        rest = self.rest(within)
        assert rest == b"", f"only the end was expected, not {rest[:200]!r}"

    def finish_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        """Ends the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.socket.close()
        if self in _open_connections:
            _open_connections.remove(self)


def close_all():
    """Closes every connection that a test has left open."""
    for connection in list(_open_connections):
        connection.close()


def readable(sources, patience=0):
    """How many of them have something to read, or have ended, within so many seconds.

    Sources are descriptors or have a `fileno`. `select.select` would take descriptors below 1,024 only.
    """
    poller = select.poll()
    for source in sources:
        poller.register(source, select.POLLIN)
    return len(poller.poll(patience * 1000))


class WebSocket(Connection):
    """A connection after its 101."""

    def __init__(self, port, target="/", *fields, handshake=None, behind=b"", receive_buffer=None, source=None):
        super().__init__(port, receive_buffer, source)
        self.send((handshake or upgrade_request(target, *fields)) + behind)
        self.answer = self.response()
        assert self.answer.status == 101, self.answer.head
        assert self.answer.get("Sec-WebSocket-Accept") == accept_value(KEY), self.answer.head

    def frame(self, patience=PATIENCE):
        """The next frame; checks what a server's frame always has to be (RFC 6455 §5)."""
        first, second = head = self.read(2, patience)
        assert not second & 0x80, "a server never masks"
        length, extended = second & 0x7F, b""
        if length == 126:
            extended = self.read(2)
            length = int.from_bytes(extended, "big")
            assert length >= 126, "a length has its shortest form"
        elif length == 127:
            extended = self.read(8)
            length = int.from_bytes(extended, "big")
            assert 65536 <= length < 1 << 63, "a length has its shortest form"
        found = Frame(first & 0x0F, self.read(length, patience), bool(first & 0x80), first >> 4 & 7, head + extended)
        if found.opcode >= 8:
            assert found.fin and length <= 125, "a control frame is whole and has 125 bytes at most"
        if found.opcode == CLOSE:
            assert length != 1
            found.payload[2:].decode()  # RFC 6455 §5.5.1: the reason is UTF-8
            assert found.code not in (1005, 1006, 1015)
        return found

    def message(self, patience=PATIENCE):
        """The next data frame, whole; pings in between are answered."""
        while True:
            found = self.frame(patience)
            if found.opcode == PING:
                self.send(frame(PONG, found.payload))
                continue
            assert found.opcode in (TEXT, BINARY) and found.fin, found
            return found

    def push(self, patience=PATIENCE):
        """The next push of the room as a dictionary."""
        found = self.message(patience)
        assert found.opcode == TEXT and found.rsv == 0, found
        text = found.payload.decode("ascii")
        assert not any(character in text for character in "<>&"), text
        return json.loads(text)

    def push_of(self, kind, patience=PATIENCE):
        """The next push of a type; others are skipped. A push without a type was said."""
        while True:
            push = self.push(patience)
            if push.get("type", "said") == kind:
                return push

    def join(self, name):
        self.send(frame(TEXT, "type=add&ming=" + name))
        self.welcome = self.push_of("madd")
        self.code = self.welcome["code"]
        return self

    def say(self, text, to="all"):
        self.send(say_frame(text, to))

    def said(self, patience=PATIENCE):
        """The text of the next push that was said."""
        return self.push_of("said", patience)["nrong"]

    def expect_close(self, *codes, within=PATIENCE, answer=True):
        """Asserts that the server closes with one of these codes and then ends the connection; returns the frame."""
        while (found := self.frame(within)).opcode != CLOSE:
            pass
        assert found.code in codes, f"closed with {found.code} ({found.reason}) instead of {codes}"
        if answer:
            self.send(close_frame(found.code))
        self.expect_end()
        return found


def say_payload(text, to="all"):
    return "nr=" + urllib.parse.quote_plus(text) + "&key=" + to


def say_frame(text, to="all", **knobs):
    return frame(TEXT, say_payload(text, to), **knobs)


# --- The process -----------------------------------------------------------------------------------------------------


def eventually(condition, within, what):
    """Waits until the condition holds; asks it 20 times a second."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what() if callable(what) else what}"
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process of its own for the tests; ends with the `with` block."""

    def __init__(self, *options, program="parley", port=None):
        self.options = options
        self.port = port or free_port()
        if program == "parley":
            self.command = [PARLEY, "serve", "--host", "127.0.0.1", "--port", str(self.port), *options]
        else:
            self.command = [ECHO_SERVER, "--port", str(self.port), *options]
        # A test that ends its server waits for nobody.
        if program == "parley" and "--drain-delay" not in options:
            self.command += ["--drain-delay", "0"]
        # Both carriers have to pass: scripts/test names the one that is not the default.
        if CARRIER and "--carrier" not in options:
            self.command += ["--carrier", CARRIER]

    def start(self):
        assert os.path.exists(self.command[0]), (
            f"{self.command[0]} is not there: build it with `swift build -c release`, or name it in "
            "PARLEY_BIN (the server) or ECHO_SERVER_BIN (the example)"
        )
        self.log = tempfile.NamedTemporaryFile(prefix="parley-hostile-", suffix=".log")
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.pid = self.process.pid
        try:
            eventually(self._answers, 20, lambda: f"{self.command} does not listen: {self.text()}")
        except BaseException:
            self.stop()
            raise
        return self

    def _answers(self):
        self.assert_alive()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """SIGTERM, then SIGKILL; returns the exit code and the seconds it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode, time.monotonic() - began

    def assert_alive(self):
        """The same process still runs."""
        code = self.process.poll()
        assert code is None, f"the server has ended with {code}: {self.text()[-4000:]}"

    def log_bytes(self):
        return pathlib.Path(self.log.name).read_bytes()

    def expect_log(self, *words):
        """Waits for words in the log: a thread of its own writes that, a little later than what it tells of."""
        eventually(lambda: all(word in self.text() for word in words), 5, lambda: f"{words} in {self.text()}")

    def text(self):
        return self.log_bytes().decode("utf-8", "replace")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _status(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * KIB
        raise AssertionError(f"{name} is not in /proc/PID/status")

    def resident(self):
        return 0 if SANITIZED else self._status("VmRSS")

    def forget_peak(self):
        """From here on `peak` counts."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self):
        return 0 if SANITIZED else self._status("VmHWM")

    def most(self):
        """Ends the server; what one iteration of a loop did at most, a count by its name. Logs at debug."""
        self.stop()
        line = next(line for line in self.text().splitlines() if "in one iteration" in line)
        return {name: int(value) for name, value in re.findall(r"(deliveries|bytes|encodings|points)=(\d+)", line)}

    def processor_seconds(self):
        """Processor time of all threads of the process so far."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


# --- The canary ------------------------------------------------------------------------------------------------------


@dataclass
class Sample:
    sent: float  # monotonic seconds
    echo: float  # milliseconds until every canary had its push; infinite when it never came
    waited: float  # milliseconds of these in which the canary or a loop of the server could run but got no processor


class Canary:
    """Connections that were there before the attack and must not notice it.

    One process of its own holds several connections, so that every loop of the server has some. They talk in turns,
    and the time counts until all of them have the push. Beside each exchange runs one of the same kind with a
    bystander process: when that one is late too, it was the machine and not the server, and the sample does not count.
    """

    def __init__(self, server, mode="room", program=None):
        """program: canary.c, built, for attacks of many seconds; it talks in a room."""
        self.samples = []
        self.error = None
        command = [program] if program else [sys.executable, str(HERE / "canary.py")]
        self.process = subprocess.Popen(
            command + [str(server.port), str(server.pid)] + ([] if program else [mode]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        eventually(lambda: self.samples or self.process.poll() is not None, 20, "the canary has no echo")
        self.check()

    def _listen(self):
        for line in self.process.stdout:
            self.samples.append(Sample(*map(float, line.split())))

    def check(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the canary is dead: {self.process.stderr.read()}")

    def assert_unharmed(self, since=0.0, least=4):
        """Its echoes since then took less than 100 ms at the 99th percentile; waits until there are enough of them."""

        def samples():
            return [sample for sample in list(self.samples) if sample.sent >= since]

        def enough():
            self.check()
            return len(samples()) >= least

        eventually(enough, 20, lambda: f"the canary had {len(samples())} echoes of {least}")
        echoes = sorted(sample.echo - sample.waited for sample in samples())
        late = echoes[-1 - len(echoes) // 100]
        assert late < 100 or SANITIZED, f"the canary's echo took {late:.0f} ms at the 99th percentile of {len(echoes)}"

    def late(self, since, until):
        """The 99th percentile of its echoes in milliseconds, without what the machine is to blame for."""
        self.check()
        if SANITIZED:
            return 0.0
        echoes = sorted(sample.echo - sample.waited for sample in list(self.samples) if since <= sample.sent < until)
        return echoes[-1 - len(echoes) // 100]

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
