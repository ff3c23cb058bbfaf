"""A client by the rules of pusher-js: what it does about time, close codes and the events of the protocol.

`Rules` has no socket and no clock, so that every rule can be tested; `Page` drives it over a real connection.
"""

import json
import time

import wire
from pusher_wire import compact

OWN_ACTIVITY_TIMEOUT = 120
PONG_TIMEOUT = 30
UNAVAILABLE_TIMEOUT = 10
QUERY = "protocol=7&client=js&version=8.4.0&flash=false"


def close_action(code):
    """What a close code means: `refused`, `backoff`, `retry`, `tls` or `plain`, which is any other end."""
    if code < 4000:
        return "backoff" if 1002 <= code <= 1004 else "plain"
    if code == 4000:
        return "tls"
    if code < 4100:
        return "refused"
    if code < 4200:
        return "backoff"
    return "retry" if code < 4300 else "refused"


class Rules:
    """The state of one client. Times are seconds on any clock; what it wants done is in `wishes`."""

    def __init__(self, now=0.0, channels=()):
        self.channels = list(channels)
        self.socket_id = None
        self.wishes = []
        self.connections = 0
        self.retry_at = self.silent_at = self.lost_at = None
        self.state = "connecting"
        self.unavailable_at = now + UNAVAILABLE_TIMEOUT
        self._connect()

    def _connect(self):
        self.connections += 1
        self.retry_at = None
        self.wishes.append(("connect", None))

    def received(self, now, event):
        self._is_alive(now)
        name, data = event["event"], event.get("data")
        if name == "pusher:connection_established":
            data = json.loads(data)
            if not data.get("activity_timeout"):
                return self.closed(now, 1006)
            self.socket_id = data["socket_id"]
            self.activity_timeout = min(OWN_ACTIVITY_TIMEOUT, data["activity_timeout"])
            self.state, self.unavailable_at = "connected", None
            self._is_alive(now)
            self.wishes += [("subscribe", channel) for channel in self.channels]
        elif name == "pusher:signin_success":
            data = json.loads(data) if isinstance(data, str) else data
            self.wishes.append(("subscribe", "#server-to-user-" + json.loads(data["user_data"])["id"]))
        elif name == "pusher:ping":
            self.wishes.append(("send", {"event": "pusher:pong", "data": {}}))

    def _is_alive(self, now):
        self.lost_at = None
        self.silent_at = now + self.activity_timeout if self.state == "connected" else None

    def closed(self, now, code):
        self.silent_at = self.lost_at = None
        self.socket_id = None
        action = close_action(code)
        if action == "refused":
            self.state = "disconnected"
            self.retry_at = self.unavailable_at = None
            return
        if self.state == "connected":
            self.unavailable_at = now + UNAVAILABLE_TIMEOUT
        self.state = "connecting"
        self.retry_at = now if action in ("retry", "tls") else now + 1

    def tick(self, now):
        if self.unavailable_at is not None and now >= self.unavailable_at:
            self.unavailable_at, self.state = None, "unavailable"
        if self.lost_at is not None and now >= self.lost_at:
            self.wishes.append(("close", None))
            self.closed(now, 4201)
        elif self.silent_at is not None and now >= self.silent_at:
            self.silent_at, self.lost_at = None, now + PONG_TIMEOUT
            self.wishes.append(("send", {"event": "pusher:ping", "data": {}}))
        if self.retry_at is not None and now >= self.retry_at:
            self._connect()


class Page:
    """A page that subscribes to all its channels at once, over a real connection."""

    def __init__(self, port, app, channels, sign_in=None):
        self.port, self.app, self.sign_in = port, app, sign_in
        self.answers, self.events, self.socket = [], [], None
        self.signed_in = None  # as which connection
        self.rules = Rules(time.monotonic(), channels)

    def run_until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {len(self.answers)} answers, {self.events[-3:]}"
            self._step()

    def run_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._step()

    def send_at_once(self, *events):
        self.socket.send(b"".join(wire.frame(wire.TEXT, compact(event)) for event in events))

    def subscription(self, channel):
        data = {"channel": channel, "auth": ""}
        if channel.startswith("private-"):
            data["auth"] = self.app.auth(self.rules.socket_id, channel)
        return {"event": "pusher:subscribe", "data": data}

    def _step(self):
        self.rules.tick(time.monotonic())
        wishes, self.rules.wishes = self.rules.wishes, []
        batch = []
        for kind, what in wishes:
            if kind == "connect":
                self.socket = wire.WebSocket(self.port, f"/app/{self.app.key}?{QUERY}")
            elif kind == "close":
                self.socket.close()
            else:
                batch.append(what if kind == "send" else self.subscription(what))
        if self.rules.socket_id != self.signed_in and self.sign_in:
            self.signed_in = self.rules.socket_id
            auth = self.app.user_auth(self.rules.socket_id, self.sign_in)
            batch.append({"event": "pusher:signin", "data": {"auth": auth, "user_data": self.sign_in}})
        if batch:
            self.send_at_once(*batch)
        self._read()

    def _read(self):
        try:
            found = self.socket.frame(0.2)
        except (TimeoutError, AssertionError):
            return
        except wire.Ended:
            return self.rules.closed(time.monotonic(), 1006)
        if found.opcode == wire.PING:
            self.socket.send(wire.frame(wire.PONG, found.payload))
        elif found.opcode == wire.CLOSE:
            self.rules.closed(time.monotonic(), found.code)
        elif found.opcode == wire.TEXT:
            event = json.loads(found.payload)
            self.events.append(event)
            if event["event"] == "pusher_internal:subscription_succeeded":
                self.answers.append(event["channel"])
            self.rules.received(time.monotonic(), event)
