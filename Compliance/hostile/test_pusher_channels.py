"""Channels of the Pusher protocol (rows 113 to 125 and 150): names, rights, presence, private messages, history.

A right comes from a signature of the app's back end, names are bytes, and what one app does another never sees.
"""

import json
import random
from functools import partial

import pytest

import pusher_wire
import wire
from pusher_wire import API, App, Client, compact, error_of
from wire import KIB, MIB

APP = App("1", "channels-key", "channels-secret-of-the-tests", {"client_events": True})
OTHER = App("2", "other-key", "other-secret-of-the-tests", {"client_events": True})
QUIET = App("3", "quiet-key", "quiet-secret-of-the-tests")  # without client events
CONFIGURATION = pusher_wire.write_configuration([APP, OTHER, QUIET])
SMALL_HISTORY = pusher_wire.write_configuration([APP], history_budget=MIB)

LONGEST = "n" * 164
NAMES = ["a", LONGEST, "a_b-c=d@e,f.g;h", "0", "-", "private", "PRIVATE-a", "Private-a", "presence", "Presence-a",
         "Cache-a"]
NO_NAMES = {
    "one character too many": LONGEST + "n", "201 characters": "n" * 201, "10,000 characters": "n" * 10_000,
    "empty": "",
    "a space": "a b", "leading space": " private-a", "trailing space": "private-a ", "tab": "a\tb", "line end": "a\n",
    "NUL": "a\0", "DEL": "a\x7f", "control": "\x1b[31m", "path": "/../", "dots and slash": "a/../b",
    "percent": "%2e%2e",
    "encoded private": "private%2Da", "RTL override": "a\u202eb", "ZWJ": "a\u200db", "ZWSP": "private\u200b-a",
    "NFC": "caf\u00e9", "NFD": "cafe\u0301", "Cyrillic look-alike": "\u0440rivate-a",
    "Cyrillic inside": "priv\u0430te-a",
    "fullwidth": "\uff50rivate-a", "soft hyphen": "private\u00ad-a", "other hyphen": "private\u2010a",
    "byte order mark": "\ufeffprivate-a",
    "emoji": "😀", "colon": "a:b", "plus": "a+b", "hash": "a#b", "quote": 'a"b', "angle": "<script>", "star": "*",
    "bang": "a!",
    "reserved": "#a", "another user's": "#server-to-user-", "of the server itself": "#user-eve",
    "of the server itself, too": "#online-eve", "wrong user id": "#server-to-user-a b",
}


@pytest.fixture
def pusher(serve):
    return serve("--config", CONFIGURATION, *pusher_wire.UNHURRIED)


@pytest.fixture
def client(pusher):
    return Client(pusher.port, APP)


@pytest.fixture
def connect(pusher):
    return lambda app=APP, **knobs: Client(pusher.port, app, **knobs)


@pytest.fixture
def api(pusher):
    return API(pusher.port, APP)


class TestNumbers:
    def test_the_1001st_channel_is_refused_and_the_connection_lives(self, client, api):
        """Row 113."""
        for number in range(1_000):
            client.subscribe(f"channel-{number}")
        for _ in range(3):
            client.expect_refusal("one-more", 403)
        client.subscribe("channel-5")  # again, which is none more
        api.published("one-more", "unheard")
        api.published("channel-99", "heard")
        client.expect("heard", channel="channel-99")
        client.unsubscribe("channel-0")
        client.subscribe("one-more")
        client.expect_refusal("channel-0", 403)

    def test_the_state_of_channels_that_nobody_is_in_is_small(self, serve):
        """Row 114, scaled: names that never come again, by subscribing and by publishing.

        What is left of a channel is its position, for as long as a client may come back with it, and of so many
        channels at most; subscribers, histories and whatever else a channel has are gone.
        """
        server = serve("--config", SMALL_HISTORY, *pusher_wire.UNHURRIED)
        api, client = API(server.port, APP), Client(server.port, APP)

        def churn(kind, count):
            for start in range(0, count, 100):
                names = [f"{kind}-{count}-{number}" for number in range(start, start + 100)]
                if kind == "published":
                    assert api.publish(names, "a", "x" * 1_000).status == 200
                    continue
                for event in "pusher:subscribe", "pusher:unsubscribe":
                    client.send(b"".join(
                        wire.frame(wire.TEXT, compact({"event": event, "data": {"channel": name}})) for name in names))
                    for name in names if event == "pusher:subscribe" else ():
                        client.expect("pusher_internal:subscription_succeeded", channel=name)
            client.expect_nothing()

        for kind in "published", "subscribed":
            churn(kind, 10_000)
            before = server.resident()
            churn(kind, 30_000)
            each = (server.resident() - before) / 30_000
            assert each < 600, f"{each:.0f} bytes are left of each channel that was {kind}"
        assert json.loads(api.get("/channels").body) == {"channels": {}}

class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_of_the_allowed_bytes_is_public_unless_its_first_bytes_say_otherwise(self, client, api, name):
        """Row 115."""
        client.subscribe(name)
        api.published(name, "event")
        client.expect("event", channel=name)

    @pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
    def test_any_other_name_is_refused(self, client, api, name):
        """Row 115: when it is subscribed to, published to and asked for; nothing is taken off or folded."""
        client.ask(name, auth="")
        event = client.next_event()
        if len(name) > 256:  # not told back
            assert event["event"] == "pusher:error", event
        else:
            assert (event["event"], event["channel"]) == ("pusher:subscription_error", name), event
            assert event["data"]["status"] == (401 if name.startswith("#server-to-user-e") else 400), event
        assert api.publish(name, "event").status == 400
        assert api.post("/batch_events", {"batch": [{"name": "a", "channel": name, "data": "x"}]}).status == 400
        client.expect_nothing()

    @pytest.mark.parametrize("name", ["private-", "private-a", "presence-a", "private-encrypted-a", "private-cache-a",
                                      "presence-cache-a", "private-encrypted-cache-a"])
    @pytest.mark.parametrize("auth", [None, "", "x", ":", "KEY:", APP.key, APP.key + ":", APP.key + ":" + "0" * 64,
                                      APP.key + ":" + "0" * 63, "none:" + "0" * 64])
    def test_a_channel_with_a_right_needs_a_signature(self, client, name, auth):
        """Rows 115 and 136."""
        client.expect_refusal(name, 401, auth=auth, channel_data='{"user_id":"a"}')
        client.expect_nothing()

    def test_a_signature_is_for_one_name_one_connection_and_one_app(self, connect):
        """Rows 115, 119 and 125."""
        client, second, other = connect(), connect(), connect(OTHER)
        right = APP.auth(client.socket_id, "private-a")
        client.expect_refusal("private-b", 401, auth=right)
        client.expect_refusal("private-A", 401, auth=right)
        second.expect_refusal("private-a", 401, auth=right)
        other.expect_refusal("private-a", 401, auth=right)
        other.expect_refusal("private-a", 401, auth=APP.auth(other.socket_id, "private-a"))
        forged = OTHER.key + ":" + APP.sign(f"{other.socket_id}:private-a")
        other.expect_refusal("private-a", 401, auth=forged)
        for auth in right.upper(), right[:-1], right + "0", right + "\n", " " + right, right.replace(":", "::"):
            client.expect_refusal("private-a", 401, auth=auth)
        client.subscribe("private-a", auth=right)

    @pytest.mark.parametrize("place", [0, 1, 31, 62, 63])
    def test_a_signature_that_differs_in_one_digit_is_refused(self, client, place):
        """Row 136: at the first, at the last, and between."""
        key, right = APP.auth(client.socket_id, "private-a").split(":")
        wrong = right[:place] + ("0" if right[place] != "0" else "1") + right[place + 1 :]
        client.expect_refusal("private-a", 401, auth=f"{key}:{wrong}")
        client.expect_nothing()

    def test_names_are_bytes_wherever_text_is_allowed(self, connect):
        """Row 116: the composed and the decomposed é are two members, and two events."""
        composed, decomposed, watcher = connect(), connect(), connect()
        watcher.join("presence-bytes", "watcher")
        composed.join("presence-bytes", "caf\u00e9")
        members = decomposed.join("presence-bytes", "cafe\u0301")
        assert set(members) == {"watcher", "caf\u00e9", "cafe\u0301"}
        added = [json.loads(watcher.expect("pusher_internal:member_added")["data"])["user_id"] for _ in range(2)]
        assert added == ["caf\u00e9", "cafe\u0301"]
        decomposed.reset()
        removed = watcher.expect("pusher_internal:member_removed")
        assert json.loads(removed["data"])["user_id"] == "cafe\u0301"
        composed.say("client-caf\u00e9", "caf\u00e9", channel="presence-bytes")
        watcher.expect("client-caf\u00e9", data="caf\u00e9", user_id="caf\u00e9")

    def test_a_name_in_a_path_is_decoded_once_and_signed_as_it_is_sent(self, connect, api):
        """Row 117."""
        client = connect()
        client.subscribe("private-x")

        def occupied(name, **changes):
            answer = api.get(f"/channels/{name}", {"info": "subscription_count"}, **changes)
            return answer.status, json.loads(answer.body).get("subscription_count")

        assert occupied("private-x") == (200, 1)
        assert occupied("private%2Dx") == (200, 1)
        assert occupied("private%2dx") == (200, 1)
        assert occupied("%70rivate-x") == (200, 1)
        assert occupied("private%252Dx")[0] == 400
        assert occupied("private-x%00")[0] == 400
        assert occupied("private-x%2")[0] in (400, 404)
        assert occupied("private-x%zz")[0] in (400, 404)
        assert occupied("%2e%2e%2fchannels")[0] == 400
        # What was signed decoded, or encoded another way, is another request.
        assert occupied("private%2Dx", signed_path="/apps/1/channels/private-x")[0] == 401
        assert occupied("private%2Dx", signed_path="/apps/1/channels/private%2dx")[0] == 401
        assert occupied("private-x", signed_path="/apps/1/channels/private%2Dx")[0] == 401

    @pytest.mark.parametrize("prefix", ["/ws", "/a/b/c", "/apps/1", "/app/x"])
    def test_a_prefix_in_front_of_a_path_is_not_signed(self, pusher, api, prefix):
        """Row 117 and trap 2 of the protocol's notes: as a proxy makes it, for the API and for the WebSocket."""
        query = APP.query("GET", "/apps/1/channels")
        assert api.exchange("GET", f"{prefix}/apps/1/channels?{query}").status == 200
        query = APP.query("GET", f"{prefix}/apps/1/channels")
        assert api.exchange("GET", f"{prefix}/apps/1/channels?{query}").status == 401
        Client(pusher.port, APP, path=f"{prefix}/app/{APP.key}?{pusher_wire.CLIENT}").expect_nothing()


class TestClientEvents:
    """Row 118."""

    def test_a_client_event_goes_to_the_others_with_the_signed_identity(self, connect):
        """Trap 5 of the protocol's notes."""
        eve, bob, room = connect(), connect(), "presence-events"
        eve.join(room, "eve")
        bob.join(room, "bob")
        eve.expect("pusher_internal:member_added")
        eve.say("client-a", {"user_id": "inside"}, channel=room, user_id="bob", socket_id=bob.socket_id, epoch="e",
                offset=7)
        event = bob.expect("client-a", channel=room, data={"user_id": "inside"}, user_id="eve")
        assert set(event) == {"event", "channel", "data", "user_id"}, event
        eve.expect_nothing()

    def test_on_a_private_channel_nobody_has_an_identity(self, connect):
        sender, hearer = connect(), connect()
        for member in sender, hearer:
            member.subscribe("private-events")
        sender.say("client-a", "x", channel="private-events", user_id="bob")
        event = hearer.expect("client-a", data="x")
        assert set(event) == {"event", "channel", "data"}, event

    @pytest.mark.parametrize("channel", ["public-events", "cache-events"])
    def test_not_on_a_public_channel(self, connect, channel):
        sender, hearer = connect(), connect()
        for member in sender, hearer:
            member.subscribe(channel)
            if channel.startswith("cache-"):
                member.expect("pusher:cache_miss", channel=channel)
        sender.say("client-a", "x", channel=channel)
        sender.expect_error(4301)
        sender.expect_nothing()
        hearer.expect_nothing()

    def test_not_on_an_encrypted_channel(self, connect):
        sender = connect()
        sender.subscribe("private-encrypted-events")
        sender.say("client-a", "x", channel="private-encrypted-events")
        sender.expect_error(4301)
        sender.expect_nothing()

    @pytest.mark.parametrize("channel",
                             ["private-elsewhere", "presence-elsewhere", "", "private-a b", "#server-to-user-bob"])
    def test_not_where_one_is_not_subscribed(self, connect, channel):
        hearer, sender = connect(), connect()
        hearer.subscribe("private-elsewhere")
        sender.say("client-a", "x", channel=channel)
        sender.expect_error(4301)
        hearer.expect_nothing()

    def test_not_after_unsubscribing(self, connect):
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-left")
        sender.unsubscribe("private-left")
        sender.say("client-a", "x", channel="private-left")
        sender.expect_error(4301)
        hearer.expect_nothing()

    def test_not_with_11_kib(self, connect):
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-size")
        sender.say("client-a", "x" * 10 * KIB, channel="private-size")
        hearer.expect("client-a", data="x" * 10 * KIB)
        for data in "x" * (10 * KIB + 1), "x" * 11 * KIB, {"a": "x" * 11 * KIB}:
            sender.say("client-a", data, channel="private-size")
            sender.expect_error(4301)
        sender.say("client-last", "x", channel="private-size")
        hearer.expect("client-last")

    @pytest.mark.parametrize("event", ["a", "Client-a", "client", "client-", "pusher_internal:member_added", "clienta",
                                       " client-a", "client\u2010a", "\uff43lient-a"])
    def test_not_with_another_name(self, connect, event):
        """Row 124: clients can not say what the server says."""
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-names")
        sender.say(event, "x", channel="private-names")
        sender.expect_error(4301)
        sender.expect_nothing()
        hearer.expect_nothing()

    @pytest.mark.parametrize("event", [
        "pusher:subscription_succeeded", "pusher:error", "pusher:connection_established", "pusher:pong",
    ])
    def test_what_only_servers_say_does_nothing(self, connect, event):
        """Row 124."""
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-names")
        sender.say(event, "{}", channel="private-names")
        sender.expect_nothing()
        hearer.expect_nothing()

    def test_the_name_of_an_event_has_200_bytes_at_most(self, connect):
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-long")
        name = "client-" + "é" * 96 + "a"
        assert len(name.encode()) == 200
        sender.say(name, "x", channel="private-long")
        hearer.expect(name)
        sender.say(name + "a", "x", channel="private-long")
        sender.expect_error(4301)

    def test_eleven_at_once_are_one_too_many(self, connect):
        hearer, sender = connect(), connect()
        for member in hearer, sender:
            member.subscribe("private-rate")
        one = wire.frame(wire.TEXT, compact({"event": "client-a", "channel": "private-rate", "data": "x"}))
        sender.send(one * 200)
        refused = 0
        sender.say("pusher:ping", {})
        while sender.next_event()["event"] != "pusher:pong":
            refused += 1
        assert 170 <= refused <= 190, refused
        for _ in range(200 - refused):
            hearer.expect("client-a")
        hearer.expect_nothing()

    def test_not_in_an_app_that_does_not_allow_them(self, connect):
        hearer, sender = connect(QUIET), connect(QUIET)
        for member in hearer, sender:
            member.subscribe("private-quiet")
        sender.say("client-a", "x", channel="private-quiet")
        sender.expect_error(4301)
        hearer.expect_nothing()


class TestPresence:
    def test_an_identity_without_its_signature_is_refused(self, connect):
        """Row 119."""
        watcher, client, channel = connect(), connect(), "presence-forged"
        watcher.join(channel, "watcher")
        signed = '{"user_id":"eve","user_info":{"name":"Eve"}}'
        auth = client.app.auth(client.socket_id, channel, signed)
        for forged in (
            '{"user_id":"bob","user_info":{"name":"Eve"}}', '{"user_id":"eve","user_info":{"name":"Bob"}}',
            signed + " ",
            '{"user_info":{"name":"Eve"},"user_id":"eve"}', '{"user_id":"eve"}', "",
        ):
            client.expect_refusal(channel, 401, auth=auth, channel_data=forged)
        # The signature of the channel alone, and one whose parts end elsewhere.
        client.expect_refusal(channel, 401, auth=client.app.auth(client.socket_id, channel), channel_data=signed)
        client.expect_refusal(channel, 401, auth=client.app.auth(client.socket_id, f"{channel}:{signed}"),
                              channel_data="x")
        client.say("pusher:subscribe",
                   {"channel": channel, "auth": auth, "user_id": "eve", "user_info": {"name": "Eve"}})
        assert client.expect("pusher:subscription_error")["data"]["status"] == 401
        watcher.expect_nothing()
        client.subscribe(channel, auth=auth, channel_data=signed)
        added = json.loads(watcher.expect("pusher_internal:member_added")["data"])
        assert added == {"user_id": "eve", "user_info": {"name": "Eve"}}

    @pytest.mark.parametrize("name", [
        "<img src=x onerror=alert(1)>", "</script>", "eve\u202eeve", "\u200b", "a\"b\\c", "😀" * 50, "",
    ])
    def test_what_a_user_shows_is_data(self, connect, name):
        """Row 120."""
        watcher, client = connect(), connect()
        watcher.join("presence-shown", "watcher", {"name": "watcher"})
        members = client.join("presence-shown", "eve", {"name": name})
        assert members == {"watcher": {"name": "watcher"}, "eve": {"name": name}}
        assert json.loads(watcher.expect("pusher_internal:member_added")["data"])["user_info"] == {"name": name}

    def test_two_users_may_show_the_same_but_are_two(self, connect):
        """Row 120."""
        bob, eve = connect(), connect()
        bob.join("presence-same", "bob", {"name": "Bob"})
        members = eve.join("presence-same", "eve", {"name": "Bob"})
        assert members == {"bob": {"name": "Bob"}, "eve": {"name": "Bob"}}

    def test_sizes_of_what_a_user_shows(self, connect):
        """Row 120: 1 KiB of user_info, 128 bytes of id."""
        client = connect()
        info = "x" * (1024 - len('{"n":""}'))
        assert client.join("presence-a", "a", {"n": info}) == {"a": {"n": info}}
        assert client.join("presence-b", "i" * 128) == {"i" * 128: {}}
        for member in ({"user_id": "a", "user_info": {"n": info + "x"}}, {"user_id": "a", "user_info": "x" * 50_000},
                       {"user_id": "i" * 129}, {"user_id": "é" * 65}, {"user_id": ""}):
            client.expect_refusal("presence-c", 400, channel_data=compact(member))
        client.expect_nothing()

    def test_one_user_with_50_tabs_is_one_member(self, connect, api):
        """Row 121: one joined with the first, one left with the last, however they end."""
        random.seed(121)
        watcher, channel = connect(), "presence-tabs"
        for round in range(4):
            watcher.join(channel, "watcher")
            tabs = []
            for number in range(50):
                tab = connect()
                members = tab.join(channel, 7 if number % 2 else "7", {"tab": number})
                assert set(members) == {"7", "watcher"}, members
                tabs.append(tab)
            added = json.loads(watcher.expect("pusher_internal:member_added")["data"])
            assert added == {"user_id": "7", "user_info": {"tab": 0}}
            users = json.loads(api.get(f"/channels/{channel}/users").body)["users"]
            assert sorted(user["id"] for user in users) == ["7", "watcher"]
            random.shuffle(tabs)
            for tab in tabs[:-1]:
                random.choice((tab.reset, tab.finish_sending, partial(tab.unsubscribe, channel),
                               partial(tab.send, wire.close_frame(1000))))()

            def count():
                answer = api.get(f"/channels/{channel}", {"info": "subscription_count"})
                return json.loads(answer.body)["subscription_count"]

            wire.eventually(lambda: count() == 2, 10, lambda: f"{count()} are subscribed")
            watcher.expect_nothing()
            tabs[-1].reset()
            removed = json.loads(watcher.expect("pusher_internal:member_removed")["data"])
            assert removed == {"user_id": "7"}
            watcher.unsubscribe(channel)
            wire.close_all() if round == 3 else [tab.close() for tab in tabs]

    def test_a_numeric_id_is_told_as_it_was_signed(self, connect):
        """Row 119: the key of an object is text, the original is a number."""
        watcher, client = connect(), connect()
        watcher.join("presence-number", "watcher")
        assert client.join("presence-number", 10, {"name": "Mr. Channels"})["10"] == {"name": "Mr. Channels"}
        assert json.loads(watcher.expect("pusher_internal:member_added")["data"])["user_id"] == 10


class TestUsers:
    def test_nobody_can_hear_what_is_sent_to_another_user(self, connect, api):
        """Row 122: and the refusal does not tell whether the user is there."""
        eve, bob = connect(), connect()
        bob.sign_in("bob")
        bob.subscribe("#server-to-user-bob")
        refusals = []
        for _ in range(2):
            for user in "bob", "nobody":
                refusal = eve.expect_refusal(f"#server-to-user-{user}", 401, auth="")
                refusals.append(refusal["data"])
            eve.sign_in("eve") if len(refusals) == 2 else None
        assert all(refusal == refusals[0] for refusal in refusals), refusals
        for channel in "#user-eve", "#online-eve", "#user-bob", "#online-bob":
            eve.expect_refusal(channel, 400, auth=APP.auth(eve.socket_id, channel))
        eve.expect_refusal("#server-to-user-bob", 401, auth=APP.auth(eve.socket_id, "#server-to-user-bob"))
        eve.say("client-a", "x", channel="#server-to-user-bob")
        eve.expect_error(4301)
        api.published("#server-to-user-bob", "hello", "x")
        bob.expect("hello", channel="#server-to-user-bob", data="x")
        eve.expect_nothing()

    def test_the_api_does_not_tell_who_is_there(self, connect, api):
        """Row 122."""
        bob = connect()
        bob.sign_in("bob")
        answers = [api.publish(f"#server-to-user-{user}", "hello") for user in ("bob", "nobody")]
        assert answers[0].status == 200 and answers[0].body == answers[1].body
        bob.expect_nothing()  # signed in, but not subscribed
        answers = [api.post(f"/users/{user}/terminate_connections", {}) for user in ("nobody", "bob")]
        assert answers[0].status == 200 and answers[0].body == answers[1].body
        bob.expect_error(4009)
        bob.expect_close(4009)
        for channel in "#user-bob", "#online-bob":
            assert api.publish(channel, "a").status == 400

    def test_a_signature_signs_in_one_connection_once(self, connect):
        """Row 119, for signing in."""
        user_data = '{"id":"eve"}'
        # Stock clients wait for the answer to a sign-in for ever, unless the connection is closed.
        for sign in (
            lambda client: {"auth": APP.user_auth(client.socket_id, user_data), "user_data": '{"id":"bob"}'},
            lambda client: {"auth": OTHER.user_auth(client.socket_id, user_data), "user_data": user_data},
            lambda client: {"auth": APP.auth(client.socket_id, "private-a"), "user_data": user_data},
            lambda client: {"auth": "", "user_data": user_data},
            lambda client: {"auth": APP.user_auth(client.socket_id, user_data).upper(), "user_data": user_data},
        ):
            stranger = connect()
            stranger.say("pusher:signin", sign(stranger))
            stranger.expect_error(4009)
            stranger.expect_close(4009)
        client, second = connect(), connect()
        auth = APP.user_auth(client.socket_id, user_data)
        second.say("pusher:signin", {"auth": auth, "user_data": user_data})
        second.expect_error(4009)
        second.expect_close(4009)
        client.say("pusher:signin", {"auth": auth, "user_data": user_data})
        client.expect("pusher:signin_success")
        other = '{"id":"bob"}'
        client.say("pusher:signin", {"auth": APP.user_auth(client.socket_id, other), "user_data": other})
        client.expect_error(4009)
        client.subscribe("#server-to-user-eve", auth="")

    def test_a_user_that_is_revoked_is_gone_everywhere(self, connect, api):
        """Row 150, on one node: all connections within 5 s, nobody else, and nothing of the user stays."""
        tabs, bob = [connect() for _ in range(20)], connect()
        for tab in tabs:
            tab.sign_in("eve")
            tab.join("presence-revoked", "eve")
        bob.sign_in("bob", watchlist=["eve"])
        online = bob.expect("pusher_internal:watchlist_events")
        assert json.loads(online["data"])["events"] == [{"name": "online", "user_ids": ["eve"]}]
        bob.join("presence-revoked", "bob")
        assert api.post("/users/eve/terminate_connections", {}).status == 200
        for tab in tabs:
            event = tab.next_event()
            while event["event"] == "pusher_internal:member_added":  # bob
                event = tab.next_event()
            assert event["event"] == "pusher:error" and event["data"]["code"] == 4009, event
            tab.expect_close(4009, within=5)
        left = {bob.next_event()["event"], bob.next_event()["event"]}
        assert left == {"pusher_internal:member_removed", "pusher_internal:watchlist_events"}
        assert json.loads(api.get("/channels/presence-revoked/users").body) == {"users": [{"id": "bob"}]}
        bob.expect_nothing()


class TestHistory:
    """Row 123."""

    def test_history_needs_a_signature_of_the_app(self, api, pusher):
        api.published("private-kept", "confidential", "x")
        path = "/apps/1/channels/private-kept/history"
        for query in ("", "auth_key=" + APP.key, OTHER.query("GET", path), APP.query("GET", path, auth_key=OTHER.key),
                      APP.query("GET", path, signature="0" * 64)):
            answer = api.exchange("GET", f"{path}?{query}")
            assert answer.status == 401 and b"confidential" not in answer.body, answer
        assert API(pusher.port, APP).history("private-kept")["events"][-1]["event"] == "confidential"

    @pytest.mark.parametrize("limit, count", [("1", 1), ("5", 5), ("300", 8), ("0" * 1000 + "7", 7)],
                             ids=lambda value: str(value)[:12])
    def test_the_limit_is_a_number_from_1_to_300(self, api, limit, count):
        while api.history("limited")["offset"] < 8:
            api.published("limited", "event")
        assert len(api.history("limited", limit=limit)["events"]) == count

    @pytest.mark.parametrize("limit", ["", "x", "1.5", "1e3", "-", "+1", " 1", "0x10", "１", "0", "-1", "301", "1000000",
                                       str(2**63), str(2**64 + 1), "9" * 1000, "-" + "9" * 1000],
                             ids=lambda value: value[:12])
    def test_any_other_limit_is_a_bad_request(self, api, limit):
        answer = api.get("/channels/limited/history", {"limit": limit})
        assert answer.status == 400, answer
        error_of(answer)

    @pytest.mark.parametrize("since", [
        "", ":", "1", "a:", ":1", "a:-1", "a:1.5", "a:x", f"a:{2**53}", f"a:{2**64}", "a:1:2", "a b:1",
        "a:" + "9" * 500, "x" * 500 + ":1", "a:1\0", "é:1",
    ], ids=lambda text: ascii(text)[:16])
    def test_a_cursor_that_is_none_is_a_bad_request(self, api, since):
        answer = api.get("/channels/limited/history", {"since": since})
        if answer.status == 200:  # it has the form of a position; then it is another log's
            content = json.loads(answer.body)
            assert content["recovered"] is False and content["gap"] is None, content
        else:
            assert answer.status == 400, answer
            error_of(answer)

    def test_a_cursor_of_another_channel_or_app_is_no_position_here(self, api, pusher):
        there, other = API(pusher.port, OTHER), API(pusher.port, APP)
        for number in range(3):
            here = api.position("cursor", "here", str(number))
            elsewhere = there.position("cursor", "elsewhere", str(number))
            next_door = api.position("next-door", "elsewhere", str(number))
        assert len({here[0], elsewhere[0], next_door[0]}) == 3
        for epoch, offset in elsewhere, next_door:
            content = other.history("cursor", since=f"{epoch}:{offset - 1}")
            assert content["recovered"] is False and content["gap"] is None
            assert [event["event"] for event in content["events"]] == ["here"] * 3
        content = other.history("cursor", since=f"{here[0]}:{here[1] - 1}")
        assert content["recovered"] is True and [event["data"] for event in content["events"]] == ["2"]
        content = other.history("cursor", since=f"{here[0]}:{here[1] + 1}")  # beyond the top
        assert content["recovered"] is False and content["gap"] is None

    def test_a_subscription_recovers_only_from_its_own_log(self, connect, api, pusher):
        there = API(pusher.port, OTHER)
        api.position("recover", "here", "1")
        epoch, offset = there.position("recover", "elsewhere", "1")
        client = connect()
        reply = client.subscribe("recover", recover={"epoch": epoch, "offset": offset - 1})
        assert reply["recovered"] is False and reply["gap"] is None and reply["epoch"] != epoch, reply
        client.expect_nothing()

    def test_recovering_needs_the_right_that_subscribing_needs(self, connect, api):
        """I10 of the promise."""
        epoch, offset = api.position("private-recover", "secret", "x")
        client, recover = connect(), {"epoch": epoch, "offset": offset - 1}
        auth = APP.auth(client.socket_id, "private-recover")
        client.expect_refusal("private-recover", 401, auth="", recover=recover)
        client.subscribe("private-recover", auth=auth, recover=recover)
        client.expect("secret", data="x", epoch=epoch, offset=offset)
        again = connect()
        again.expect_refusal("private-recover", 401, auth=auth, recover=recover)
        again.expect_nothing()


class TestReservedNames:
    """Row 124."""

    @pytest.mark.parametrize("event", [
        "pusher:connection_established", "pusher:error", "pusher:", "pusher_internal:member_added", "parley:position",
        "pusher_internal:subscription_succeeded", "pusher_internal:", "parley:gap",
    ])
    def test_events_of_the_server_can_not_be_published(self, client, api, event):
        client.subscribe("reserved")
        assert api.publish("reserved", event).status == 400
        assert api.post("/batch_events", {"batch": [{"name": event, "channel": "reserved", "data": "x"}]}).status == 400
        api.published("reserved", "last")
        client.expect("last")

    def test_names_of_the_protocol_inside_an_event_are_left_behind(self, client, api):
        client.subscribe("tags")
        tags = {"epoch": "e", "offset": 99, "user_id": "eve", "recovered": True, "gap": None, "channel": None,
                "event": "pusher:error"}
        body = {"name": "event", "channels": ["tags"], "data": "x"} | tags
        assert api.post("/events", body).status == 200
        event = client.expect("event", channel="tags", data="x")
        assert set(event) == {"event", "channel", "data"}, event


class TestApps:
    """Row 125."""

    @pytest.mark.parametrize("method, path", [
        ("POST", "/events"), ("POST", "/batch_events"), ("GET", "/channels"), ("GET", "/channels/a"),
        ("GET", "/channels/presence-a/users"),
        ("GET", "/channels/a/history"), ("POST", "/users/eve/terminate_connections"), ("GET", "/connections"),
    ])
    def test_the_key_of_one_app_does_nothing_for_another(self, api, method, path):
        event = {"name": "a", "channels": ["a"], "data": "x", "batch": [{"name": "a", "channel": "a", "data": "x"}]}
        body = compact(event).encode() if method == "POST" else b""
        target = f"/apps/{APP.id}{path}"
        for signed in (
            OTHER.query(method, target, body), OTHER.query(method, target, body, auth_key=APP.key),
            APP.query(method, target, body, auth_key=OTHER.key),
            APP.query(method, target, body, signed_path=f"/apps/{OTHER.id}{path}"),
        ):
            answer = api.exchange(method, f"{target}?{signed}", body)
            assert answer.status == 401, answer
        answer = api.exchange(method, f"{target}?{APP.query(method, target, body)}", body)
        assert answer.status == 200, answer

    def test_one_channel_of_two_apps_is_two_channels(self, connect, api, pusher):
        here, there = connect(), connect(OTHER)
        there_api = API(pusher.port, OTHER)
        for name in "both", "private-both":
            for client in here, there:
                client.subscribe(name)
            api.published(name, "here", "1")
            here.expect("here", channel=name)
            there_api.published(name, "there", "2")
            there.expect("there", channel=name)
        here.say("client-a", "x", channel="private-both")
        here.expect_nothing()
        there.expect_nothing()
        assert here.join("presence-both", "eve").keys() == {"eve"}
        assert there.join("presence-both", "bob").keys() == {"bob"}
        assert json.loads(api.get("/channels/presence-both/users").body) == {"users": [{"id": "eve"}]}
        for client in here, there:
            client.sign_in("eve")
        assert api.post("/users/eve/terminate_connections", {}).status == 200
        here.expect_error(4009)
        there.expect_nothing()
        # A connection of the other app can not be left out either.
        second = connect()
        second.subscribe("both")
        there_api.published("both", "there", "3", socket_id=second.socket_id)
        there.expect("there", data="3")
        second.expect_nothing()

    def test_an_app_that_is_not_there(self, pusher, api):
        for path in "/app/none", "/app/", "/app/" + APP.key + "/more", "/app/" + APP.id, "/app/" + APP.key.upper():
            connection = wire.WebSocket(pusher.port, f"{path}?{pusher_wire.CLIENT}")
            error = json.loads(connection.message().payload)
            assert error["event"] == "pusher:error" and error["data"]["code"] in (4001, 4005), error
            connection.expect_close(error["data"]["code"])
        for app in "none", "", "1%00", "%31%30", "..":
            target = f"/apps/{app}/channels"
            answer = api.exchange("GET", f"{target}?{APP.query('GET', target)}")
            assert answer.status == 404, (app, answer)


def test_nothing_is_left(pool):
    for key, watched in pool.items():
        if SMALL_HISTORY not in key[1]:  # that one has said how much it may keep
            watched.assert_nothing_left()
