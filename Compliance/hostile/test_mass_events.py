"""Everybody goes at the same moment: thousands of members of rooms and presence channels that are reset, close, leave or
fall silent together, as they do behind a proxy that restarts. Who stays is served, and sees each of them leave once.
"""

import itertools
import os
import signal
import time

import pytest

import crowd
import pusher_wire
import wire
from pusher_wire import App

FULL = os.environ.get("PARLEY_FULL") == "1"
LIMITS = {"activity_timeout": 3, "pong_timeout": 3, "presence_members": 2000}
APP = App("1", "mass-key", "mass-secret-of-the-tests", {"limits": LIMITS})
CONFIGURATION = pusher_wire.write_configuration([APP])
OPTIONS = (
    "--config", CONFIGURATION, "--connection-rate", "unlimited", "--max-members", "2000", "--ping-interval", "3",
    "--pong-timeout", "3", *pusher_wire.UNHURRIED)
CARRIERS = [("reactor", 1), ("reactor", 2), ("nio", 2)] + ([("nio", 1)] if FULL else [])
# Rooms or channels, and members of each.
ROOMS = (8, 1000) if FULL else (2, 750)
CHANNELS = (8, 1000) if FULL else (2, 250)


@pytest.fixture(params=CARRIERS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def server(request):
    carrier, loops = request.param
    with wire.Server(*OPTIONS, "--carrier", carrier, "--loops", str(loops)) as server:
        yield server
        wire.close_all()


# Members of the rooms and channels come, and go, in turns: what the server sends to one then never follows what it has
# just sent to the same, which takes the most memory.


def enter_rooms(people, rooms, each):
    people.keep_alive = wire.frame(wire.PONG)
    people.enter([
        wire.upgrade_request(f"/?room=mass{room}") + wire.frame(wire.TEXT, f"type=add&ming=m{index}")
        for index in range(each) for room in range(rooms)
    ], rb'"type":"madd"')


def enter_channels(people, channels, each):
    people.keep_alive = crowd.event_frame("pusher:ping", {})
    turns = itertools.count()

    def subscribe(found):
        turn = next(turns)
        user = f"user{turn}" + "x" * 100
        return crowd.subscription(APP, found[1].decode(), f"presence-mass{turn % channels}", user)

    people.enter(
        [wire.upgrade_request(f"/app/{APP.key}?protocol=7")] * (each * channels), rb'socket_id\\":\\"([0-9.]+)',
        subscribe)


def go(people, event):
    """What happens to all of them at once."""
    if event == "reset":
        people.reset()
    elif event == "closed":
        people.keep_alive = None
        people.tell(wire.close_frame(1000))
    elif event == "unsubscribed":
        for channel in range(CHANNELS[0]):
            people.tell(crowd.event_frame("pusher:unsubscribe", {"channel": f"presence-mass{channel}"}))
    else:
        assert event == "timed out"
        people.tell(people.keep_alive)
        people.keep_alive = None


def leave_together(server, watchers, enter, size, event):
    groups, each = size
    baseline = stable_descriptors(server)
    people = crowd.Crowd(server.port, watchers)
    try:
        people.settle(lambda: all(watcher.present for watcher in watchers), 20, lambda: "the watchers are not in")
        before = [len(watcher.present) for watcher in watchers]
        assert before == [1] * groups
        enter(people, groups, each)

        def described():
            return f"{[len(watcher.present) for watcher in watchers]} of {each + 1} present"

        people.settle(
            lambda: all(len(watcher.present) == each + 1 for watcher in watchers), 120, described)
        left = [watcher.left for watcher in watchers]
        # Everything is there when the server looks again, whatever else the machine does.
        server.process.send_signal(signal.SIGSTOP)
        try:
            go(people, event)
        finally:
            server.process.send_signal(signal.SIGCONT)

        def gone():
            server.assert_alive()
            return all(len(watcher.present) == 1 for watcher in watchers)

        people.settle(gone, 120, described)
        assert [watcher.left - earlier for watcher, earlier in zip(watchers, left)] == [each] * groups
        for watcher in watchers:
            watcher.ask(f"after {event}")
        people.settle(
            lambda: all(f"after {event}" in watcher.heard for watcher in watchers), 20,
            lambda: "a watcher is no longer served")
    except AssertionError:
        time.sleep(0.5)
        server.assert_alive()  # says more than a connection that has ended
        raise
    finally:
        people.close()
    wire.eventually(
        lambda: server.descriptors() <= baseline, 30,
        lambda: f"{server.descriptors()} descriptors, {baseline} before")
    server.assert_alive()


def stable_descriptors(server):
    seen = []

    def settled():
        seen.append(server.descriptors())
        return len(seen) > 5 and len(set(seen[-5:])) == 1

    wire.eventually(settled, 20, "the number of descriptors keeps changing")
    return seen[-1]


def test_members_of_rooms_go_together(server):
    watchers = [crowd.RoomWatcher(server.port, f"mass{room}") for room in range(ROOMS[0])]
    for event in "reset", "closed", "timed out":
        leave_together(server, watchers, enter_rooms, ROOMS, event)


def test_members_of_presence_channels_go_together(server):
    watchers = [crowd.PresenceWatcher(server.port, APP, f"presence-mass{channel}") for channel in range(CHANNELS[0])]
    for event in "reset", "closed", "unsubscribed", "timed out":
        leave_together(server, watchers, enter_channels, CHANNELS, event)


def test_subscribers_are_reset_while_large_messages_are_on_their_way(server):
    """Ten messages of 20 kB in one go, from several members at once, and in the middle of it the readers go."""
    watcher = crowd.RoomWatcher(server.port, "mass0")
    burst = b"".join(wire.say_frame(f"{number}" + "x" * 20_000) for number in range(10))
    for turn in range(5):
        people, speakers = crowd.Crowd(server.port, [watcher]), crowd.Crowd(server.port, [])
        try:
            people.settle(lambda: watcher.present, 20, lambda: "the watcher is not in")
            enter_rooms(people, 1, 40)
            enter_rooms(speakers, 1, 4)
            speakers.tell(burst)
            people.reset()
            speakers.reset()
            people.settle(lambda: len(watcher.present) == 1, 60, lambda: f"{len(watcher.present)} present")
            watcher.ask(f"turn {turn}")
            people.settle(lambda: f"turn {turn}" in watcher.heard, 20, lambda: "the watcher is no longer served")
            server.assert_alive()
        finally:
            people.close()
            speakers.close()
