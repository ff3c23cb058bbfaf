import assert from "node:assert/strict";
import test from "node:test";
import { Parley, VERSION } from "./load.mjs";
import { World, settle } from "./fakes.mjs";

const states = (world) => world.states.map(({ state }) => state);

test("the address carries protocol, client and version beside what it had", (t) => {
    const { Socket } = new World(t);
    const url = (address) => new Parley(address, { WebSocket: Socket }).url;
    const query = `protocol=7&client=parley&version=${VERSION}`;
    assert.equal(url("ws://h:1/app/k"), `ws://h:1/app/k?${query}`);
    assert.equal(url("https://h/prefix/app/k?x=1"), `wss://h/prefix/app/k?x=1&${query}`);
    assert.equal(url("http://h/app/k"), `ws://h/app/k?${query}`);
});

test("a key alone, and an address without a socket class, are refused with words that help", (t) => {
    const { Socket } = new World(t);
    assert.throws(() => new Parley("key", { WebSocket: Socket }), /A key alone does not say where/);
    assert.throws(() => new Parley("ftp://h/app/k", { WebSocket: Socket }), /ws:\/\/HOST\/app\/KEY/);
    assert.throws(() => new Parley("ws://h/app/k", { WebSocket: null }), /hand a class in/);
});

test("it is connected when the server has greeted, not when the socket is open", async (t) => {
    const world = new World(t);
    assert.equal(world.parley.state, "connecting");
    await world.socket.greet("12.34");
    assert.equal(world.parley.state, "connected");
    assert.equal(world.parley.socketId, "12.34");
    await world.socket.greet("56.78");
    assert.equal(world.parley.socketId, "12.34");
});

test("a lost connection is unavailable at once, and says why and when it tries again", async (t) => {
    const world = new World(t);
    await world.socket.greet();
    await world.socket.end(1012, "restart");
    assert.deepEqual(world.states.at(-1),
        { state: "unavailable", previous: "connected", code: 1012, reason: "restart" });
    assert.equal(world.parley.socketId, null);
    assert.equal(world.parley.retryAt, 250);
    await world.clock.pass(250);
    assert.equal(world.parley.state, "connecting");
    assert.equal(world.parley.retryAt, null);
    await world.socket.greet();
    assert.deepEqual(states(world), ["connected", "unavailable", "connecting", "connected"]);
});

test("attempts wait with full jitter, doubling from half a second up to 20 s", async (t) => {
    const world = new World(t);
    const waits = async (random, count) => {
        world.clock.random = random;
        const seen = [];
        for (let index = 0; index < count; index += 1) {
            await world.socket.end();
            seen.push(world.clock.wait);
            await world.clock.pass(world.clock.wait);
        }
        return seen;
    };
    assert.deepEqual(await waits(1, 8), [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    assert.deepEqual(await waits(0.25, 1), [5000]);
    assert.deepEqual(await waits(0, 2), [0, 0]);
});

test("a steady connection starts the backoff afresh, a short one does not", async (t) => {
    const world = new World(t);
    world.clock.random = 1;
    for (const [lasts, wait] of [[0, 500], [9999, 1000], [10000, 500], [0, 1000]]) {
        await world.socket.greet();
        await world.clock.pass(lasts);
        await world.socket.end();
        assert.equal(world.clock.wait, wait);
        await world.clock.pass(wait);
    }
});

for (const code of [4000, 4001, 4009, 4099, 4300, 4999]) {
    test(`close code ${code} stops for good, until somebody asks`, async (t) => {
        const world = new World(t);
        await world.socket.greet();
        await world.socket.end(code, "no");
        assert.deepEqual(world.states.at(-1), { state: "failed", previous: "connected", code, reason: "no" });
        assert.equal(world.clock.wait, undefined);
        world.parley.connect();
        assert.equal(world.parley.state, "connecting");
        assert.equal(world.sockets.length, 2);
    });
}

for (const code of [4100, 4199]) {
    test(`close code ${code} backs off for a second at least`, async (t) => {
        const world = new World(t);
        world.clock.random = 0;
        await world.socket.greet();
        await world.socket.end(code);
        assert.equal(world.parley.state, "unavailable");
        assert.equal(world.clock.wait, 1000);
    });
}

for (const code of [4200, 4299]) {
    test(`close code ${code} comes back at once, but backs off from a server that says it every time`, async (t) => {
        const world = new World(t);
        world.clock.random = 1;
        await world.socket.greet();
        await world.socket.end(code);
        assert.equal(world.clock.wait, 0);
        await world.clock.pass(0);
        await world.socket.greet();
        await world.socket.end(code);
        assert.equal(world.clock.wait, 1000);
    });
}

for (const code of [1000, 1001, 1006, 1011, 1012, 1013, 3000]) {
    test(`close code ${code} backs off`, async (t) => {
        const world = new World(t);
        world.clock.random = 1;
        await world.socket.greet();
        await world.socket.end(code);
        assert.equal(world.parley.state, "unavailable");
        assert.equal(world.clock.wait, 500);
    });
}

test("a server that does not greet within 10 s is given up", async (t) => {
    const world = new World(t);
    await world.clock.pass(9999);
    assert.equal(world.parley.state, "connecting");
    await world.clock.pass(1);
    assert.equal(world.parley.state, "unavailable");
    assert.equal(world.sockets[0].closedWith, 1000);
});

test("what a socket that was given up still says is not heard", async (t) => {
    const world = new World(t);
    await world.clock.pass(10000);
    await world.sockets[0].greet("9.9");
    assert.equal(world.parley.socketId, null);
    await world.clock.pass(1000);
    assert.equal(world.parley.state, "connecting");
    await world.sockets[0].end(4001);
    assert.equal(world.parley.state, "connecting");
});

test("silence for the server's activity timeout is asked about; no answer in 30 s is a lost connection", async (t) => {
    const world = new World(t);
    await world.socket.greet("1.1", 30);
    await world.clock.pass(29000);
    await world.socket.say({ event: "something" });
    await world.clock.pass(29999);
    assert.deepEqual(world.socket.take(), []);
    await world.clock.pass(1);
    assert.deepEqual(world.socket.take(), [{ event: "pusher:ping", data: {} }]);
    // The next silence begins with the answer.
    await world.clock.pass(200);
    await world.socket.say({ event: "pusher:pong", data: "{}" });
    await world.clock.pass(29999);
    assert.deepEqual(world.socket.take(), []);
    await world.clock.pass(1);
    assert.deepEqual(world.socket.take(), [{ event: "pusher:ping", data: {} }]);
    await world.clock.pass(29999);
    assert.equal(world.parley.state, "connected");
    await world.clock.pass(1);
    assert.equal(world.parley.state, "unavailable");
    assert.equal(world.sockets[0].closedWith, 1000);
});

test("a silence shorter than the time for an answer is asked about as soon as it is over", async (t) => {
    const world = new World(t, { activityTimeout: 5 });
    await world.socket.greet();
    for (let round = 0; round < 3; round += 1) {
        await world.clock.pass(4999);
        assert.deepEqual(world.socket.take(), []);
        await world.clock.pass(1);
        assert.deepEqual(world.socket.take(), [{ event: "pusher:ping", data: {} }]);
        await world.socket.say({ event: "pusher:pong", data: "{}" });
    }
    await world.clock.pass(34999);
    assert.equal(world.parley.state, "connected");
    await world.clock.pass(1);
    assert.equal(world.parley.state, "unavailable");
});

test("its own activity timeout counts where it is the shorter one", async (t) => {
    const world = new World(t, { activityTimeout: 5 });
    await world.socket.greet("1.1", 120);
    await world.clock.pass(5000);
    assert.deepEqual(world.socket.take(), [{ event: "pusher:ping", data: {} }]);
});

test("a ping is answered", async (t) => {
    const world = new World(t);
    await world.socket.greet();
    await world.socket.say({ event: "pusher:ping", data: "" });
    assert.deepEqual(world.socket.take(), [{ event: "pusher:pong", data: {} }]);
});

test("the browser's word that the network is gone is a reason to ask, and that it is back one to try", async (t) => {
    const listeners = {};
    globalThis.addEventListener = (name, listener) => { listeners[name] = listener; };
    globalThis.removeEventListener = (name) => { delete listeners[name]; };
    t.after(() => { delete globalThis.addEventListener; delete globalThis.removeEventListener; });
    const world = new World(t);
    await world.socket.greet();
    listeners.offline();
    assert.deepEqual(world.socket.take(), [{ event: "pusher:ping", data: {} }]);
    await world.clock.pass(4999);
    assert.equal(world.parley.state, "connected");
    await world.clock.pass(1);
    assert.equal(world.parley.state, "unavailable");
    listeners.online();
    assert.equal(world.parley.state, "connecting");
    assert.equal(world.sockets.length, 2);
    await world.clock.pass(250); // the wait that was cut short does not open another one
    assert.equal(world.sockets.length, 2);
    world.parley.close();
    assert.deepEqual(listeners, {});
});

test("close ends it, connect begins it again, and neither leaves a timer behind", async (t) => {
    const world = new World(t);
    await world.socket.greet();
    world.parley.close();
    assert.equal(world.parley.state, "closed");
    assert.equal(world.sockets[0].closedWith, 1000);
    assert.equal(world.clock.wait, undefined);
    await world.sockets[0].end(1000);
    assert.equal(world.parley.state, "closed");
    world.parley.connect();
    world.parley.connect();
    assert.equal(world.sockets.length, 2);
    world.parley.close();
    assert.deepEqual(states(world), ["connected", "closed", "connecting", "closed"]);
});

test("connect does not wait for the next attempt", async (t) => {
    const world = new World(t);
    await world.socket.end();
    world.parley.connect();
    assert.equal(world.parley.state, "connecting");
    assert.equal(world.clock.timers.size, 1);
});

test("a socket that only tells of an error is one that ended, once", async (t) => {
    const world = new World(t);
    await world.socket.fail();
    await world.clock.pass(1);
    assert.equal(world.parley.state, "unavailable");
    assert.equal(world.clock.timers.size, 1);
    await world.socket.end();
    assert.equal(states(world).filter((state) => state === "unavailable").length, 1);
    await world.reconnect();
    assert.equal(world.parley.state, "connected");
});

test("the code of a close that follows an error is told", async (t) => {
    const world = new World(t);
    await world.socket.greet();
    await world.socket.fail();
    await world.socket.end(4100, "later");
    assert.deepEqual(world.states.at(-1).code, 4100);
});

test("an address that the page may not open fails, with the reason", async (t) => {
    const world = new World(t, { WebSocket: class { constructor() { throw new Error("mixed content"); } } });
    assert.equal(world.parley.state, "failed");
    world.parley.connect();
    assert.equal(world.parley.state, "failed");
});

test("errors of the server are told, and the connection goes on", async (t) => {
    const world = new World(t);
    await world.socket.greet();
    await world.socket.say({ event: "pusher:error", data: { code: 4301, message: "too fast" } });
    await world.socket.say({ event: "pusher:error", data: '{"code":null,"message":"what?"}' });
    assert.deepEqual(world.errors, [{ code: 4301, message: "too fast" }, { code: null, message: "what?" }]);
    assert.equal(world.parley.state, "connected");
});

test("frames of no known shape disturb nothing", async (t) => {
    const reports = t.mock.method(console, "error", () => {});
    const world = new World(t);
    for (const text of ["", "null", "[]", "1", "{", '{"event":7}', '{"event":"pusher:connection_established"}']) {
        await world.socket.sayText(text);
    }
    await world.socket.sayText(new ArrayBuffer(4));
    await world.socket.greet();
    const channel = world.parley.subscribe("a");
    await settle();
    await world.socket.say(
        { event: "pusher_internal:subscription_succeeded", channel: "a", data: "{}" },
        { event: "pusher_internal:member_added", channel: "a", data: null },
        { event: "pusher:error" }, { event: "pusher:signin_success", data: "[" },
        { event: "pusher_internal:watchlist_events", data: "{}" }, { event: "x", channel: { y: 1 } },
        { event: "x", channel: "__proto__" }, { event: "constructor" });
    assert.equal(world.parley.state, "connected");
    assert.equal(channel.state, "subscribed");
    assert.ok(reports.mock.callCount() >= 4);
});
