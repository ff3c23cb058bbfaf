"""Readers that do not keep up (rows 126 to 129): cut off and logged, with 1013 for who resumes, and nobody else notices.

The kernel takes a few megabytes for each connection before the server has to keep anything, so what is said here is more
than that. All limits are set low by options; the bounds are checked at the process, from outside.
"""

import select
import time

import pytest

import wire
from wire import CLOSE, KIB, MIB, PING, PONG, WebSocket, close_frame, frame, say_frame

CAP = MIB
TEXT_BYTES = 20 * KIB
ROOMS, MEMBERS = 10, 100
# Nothing ends a connection here but what is tested; a slow machine gets its time.
COMMON = (
    "--max-rate", "1000000", "--max-byte-rate", "unlimited", "--max-connections-per-address", "unlimited", "--ping-interval", "3600",
    "--pong-timeout", "3600",
)
PATIENT = ("--close-timeout", "60")
HARD = ("--max-pending", str(CAP))
WIDE = ("--max-pending", str(32 * MIB))
NEVER = "86400"


class Reader(WebSocket):
    """A member of a room that notes what it hears."""

    def __init__(self, port, room, name, **knobs):
        super().__init__(port, f"/?room={room}", **knobs)
        self.join(name)
        self.heard = []
        self.close_code = None

    def notice(self):
        """Takes the frames that are whole."""
        while self._has_frame():
            found = self.frame()
            if found.opcode == PING:
                self.send(frame(PONG, found.payload))
            elif found.opcode == CLOSE:
                self.close_code = found.code
            elif b'"nrong"' in found.payload and b'"type"' not in found.payload:
                self.heard.append(number_in(found.payload))

    def _has_frame(self):
        if len(self.received) < 2:
            return False
        length = self.received[1] & 0x7F
        head = 2 if length < 126 else 4 if length == 126 else 10
        if len(self.received) < head:
            return False
        size = length if length < 126 else int.from_bytes(self.received[2:head], "big")
        return len(self.received) >= head + size


def number_in(payload):
    """The number that a text begins with."""
    at = payload.index(b"#") + 1
    return int(payload[at : at + 6])


def numbered(number):
    return f"#{number:06}" + "x" * (TEXT_BYTES - 7)


def listen(readers, until, patience=60.0, meanwhile=lambda: None):
    """Reads what comes on all of these until the condition holds."""
    poller = select.epoll()
    by_descriptor = {reader.socket.fileno(): reader for reader in readers}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    deadline = time.monotonic() + patience
    while not until():
        assert time.monotonic() < deadline, f"not within {patience} s"
        meanwhile()
        for descriptor, _ in poller.poll(0.05):
            reader = by_descriptor[descriptor]
            reader.take()
            reader.notice()
            if reader.ended:
                poller.unregister(descriptor)
    poller.close()


def crowd(server, rooms=ROOMS, members=MEMBERS):
    """Members who read all that comes; the first of each room talks."""
    found = []
    for room in range(rooms):
        found.append([])
        for member in range(members):
            found[-1].append(Reader(server.port, f"slow{room}", f"m{member}"))
            # Everybody is told of everybody who comes: who is there already reads that now.
            for other in found[-1]:
                if other.take():
                    other.notice()
    return found


def say(room, first, count, readers=(), meanwhile=lambda: None):
    """Says so many numbered texts, and waits until everybody of the room who reads has heard them."""
    for start in range(first, first + count, 10):
        end = min(start + 10, first + count)
        for number in range(start, end):
            room[0].send(say_frame(numbered(number)))
        listen(
            [*room, *readers], lambda: all(reader.heard and reader.heard[-1] == end - 1 for reader in room),
            meanwhile=meanwhile)


def cut_off_lines(server, reader=None):
    """What the log says of readers that were cut off; of this one, when there is one."""
    lines = [line for line in server.text().splitlines() if "slow reader cut off" in line]
    if reader is None:
        return lines
    peer = "127.0.0.1:%d" % reader.socket.getsockname()[1]
    return [line for line in lines if peer in line]


def resume(reader, end=True):
    """Reads all that is still to come; gives the code of the close frame."""
    listen([reader], lambda: reader.close_code is not None or reader.ended)
    if reader.close_code is not None and not reader.ended:
        reader.send(close_frame(reader.close_code))
        if end:
            listen([reader], lambda: reader.ended)
    return reader.close_code


def assert_no_gap(reader, first=0):
    """What a slow reader has heard is the beginning of what was said, without a hole."""
    assert reader.heard == list(range(first, first + len(reader.heard)))


def test_row_126_128_one_that_never_reads_and_one_that_reads_1_kb_a_second_among_1000(serve):
    server = serve(*COMMON, *PATIENT, *HARD, "--soft-pending-time", NEVER, "--max-pending-age", NEVER)
    rooms = crowd(server)
    dead = Reader(server.port, "slow0", "dead", receive_buffer=4 * KIB)
    slow = Reader(server.port, "slow0", "slow", receive_buffer=4 * KIB)
    resident = server.resident()
    server.forget_peak()
    last_read = [time.monotonic()]

    def read_slowly():
        if time.monotonic() - last_read[0] >= 1:
            last_read[0] = time.monotonic()
            try:
                slow.received += slow.socket.recv(KIB)
            except BlockingIOError:
                pass

    said = 0
    while len(cut_off_lines(server, dead)) + len(cut_off_lines(server, slow)) < 2:
        assert said < 2_000, f"40 MB were said and nobody was cut off: {server.text()[-2000:]}"
        say(rooms[0], said, 50, meanwhile=read_slowly)
        said += 50
    for number, room in enumerate(rooms[1:], 1):
        say(room, 0, 10)
        assert all(reader.heard == list(range(10)) for reader in room), f"room {number} lost something"
    # The others have heard everything, in its order, and go on.
    say(rooms[0], said, 10)
    assert all(reader.heard == list(range(said + 10)) for reader in rooms[0])
    # Two queues, what is about to leave, and what an allocator keeps.
    allowed = resident + 2 * CAP + 16 * MIB
    assert server.peak() <= allowed, f"{server.peak() // KIB} KiB at the peak, {resident // KIB} KiB before"
    # Both are where they were: a close frame waits behind what the kernel has.
    for reader in (dead, slow):
        assert resume(reader) == 1013
        reader.notice()
        assert_no_gap(reader)
        assert 0 < len(reader.heard) < said


@pytest.mark.parametrize("reads", [False, True], ids=["window-0", "1-KB-a-second"])
def test_row_128_129_what_waits_may_not_grow_old(serve, reads):
    server = serve(
        *COMMON, *PATIENT, *WIDE, "--soft-pending", str(32 * MIB),
        "--max-pending-age", "2")
    room = crowd(server, rooms=1, members=3)[0]
    slow = Reader(server.port, "slow0", "slow", receive_buffer=4 * KIB)
    say(room, 0, 400)  # 8 MB: some of it has to wait in the server
    began = time.monotonic()
    while not cut_off_lines(server, slow):
        assert time.monotonic() - began < 20, "what waits is 20 s old"
        if reads:
            try:
                slow.received += slow.socket.recv(KIB)
            except BlockingIOError:
                pass
        time.sleep(1 if reads else 0.1)  # the input itself: a reader of 1 KB a second
    say(room, 400, 10)
    assert all(reader.heard == list(range(410)) for reader in room)
    assert resume(slow) == 1013
    assert_no_gap(slow)


def test_row_126_the_soft_limit_may_be_passed_for_its_time_only(serve):
    server = serve(
        *COMMON, *PATIENT, *WIDE, "--soft-pending", str(100 * KIB),
        "--soft-pending-time", "2", "--max-pending-age", NEVER)
    room = crowd(server, rooms=1, members=3)[0]
    slow = Reader(server.port, "slow0", "slow", receive_buffer=4 * KIB)
    say(room, 0, 400)
    wire.eventually(lambda: cut_off_lines(server, slow), 20, "it was not cut off")
    assert resume(slow) == 1013
    assert_no_gap(slow)


def test_a_large_message_may_take_its_time_over_a_slow_line(serve):
    server = serve(
        *COMMON, *PATIENT, *WIDE, "--max-message", str(16 * MIB), "--soft-pending", str(256 * KIB),
        "--soft-pending-time", "3", "--max-pending-age", "3")
    room = crowd(server, rooms=1, members=2)[0]
    slow = Reader(server.port, "slow0", "slow", receive_buffer=4 * KIB)
    deaf = Reader(server.port, "slow0", "deaf", receive_buffer=4 * KIB)
    # The kernel takes a few megabytes of it; the rest waits for the readers, and nine short ones behind it.
    room[0].send(say_frame(numbered(0) + "x" * (7 * MIB)))
    listen(room, lambda: all(reader.heard == [0] for reader in room))
    say(room, 1, 9)
    began = time.monotonic()
    while slow.raw_count < 7 * MIB:
        assert not slow.ended and not cut_off_lines(server, slow), "it was cut off although it reads"
        slow.take()
        time.sleep(0.003)  # the input itself: a reader of about a megabyte a second
    assert time.monotonic() - began > 4
    listen([slow], lambda: slow.heard == list(range(10)))
    # Whoever takes nothing of it is too slow, as ever.
    wire.eventually(lambda: cut_off_lines(server, deaf), 10, server.text)
    assert resume(deaf) == 1013


def test_one_that_does_not_come_back_is_gone_after_the_close_timeout(serve):
    server = serve(
        *COMMON, *WIDE, "--close-timeout", "1", "--max-pending-age", "1")
    room = crowd(server, rooms=1, members=2)[0]
    descriptors = server.descriptors()
    gone = [Reader(server.port, "slow0", f"gone{number}", receive_buffer=4 * KIB) for number in range(5)]
    say(room, 0, 400)
    wire.eventually(
        lambda: server.descriptors() <= descriptors, 20, lambda: f"{len(gone)} readers that are gone are still held")
    # Everybody is told once that they left.
    say(room, 400, 1)
    assert room[0].heard == list(range(401))


def test_row_127_when_the_node_has_no_room_the_largest_queues_go_first(serve):
    budget = 8 * MIB
    server = serve(
        *COMMON, *PATIENT, *WIDE, "--soft-pending", str(32 * MIB),
        "--max-pending-age", NEVER, "--output-budget", str(budget))
    rooms = crowd(server, rooms=2, members=2)
    few = [Reader(server.port, "slow0", f"few{number}", receive_buffer=4 * KIB) for number in range(4)]
    many = [Reader(server.port, "slow1", f"many{number}", receive_buffer=4 * KIB) for number in range(8)]
    resident = server.resident()
    server.forget_peak()
    # Both kinds have to wait in the server; those of the second room for more.
    say(rooms[0], 0, 160)
    say(rooms[1], 0, 700)
    wire.eventually(lambda: cut_off_lines(server), 20, "nobody was cut off")
    allowed = resident + budget + 24 * MIB
    assert server.peak() <= allowed, f"{server.peak() // KIB} KiB at the peak, {resident // KIB} KiB before"
    assert not any(cut_off_lines(server, reader) for reader in few)
    # Who was not cut off hears the rest when it reads on.
    listen(few, lambda: all(reader.heard == list(range(160)) for reader in few))
    say(rooms[0], 160, 5, readers=few)
    listen(few, lambda: all(reader.heard == list(range(165)) for reader in few))
    codes = [resume_or_catch_up(reader, 700) for reader in many]
    assert codes.count(1013) >= 2
    for reader in many:
        assert_no_gap(reader)
    assert all(reader.heard == list(range(165)) for reader in rooms[0])
    assert all(reader.heard == list(range(700)) for reader in rooms[1])


def resume_or_catch_up(reader, count):
    """Reads on until the close frame or the last text; gives the code of the close frame, if there was one."""
    listen(
        [reader], lambda: reader.close_code is not None or reader.ended or len(reader.heard) == count)
    return reader.close_code


def test_the_slow_readers_leave_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
