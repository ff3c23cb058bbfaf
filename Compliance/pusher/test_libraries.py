"""Client and server libraries that others wrote for the Pusher protocol, unchanged, against the running server.

PyPI's pusher 3.3.4 and PHP with curl are back ends, PyPI's Pysher 1.0.8 is a client. What they can not show (the bytes,
and channels that they do not know) a connection of our own looks at.
"""

import asyncio
import base64
import json
import pathlib
import queue
import shutil
import subprocess
import threading

import pusher
import pysher
import pytest
from nacl.secret import SecretBox

import apps
import wire
from apps import APP
from cut_proxy import CutProxy
from pusher_wire import API, Client

PATIENCE = 10
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def backend(server):
    return pusher.Pusher(app_id=APP.id, key=APP.key, secret=APP.secret, ssl=False, host="127.0.0.1", port=server.port,
                         encryption_master_key_base64=MASTER_KEY)


@pytest.fixture
def connect(server):
    """Connections of our own."""
    yield lambda: Client(server.port, APP)
    wire.close_all()


class Events:
    """What callbacks of a library were given, in their order."""

    def __init__(self):
        self.queue = queue.Queue()

    def take(self, *arguments):
        self.queue.put(arguments)

    def next(self):
        return self.queue.get(timeout=PATIENCE)

    def next_data(self):
        """The data of an event, which is a string that has JSON in it."""
        data, = self.next()
        assert isinstance(data, str), data
        return json.loads(data)


class PysherClient:
    """A Pysher client, connected."""

    def __init__(self, port, **options):
        self.client = pysher.Pusher(
            key=APP.key, secret=APP.secret, secure=False, custom_host="127.0.0.1", port=port, reconnect_interval=0.05,
            **options)
        self.connected, self.errors = Events(), Events()
        self.client.connection.bind("pusher:connection_established", self.connected.take)
        self.client.connection.bind("pusher:error", self.errors.take)
        self.client.connection.bind("pusher:pong", self._do_next)
        self.steps = queue.SimpleQueue()
        self.client.connect()
        assert self.connected.next_data()["socket_id"] == self.client.connection.socket_id

    def disconnect(self):
        # Its thread may sleep on, which the library does not notice for 100 s.
        self.client.disconnect(timeout=0.2)

    def _do_next(self, _):
        if not self.steps.empty():
            self.steps.get()()

    def bind(self, name, *events, auth=None):
        """Subscribes, and gives the channel and one queue for each of these events.

        That has to happen in the library's own thread, where a callback is: from another one the reply can come before
        the channel is bound. The answer to a ping leads there.
        """
        channels, queues = queue.SimpleQueue(), [Events() for _ in events]

        def subscribe():
            channel = self.client.subscribe(name, auth)
            for event, events_of in zip(events, queues):
                channel.bind(event, events_of.take)
            channels.put(channel)

        self.steps.put(subscribe)
        self.client.connection.send_ping()
        return (channels.get(timeout=PATIENCE), *queues)

    def subscribe(self, name, *events, auth=None):
        """The same, with the reply, which is waited for, between the channel and the queues."""
        channel, succeeded, *queues = self.bind(name, "pusher_internal:subscription_succeeded", *events, auth=auth)
        return (channel, succeeded.next_data(), *queues)


@pytest.fixture
def pysher_client(server):
    started = []

    def start(port=None, **options):
        started.append(PysherClient(port or server.port, **options))
        return started[-1]

    yield start
    for client in started:
        client.disconnect()


class TestPusher:
    """PyPI's pusher."""

    def test_trigger(self, backend, connect):
        client = connect()
        for name in "libraries", "libraries-2":
            client.subscribe(name)
        assert backend.trigger("libraries", "hello", {"message": "Grüße 🀄", "number": 1.50}) == {}
        event = client.expect("hello", channel="libraries")
        assert json.loads(event["data"]) == {"message": "Grüße 🀄", "number": 1.50}
        assert set(event) == {"event", "channel", "data"}
        backend.trigger(["libraries", "libraries-2"], "both", "as it is")
        assert {client.expect("both", data="as it is")["channel"] for _ in range(2)} == {"libraries", "libraries-2"}
        backend.trigger([f"libraries-{number}" for number in range(100)], "all", "x" * 20_000)
        client.expect("all", channel="libraries-2", data="x" * 20_000)

    def test_trigger_leaves_out_the_connection_that_it_names(self, backend, connect):
        sender, hearer = connect(), connect()
        for client in sender, hearer:
            client.subscribe("libraries")
        backend.trigger("libraries", "first", "x", sender.socket_id)
        backend.trigger("libraries", "second", "x")
        hearer.expect("first")
        hearer.expect("second")
        sender.expect("second")

    def test_trigger_batch(self, backend, connect):
        client = connect()
        client.subscribe("batch-a")
        client.subscribe("batch-b")
        assert backend.trigger_batch([
            {"channel": "batch-a", "name": "one", "data": {"n": 1}}, {"channel": "batch-b", "name": "two", "data": "2"},
            {"channel": "batch-a", "name": "three", "data": [3], "socket_id": client.socket_id},
            {"channel": "batch-a", "name": "four", "data": "4"},
        ]) == {}
        events = [client.next_event() for _ in range(3)]
        assert [event["event"] for event in events if event["channel"] == "batch-a"] == ["one", "four"]
        assert [event["data"] for event in events if event["channel"] == "batch-b"] == ["2"]

    def test_channels_info(self, backend, connect):
        client = connect()
        client.subscribe("info-public")
        client.join("presence-info", 10)
        client.join("presence-info-2", "eve")
        second = connect()
        second.join("presence-info", "bob")
        assert backend.channels_info("info-") == {"channels": {"info-public": {}}}
        assert backend.channels_info("presence-info", ["user_count"]) == {
            "channels": {"presence-info": {"user_count": 2}, "presence-info-2": {"user_count": 1}}}
        assert backend.channels_info("nobody-is-here") == {"channels": {}}
        assert backend.channels_info()["channels"].keys() >= {"info-public", "presence-info"}
        with pytest.raises(pusher.errors.PusherBadRequest):
            backend.channels_info(attributes=["user_count"])  # not every channel has users

    def test_channel_info(self, backend, connect):
        client = connect()
        client.subscribe("info-public")
        client.join("presence-info", "eve")
        assert backend.channel_info("info-public", ["subscription_count"]) == {
            "occupied": True, "subscription_count": 1}
        assert backend.channel_info("presence-info", ["user_count", "subscription_count"]) == {
            "occupied": True, "user_count": 1, "subscription_count": 1}
        assert backend.channel_info("nobody-is-here", ["subscription_count"]) == {
            "occupied": False, "subscription_count": 0}
        backend.trigger("cache-info", "kept", "the newest")
        cache = backend.channel_info("cache-info", ["cache"])["cache"]
        assert cache["data"] == "the newest" and cache["ttl"] > 0

    def test_users_info(self, backend, connect):
        first, second, third = connect(), connect(), connect()
        first.join("presence-users", 10, {"name": "ten"})
        second.join("presence-users", "eve")
        third.join("presence-users", "10")
        users = backend.users_info("presence-users")["users"]
        assert sorted(user["id"] for user in users) == ["10", "eve"]
        assert backend.users_info("presence-empty") == {"users": []}
        with pytest.raises(pusher.errors.PusherBadRequest):
            backend.users_info("info-public")

    def test_authenticate(self, backend, connect):
        client, second = connect(), connect()
        client.subscribe("private-library", **backend.authenticate("private-library", client.socket_id))
        eve = {"user_id": "eve", "user_info": {"name": "Éve"}}
        rights = backend.authenticate("presence-library", client.socket_id, eve)
        reply = client.subscribe("presence-library", **rights)
        assert json.loads(reply["data"])["presence"] == {"ids": ["eve"], "hash": {"eve": {"name": "Éve"}}, "count": 1}
        rights = backend.authenticate("presence-library", second.socket_id, {"user_id": 10})
        second.subscribe("presence-library", **rights)
        assert json.loads(client.expect("pusher_internal:member_added")["data"]) == {"user_id": 10, "user_info": {}}
        second.expect_refusal("private-library", 401, **backend.authenticate("private-library", client.socket_id))

    def test_authenticate_user_and_send_to_user(self, backend, connect):
        client, other = connect(), connect()
        user = {"id": "eve", "user_info": {"name": "Éve"}, "watchlist": ["bob"]}
        signed = backend.authenticate_user(client.socket_id, user)
        client.say("pusher:signin", signed)
        succeeded = client.expect("pusher:signin_success")["data"]
        succeeded = json.loads(succeeded) if isinstance(succeeded, str) else succeeded
        assert succeeded["user_data"] == signed["user_data"] and json.loads(succeeded["user_data"]) == user
        client.subscribe("#server-to-user-eve", auth="")
        other.say("pusher:signin", backend.authenticate_user(other.socket_id, {"id": "bob"}))
        other.expect("pusher:signin_success")
        online = client.expect("pusher_internal:watchlist_events")["data"]
        online = json.loads(online) if isinstance(online, str) else online
        assert online == {"events": [{"name": "online", "user_ids": ["bob"]}]}
        assert backend.send_to_user("eve", "hello", {"to": "eve"}) == {}
        event = client.expect("hello", channel="#server-to-user-eve")
        assert json.loads(event["data"]) == {"to": "eve"}
        other.expect_nothing()

    def test_terminate_user_connections(self, backend, connect):
        """Over the path that version 3.3.4 uses, which names no app."""
        tabs, other = [connect(), connect()], connect()
        for client, user in zip([*tabs, other], ["eve", "eve", "bob"]):
            client.say("pusher:signin", backend.authenticate_user(client.socket_id, {"id": user}))
            client.expect("pusher:signin_success")
        assert backend.terminate_user_connections("eve") == {}
        for client in tabs:
            client.expect_error(4009)
            client.expect_close(4009)
        other.expect_nothing()

    def test_an_encrypted_channel_is_relayed_blindly(self, backend, connect):
        client, channel = connect(), "private-encrypted-library"
        rights = backend.authenticate(channel, client.socket_id)
        secret = base64.b64decode(rights.pop("shared_secret"))
        client.subscribe(channel, **rights)
        backend.trigger(channel, "sealed", {"secret": "é"})
        event = client.expect("sealed", channel=channel)
        sealed = json.loads(event["data"])
        assert set(sealed) == {"nonce", "ciphertext"} and "secret" not in event["data"]
        opened = SecretBox(secret).decrypt(base64.b64decode(sealed["ciphertext"]), base64.b64decode(sealed["nonce"]))
        assert json.loads(opened) == {"secret": "é"}

    def test_errors_are_those_that_the_library_knows(self, server):
        def backend(**changes):
            options = dict(app_id=APP.id, key=APP.key, secret=APP.secret, ssl=False, host="127.0.0.1", port=server.port)
            return pusher.Pusher(**(options | changes))

        with pytest.raises(pusher.errors.PusherBadAuth):
            backend(secret="another").trigger("a", "b", "c")
        with pytest.raises(pusher.errors.PusherBadAuth):
            backend(key="another").channels_info()
        with pytest.raises(pusher.errors.PusherBadStatus):
            backend(app_id="99").trigger("a", "b", "c")
        with pytest.raises(pusher.errors.PusherBadRequest):
            backend().trigger("a", "pusher:error", "c")


class TestPysher:
    """PyPI's Pysher."""

    def test_public_channel(self, backend, pysher_client):
        client = pysher_client()
        channel, reply, hello = client.subscribe("pysher", "hello")
        assert reply == {}
        backend.trigger("pysher", "hello", {"message": "Grüße"})
        assert hello.next_data() == {"message": "Grüße"}
        client.client.unsubscribe("pysher")
        # An unsubscribe has no answer: what comes for the next channel comes after it.
        _, _, last = client.subscribe("pysher-next", "last")
        backend.trigger(["pysher", "pysher-next"], "hello", {})
        backend.trigger("pysher-next", "last", {})
        assert last.next_data() == {}
        assert hello.queue.empty() and client.errors.queue.empty()

    def test_private_channel_and_client_events(self, backend, pysher_client):
        client, other = pysher_client(), pysher_client()
        channel, reply, hello, from_client = client.subscribe("private-pysher", "hello", "client-typed")
        assert reply == {}
        other_channel, _, other_from_client = other.subscribe("private-pysher", "client-typed")
        backend.trigger("private-pysher", "hello", {"to": "all"})
        assert hello.next_data() == {"to": "all"}
        other_channel.trigger("client-typed", {"letters": 3})
        assert from_client.next() == ({"letters": 3},)
        channel.trigger("client-typed", "text")
        assert other_from_client.next() == ("text",)
        assert client.errors.queue.empty() and other.errors.queue.empty()

    def test_private_channel_with_a_signature_from_the_back_end(self, backend, pysher_client):
        client = pysher_client()
        right = backend.authenticate("private-pysher-2", client.client.connection.socket_id)["auth"]
        _, _, hello = client.subscribe("private-pysher-2", "hello", auth=right)
        backend.trigger("private-pysher-2", "hello", {})
        assert hello.next_data() == {}
        _, refused = client.bind("private-pysher-3", "pusher:subscription_error", auth=right)
        error, = refused.next()
        assert error["status"] == 401, error

    def test_presence_channel(self, backend, pysher_client, connect):
        eve = pysher_client(user_data={"user_id": "eve", "user_info": {"name": "Eve"}})
        _, reply, added, removed, hello = eve.subscribe(
            "presence-pysher", "pusher_internal:member_added", "pusher_internal:member_removed", "hello")
        assert reply == {"presence": {"ids": ["eve"], "hash": {"eve": {"name": "Eve"}}, "count": 1}}
        bob = pysher_client(user_data={"user_id": 7})
        _, reply = bob.subscribe("presence-pysher")
        assert reply["presence"]["hash"] == {"eve": {"name": "Eve"}, "7": {}} and reply["presence"]["count"] == 2
        assert added.next_data() == {"user_id": 7, "user_info": {}}
        assert sorted(user["id"] for user in backend.users_info("presence-pysher")["users"]) == ["7", "eve"]
        backend.trigger("presence-pysher", "hello", {"to": "members"})
        assert hello.next_data() == {"to": "members"}
        bob.disconnect()
        assert removed.next_data() == {"user_id": 7}

    def test_reconnecting_after_the_network_was_cut(self, backend, pysher_client, server):
        """A subscription from the connection's own event, as the library's documentation has it."""
        with Relay(server.port) as relay:
            client = pysher_client(relay.port, user_data={"user_id": "eve"})
            for name in "pysher-cut", "private-pysher-cut", "presence-pysher-cut":
                client.subscribe(name)
            for round in range(3):
                before = client.client.connection.socket_id
                relay.cut()
                after = client.connected.next_data()["socket_id"]
                assert after != before
                for name in "pysher-cut", "private-pysher-cut", "presence-pysher-cut":
                    _, reply, hello = client.subscribe(name, "hello")
                    backend.trigger(name, "hello", {"round": round})
                    assert hello.next_data() == {"round": round}
                assert reply["presence"]["ids"] == ["eve"]

    def test_reconnecting_by_itself(self, backend, pysher_client, server):
        """With `auto_sub` the library subscribes again; to public channels, since it keeps the old signature."""
        with Relay(server.port) as relay:
            client = pysher_client(relay.port, auto_sub=True)
            _, succeeded, hello = client.bind("pysher-auto", "pusher_internal:subscription_succeeded", "hello")
            assert succeeded.next_data() == {}
            for round in range(3):
                relay.cut()
                client.connected.next()
                assert succeeded.next_data() == {}
                backend.trigger("pysher-auto", "hello", {"round": round})
                assert hello.next_data() == {"round": round}

    def test_coming_back_to_a_server_that_was_restarted(self, pysher_client):
        """It is told to come back, and not (trap 4 of the protocol's notes) to stay away for good."""
        server = apps.server().start()
        try:
            client = pysher_client(server.port)
            client.subscribe("pysher-restart")
            code, _ = server.stop()
            assert code == 0
            server = apps.server(port=server.port).start()
            client.connected.next()
            _, _, hello = client.subscribe("pysher-restart", "hello")
            API(server.port, APP).published("pysher-restart", "hello", "{}")
            assert hello.next_data() == {}
        finally:
            server.stop()

    def test_a_key_that_does_not_exist_stops_it_for_good(self, server):
        client = pysher.Pusher(key="none", secret="x", secure=False, custom_host="127.0.0.1", port=server.port,
                               reconnect_interval=0.05)
        errors = Events()
        client.connection.bind("pusher:error", errors.take)
        client.connect()
        error, = errors.next()
        assert error["code"] == 4001 and error["message"], error
        client.connection.join(PATIENCE)
        assert not client.connection.is_alive() and not client.connection.needs_reconnect


class TestPHP:
    """A back end of PHP and curl, without a library."""

    @pytest.fixture
    def php(self, server):
        command = shutil.which("php")
        assert command, "php is not there. Run: apt-get install php-cli php-curl"
        script = str(pathlib.Path(__file__).parent / "publish.php")

        def run(method, path, body="", *pairs, secret=APP.secret):
            ended = subprocess.run(
                [command, script, f"http://127.0.0.1:{server.port}", APP.id, APP.key, secret, method, path, body,
                 *pairs],
                capture_output=True, text=True, timeout=30)
            assert ended.returncode == 0, ended.stderr
            status, answer = ended.stdout.strip().split("\n")
            return int(status), json.loads(answer)

        return run

    def test_publishing(self, php, connect):
        client = connect()
        client.subscribe("php")
        body = {"name": "hello", "channel": "php", "data": json.dumps({"message": "Grüße"})}
        assert php("POST", "/events", json.dumps(body)) == (200, {})
        client.expect("hello", channel="php", data=body["data"])
        body = {"name": "hello", "channels": ["php", "php-2"], "data": "x" * 5000, "info": "subscription_count"}
        assert php("POST", "/events", json.dumps(body)) == (
            200, {"channels": {"php": {"subscription_count": 1}, "php-2": {"subscription_count": 0}}})
        client.expect("hello", data="x" * 5000)

    def test_asking(self, php, connect):
        connect().join("presence-php", "eve")
        assert php("GET", "/channels", "", "filter_by_prefix=presence-php", "info=user_count,subscription_count") == (
            200, {"channels": {"presence-php": {"user_count": 1, "subscription_count": 1}}})
        assert php("GET", "/channels/presence-php/users") == (200, {"users": [{"id": "eve"}]})

    def test_another_secret(self, php):
        status, answer = php("POST", "/events", '{"name":"a","channel":"php","data":"x"}', secret="another")
        assert status == 401 and answer["error"]


class Relay:
    """Carries TCP connections to a port, and cuts them with RST on demand. A thread."""

    def __init__(self, port):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.proxy = CutProxy(port, lambda: None)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def __enter__(self):
        self.thread.start()
        self._call(self.proxy.__aenter__())
        self.port = self.proxy.port
        return self

    def cut(self):
        async def cut():
            self.proxy.cut_all()

        self._call(cut())

    def __exit__(self, *_):
        self._call(self.proxy.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()
