"""4,000 cuts between clients and the server while back ends publish: every acknowledged publication arrives exactly
once and in order, or the gap is announced and true.

2,000 cuts hit clients that speak the protocol themselves (follower.py), as many parley.js in Node. Each client has a
seed, channels and a publisher of its own and goes through a proxy that cuts its connections, one after the other, at
drawn bytes. A seed says where; what is under way there depends on time. One seed alone:

    python Compliance/pusher/test_cuts.py protocol|parley.js SEED [CUTS]
"""

import asyncio
import collections
import json
import os
import pathlib
import random
import shutil
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "hostile"))

from cut_proxy import Cut, CutProxy  # noqa: E402
from follower import END_OF_CONNECTION, Connection, Publisher  # noqa: E402
import apps  # noqa: E402
from pusher_wire import compact  # noqa: E402

FOLLOW = pathlib.Path(__file__).parents[1] / "clients" / "parley_js" / "follow.mjs"
SEEDS = {"protocol": range(1, 101), "parley.js": range(101, 151)}
CUTS = {"protocol": 20, "parley.js": 40}
AT_ONCE = 10
PATIENCE = 30.0  # seconds until everybody is at the top after the last cut
# Bytes: of the opening handshake, of subscribing, of replays, and of what is live.
UP = (0, 250), (250, 1_200), (1_200, 1_500)
DOWN = (0, 350), (350, 1_300), (1_000, 5_000), (1_000, 5_000), (5_000, 40_000)
PHASES = "connecting", "established", "replaying", "live"


class Log:
    """What a client has got of one channel, checked as it comes; a fault is an AssertionError."""

    def __init__(self, name):
        self.name = name
        self.start = self.last = self.epoch = None
        self.target = 0  # the replay goes up to here
        self.seen = {}  # offset -> data
        self.left_out = set()  # offsets that were told, but not their events
        self.gaps = []
        self.recoveries = 0

    def begin(self, epoch, offset):
        self.epoch, self.start, self.last = epoch, offset, offset

    def recovered(self, epoch, offset):
        assert epoch == self.epoch and offset >= self.last, f"{self.name}: recovered up to {offset} from {self.last}"
        self.target = offset
        self.recoveries += 1

    def lost(self, epoch, offset, gap):
        assert gap is not None and epoch == self.epoch, f"{self.name}: another log, though the server never stopped"
        assert gap["from"] == self.last + 1, f"{self.name}: {gap} after {self.last}"
        assert gap["to"] == offset >= gap["from"], f"{self.name}: {gap}, but the position is {offset}"
        # Announced means not to be had: the first of it is not kept any more.
        assert gap["from"] < gap["oldest"] <= gap["to"] + 1, f"{self.name}: {gap}"
        self.gaps.append(gap)
        self.last = self.target = offset

    def advance(self, epoch, offset):
        assert (epoch, offset) == (self.epoch, self.last + 1), f"{self.name}: {offset} after {self.last}"
        self.last = offset

    def event(self, epoch, offset, data):
        self.advance(epoch, offset)
        self.seen[offset] = data


class Scenario:
    """A client, its channels, its publisher, and the proxy between."""

    def __init__(self, port, driver, seed, cuts):
        self.port, self.driver, self.seed, self.wanted = port, driver, seed, cuts
        self.app = apps.SMALL if seed % 2 else apps.LARGE
        self.draws, self.choices = random.Random(f"cuts {seed}"), random.Random(f"publications {seed}")
        self.publisher = Publisher(port, self.app)
        run = os.urandom(4).hex()  # a seed that is repeated has channels of its own
        self.logs = {name: Log(name) for name in (
            f"cuts-{seed}-{run}", f"private-cuts-{seed}-{run}", f"presence-cuts-{seed}-{run}")}
        self.kept = {name: {} for name in self.logs}  # offset -> data, as acknowledged
        self.excluding = {name: {} for name in self.logs}  # offset -> the connection that was left out
        self.number = 0
        self.phases = collections.Counter()
        self.socket_id = None
        self.is_over = False

    # Where connections end: within the handshake, within subscribing, within a replay, while live.

    def draw(self):
        if len(self.proxy.cuts) >= self.wanted:
            return None
        draws = self.draws
        is_up = draws.random() < 0.3
        low, high = draws.choice(UP if is_up else DOWN)
        return Cut(is_up, draws.randrange(low, high), draws.random() < 0.5, draws.uniform(0.02, 0.3))

    async def run(self):
        async with CutProxy(self.port, self.draw) as self.proxy:
            follow = self.follow_protocol if self.driver == "protocol" else self.follow_parley_js
            follower = asyncio.ensure_future(follow())
            try:
                await self.until(lambda: all(log.start is not None for log in self.logs.values()), follower)
                publishing = asyncio.ensure_future(self.publish_until_cut())
                await asyncio.wait({follower, publishing}, return_when=asyncio.FIRST_COMPLETED)
                if follower.done():
                    publishing.cancel()
                    follower.result()
                await publishing
                # I14: when the faults have stopped, everybody reaches the top.
                await self.publish(list(self.logs), is_marked=True)
                tops = {name: max(kept) for name, kept in self.kept.items()}
                await self.until(lambda: all(log.last >= tops[name] for name, log in self.logs.items()), follower)
            finally:
                self.is_over = True
                follower.cancel()
                await asyncio.gather(follower, return_exceptions=True)
                self.publisher.close()
        self.check()

    async def until(self, condition, follower):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if follower.done():
                follower.result()
                raise AssertionError("the client has ended")
            places = {name: log.last for name, log in self.logs.items()}
            assert time.monotonic() < deadline, f"not at the top: {places}"
            await asyncio.sleep(0.005)

    # Publishing

    async def publish_until_cut(self):
        choices, names = self.choices, list(self.logs)
        while len(self.proxy.cuts) < self.wanted:
            chance = choices.random()
            if chance < 0.05:  # more than a small history holds, all at once
                await asyncio.gather(*(self.publish([choices.choice(names)]) for _ in range(choices.randrange(5, 20))))
            elif chance < 0.1:
                await self.publish_batch([choices.choice(names) for _ in range(choices.randrange(1, 20))])
            elif chance < 0.11 and self.app is apps.LARGE:  # more than a page of a replay
                name = choices.choice(names)
                for _ in range(4):
                    await self.publish_batch([name] * 100)
            else:
                await self.publish(choices.sample(names, choices.randrange(1, 4)))
            if choices.random() < 0.7:
                await asyncio.sleep(choices.uniform(0, 0.02))

    def next_data(self):
        self.number += 1
        return f"{self.seed}-{self.number}-" + "x" * self.choices.choice((0, 20, 300))

    async def publish(self, names, is_marked=False):
        data, more = self.next_data(), {}
        # parley.js does not show the events that it was left out of.
        if self.driver == "protocol" and not is_marked and self.socket_id and self.choices.random() < 0.1:
            more["socket_id"] = self.socket_id
        status, body = await self.publisher.publish(names, "n", data, info="position", **more)
        assert status == 200, (status, body)
        for name, content in json.loads(body)["channels"].items():
            self.acknowledge(name, content["position"], data, more.get("socket_id"))

    async def publish_batch(self, names):
        batch = [{"name": "n", "channel": name, "data": self.next_data(), "info": "position"} for name in names]
        status, body = await self.publisher.send("POST", "/batch_events", compact({"batch": batch}).encode())
        assert status == 200, (status, body)
        for event, content in zip(batch, json.loads(body)["batch"], strict=True):
            self.acknowledge(event["channel"], content["position"], event["data"])

    def acknowledge(self, name, position, data, socket_id=None):
        assert position["offset"] not in self.kept[name], f"{name}: {position} was acknowledged twice"
        self.kept[name][position["offset"]] = data
        if socket_id:
            self.excluding[name][position["offset"]] = socket_id

    # The client at the level of the protocol

    async def follow_protocol(self):
        connection = None
        while not self.is_over:
            cuts = len(self.proxy.cuts)
            try:
                connection = await Connection.open(self.proxy.port)
                await connection.establish(self.app)
                self.socket_id = connection.socket_id
                for name in self.logs:
                    connection.say("pusher:subscribe", data=self.request(name))
                waiting = set(self.logs)
                while True:
                    self.receive(await connection.event(), waiting)
                    # A replay only where the client was away from something.
                    is_behind = any(log.last is not None and log.last < log.target for log in self.logs.values())
                    connection.phase = "established" if waiting else "replaying" if is_behind else "live"
            except END_OF_CONNECTION:
                pass
            finally:
                if connection:
                    connection.close()
            # Away for a moment, mostly; and long enough for the proxy to know that it was the one that has cut.
            await asyncio.sleep(self.choices.choice((0.002, 0.002, 0.05, 0.15)))
            if len(self.proxy.cuts) > cuts and connection:
                self.phases[connection.phase] += 1

    def request(self, name):
        log, data = self.logs[name], {"channel": name}
        if name.startswith("presence-"):
            data["channel_data"] = compact({"user_id": f"user-{self.seed}"})
        if not name.startswith("cuts-"):
            data["auth"] = self.app.auth(self.socket_id, name, data.get("channel_data"))
        data["recover"] = {} if log.last is None else {"epoch": log.epoch, "offset": log.last}
        return data

    def receive(self, event, waiting):
        kind, log = event["event"], self.logs.get(event.get("channel"))
        assert log, event
        if kind == "pusher_internal:subscription_succeeded":
            epoch, offset = event["epoch"], event["offset"]
            if log.last is None:
                assert event["recovered"] is True, event
                log.begin(epoch, offset)
            elif event["recovered"]:
                assert log.name in waiting, "recovered without having asked"
                log.recovered(epoch, offset)
            else:
                log.lost(epoch, offset, event["gap"])
            waiting.discard(log.name)
            return
        assert log.name not in waiting, f"before the reply: {event}"
        if kind == "n":
            log.event(event["epoch"], event["offset"], event["data"])
        elif kind == "parley:position":
            log.advance(event["epoch"], event["offset"])
            log.left_out.add(event["offset"])
        else:
            assert kind in ("pusher_internal:member_added", "pusher_internal:member_removed"), event

    # The client in Node

    async def follow_parley_js(self):
        node = shutil.which("node")
        assert node, "node is not there. Run: apt-get install nodejs node-ws"
        process = await asyncio.create_subprocess_exec(
            node, str(FOLLOW), f"ws://127.0.0.1:{self.proxy.port}/app/{self.app.key}", "--secret", self.app.secret,
            "--backoff", "2,20", *self.logs, env=os.environ | {"NODE_PATH": "/usr/share/nodejs"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        try:
            while line := await process.stdout.readline():
                self.hear(json.loads(line))
            raise AssertionError(f"Node has ended: {(await process.stderr.read()).decode()}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def hear(self, line):
        kind, log = line["type"], self.logs.get(line.get("channel"))
        position = line.get("position")
        if kind == "event":
            log.event(position["epoch"], position["offset"], line["data"])
        elif kind == "subscribed":
            if log.start is None:
                log.begin(position["epoch"], position["offset"])
            elif line["recovered"]:  # it was, up to where the client stood; "recovered" tells the rest
                assert (position["epoch"], position["offset"]) == (log.epoch, log.last), line
                log.recoveries += 1
        elif kind == "gap":
            assert line["gap"], f"{log.name}: a gap of unknown size"
            log.lost(log.epoch, line["gap"]["to"], line["gap"])
        elif kind == "recovered":
            assert line["to"] == log.last or line["from"] > line["to"], f"{log.name}: {line} at {log.last}"
        elif kind == "error":
            # A connection that is gone can take a subscription with it, and what a server says before it ends one.
            assert line["channel"] is None or line["retries"], line

    # The end

    def check(self):
        for name, log in self.logs.items():
            kept, top = self.kept[name], max(self.kept[name])
            assert sorted(kept) == list(range(1, top + 1)), f"{name}: acknowledged offsets are not dense"
            in_gaps = {offset for gap in log.gaps for offset in range(gap["from"], gap["to"] + 1)}
            for offset in range(log.start + 1, top + 1):
                if offset in log.seen:
                    assert log.seen[offset] == kept[offset], f"{name}: {offset} is another publication"
                elif offset in log.left_out:
                    assert offset in self.excluding[name], f"{name}: left out of {offset}"
                else:
                    assert offset in in_gaps, f"{name}: {offset} has not arrived"
            assert self.app is apps.SMALL or not log.gaps, f"{name}: lost what is kept: {log.gaps}"


async def run_all(port, driver, seeds, cuts):
    """Runs scenarios, some at once; gives them, and what was wrong by seed."""
    waiting, faults, done = list(seeds), {}, []

    async def work():
        while waiting:
            scenario = Scenario(port, driver, waiting.pop(0), cuts)
            try:
                await scenario.run()
            except Exception as error:
                faults[scenario.seed] = f"{type(error).__name__}: {error}"
            done.append(scenario)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return done, faults


def figures(done):
    logs = [log for scenario in done for log in scenario.logs.values()]
    phases = sum((scenario.phases for scenario in done), collections.Counter())
    return {
        "cuts": sum(len(scenario.proxy.cuts) for scenario in done), "phases": dict(phases),
        "acknowledged": sum(len(kept) for scenario in done for kept in scenario.kept.values()),
        "arrived": sum(len(log.seen) for log in logs), "left out": sum(len(log.left_out) for log in logs),
        "recoveries": sum(log.recoveries for log in logs), "gaps": sum(len(log.gaps) for log in logs),
        "in gaps": sum(gap["to"] - gap["from"] + 1 for log in logs for gap in log.gaps),
    }


@pytest.mark.parametrize("driver", SEEDS)
def test_what_was_acknowledged_arrives_once_and_in_order_or_the_gap_is_told(server, driver, record_property):
    done, faults = asyncio.run(run_all(server.port, driver, SEEDS[driver], CUTS[driver]))
    server.assert_alive()
    seen = figures(done)
    print(driver, seen)
    assert not faults, "\n".join(
        f"{driver} {seed}: {text}\n  alone: python Compliance/pusher/test_cuts.py {driver} {seed}"
        for seed, text in sorted(faults.items())
    )
    assert seen["cuts"] >= 2_000
    # Nothing of it was idle: there were gaps, replays, and cuts everywhere.
    assert seen["gaps"] >= 40 and seen["recoveries"] >= 1_000, seen
    if driver == "protocol":
        assert all(seen["phases"].get(phase, 0) >= 20 for phase in PHASES), seen
        assert seen["left out"] >= 20, seen


def main(driver, seed, cuts=None):
    with apps.server() as server:
        done, faults = asyncio.run(run_all(server.port, driver, [int(seed)], int(cuts or CUTS[driver])))
    print(figures(done))
    sys.exit("\n".join(faults.values()) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
