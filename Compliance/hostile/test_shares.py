"""What the server keeps has a budget, and every app and the rooms have a share of it that nobody takes from them.

Histories filled to the brim, rooms full of large messages beside an app, names without end, and idempotency keys.
"""

import json
import os

import pytest

import wire
from pusher_wire import API, App, Client, UNHURRIED, write_configuration

ONE = App("1", "key-one", "secret-one")
TWO = App("2", "key-two", "secret-two")
FULL = os.environ.get("PARLEY_FULL") == "1"
CARRIERS = pytest.mark.parametrize("carrier", ["reactor", "nio"])
LIMIT_MET = "a limit of what is kept has been reached"


@CARRIERS
def test_one_address_does_not_fill_a_room(carrier):
    options = "--apps", "off", "--carrier", carrier, "--limit-loopback", "on", "--max-members", "20"
    with wire.Server(*options, "--log-level", "info") as server:
        crowd = [wire.WebSocket(server.port, source="127.0.0.2").join(f"m{number}") for number in range(18)]
        late = wire.WebSocket(server.port, source="127.0.0.2")
        late.send(wire.frame(wire.TEXT, "type=add&ming=late"))
        assert late.push_of("error")["nrong"].startswith("Too many people in this room have your address.")
        wire.eventually(lambda: "reason=error: Too many people in this room" in server.text(), 5, server.text)
        others = [wire.WebSocket(server.port, source="127.0.0.3").join(f"o{number}") for number in range(2)]
        crowd.pop().socket.close()
        others[0].push_of("rmove")
        late.send(wire.frame(wire.TEXT, "type=add&ming=late"))
        late.push_of("madd")


def serve(*apps, options=(), **settings):
    return wire.Server("--config", write_configuration(apps, **settings), *UNHURRIED, *options)


@CARRIERS
def test_readers_that_take_nothing_do_not_hold_up_what_others_have_missed(carrier):
    """A few that are sent 4 MB each and do not read filled the output budget: who came back waited until they were gone."""
    options = "--carrier", carrier, "--output-budget", str(32 * wire.MIB), "--max-pending-age", "60"
    with serve(ONE, options=options) as server:
        api = API(server.port, ONE)
        positions = [api.position("news", "e", json.dumps(str(number))) for number in range(40)]
        crowd = [wire.WebSocket(server.port, f"/?room=r{number}", receive_buffer=4096) for number in range(12)]
        for number, stranger in enumerate(crowd):
            stranger.send(wire.frame(wire.TEXT, f"type=add&ming=s{number}"), reading=False)
            stranger.send(wire.frame(wire.TEXT, "key=all&nr=" + '"' * 370_000), reading=False)
        wire.eventually(lambda: "slow reader cut off" in server.text(), 20, server.text)
        reply, offsets = recover(server.port, ONE, "news", positions[0][0], 0)
        assert reply["recovered"] is True, reply
        assert offsets == list(range(1, 41))
        assert "reason=the node's budget for output is used up" in server.text()


def fill(api, channels, size):
    """One event of so many bytes to each of so many channels, in batches."""
    each = max(1, min(100, 200_000 // (size + 100)))
    for start in range(0, channels, each):
        batch = [
            {"name": "e", "channel": f"fill-{number}", "data": "x" * size}
            for number in range(start, min(start + each, channels))
        ]
        answer = api.post("/batch_events", {"batch": batch})
        assert answer.status == 200, answer


def recover(port, app, channel, epoch, offset):
    """What a client is told that comes back with a position, and the offsets that are replayed to it."""
    client = Client(port, app)
    client.say("pusher:subscribe", {"channel": channel, "recover": {"epoch": epoch, "offset": offset}})
    reply = client.expect("pusher_internal:subscription_succeeded", channel=channel)
    offsets = []
    while reply["recovered"] and reply["offset"] > (offsets[-1] if offsets else offset):
        offsets.append(client.next_event()["offset"])
    client.close()
    return reply, offsets


@pytest.mark.parametrize("size, channels", [(1, 30_000), (60_000, 300)] + [(1_000, 12_000)] * FULL)
def test_histories_filled_to_the_brim_take_1_3_times_their_budget_at_most(size, channels):
    budget = (64 if FULL else 8) * wire.MIB
    with serve(ONE, TWO, room=False, history_budget=budget) as server:
        api = API(server.port, ONE)
        # What requests and their answers need belongs to the idle value.
        fill(api, 200, 1)
        fill(api, 6, 60_000)
        idle = server.resident()
        server.forget_peak()
        fill(api, channels * (8 if FULL else 1), size)
        server.assert_alive()
        taken = server.peak() - idle
        slack = 4 * wire.MIB
        assert taken < 1.3 * budget + slack, f"{taken / budget:.2f} times the budget"
        # The test means nothing unless the budget was used.
        assert taken > 0.6 * budget or wire.SANITIZED, f"{taken / budget:.2f} times the budget"
        server.expect_log("reason=history", LIMIT_MET)


def test_a_visitor_that_fills_33_rooms_takes_nothing_of_the_histories_of_apps():
    with serve(ONE, TWO, history_budget=6 * wire.MIB) as server:
        api = API(server.port, ONE)
        positions = [api.position("news", "e", json.dumps(str(number))) for number in range(50)]
        epoch = positions[0][0]
        assert [offset for _, offset in positions] == list(range(1, 51))
        for room in range(33):
            visitor = wire.WebSocket(server.port, f"/?room=full{room}")
            visitor.join("v")
            for _ in range(2):
                visitor.say("x" * 250_000)
                visitor.said()
            visitor.close()
        reply, offsets = recover(server.port, ONE, "news", epoch, 0)
        assert reply["recovered"] is True, reply
        assert offsets == list(range(1, 51))
        server.expect_log(LIMIT_MET, "namespace=room")
        assert "namespace=app" not in server.text()


def test_names_that_clients_merely_touch_leave_nothing_behind_and_cost_no_channel_its_epoch():
    connections = 2_000 if FULL else 300
    with serve(ONE, room=False, history_budget=wire.MIB) as server:
        api = API(server.port, ONE)
        position = api.position("idle", "e")
        # A subscriber of a channel in which nothing was published has a position, too.
        client = Client(server.port, ONE)
        client.say("pusher:subscribe", {"channel": "empty", "recover": {}})
        start = client.expect("pusher_internal:subscription_succeeded", channel="empty")
        client.close()

        def touch(first, count):
            for number in range(first, first + count):
                client = Client(server.port, ONE)
                for index in range(100):
                    client.say("pusher:subscribe", {"channel": f"random-{number}-{index}"})
                for index in range(100):
                    client.expect("pusher_internal:subscription_succeeded")
                client.close()

        touch(0, 20)
        before = server.resident()
        touch(20, connections)
        grown = server.resident() - before
        assert grown < 4 * wire.MIB, f"{grown // (connections * 100)} bytes for each name are left"
        reply, offsets = recover(server.port, ONE, "idle", *position)
        assert reply["recovered"] is True and reply["epoch"] == position[0] and offsets == [], reply
        assert api.position("empty", "e") == (start["epoch"], 1)
        reply, offsets = recover(server.port, ONE, "empty", start["epoch"], start["offset"])
        assert reply["recovered"] is True and offsets == [1], reply


@CARRIERS
def test_one_app_that_uses_up_the_subscriptions_leaves_the_other_its_share(carrier):
    def subscribe(app, channels):
        client = Client(server.port, app)
        for number in range(channels):
            client.say("pusher:subscribe", {"channel": f"c{number}"})
        events = [client.next_event()["event"] for _ in range(channels)]
        assert set(events) <= {"pusher_internal:subscription_succeeded", "pusher:subscription_error"}, events
        return client, events.count("pusher_internal:subscription_succeeded")

    with serve(ONE, TWO, room=False, max_subscriptions=40, options=("--carrier", carrier)) as server:
        greedy = [subscribe(ONE, 40) for _ in range(3)]
        # Each has 16 of its own; ten are the app's part, and twenty are for all.
        assert sum(count for _, count in greedy) == 3 * 16 + 30, [count for _, count in greedy]
        late, count = subscribe(ONE, 40)
        assert count == 16
        assert subscribe(TWO, 40)[1] == 16 + 10
        server.expect_log("as many subscriptions as it may have")
        greedy[0][0].close()
        late.say("pusher:unsubscribe", {"channel": "c0"})
        wire.eventually(lambda: subscribe(ONE, 40)[1] > 16, 10, "nothing has come back")


def test_one_app_that_uses_up_idempotency_keys_leaves_the_other_its_share():
    with serve(ONE, TWO, room=False, idempotency_budget=65_536) as server:
        first, second = API(server.port, ONE), API(server.port, TWO)
        taken = 0
        for number in range(400):
            answer = first.publish("c", "e", "{}", f"Idempotency-Key: key-{number}")
            if answer.status == 503:
                break
            assert answer.status == 200, answer
            taken += 1
        assert 100 < taken < 200 and answer.get("Retry-After"), (taken, answer)
        for number in range(35):
            answer = second.publish("c", "e", "{}", f"Idempotency-Key: key-{number}")
            assert answer.status == 200, (number, answer)
        # Without a key nothing is refused, and a repetition needs no room.
        assert first.publish("c", "e").status == 200
        assert first.publish("c", "e", "{}", "Idempotency-Key: key-0").status == 200
        server.expect_log("reason=keys", "namespace=app:1")


def test_long_answers_that_nobody_reads_leave_memory_and_the_api_to_others():
    """A hundred connections that asked for a list of 10 MB and did not read it took 950 MB, and other apps' calls 8 s."""
    with serve(ONE, TWO, room=False, body_budget=wire.MIB) as server:
        clients = [Client(server.port, ONE) for _ in range(40)]
        for number, client in enumerate(clients):
            for index in range(100):
                client.say("pusher:subscribe", {"channel": f"{'n' * 150}-{number}-{index}"})
        for client in clients:
            for _ in range(100):
                client.expect("pusher_internal:subscription_succeeded")
        api = API(server.port, ONE)
        answer = api.get("/channels")
        assert answer.status == 200 and len(json.loads(answer.body)["channels"]) == 4_000 and len(answer.body) > 600_000
        target = f"/apps/1/channels?{ONE.query('GET', '/apps/1/channels', b'')}"
        silent = []
        for _ in range(30):
            connection = wire.Connection(server.port, receive_buffer=4096)
            connection.send(wire.request(target))
            silent.append(connection)
        wire.eventually(lambda: "as many long answers on the way as it may" in server.text(), 10, server.text)
        statuses = [bytes(connection.read(12)) for connection in silent]
        assert statuses.count(b"HTTP/1.1 503") >= 28 and statuses.count(b"HTTP/1.1 200") >= 1, statuses
        assert API(server.port, TWO).get("/channels").status == 200
        for connection in silent:
            connection.close()
        wire.eventually(lambda: API(server.port, ONE).get("/channels").status == 200, 10, server.text)


@CARRIERS
def test_watched_users_are_subscriptions_of_the_node(carrier):
    """They were not counted: 1,265 sign-ins with 100 each ended a server in a container of 256 MB."""
    with serve(ONE, TWO, room=False, max_subscriptions=40, options=("--carrier", carrier)) as server:
        def sign_in(app, count):
            client = Client(server.port, app)
            client.sign_in("me", watchlist=[f"u{number}" for number in range(count)])
            return client

        client = sign_in(ONE, 80)
        # 16 that each connection has, and thirty of the node's.
        error = client.expect("pusher:error")
        assert "the first 46 users are watched" in str(error), error
        server.expect_log("The watchlist is cut: the node is full.")
        other = Client(server.port, ONE)
        for number in range(17):
            other.say("pusher:subscribe", {"channel": f"c{number}"})
        events = [other.next_event()["event"] for _ in range(17)]
        assert events.count("pusher_internal:subscription_succeeded") == 16, events
        client.close()

        def has_room():
            other.say("pusher:subscribe", {"channel": "free"})
            return other.next_event()["event"] == "pusher_internal:subscription_succeeded"

        wire.eventually(has_room, 5, server.text)
