"""1,000 keys, each published 20 times at once, a part of them with another body.

One publication each, one answer to all repetitions, 409 for the other body (rows 140 to 142, on one node).
"""

import asyncio
import json
import random

import wire
from apps import APP
from follower import Connection, Publisher
from pusher_wire import compact

KEYS, TIMES, CHANNELS = 1_000, 20, 10
PATIENCE = 60.0


class Key:
    """One key, its requests, and their answers."""

    def __init__(self, number, choices):
        self.number = number
        self.channel = f"private-once-{number % CHANNELS}"
        self.is_batch = number % 5 == 4
        # Every second key has another body among its requests: once, or as often as the first.
        others = choices.choice((0, 1, 1, TIMES // 2)) if number % 2 else 0
        self.bodies = [self.body("other")] * others + [self.body("first")] * (TIMES - others)
        choices.shuffle(self.bodies)
        self.answers = []

    def body(self, which):
        event = {"name": "once", "channel": self.channel, "data": f"{self.number} {which}",
                 "info": "position,subscription_count"}
        return compact({"batch": [event]} if self.is_batch else event).encode()

    def request(self, body):
        path = f"/apps/{APP.id}/{'batch_events' if self.is_batch else 'events'}"
        fields = f"Idempotency-Key: key-{self.number}", "Content-Type: application/json", f"Content-Length: {len(body)}"
        return wire.request(f"{path}?{APP.query('POST', path, body)}", *fields, method="POST", body=body)

    async def publish(self, publisher):
        """All requests at once, each over a connection of its own."""
        self.answers = await asyncio.gather(*(publisher.exchange(self.request(body)) for body in self.bodies))

    def check(self):
        """The data that was published."""
        taken = {body for body, (status, _) in zip(self.bodies, self.answers) if status == 200}
        assert len(taken) == 1, f"key {self.number}: {len(taken)} bodies were taken"
        answers = {answer for status, answer in self.answers if status == 200}
        assert len(answers) == 1, f"key {self.number}: {answers}"
        for body, (status, answer) in zip(self.bodies, self.answers):
            assert status == (200 if body in taken else 409), (status, answer)
            assert status == 200 or set(json.loads(answer)) == {"error"}, answer
        content, body = json.loads(answers.pop()), json.loads(taken.pop())
        position = (content["batch"][0] if self.is_batch else content["channels"][self.channel])["position"]
        self.offset, self.data = position["offset"], (body["batch"][0] if self.is_batch else body)["data"]


async def hear(port, count):
    """Subscribes to all channels; a task that gives the first `count` events and whatever comes before a last one."""
    connection = await Connection.open(port)
    await connection.establish(APP)
    for number in range(CHANNELS):
        name = f"private-once-{number}"
        connection.say("pusher:subscribe", data={
            "channel": name, "auth": APP.auth(connection.socket_id, name), "recover": {}})
        assert (await connection.event())["event"] == "pusher_internal:subscription_succeeded"

    async def listen():
        heard, ends = [], 0
        while ends < CHANNELS:
            event = await connection.event()
            if event["event"] == "end":
                ends += 1
            else:
                heard.append((event["channel"], event["offset"], event["data"]))
        connection.close()
        return heard

    return asyncio.ensure_future(listen())


async def publish_all(port):
    choices, publisher = random.Random(142), Publisher(port, APP)
    keys = [Key(number, choices) for number in range(KEYS)]
    listening = await hear(port, KEYS)
    for start in range(0, KEYS, 5):
        await asyncio.gather(*(key.publish(publisher) for key in keys[start : start + 5]))
    # Long after: the answer is the same, and nothing is published.
    for key in choices.sample(keys, 50):
        index = choices.randrange(TIMES)
        status, answer = await publisher.exchange(key.request(key.bodies[index]))
        assert (status, answer if status == 200 else b"") == (
            key.answers[index][0], key.answers[index][1] if status == 200 else b""), key.number
    histories = {}
    for number in range(CHANNELS):
        name = f"private-once-{number}"
        epoch = (await publisher.history(name))["epoch"]
        histories[name] = await publisher.history(name, limit=300, since=f"{epoch}:0")
        status, _ = await publisher.publish([name], "end", "")
        assert status == 200
    heard = await asyncio.wait_for(listening, PATIENCE)
    publisher.close()
    return keys, histories, heard


def test_a_key_is_published_once(server):
    keys, histories, heard = asyncio.run(publish_all(server.port))
    for key in keys:
        key.check()
    assert len({(key.channel, key.offset) for key in keys}) == KEYS
    expected = sorted((key.channel, key.offset, key.data) for key in keys)
    assert sorted(heard) == expected
    kept = [
        (name, event["offset"], event["data"]) for name, history in histories.items() for event in history["events"]
    ]
    assert sorted(kept) == expected
    assert any("other" in key.data for key in keys) and any("first" in key.data for key in keys)
    assert sum(status == 409 for key in keys for status, _ in key.answers) > 1_000
