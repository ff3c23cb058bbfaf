"""Apps, their signatures, the HTTP API and connections of the Pusher protocol, for tests that say whatever they like.

The names are those of the protocol's documentation. Nothing here checks what it sends.
"""

import atexit
import hashlib
import hmac
import json
import os
import tempfile
import time
import urllib.parse
from dataclasses import dataclass, field

import wire

CLIENT = "protocol=7&client=test&version=1.0.0"
# Tests say more in a second than a client may.
UNHURRIED = ("--max-rate", "1000000")


def compact(value):
    """JSON as most libraries write it, text beyond ASCII as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class App:
    """An app of the server's configuration."""

    id: str
    key: str
    secret: str
    settings: dict = field(default_factory=dict, hash=False)

    def configuration(self):
        return {
            "id": self.id, "name": f"app {self.id}", "keys": [{"key": self.key, "secret": self.secret}], **self.settings
        }

    def sign(self, text):
        return hmac.new(self.secret.encode(), to_bytes(text), hashlib.sha256).hexdigest()

    def auth(self, socket_id, channel, channel_data=None):
        """What an app's back end gives a client for a private or presence channel."""
        text = to_bytes(socket_id) + b":" + to_bytes(channel)
        if channel_data is not None:
            text += b":" + to_bytes(channel_data)
        return f"{self.key}:{self.sign(text)}"

    def user_auth(self, socket_id, user_data):
        return f"{self.key}:{self.sign(f'{socket_id}::user::{user_data}')}"

    def query(self, method, path, body=b"", parameters=(), **changes):
        """The signed query of a request to the HTTP API.

        changes: other values of auth_key, auth_timestamp, auth_version and body_md5, which are signed as well; `None`
        leaves one out. `signature`, `signed_path`: instead of the right one.
        """
        pairs = {"auth_key": self.key, "auth_timestamp": str(int(time.time())), "auth_version": "1.0"}
        if body:
            pairs["body_md5"] = hashlib.md5(body).hexdigest()
        pairs |= dict(parameters)
        signature, signed_path = changes.pop("signature", None), changes.pop("signed_path", path)
        pairs |= changes
        pairs = {name: str(value) for name, value in pairs.items() if value is not None}
        signed = "&".join(f"{name}={pairs[name]}" for name in sorted(pairs))
        pairs["auth_signature"] = signature or self.sign(f"{method}\n{signed_path}\n{signed}")
        return urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def write_configuration(apps, name="parley.yml", **settings):
    """A file for `serve --config`, which is there until this process ends. JSON is YAML, too."""
    folder = tempfile.TemporaryDirectory(prefix="parley-config-")
    atexit.register(folder.cleanup)
    path = os.path.join(folder.name, name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"apps": [app.configuration() for app in apps], **settings}, file, indent=1)
    return path


class API:
    """The HTTP API of an app, over one connection that is kept; another one when the server has ended it."""

    def __init__(self, port, app):
        self.port, self.app = port, app
        self.connection = None

    def get(self, path, parameters=(), **changes):
        """`path` begins after /apps/ID."""
        return self.send("GET", path, b"", parameters, **changes)

    def post(self, path, body, *fields, **changes):
        body = body if isinstance(body, bytes) else compact(body).encode()
        return self.send("POST", path, body, (), *fields, **changes)

    def publish(self, channel, event, data="{}", *fields, **more):
        body = {"name": event, "channels": channel if isinstance(channel, list) else [channel], "data": data, **more}
        return self.post("/events", body, *fields)

    def published(self, *arguments, **more):
        """Publishes, which has to be done, and gives the answer as an object."""
        answer = self.publish(*arguments, **more)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def position(self, channel, event, data="{}", **more):
        """Publishes to one channel and gives the position, a pair."""
        answer = self.published(channel, event, data, info="position", **more)
        position = answer["channels"][channel]["position"]
        return position["epoch"], position["offset"]

    def history(self, channel, **parameters):
        answer = self.get(f"/channels/{channel}/history", parameters)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def send(self, method, path, body, parameters, *fields, **changes):
        path = f"/apps/{self.app.id}{path}"
        query = self.app.query(method, path, body, parameters, **changes)
        return self.exchange(method, f"{path}?{query}", body, *fields)

    def exchange(self, method, target, body=b"", *fields):
        """Sends a request as it is and gives the answer."""
        if body or method == "POST":
            fields += ("Content-Type: application/json", f"Content-Length: {len(body)}")
        for is_last in False, True:
            if self.connection is None or self.connection.ended:
                self.connection, is_last = wire.Connection(self.port), True
            try:
                self.connection.send(wire.request(target, *fields, method=method, body=body))
                answer = self.connection.response()
                break
            except wire.Ended:
                self.connection = None
                if is_last:
                    raise
        if answer.get("Connection") == "close":
            self.connection.close()
            self.connection = None
        if answer.get("Content-Type") == "application/json":
            json.loads(answer.body)
        else:  # what never came to the API: a path that is none of it, and a body that nobody reads
            assert answer.status in (404, 413) and answer.get("Content-Type") == "text/plain; charset=utf-8", answer
        return answer


def error_of(answer):
    """The words of an answer that says no."""
    content = json.loads(answer.body)
    assert list(content) == ["error"] and content["error"], content
    return content["error"]


class Client(wire.WebSocket):
    """A connection to an app, after its `pusher:connection_established`."""

    def __init__(self, port, app, query=CLIENT, path=None, **knobs):
        super().__init__(port, path or f"/app/{app.key}?{query}", **knobs)
        self.app = app
        established = self.next_event()
        assert established["event"] == "pusher:connection_established", established
        assert isinstance(established["data"], str), established
        self.socket_id = json.loads(established["data"])["socket_id"]

    def next_event(self, patience=wire.PATIENCE):
        """The next message as an object."""
        found = self.message(patience)
        assert found.opcode == wire.TEXT and found.rsv == 0, found
        event = json.loads(found.payload.decode("utf-8"))
        assert isinstance(event, dict) and isinstance(event["event"], str), event
        return event

    def expect(self, name, **members):
        """The next message, which has to be this event and to have these members."""
        event = self.next_event()
        assert event["event"] == name, f"{name} was expected, not {event}"
        for member, value in members.items():
            assert event.get(member) == value, f"{member} is not {value!r} in {event}"
        return event

    def expect_error(self, code=...):
        event = self.expect("pusher:error")
        assert isinstance(event["data"], dict) and event["data"]["message"], event
        assert code is ... or event["data"]["code"] == code, event
        return event["data"]

    def expect_nothing(self):
        """Asserts that the server has nothing more to say: the answer to a ping is what comes next."""
        self.say("pusher:ping", {})
        self.expect("pusher:pong")

    def text(self, text):
        """Sends a message as it is: text or bytes."""
        self.send(wire.frame(wire.TEXT, text))

    def say(self, event, data=..., **members):
        """Sends an event."""
        message = {"event": event} | ({} if data is ... else {"data": data}) | members
        self.text(compact(message))

    def ask(self, channel, **data):
        """Asks for a channel, with an honest signature where it needs one and `data` has none."""
        if channel.startswith(("private-", "presence-")) and "auth" not in data:
            data["auth"] = self.app.auth(self.socket_id, channel, data.get("channel_data"))
        self.say("pusher:subscribe", {"channel": channel, **data})

    def subscribe(self, channel, **data):
        """Subscribes and gives the reply."""
        self.ask(channel, **data)
        return self.expect("pusher_internal:subscription_succeeded", channel=channel)

    def join(self, channel, user_id, user_info=None):
        """Subscribes to a presence channel and gives the members that it was told, by id."""
        member = {"user_id": user_id} | ({} if user_info is None else {"user_info": user_info})
        reply = self.subscribe(channel, channel_data=compact(member))
        return json.loads(reply["data"])["presence"]["hash"]

    def expect_refusal(self, channel, status, **data):
        """Asks for a channel, which has to be refused with this status."""
        self.ask(channel, **data)
        event = self.expect("pusher:subscription_error")
        assert event["data"]["status"] == status, event
        return event

    def unsubscribe(self, channel):
        self.say("pusher:unsubscribe", {"channel": channel})

    def sign_in(self, user_id, **data):
        user_data = compact({"id": user_id, **data})
        self.say("pusher:signin", {"auth": self.app.user_auth(self.socket_id, user_data), "user_data": user_data})
        self.expect("pusher:signin_success")
