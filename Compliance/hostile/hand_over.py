"""The clients of test_hand_over.py: `python hand_over.py PORT NUMBER CONNECTIONS IN_FLIGHT`.

Opens so many connections to an echo server, each from one of 250 addresses and in one of the ways below, and compares
what comes back byte for byte. Prints how many went each way; exits with a message at the first that did not go as it
should.
"""

import json
import os
import select
import socket
import struct
import sys
import time

import wire
from wire import BINARY, TEXT

PATIENCE = 20.0
IP_BIND_ADDRESS_NO_PORT = 24  # the kernel picks the port when it knows the peer: as many as it has, for each address
REQUEST = wire.upgrade_request()
RESET = struct.pack("ii", 1, 0)
GOODBYE = wire.close_frame(1000)
GOODBYE_ANSWER = b"\x88\x02\x03\xe8"


class Way:
    """How a connection is used: parts to send, and what ends it.

    A part is sent at once or when the 101 has come. The end is "close" (the closing handshake is part of what is sent,
    and the server ends the connection), "finish" (our side is ended behind the last part), "leave" (closed as soon as
    everything has come), or "reset" (reset behind the last part; nothing is expected).
    """

    def __init__(self, name, cut, end):
        self.name, self.cut, self.end = name, cut, end


def frames(number, count, size=24):
    """`count` frames that no other connection sends, and their echoes."""
    sent, echoed = [], []
    for index in range(count):
        payload = (b"%d/%d " % (number, index)).ljust(size + index * 7, b".")
        opcode = TEXT if index % 2 else BINARY
        sent.append(wire.frame(opcode, payload, mask=struct.pack(">I", number * 2654435761 & 0xFFFFFFFF)))
        head = bytes([0x80 | opcode])
        head += bytes([len(payload)]) if len(payload) < 126 else struct.pack(">BH", 126, len(payload))
        echoed.append(head + payload)
    return b"".join(sent), b"".join(echoed)


# Each gives a list of (bytes, whether the 101 is awaited before), for the frames of one connection.
def together(data, number):
    return [(REQUEST + data, False)]


def half_a_frame_then_the_rest_at_once(data, number):
    at = number % (len(data) - 1) + 1
    return [(REQUEST + data[:at], False), (data[at:], False)]


def half_a_frame_then_the_rest_after_the_101(data, number):
    at = number % (len(data) - 1) + 1
    return [(REQUEST + data[:at], False), (data[at:], True)]


def after_the_101(data, number):
    return [(REQUEST, False), (data, True)]


def right_behind(data, number):
    return [(REQUEST, False), (data, False)]


def in_small_pieces(data, number):
    step = max(1, len(data) // 5)
    return [(REQUEST, False)] + [(data[at : at + step], False) for at in range(0, len(data), step)]


def cut_in_the_request(data, number):
    at = number % (len(REQUEST) - 1) + 1
    return [(REQUEST[:at], False), (REQUEST[at:] + data, False)]


WAYS = [
    Way("together, closing handshake", together, "close"),
    Way("together, left", together, "leave"),
    Way("together, half-closed", together, "finish"),
    Way("together, reset", together, "reset"),
    Way("cut frame at once, closing handshake", half_a_frame_then_the_rest_at_once, "close"),
    Way("cut frame at once, half-closed", half_a_frame_then_the_rest_at_once, "finish"),
    Way("cut frame after the 101, closing handshake", half_a_frame_then_the_rest_after_the_101, "close"),
    Way("cut frame after the 101, left", half_a_frame_then_the_rest_after_the_101, "leave"),
    Way("after the 101, closing handshake", after_the_101, "close"),
    Way("after the 101, half-closed", after_the_101, "finish"),
    Way("after the 101, reset", after_the_101, "reset"),
    Way("right behind the request, closing handshake", right_behind, "close"),
    Way("right behind the request, reset", right_behind, "reset"),
    Way("in small pieces, closing handshake", in_small_pieces, "close"),
    Way("cut request, closing handshake", cut_in_the_request, "close"),
    Way("cut request, left", cut_in_the_request, "leave"),
    # With its close frame in the segment of the request and nothing else.
    Way("closing handshake alone", together, "close alone"),
    Way("nothing, reset after the 101", after_the_101, "reset alone"),
]


class Visit:
    """One connection."""

    __slots__ = ("socket", "way", "parts", "expected", "received", "began", "number")

    def __init__(self, port, process, index, answer):
        self.number = index * 16 + process
        self.way = WAYS[index % len(WAYS)]
        self.began = time.monotonic()
        end = self.way.end
        count = 0 if end.endswith("alone") else 1 + index // len(WAYS) % 4
        size = 2000 if index % 50 == 7 else 24
        data, echoes = frames(self.number, count, size)
        if end.startswith("close"):
            data, echoes = data + GOODBYE, echoes + GOODBYE_ANSWER
        self.parts = [part for part in self.way.cut(data, self.number) if part[0]] if data else [(REQUEST, False)]
        self.expected = answer + echoes
        self.received = b""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.bind((f"127.{1 + process}.0.{1 + index % 250}", 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def send(self, answer):
        """Sends what may be sent now; whether the visit is over by that."""
        while self.parts and (not self.parts[0][1] or len(self.received) >= len(answer)):
            data, _ = self.parts.pop(0)
            if self.socket.send(data) != len(data):
                self.fail("the server takes nothing")
        if self.parts:
            return False
        end = self.way.end
        if end == "finish":
            self.socket.shutdown(socket.SHUT_WR)
        elif end == "reset" or (end == "reset alone" and len(self.received) >= len(answer)):
            self.reset()
            return True
        return False

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def take(self, answer):
        """Something has come; whether the visit is over."""
        data = self.socket.recv(65536)
        self.received += data
        if not data:
            if self.received != self.expected or self.way.end == "leave":
                self.fail("the server has ended the connection")
            return True
        if not self.expected.startswith(self.received):
            self.fail("something else was expected")
        if self.parts or self.way.end == "reset alone":
            return self.send(answer)
        return self.way.end == "leave" and len(self.received) == len(self.expected)

    def fail(self, words):
        at = len(os.path.commonprefix([self.received, self.expected]))
        sys.exit(
            f"{words}: connection {self.number}, {self.way.name}, {len(self.received)} bytes of {len(self.expected)}, "
            f"equal up to {at}: {self.received[at : at + 80]!r} instead of {self.expected[at : at + 80]!r}")


def main():
    port, process, connections, in_flight = (int(argument) for argument in sys.argv[1:])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as first:
        first.sendall(REQUEST)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += first.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101 ") and wire.accept_value(wire.KEY).encode() in answer, answer
    poller, visits, tally, begun = select.epoll(), {}, dict.fromkeys((way.name for way in WAYS), 0), 0
    last_look = time.monotonic()
    while begun < connections or visits:
        while begun < connections and len(visits) < in_flight:
            visit = Visit(port, process, begun, answer)
            begun += 1
            if visit.send(answer):
                visit.socket.close()
                tally[visit.way.name] += 1
                continue
            descriptor = visit.socket.fileno()
            visits[descriptor] = visit
            poller.register(descriptor, select.EPOLLIN)
        for descriptor, _ in poller.poll(1):
            visit = visits[descriptor]
            try:
                is_over = visit.take(answer)
            except OSError as error:
                visit.fail(str(error))
            if is_over:
                visit.socket.close()
                del visits[descriptor]
                tally[visit.way.name] += 1
        now = time.monotonic()
        if now > last_look + 1:
            last_look = now
            for visit in visits.values():
                if now > visit.began + PATIENCE:
                    visit.fail(f"nothing more has come within {PATIENCE} s")
    print(json.dumps(tally))


if __name__ == "__main__":
    main()
