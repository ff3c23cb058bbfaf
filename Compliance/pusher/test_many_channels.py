"""Clients with many channels, at the server's default limits: everything they ask is answered, on one connection.

And clients that say nothing: those that answer stay, those that do not are gone. PARLEY_FULL=1 lets them idle for five
minutes at the default times.
"""

import json
import os
import time

import pysher
import pytest

import pusher_wire
import wire
from pusher_js_client import Page
from pusher_wire import API, App, Client

APP = App("1", "many-key", "many-secret-of-the-tests", {"client_events": True})
QUICK = App("2", "quick-key", "quick-secret-of-the-tests", {"limits": {"activity_timeout": 1, "pong_timeout": 1}})
CONFIGURATION = pusher_wire.write_configuration([APP, QUICK])
IS_FULL = os.environ.get("PARLEY_FULL") == "1"
PATIENCE = 60
USER = json.dumps({"id": "7"})


@pytest.fixture(scope="module", params=["auto", "nio"])
def server(request):
    with wire.Server("--config", CONFIGURATION, "--carrier", request.param, "--log-level", "warning") as process:
        yield process
        process.assert_alive()


@pytest.fixture(autouse=True)
def close_all():
    yield
    wire.close_all()


def page_with(server, count, **more):
    page = Page(server.port, APP, [f"private-{number}" for number in range(count)], **more)
    page.run_until(lambda: len(page.answers) >= count, PATIENCE)
    assert sorted(page.answers)[-count:] == sorted(page.rules.channels)
    return page


def assert_calm(page):
    assert page.rules.connections == 1 and page.rules.state == "connected"
    assert not [event for event in page.events if event["event"] in ("pusher:error", "pusher:subscription_error")]


@pytest.mark.parametrize("count", [150, 300, 1_000])
def test_all_subscriptions_are_answered_on_one_connection(server, count):
    assert_calm(page_with(server, count))


@pytest.mark.parametrize("count", [99, 100, 150])
def test_a_sign_in_after_many_subscriptions_is_answered(server, count):
    page = page_with(server, count, sign_in=USER)
    page.run_until(lambda: "#server-to-user-7" in page.answers, PATIENCE)
    assert_calm(page)


def test_ninety_channels_are_left_and_ninety_others_entered_in_one_go(server):
    page = page_with(server, 90)
    page.answers.clear()
    others = [f"private-other-{number}" for number in range(90)]
    page.send_at_once(
        *[{"event": "pusher:unsubscribe", "data": {"channel": channel}} for channel in page.rules.channels],
        *[page.subscription(channel) for channel in others])
    page.run_until(lambda: len(page.answers) == 90, PATIENCE)
    assert page.answers == others
    assert_calm(page)
    channels = json.loads(API(server.port, APP).get("/channels").body)["channels"]
    assert sorted(channels) == sorted(others)


def test_client_events_above_their_own_rate_keep_their_error_and_the_connection(server):
    sender = Client(server.port, APP)
    sender.subscribe("private-said")
    for number in range(150):
        sender.say("client-said", {"n": number}, channel="private-said")
    for _ in range(60):
        sender.expect_error(4301)


@pytest.mark.skipif(not IS_FULL, reason="takes half a minute")
def test_a_flood_that_does_not_stop_ends_with_4100_after_words(server):
    client = Client(server.port, APP)
    for _ in range(100):
        client.send(wire.frame(wire.TEXT, '{"event":"pusher:pong"}') * 40)
    began = time.monotonic()
    error = client.next_event(patience=60)
    assert error["event"] == "pusher:error" and error["data"]["code"] == 4100, error
    client.expect_close(4100)
    assert time.monotonic() - began > 25


def test_a_wrong_sign_in_is_an_error_and_a_close_with_4009(server):
    client = Client(server.port, APP)
    client.say("pusher:signin", {"auth": f"{APP.key}:{'0' * 64}", "user_data": USER})
    client.expect_error(4009)
    client.expect_close(4009)


class TestIdle:
    app, seconds = (APP, 300) if IS_FULL else (QUICK, 5)

    def test_a_page_of_pusher_js(self, server):
        page = Page(server.port, self.app, ["idle"])
        page.run_for(self.seconds)
        assert page.rules.connections == 1 and page.rules.state == "connected"

    def test_pysher(self, server):
        client = pysher.Pusher(key=self.app.key, secret=self.app.secret, secure=False, custom_host="127.0.0.1",
                               port=server.port)
        connected = []
        client.connection.bind("pusher:connection_established", connected.append)
        client.connect()
        time.sleep(self.seconds)
        assert len(connected) == 1 and client.connection.state == "connected"
        client.disconnect(timeout=0.2)
