"""Each rule of the client that stands for pusher-js, against the table of the protocol's close codes and times."""

import json

import pytest

from pusher_js_client import Rules, close_action


def established(seconds=30):
    return {"event": "pusher:connection_established",
            "data": json.dumps({"socket_id": "1.2", "activity_timeout": seconds})}


def connected(seconds=30, **more):
    rules = Rules(**more)
    rules.received(0, established(seconds))
    return rules


def taken(rules):
    wishes, rules.wishes = rules.wishes, []
    return wishes


@pytest.mark.parametrize("code, action", [
    (1000, "plain"), (1001, "plain"), (1002, "backoff"), (1003, "backoff"), (1004, "backoff"), (1005, "plain"),
    (1006, "plain"), (1008, "plain"), (3999, "plain"), (4000, "tls"), (4001, "refused"), (4009, "refused"),
    (4099, "refused"), (4100, "backoff"), (4199, "backoff"), (4200, "retry"), (4201, "retry"), (4299, "retry"),
    (4300, "refused"), (4301, "refused"), (4999, "refused"),
])
def test_close_actions(code, action):
    assert close_action(code) == action
    rules = connected()
    taken(rules)
    rules.closed(10, code)
    rules.tick(10)
    at_once = taken(rules) == [("connect", None)]
    rules.tick(11)
    later = taken(rules) == [("connect", None)]
    assert (at_once, later) == {
        "refused": (False, False), "retry": (True, False), "tls": (True, False)}.get(action, (False, True))
    assert (rules.state == "disconnected") == (action == "refused")


def test_it_subscribes_to_all_channels_at_once_after_connected():
    rules = connected(channels=["a", "b"])
    assert taken(rules) == [("connect", None), ("subscribe", "a"), ("subscribe", "b")]


def test_a_sign_in_leads_to_the_channel_of_the_user():
    rules = connected()
    taken(rules)
    data = json.dumps({"user_data": json.dumps({"id": "7"})})
    rules.received(1, {"event": "pusher:signin_success", "data": data})
    assert taken(rules) == [("subscribe", "#server-to-user-7")]


def test_a_ping_event_is_answered():
    rules = connected()
    taken(rules)
    rules.received(1, {"event": "pusher:ping", "data": "{}"})
    assert taken(rules) == [("send", {"event": "pusher:pong", "data": {}})]


@pytest.mark.parametrize("told, quiet", [(30, 30), (120, 120), (500, 120)])
def test_silence_leads_to_a_ping_and_then_to_another_connection(told, quiet):
    rules = connected(told)
    taken(rules)
    rules.tick(quiet - 1)
    assert taken(rules) == []
    rules.tick(quiet)
    assert [kind for kind, _ in taken(rules)] == ["send"]
    rules.tick(quiet + 29)
    assert taken(rules) == []
    rules.tick(quiet + 30)
    assert taken(rules) == [("close", None), ("connect", None)]


def test_any_frame_is_a_sign_of_life():
    rules = connected()
    taken(rules)
    rules.received(29, {"event": "x", "channel": "c", "data": "1"})
    rules.tick(58)
    assert taken(rules) == []
    rules.tick(59)
    rules.received(60, {"event": "x", "channel": "c", "data": "1"})
    rules.tick(89.9)
    assert [kind for kind, _ in taken(rules)] == ["send"] and rules.state == "connected"


def test_without_an_activity_timeout_the_connection_is_dropped():
    rules = connected(0)
    assert rules.state == "connecting" and rules.retry_at == 1


def test_unavailable_after_ten_seconds():
    rules = Rules()
    rules.tick(9.9)
    assert rules.state == "connecting"
    rules.tick(10)
    assert rules.state == "unavailable"
    rules.received(11, established())
    assert rules.state == "connected"
