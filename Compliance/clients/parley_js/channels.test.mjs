// Events, client events, members, authorisation and the signed-in user.

import assert from "node:assert/strict";
import test from "node:test";
import { World, presence, publication, record, settle, succeeded } from "./fakes.mjs";

async function subscribed(t, name, options = {}, data = "{}") {
    const world = new World(t, options);
    await world.socket.greet();
    const channel = world.parley.subscribe(name);
    const told = record(channel);
    await settle();
    const first = world.socket.take();
    await world.socket.say(succeeded(name, { epoch: "e", offset: 0, recovered: true }, data));
    return { world, channel, told, first };
}

// Events

test("data is parsed where it is JSON, and kept as it came", async (t) => {
    const { world, channel } = await subscribed(t, "a");
    const events = [];
    channel.on("x", (event) => events.push(event));
    const raws = ['{ "a": 1 }', "plain", "7", "", '"s"', "9007199254740993"];
    for (const [index, data] of raws.entries()) {
        await world.socket.say({ event: "x", channel: "a", data, epoch: "e", offset: index + 1 });
    }
    assert.deepEqual(events.map(({ data }) => data), [{ a: 1 }, "plain", 7, "", "s", 9007199254740992]);
    assert.deepEqual(events.map(({ raw }) => raw), raws);
    assert.deepEqual(events[0], {
        event: "x", channel: "a", data: { a: 1 }, raw: raws[0], userId: null, position: { epoch: "e", offset: 1 },
    });
});

test("a client event has no position; its data may be an object, and the server says who sent it", async (t) => {
    const { world, channel } = await subscribed(t, "presence-a", { auth: () => ({ auth: "k:s" }) });
    const events = [];
    channel.on("client-x", (event) => events.push(event));
    await world.socket.say({ event: "client-x", channel: "presence-a", data: { a: 1 }, user_id: "7" });
    assert.deepEqual(events, [
        { event: "client-x", channel: "presence-a", data: { a: 1 }, raw: { a: 1 }, userId: "7", position: null },
    ]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 0 });
});

test("handlers that throw or reject disturb neither the client nor other handlers", async (t) => {
    const reports = t.mock.method(console, "error", () => {});
    const { world, channel, told } = await subscribed(t, "a");
    channel.on("news", () => { throw new Error("first"); });
    channel.on("news", async () => { throw new Error("second"); });
    let calls = 0;
    const off = channel.on("news", () => { calls += 1; });
    world.parley.on("state", () => { throw new Error("third"); });
    await world.socket.say(publication("a", 1), publication("a", 2));
    off();
    await world.socket.say(publication("a", 3));
    await world.socket.end();
    await settle();
    assert.equal(calls, 2);
    assert.equal(told.at(-1)[2], 3);
    assert.equal(reports.mock.callCount(), 7);
    assert.equal(world.parley.state, "unavailable");
});

test("nobody can publish what passes for one of the client's own events", async (t) => {
    const { world, channel, told } = await subscribed(t, "a");
    told.length = 0;
    for (const [index, name] of ["parley:gap", "parley:event", "gap", "constructor", "__proto__"].entries()) {
        await world.socket.say(publication("a", index + 1, "e", name));
    }
    assert.deepEqual(told.map(([event]) => event), ["parley:gap", "parley:event", "gap", "constructor", "__proto__"]);
    assert.equal(channel.position.offset, 5);
});

test("a count and a cache miss are told", async (t) => {
    const { world, channel, told } = await subscribed(t, "cache-a");
    told.length = 0;
    await world.socket.say(
        { event: "pusher:cache_miss", channel: "cache-a" },
        { event: "pusher_internal:subscription_count", channel: "cache-a", data: '{"subscription_count":42}' });
    assert.equal(channel.count, 42);
    assert.deepEqual(told, [["cache_miss", undefined], ["count", 42]]);
});

// Client events

test("client events go out while subscribed, and say so when they do not", async (t) => {
    const world = new World(t, { auth: async () => ({ auth: "k:s" }) });
    const channel = world.parley.subscribe("private-a");
    assert.equal(channel.send("client-x", { a: 1 }), false);
    await world.socket.greet();
    assert.equal(channel.send("client-x", { a: 1 }), false);
    await world.socket.say(succeeded("private-a", { epoch: "e", offset: 0 }));
    world.socket.take();
    assert.equal(channel.send("client-x", { a: 1 }), true);
    assert.equal(channel.send("client-y"), true);
    assert.deepEqual(world.socket.take(), [
        { event: "client-x", channel: "private-a", data: { a: 1 } },
        { event: "client-y", channel: "private-a", data: null },
    ]);
    assert.throws(() => channel.send("x", 1), /client-…/);
    await world.socket.end();
    assert.equal(channel.send("client-x"), false);
});

// Members

const member = (id, info) => ({ user_id: id, user_info: info });
const signed = (id, info) => ({ auth: "k:s", channel_data: JSON.stringify(member(id, info)) });

test("members are those of the reply, then those who come and go", async (t) => {
    const { world, channel, told, first } = await subscribed(
        t, "presence-a", { auth: () => signed(10, { name: "Ann" }) },
        presence({ 10: { name: "Ann" }, "__proto__": { name: "Bob" } }));
    assert.equal(first[0].data.channel_data, '{"user_id":10,"user_info":{"name":"Ann"}}');
    assert.deepEqual(channel.me, { id: "10", info: { name: "Ann" } });
    assert.deepEqual([...channel.members.keys()], ["10"]);
    assert.deepEqual(told, [["subscribed", { recovered: null }]]);
    const say = (what, id, info) => world.socket.say(
        { event: `pusher_internal:member_${what}`, channel: "presence-a", data: JSON.stringify(member(id, info)) });
    told.length = 0;
    await say("added", 11, { name: "Cy" });
    await say("added", "11", { name: "Cyd" });
    await say("removed", 11);
    await say("removed", 11);
    assert.deepEqual(told,
        [["joined", { id: "11", info: { name: "Cy" } }], ["left", { id: "11", info: { name: "Cyd" } }]]);
});

test("those who came and went during a cut are told after it, those who stayed are not", async (t) => {
    const { world, channel, told } = await subscribed(
        t, "presence-a", { auth: () => signed("1") }, presence({ 1: null, 2: null }));
    const members = channel.members;
    await world.socket.end();
    assert.deepEqual([...channel.members.keys()], ["1", "2"]);
    await world.reconnect();
    told.length = 0;
    await world.socket.say(
        succeeded("presence-a", { epoch: "e", offset: 0, recovered: true }, presence({ 1: null, 3: null })));
    assert.deepEqual(told.slice(0, 2), [["left", { id: "2", info: null }], ["joined", { id: "3", info: null }]]);
    assert.equal(channel.members, members);
    // The server tells them anew when it may have lost some of it.
    told.length = 0;
    await world.socket.say(succeeded("presence-a", {}, presence({ 3: null })));
    assert.deepEqual(told, [["left", { id: "1", info: null }]]);
    assert.equal(channel.me, null);
});

// Authorisation

test("a private channel is authorised anew for each connection", async (t) => {
    const asked = [];
    const auth = async (request) => {
        asked.push(request);
        return { auth: `k:${asked.length}`, shared_secret: "stays here" };
    };
    const { world, first } = await subscribed(t, "private-a", { auth });
    assert.deepEqual(first[0].data, { channel: "private-a", auth: "k:1", recover: {} });
    await world.socket.end();
    await world.reconnect("2.2");
    assert.deepEqual(world.socket.take()[0].data,
        { channel: "private-a", auth: "k:2", recover: { epoch: "e", offset: 0 } });
    assert.deepEqual(asked, [{ socketId: "1.1", channel: "private-a" }, { socketId: "2.2", channel: "private-a" }]);
});

test("an authorisation that comes after the connection it names, or after unsubscribe, is not used", async (t) => {
    const waiting = [];
    const world = new World(t, { auth: () => new Promise((resolve) => waiting.push(resolve)) });
    await world.socket.greet("1.1");
    const channel = world.parley.subscribe("private-a");
    const gone = world.parley.subscribe("private-b");
    await world.socket.end();
    await world.reconnect("2.2");
    gone.unsubscribe();
    world.socket.take();
    assert.equal(waiting.length, 4);
    waiting[0]({ auth: "k:old" });
    waiting[1]({ auth: "k:gone" });
    waiting[3]({ auth: "k:gone" });
    await settle();
    assert.deepEqual(world.socket.take(), []);
    waiting[2]({ auth: "k:new" });
    await settle();
    assert.deepEqual(world.socket.take().map(({ data }) => data.auth), ["k:new"]);
    assert.equal(channel.state, "pending");
});

for (const [what, answer] of [["nothing", () => null], ["no signature", () => ({})],
    ["a refusal", () => { throw Object.assign(new Error("no"), { status: 403 }); }]]) {
    test(`who is answered with ${what} is refused, until the next connection`, async (t) => {
        let allowed = false;
        const world = new World(t, { auth: () => allowed ? { auth: "k:s" } : answer() });
        const channel = world.parley.subscribe("private-a");
        const told = record(channel);
        await world.socket.greet();
        assert.equal(channel.state, "refused");
        assert.equal(told[0][1].status, 403);
        assert.equal(told[0][1].retries, false);
        await world.clock.pass(60000);
        allowed = true;
        await world.socket.end();
        await world.reconnect();
        assert.equal(world.socket.take()[0].data.auth, "k:s");
        assert.equal(channel.state, "pending");
    });
}

test("without a way to authorise it says what is missing", async (t) => {
    const { channel, told, first } = await subscribed(t, "private-a");
    assert.deepEqual(first, []);
    assert.equal(channel.state, "refused");
    assert.deepEqual(told, [["error", {
        type: "AuthError", message: "no way to authorise was given", status: 403, retries: false }]]);
});

test("an authorisation that fails for a time is tried again with backoff", async (t) => {
    let calls = 0;
    const world = new World(t, { auth: () => {
        calls += 1;
        if (calls < 4) throw new Error("down");
        return { auth: "k:s" };
    } });
    world.clock.random = 1;
    await world.socket.greet();
    const channel = world.parley.subscribe("private-a");
    await settle();
    for (const wait of [500, 1000, 2000]) {
        assert.equal(channel.state, "pending");
        assert.equal(world.clock.wait, wait);
        await world.clock.pass(wait);
    }
    assert.equal(world.socket.take()[0].data.auth, "k:s");
});

for (const status of [429, 500, 503, undefined]) test(`status ${status} does not stay, a refusal does`, async (t) => {
    const world = new World(t, { auth: () => ({ auth: "k:s" }) });
    await world.socket.greet();
    const [refused, away] = [world.parley.subscribe("private-a"), world.parley.subscribe("private-b")];
    const told = [record(refused), record(away)];
    await settle();
    world.socket.take();
    const error = (channel, status) => ({
        event: "pusher:subscription_error", channel, data: { type: "AuthError", error: "because", status } });
    await world.socket.say(error("private-a", 401), error("private-b", status));
    assert.deepEqual(told[0], [["error", { type: "AuthError", message: "because", status: 401, retries: false }]]);
    assert.deepEqual(told[1],
        [["error", { type: "AuthError", message: "because", status: status ?? null, retries: true }]]);
    await world.clock.pass(5000);
    assert.deepEqual(world.socket.take().map(({ data }) => data.channel), ["private-b"]);
    assert.equal(refused.state, "refused");
});

// The user

const user = { auth: "k:u", user_data: '{"id":"7","watchlist":["8"]}' };
const signinSuccess = (data = user.user_data) =>
    ({ event: "pusher:signin_success", data: JSON.stringify({ user_data: data }) });

test("signing in leads to the user's own channel, again at each connection, from its position", async (t) => {
    let calls = 0;
    const world = new World(t, { userAuth: async ({ channel }) => {
        calls += 1;
        return channel === undefined && user;
    } });
    const told = record(world.parley.signIn());
    await world.socket.greet();
    assert.deepEqual(world.socket.take(), [{ event: "pusher:signin", data: user }]);
    assert.equal(world.parley.user.id, null);
    await world.socket.say(signinSuccess());
    assert.equal(world.parley.user.id, "7");
    assert.deepEqual(world.socket.take(), [
        { event: "pusher:subscribe", data: { channel: "#server-to-user-7", auth: "", recover: {} } }]);
    await world.socket.say(
        succeeded("#server-to-user-7", { epoch: "e", offset: 0, recovered: true }),
        publication("#server-to-user-7", 1));
    assert.deepEqual(told, [["subscribed", { recovered: null }], ["news", { n: 1 }, 1]]);
    await world.socket.end();
    await world.reconnect();
    assert.deepEqual(world.socket.take(), [{ event: "pusher:signin", data: user }]);
    await world.socket.say(signinSuccess());
    assert.deepEqual(world.socket.take()[0].data.recover, { epoch: "e", offset: 1 });
    assert.equal(calls, 2);
});

test("another user begins anew", async (t) => {
    const world = new World(t, { userAuth: () => user });
    world.parley.signIn();
    await world.socket.greet();
    await world.socket.say(signinSuccess(), succeeded("#server-to-user-7", { epoch: "e", offset: 3 }));
    await world.socket.end();
    await world.reconnect();
    await world.socket.say(signinSuccess('{"id":"9"}'));
    assert.deepEqual(world.socket.take().at(-1).data, { channel: "#server-to-user-9", auth: "", recover: {} });
    assert.deepEqual([...world.parley.channels.keys()], ["#server-to-user-9"]);
});

test("a sign-in that is refused is told, and one that fails for a time is tried again", async (t) => {
    let answer = () => { throw new Error("down"); };
    const world = new World(t, { userAuth: () => answer() });
    await world.socket.greet();
    const told = record(world.parley.signIn());
    await settle();
    assert.equal(told[0][1].retries, true);
    answer = () => user;
    await world.clock.pass(250);
    assert.equal(world.socket.take()[0].event, "pusher:signin");
    await world.socket.say({ event: "pusher:error", data: { code: 4009, message: "bad signature" } });
    assert.deepEqual(told[1], ["error", { type: "AuthError", message: "bad signature", status: 401, retries: false }]);
    assert.equal(world.parley.user.state, "refused");
});

test("a presence channel without a member of its own waits for the sign-in", async (t) => {
    let signIn;
    const world = new World(t, {
        auth: () => ({ auth: "k:s" }), userAuth: () => new Promise((resolve) => { signIn = resolve; }) });
    world.parley.signIn();
    const channel = world.parley.subscribe("presence-a");
    world.parley.subscribe("private-b");
    await world.socket.greet();
    assert.deepEqual(world.socket.take().map(({ data }) => data.channel), ["private-b"]);
    signIn(user);
    await settle();
    assert.deepEqual(world.socket.take().map(({ event }) => event), ["pusher:signin", "pusher:subscribe"]);
    await world.socket.say(signinSuccess(), succeeded("presence-a", {}, presence({ 7: { name: "Ann" } })));
    assert.deepEqual(channel.me, { id: "7", info: { name: "Ann" } });
});

test("the watchlist is told by name", async (t) => {
    const world = new World(t, { userAuth: () => user });
    const told = record(world.parley.signIn());
    await world.socket.greet();
    const events = [{ name: "online", user_ids: ["8", "9"] }, { name: "offline", user_ids: ["10"] }];
    await world.socket.say({ event: "pusher_internal:watchlist_events", data: JSON.stringify({ events }) });
    assert.deepEqual(told, [["online", ["8", "9"]], ["offline", ["10"]]]);
});
