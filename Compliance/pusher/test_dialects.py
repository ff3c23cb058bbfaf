"""Clients and back ends of other servers at a lenient app, with nothing but the host changed; a strict app refuses them.

webman_push.mjs and webman_api.php do on the wire what webman's push plugin does.
"""

import json
import os
import pathlib
import queue
import shutil
import subprocess
import threading

import pytest

import pusher_wire
import wire
from pusher_wire import API, App, Client

HERE = pathlib.Path(__file__).parent
LENIENT = App("1", "lenient-key", "lenient-secret-of-the-tests", {"dialect": "lenient", "client_events": True})
STRICT = App("2", "strict-key", "strict-secret-of-the-tests", {"client_events": True})
OTHER = App("3", "other-key", "other-secret-of-the-tests", {"dialect": "lenient"})
FORMS = {"page": "", "vue": "", "uniapp": "uni.v1", "wx": "wx"}
CHANNELS = ["news", "private-news", "presence-news", "cache-news"]


@pytest.fixture(scope="module")
def server():
    configuration = pusher_wire.write_configuration([LENIENT, STRICT, OTHER])
    with wire.Server("--config", configuration, *pusher_wire.UNHURRIED, "--log-level", "error") as process:
        yield process
        process.assert_alive()


def program(name, package):
    path = shutil.which(name)
    assert path, f"{name} is not there. Run: apt-get install {package}"
    return path


class Push:
    """A running webman_push.mjs."""

    def __init__(self, form, port, app, *channels):
        command = [program("node", "nodejs node-ws"), str(HERE / "webman_push.mjs"), form, f"ws://127.0.0.1:{port}"]
        self.process = subprocess.Popen(
            [*command, app.key, app.secret, *channels], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=os.environ | {"NODE_PATH": "/usr/share/nodejs"})
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put({"ended": self.process.wait(), "words": self.process.stderr.read()})

    def next(self, event=None):
        """The next thing that happens, or the next event of a name."""
        while True:
            line = self.lines.get(timeout=20)
            if event is None or line.get("event") == event:
                return line
            assert "ended" not in line and "closed" not in line, line

    def trigger(self, channel, event, data):
        self.process.stdin.write(json.dumps({"event": event, "data": data, "channel": channel}) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


@pytest.fixture
def push(server):
    started = []

    def start(form, app, *channels):
        started.append(Push(form, server.port, app, *channels))
        return started[-1]

    yield start
    for client in started:
        client.close()
    wire.close_all()


@pytest.fixture
def php(server):
    def run(app, method, path, body="", *parameters, key=None, secret=None):
        command = [program("php", "php-cli php-curl"), str(HERE / "webman_api.php"), f"http://127.0.0.1:{server.port}"]
        command += [key or app.key, secret or app.secret, method, path, body, *parameters]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        status, answer = done.stdout.splitlines()
        return int(status), json.loads(answer)

    return run


def event(channel, data='{"n":1}'):
    return json.dumps({"name": "hello", "data": data, "channels": [channel]})


@pytest.mark.parametrize("form", FORMS)
def test_webman(push, php, form):
    """Its client in every form, and its back end: subscriptions, publishes, client events and the heartbeat."""
    client = push(form, LENIENT, *CHANNELS)
    assert client.next() == {"opened": FORMS[form]}
    assert client.next()["event"] == "pusher:connection_established"
    subscribed = {}
    while len(subscribed) < len(CHANNELS):
        line = client.next("pusher_internal:subscription_succeeded")
        subscribed[line["channel"]] = line["data"]
    assert subscribed["presence-news"]["presence"]["hash"] == {"9": {"form": form}}
    # Its data is parsed as that of any event.
    client.next("pusher:cache_miss")
    for channel in CHANNELS[:3]:
        assert php(LENIENT, "POST", "/events", event(channel)) == (200, {})
        assert client.next("hello") == {"event": "hello", "channel": channel, "data": {"n": 1}}
    other = push("page", LENIENT, "private-news")
    other.next("pusher_internal:subscription_succeeded")
    other.trigger("private-news", "client-typed", '{"letters":3}')
    assert client.next("client-typed")["data"] == {"letters": 3}
    assert client.next("pusher:pong")
    assert php(LENIENT, "GET", "/channels/news", "", "info=subscription_count") == (
        200, {"occupied": True, "subscription_count": 1})


@pytest.mark.parametrize("form", FORMS)
def test_a_strict_app_refuses_the_client(push, form):
    client = push(form, STRICT, "news")
    # Its handler throws at the error that comes before the close; without an answer to its offer there is none.
    line = client.next()
    assert line.get("opened", "") == ""
    while "ended" not in line:
        assert "event" not in line, line
        line = client.next()
    reason = "names no protocol" if form in ("page", "vue") else "no subprotocol"
    assert line["ended"] != 0 and reason in line["words"], line


def test_a_strict_app_refuses_the_back_end(php):
    # The id 1024 is no app's, and without auth_version nothing is signed.
    assert php(STRICT, "POST", "/events", event("news"))[0] == 404


def test_only_the_key_chooses_the_app_and_only_its_secret_signs(server, php):
    hearers = {app.id: Client(server.port, app) for app in (LENIENT, OTHER)}
    for hearer in hearers.values():
        hearer.subscribe("whose")
    assert php(OTHER, "POST", "/events", event("whose")) == (200, {})
    hearers["3"].expect("hello", channel="whose")
    assert php(LENIENT, "POST", "/events", event("whose"), secret=OTHER.secret)[0] == 401
    assert php(LENIENT, "POST", "/events", event("whose"), key=STRICT.key, secret=STRICT.secret)[0] == 404
    assert php(LENIENT, "POST", "/events", event("whose"), key="nobody")[0] == 404
    for hearer in hearers.values():
        hearer.expect_nothing()
    wire.close_all()


def test_an_unsigned_request_hears_that_it_is_unsigned(server):
    for app in LENIENT, STRICT:
        for path in f"/apps/{app.id}/events", "/apps/1024/events":
            answer = API(server.port, app).exchange("POST", path, event("news").encode())
            assert answer.status == 401, answer
            text = json.loads(answer.body)["error"]
            assert "not signed" in text and "auth_signature" in text and "libraries" in text, text


def test_a_subprotocol_is_answered_on_the_path_of_a_lenient_app_only(server):
    def answered(target, *offers):
        connection = wire.Connection(server.port)
        connection.send(wire.upgrade_request(target, *(f"Sec-WebSocket-Protocol: {offer}" for offer in offers)))
        answer = connection.response()
        connection.close()
        return answer.status, answer.get("Sec-WebSocket-Protocol")

    lenient, strict = f"/app/{LENIENT.key}", f"/app/{STRICT.key}?protocol=7"
    assert answered(lenient, "a, b") == (101, "a")
    assert answered(f"/prefix{lenient}/", "a", "b") == (101, "a")
    assert answered(lenient, "(no token), b") == (101, "b")
    assert answered(lenient, "") == (101, None)
    assert answered(strict, "a, b") == (101, None)
    assert answered(strict, "(no token), b") == (400, None)
    for room in "/", "/chat":
        assert answered(room, "a, chat") == (101, "chat")
        assert answered(room, "a") == (101, None)
        assert answered(room, "(no token), b") == (400, None)


def test_origins_are_checked_as_ever():
    configuration = pusher_wire.write_configuration([LENIENT], allow_origin=["https://good.example"])
    with wire.Server("--config", configuration, "--log-level", "error") as process:
        for origin, status in ("https://good.example", 101), ("https://evil.example", 403):
            connection = wire.Connection(process.port)
            connection.send(wire.upgrade_request(f"/app/{LENIENT.key}", f"Origin: {origin}"))
            assert connection.response().status == status
            connection.close()
