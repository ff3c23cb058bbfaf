"""Connections of the Pusher protocol that end: silent ones, slow ones, and all when the server stops.

The code is what clients act on: 4100 to 4199 they come back after a second, 4200 to 4299 at once; with 4000 to 4099, or
with 4300 and above, they would stay away for good.
"""

import json
import time

import pytest

import pusher_wire
import wire
from pusher_wire import API, App, Client, compact
from wire import MIB, PING, PONG, TEXT, frame

APP = App("1", "live-key", "live-secret-of-the-tests", {"client_events": True})
IMPATIENT = App("2", "impatient-key", "impatient-secret-of-the-tests", {
    "limits": {"activity_timeout": 1, "pong_timeout": 1}, "authorization_timeout": 2})
FEW = App("3", "few-key", "few-secret-of-the-tests", {"max_connections": 3})
OFF = App("4", "off-key", "off-secret-of-the-tests", {"enabled": False})
CONFIGURATION = pusher_wire.write_configuration([APP, IMPATIENT, FEW, OFF])


@pytest.fixture
def pusher(serve):
    return serve("--config", CONFIGURATION, *pusher_wire.UNHURRIED)


class TestOpening:
    def test_the_first_message_says_everything_that_clients_need(self, pusher):
        connection = wire.WebSocket(pusher.port, f"/app/{APP.key}?{pusher_wire.CLIENT}")
        established = json.loads(connection.message().payload)
        assert set(established) == {"event", "data"} and established["event"] == "pusher:connection_established"
        data = json.loads(established["data"])
        assert data["activity_timeout"] == 30
        numbers = data["socket_id"].split(".")
        assert len(numbers) == 2 and all(number.isdecimal() and int(number) <= 2**53 for number in numbers), data

    def test_what_is_said_before_that_is_no_error(self, pusher):
        """Trap 6 of the protocol's notes: with the opening handshake, in one go."""
        early = frame(TEXT, compact({"event": "pusher:ping", "data": ""})) + frame(TEXT, compact(
            {"event": "pusher:subscribe", "data": {"channel": "early"}}))
        client = Client(pusher.port, APP, behind=early)
        client.expect("pusher:pong")
        client.expect("pusher_internal:subscription_succeeded", channel="early")

    @pytest.mark.parametrize("query, code", [
        ("protocol=5", None), ("protocol=6&client=Pysher&version=1.0.7", None),
        ("protocol=7&client=js&version=8.4.0&flash=false", None), ("protocol=7", None),
        ("protocol=4", 4007), ("protocol=8", 4007), ("protocol=77", 4007), ("protocol=-7", 4007), ("protocol=x", 4007),
        ("protocol=%37", 4007), ("protocol=" + "7" * 500, 4007), ("", 4008), ("protocol=", 4008), ("client=js", 4008),
        ("protocol=7&version=x", 4006),
    ], ids=lambda value: str(value)[:24])
    def test_versions(self, pusher, query, code):
        if code is None:
            Client(pusher.port, APP, query).expect_nothing()
            return
        connection = wire.WebSocket(pusher.port, f"/app/{APP.key}?{query}")
        error = json.loads(connection.message().payload)
        assert error["event"] == "pusher:error" and error["data"]["code"] == code, error
        connection.expect_close(code)

    def test_more_than_1024_sockets(self, pusher):
        """Trap 8 of the protocol's notes: some ways to wait for sockets end there."""
        clients = [Client(pusher.port, APP) for _ in range(1_200)]
        assert pusher.descriptors() > 1_200
        for client in clients[0], clients[-1]:
            client.subscribe("many")
        API(pusher.port, APP).published("many", "told", "all")
        for client in clients[0], clients[-1]:
            client.expect("told", channel="many", data="all")

    def test_an_app_that_is_switched_off(self, pusher):
        connection = wire.WebSocket(pusher.port, f"/app/{OFF.key}?{pusher_wire.CLIENT}")
        assert json.loads(connection.message().payload)["data"]["code"] == 4003
        connection.expect_close(4003)

    def test_more_connections_than_an_app_may_have(self, pusher):
        clients = [Client(pusher.port, FEW) for _ in range(3)]
        connection = wire.WebSocket(pusher.port, f"/app/{FEW.key}?{pusher_wire.CLIENT}")
        assert json.loads(connection.message().payload)["data"]["code"] == 4004
        connection.expect_close(4004)
        api = API(pusher.port, FEW)
        assert json.loads(api.get("/connections").body) == {"connections": 3}
        clients[0].reset()

        def count():
            return json.loads(api.get("/connections").body)["connections"]

        wire.eventually(lambda: count() == 2, 5, "a place has not become free")
        Client(pusher.port, FEW).expect_nothing()


class TestEnding:
    def test_who_does_not_answer_a_ping_is_told_to_come_back_at_once(self, pusher):
        client = Client(pusher.port, IMPATIENT)
        client.join("presence-silent", "eve")  # which signs it, so that it may stay
        began = time.monotonic()
        while (found := client.frame()).opcode in (PING, TEXT) and b"pusher:error" not in found.payload:
            pass
        found = client.frame() if found.opcode == TEXT else found
        assert found.opcode == wire.CLOSE and found.code == 4201, found
        assert 1 < time.monotonic() - began < 6

    def test_a_client_without_a_name_that_answers_pongs_only_stays(self, pusher):
        client = Client(pusher.port, IMPATIENT, "protocol=7")
        client.join("presence-silent", "bob")
        for _ in range(4):
            client.expect("pusher:ping")
            found = client.frame()
            assert found.opcode == PING, found
            client.send(frame(PONG, found.payload))
        client.expect_nothing()

    @pytest.mark.parametrize("query, answers", [("protocol=7&client=js", 0), ("protocol=7", 1)])
    def test_a_client_that_answers_the_event_is_alive_by_messages_only(self, pusher, query, answers):
        """Chromium answers pings of RFC 6455 for a page that was left; the page itself answers nothing."""
        client = Client(pusher.port, IMPATIENT, query)
        client.join("presence-ghost", "ghost")
        for _ in range(answers):
            client.expect("pusher:ping")
            assert client.frame().opcode == PING
            client.say("pusher:pong", {})
        code = None
        while code is None:
            found = client.frame()
            if found.opcode == PING:
                client.send(frame(PONG, found.payload))
            elif found.opcode == wire.CLOSE:
                code = found.code
        assert code == 4201

    def test_a_client_that_answers_the_event_stays(self, pusher):
        client = Client(pusher.port, IMPATIENT)
        client.join("presence-silent", "carol")
        for _ in range(4):
            client.expect("pusher:ping")
            assert client.frame().opcode == PING
            client.say("pusher:pong", {})
        client.expect_nothing()

    def test_who_never_signs_is_sent_away(self, pusher):
        client = Client(pusher.port, IMPATIENT)
        client.subscribe("public")  # which needs no signature
        client.expect_refusal("private-a", 401, auth="")
        while (found := json.loads(client.message().payload))["event"] != "pusher:error":
            if found["event"] == "pusher:ping":  # it is there: its silence ends at the same moment
                client.say("pusher:pong", {})
        assert found["data"]["code"] == 4009
        client.expect_close(4009)

    def test_a_reader_that_does_not_keep_up_is_cut_off_and_may_come_back(self, serve):
        """Trap 7 of the protocol's notes, and rows 126 to 129 with the code of this protocol."""
        # It reads only when all has been published, however long that takes.
        pusher = serve("--config", CONFIGURATION, "--close-timeout", "60")
        api, channel = API(pusher.port, APP), "private-slow"
        slow, quick = Client(pusher.port, APP, receive_buffer=4096), Client(pusher.port, APP)
        for client in slow, quick:
            client.subscribe(channel)
        pusher.forget_peak()
        before = pusher.resident()
        for number in range(400):  # 25 MB
            api.published(channel, "event", f"{number}" + "x" * 64_000)
            assert quick.expect("event")["data"].startswith(f"{number}x")
        assert pusher.peak() < before + 32 * MIB  # the history is a part of it
        frames = 0
        while (found := slow.frame()).opcode != wire.CLOSE:
            frames += 1
        assert found.code == 4100 and frames < 400, (found, frames)

    def test_a_server_that_stops_tells_everybody_to_come_back(self):
        """Trap 4 of the protocol's notes: a code below 4100 would keep them away for good."""
        server = wire.Server("--config", CONFIGURATION).start()
        try:
            clients = [Client(server.port, APP) for _ in range(50)]
            for client in clients:
                client.subscribe("everybody")
            code, seconds = server.stop()
            assert code == 0 and seconds < 9, (code, seconds)
            for client in clients:
                while (found := client.frame()).opcode != wire.CLOSE:
                    assert json.loads(found.payload)["data"]["code"] == 4100, found
                assert found.code == 4100, found
        finally:
            server.stop()
            wire.close_all()


def test_nothing_is_left(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
