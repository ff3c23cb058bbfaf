"""Thousands of connections in one thread, which come, stay and go together, and watchers that see them do so."""

import json
import re
import select
import socket
import struct
import time

import pusher_wire
import wire

BATCH = 100  # not more at once than the front door lets in


class Crowd:
    """Members that are read, so that none of them is slow, and forget what they read."""

    def __init__(self, port, watchers):
        self.port, self.watchers, self.members = port, watchers, {}
        self.found = {}  # what the group of the answer's pattern was, for each descriptor
        self.poller = select.epoll()
        for watcher in watchers:
            self.poller.register(watcher.socket, select.EPOLLIN)
        self.keep_alive = None  # a frame that says every half a second that a member is there
        self.said = time.monotonic()

    def enter(self, openings, answer, reply=None):
        """Connects once for each opening, waits for the answer (a pattern) to each, and replies to what it says."""
        for start in range(0, len(openings), BATCH):
            waiting = {}
            for opening in openings[start : start + BATCH]:
                member = socket.create_connection(("127.0.0.1", self.port), wire.PATIENCE)
                member.sendall(opening)
                member.setblocking(False)
                self.members[member.fileno()] = member
                self.poller.register(member, select.EPOLLIN)
                waiting[member.fileno()] = bytearray()
                self._hear(self.pump(), waiting, answer, reply)
            deadline = time.monotonic() + 120
            while waiting:
                assert time.monotonic() < deadline, f"{len(waiting)} had no answer: {next(iter(waiting.values()))[:300]}"
                self._hear(self.pump(0.05), waiting, answer, reply)

    def _hear(self, read, waiting, answer, reply):
        """Strikes those off who have their answer."""
        for descriptor, data in read:
            if descriptor not in waiting:
                continue
            assert data, f"the server has ended a connection: {bytes(waiting[descriptor])[-300:]}"
            waiting[descriptor] += data
            found = re.search(answer, waiting[descriptor])
            if not found:
                continue
            if found.groups():
                self.found[descriptor] = found[1].decode()
            if reply:
                self.members[descriptor].sendall(reply(found))
            del waiting[descriptor]

    def pump(self, seconds=0.0):
        """Reads whatever has come within this time: pairs of a descriptor and bytes, none at the connection's end."""
        if self.keep_alive and time.monotonic() - self.said > 0.5:
            self.tell(self.keep_alive)
            self.said = time.monotonic()
        read = []
        for descriptor, _ in self.poller.poll(seconds):
            member = self.members.get(descriptor)
            if member is None:
                for watcher in self.watchers:
                    if watcher.socket.fileno() == descriptor:
                        watcher.look()
                continue
            try:
                data = member.recv(1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self.poller.unregister(member)
                self.members.pop(descriptor).close()
            read.append((descriptor, data))
        return read

    def settle(self, condition, within, what):
        """Reads on until the condition holds."""
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"not within {within} s: {what()}"
            self.pump(0.05)

    def tell(self, data):
        """Every member sends these bytes, if the server takes them."""
        for member in list(self.members.values()):
            try:
                member.send(data)
            except OSError:
                pass

    def reset(self):
        """All connections end with RST."""
        members, self.members = list(self.members.values()), {}
        for member in members:
            member.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for member in members:
            member.close()

    def close(self):
        for member in self.members.values():
            member.close()
        self.poller.close()


class Watcher(wire.WebSocket):
    """A connection that stays, and keeps the list of who else is there by what it is told."""

    def __init__(self, port, target, behind):
        super().__init__(port, target, behind=behind)
        self.present, self.heard, self.left = set(), [], 0

    def look(self):
        """Takes what has come."""
        while self.take() and not self.ended:
            pass
        bytes_, position = bytes(self.received), 0
        while (end := self._end(bytes_, position)) is not None:
            payload_start, payload_end = end
            payload = bytes_[payload_start:payload_end]
            opcode = bytes_[position] & 0x0F
            assert opcode != wire.CLOSE, f"a watcher is closed: {payload}"
            if opcode == wire.PING:
                self.send(wire.frame(wire.PONG, payload), reading=False)
            elif opcode == wire.TEXT:
                self.note(json.loads(payload))
            position = payload_end
        del self.received[:position]
        assert not self.ended, "the server has ended a watcher's connection"

    @staticmethod
    def _end(data, position):
        """Where the payload of the frame there begins and ends; `None` while it is not there in whole."""
        if len(data) < position + 2:
            return None
        length, start = data[position + 1] & 0x7F, position + 2
        if length > 125:
            size = 2 if length == 126 else 8
            if len(data) < start + size:
                return None
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        return (start, start + length) if len(data) >= start + length else None

    def has(self, here):
        self.present.add(here)

    def lost(self, gone):
        assert gone in self.present, f"{gone} has left and was not there"
        self.present.discard(gone)
        self.left += 1


class RoomWatcher(Watcher):
    """One in a room."""

    members = 1  # itself

    def __init__(self, port, room):
        super().__init__(port, f"/?room={room}", wire.frame(wire.TEXT, "type=add&ming=watcher"))

    def note(self, push):
        kind = push.get("type", "said")
        if kind == "madd":
            self.present = {user["code"] for user in push["users"]}
        elif kind == "add":
            self.has(push["code"])
        elif kind == "rmove":
            self.lost(push["nrong"])
        else:
            self.heard.append(push["nrong"])

    def ask(self, marker):
        self.say(marker)


class PresenceWatcher(Watcher):
    """One in a presence channel."""

    members = 1

    def __init__(self, port, app, channel):
        super().__init__(port, f"/app/{app.key}?protocol=7", b"")
        self.app, self.channel = app, channel

    def note(self, event):
        data = event.get("data", "{}")
        data = json.loads(data) if isinstance(data, str) and data else data
        if event["event"] == "pusher:connection_established":
            self.send(subscription(self.app, data["socket_id"], self.channel, "watcher"), reading=False)
        elif event["event"] == "pusher:ping":
            self.send(event_frame("pusher:pong", {}), reading=False)
        elif event["event"] == "pusher_internal:subscription_succeeded":
            self.present = set(data["presence"]["ids"])
        elif event["event"] == "pusher_internal:member_added":
            self.has(data["user_id"])
        elif event["event"] == "pusher_internal:member_removed":
            self.lost(data["user_id"])
        elif event["event"] == "pusher:pong":
            self.heard.append(self.marker)
        else:
            assert event["event"] != "pusher:error", event

    def ask(self, marker):
        self.marker = marker
        self.send(event_frame("pusher:ping", {}), reading=False)


def event_frame(event, data):
    return wire.frame(wire.TEXT, pusher_wire.compact({"event": event, "data": data}))


def subscription(app, socket_id, channel, user):
    data = {"channel": channel, "channel_data": pusher_wire.compact({"user_id": user})}
    data["auth"] = app.auth(socket_id, channel, data["channel_data"])
    return event_frame("pusher:subscribe", data)
