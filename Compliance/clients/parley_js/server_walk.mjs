// parley.js against a running server, PARLEY_URL (http://HOST:PORT), whose app 1 has the key "walk-key", the secret
// "walk-secret" and client events, and keeps 100 publications a channel. Run by test_parley_js.py; not named as the
// tests that need no server.

import assert from "node:assert/strict";
import test from "node:test";
import { Parley, ws } from "./load.mjs";
import { CuttingProxy } from "./proxy.mjs";
import { Publisher } from "./publisher.mjs";
import { channelAuthorisation, userAuthorisation } from "./signatures.mjs";

const LIMIT = { timeout: 60000 };
const base = process.env.PARLEY_URL;
const credentials = { id: "1", key: "walk-key", secret: "walk-secret" };
const options = (user) => ({
    WebSocket: ws, backoff: { base: 10, cap: 100 },
    auth: ({ socketId, channel }) => channelAuthorisation(credentials, socketId, channel,
        channel.startsWith("presence-") ? { user_id: user, user_info: { name: `user ${user}` } } : null),
    userAuth: ({ socketId }) => userAuthorisation(credentials, socketId, { id: String(user), watchlist: ["watched"] }),
});

function open(t, user, { key = credentials.key, at = base, ...more } = {}) {
    const parley = new Parley(`${at}/app/${key}`, { ...options(user), ...more });
    t.after(() => parley.close());
    return parley;
}

function backEnd(t) {
    const publisher = new Publisher(base, credentials);
    t.after(() => publisher.close());
    return async (channel, name, data) => assert.equal((await publisher.publish([channel], name, data)).status, 200);
}

/** A client whose connection a test cuts; `whileAway` runs before it may come back. */
async function cuttable(t, user) {
    const proxy = await CuttingProxy.start(Number(new URL(base).port), () => null);
    t.after(() => proxy.close());
    const parley = open(t, user, { at: `http://127.0.0.1:${proxy.port}` });
    const whileAway = async (action) => {
        proxy.refuse();
        await seen(() => parley.state === "unavailable");
        await action();
        proxy.admit();
    };
    return { parley, whileAway };
}

/** Waits for a condition; the limit of the test ends it. */
async function seen(condition) {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const subscribed = (...channels) => seen(() => channels.every(({ state }) => state === "subscribed"));

function record(channel) {
    const told = [];
    for (const name of ["recovered", "gap", "error", "joined", "left", "cache_miss", "online", "offline"]) {
        channel.on(`parley:${name}`, (value) => told.push([name, value]));
    }
    channel.on("parley:event", ({ event, raw, position, userId }) => told.push([event, raw, position?.offset, userId]));
    return told;
}

const has = (told, name) => told.some(([own]) => own === name);

test("data arrives byte for byte, with its position", LIMIT, async (t) => {
    const publish = backEnd(t), channel = open(t, 1).subscribe("walk-data");
    const told = record(channel);
    await subscribed(channel);
    const texts = ['{ "a":  1, "s": "é\\u0041\\n" }', 'plain " \\ \u2028 \u{1f004} text', "", "\t"];
    for (const text of texts) await publish("walk-data", "text", text);
    await seen(() => told.length === texts.length);
    assert.deepEqual(told, texts.map((text, index) => ["text", text, index + 1, null]));
});

test("public, private and presence channels recover what was missed", LIMIT, async (t) => {
    const publish = backEnd(t), { parley, whileAway } = await cuttable(t, 1);
    const names = ["walk-news", "private-walk-news", "presence-walk-news"];
    const channels = names.map((name) => parley.subscribe(name)), told = channels.map(record);
    await subscribed(...channels);
    const socketId = parley.socketId;
    await whileAway(async () => {
        for (const name of names) for (const text of ["1", "2", "3"]) await publish(name, "missed", text);
    });
    await seen(() => told.every((one) => has(one, "recovered")));
    assert.notEqual(parley.socketId, socketId);
    for (const one of told) {
        assert.deepEqual(one, [["missed", "1", 1, null], ["missed", "2", 2, null], ["missed", "3", 3, null],
            ["recovered", { from: 1, to: 3 }]]);
    }
});

test("what the history has lost is a gap, and what follows arrives", LIMIT, async (t) => {
    const publish = backEnd(t), { parley, whileAway } = await cuttable(t, 1);
    const channel = parley.subscribe("walk-gap"), told = record(channel);
    await subscribed(channel);
    await whileAway(async () => {
        for (let index = 0; index < 130; index += 1) await publish("walk-gap", "missed", "x");
    });
    await seen(() => has(told, "gap"));
    await publish("walk-gap", "next", "y");
    await seen(() => has(told, "next"));
    assert.deepEqual(told, [["gap", { from: 1, to: 130, oldest: 31 }], ["next", "y", 131, null]]);
});

test("members join and leave once, also over a cut, and client events say who sent them", LIMIT, async (t) => {
    const { parley, whileAway } = await cuttable(t, 10), other = open(t, "b");
    const channel = parley.subscribe("presence-walk"), told = record(channel);
    await subscribed(channel);
    assert.deepEqual(channel.me, { id: "10", info: { name: "user 10" } });
    const others = other.subscribe("presence-walk"), othersTold = record(others);
    await subscribed(others);
    assert.deepEqual([...others.members.keys()].sort(), ["10", "b"]);
    assert.equal(others.send("client-typing", { at: 1, z: [null] }), true);
    await seen(() => has(told, "client-typing"));
    assert.deepEqual(told,
        [["joined", { id: "b", info: { name: "user b" } }], ["client-typing", { at: 1, z: [null] }, undefined, "b"]]);
    told.length = 0;
    await whileAway(async () => {
        await seen(() => has(othersTold, "left"));
        others.unsubscribe();
    });
    await seen(() => has(told, "recovered"));
    assert.deepEqual(told[0], ["left", { id: "b", info: { name: "user b" } }]);
    assert.deepEqual(othersTold, [["left", { id: "10", info: { name: "user 10" } }]]);
});

test("a signed-in user gets what is meant for it, also what came during a cut, and its watchlist", LIMIT, async (t) => {
    const publish = backEnd(t), { parley, whileAway } = await cuttable(t, 7);
    const told = record(parley.signIn());
    await subscribed(parley.user);
    assert.equal(parley.user.id, "7");
    const watched = open(t, "watched");
    watched.signIn();
    await seen(() => has(told, "online"));
    watched.close();
    await seen(() => has(told, "offline"));
    await publish("#server-to-user-7", "notice", "1");
    await seen(() => has(told, "notice"));
    await whileAway(() => publish("#server-to-user-7", "notice", "2"));
    await seen(() => has(told, "recovered"));
    assert.deepEqual(told, [["online", ["watched"]], ["offline", ["watched"]], ["notice", "1", 1, null],
        ["notice", "2", 2, null], ["recovered", { from: 2, to: 2 }]]);
});

test("a cache channel begins with its newest event, or says that there is none", LIMIT, async (t) => {
    const publish = backEnd(t), parley = open(t, 1), told = record(parley.subscribe("cache-walk"));
    await seen(() => has(told, "cache_miss"));
    await publish("cache-walk", "price", "7");
    await seen(() => has(told, "price"));
    const later = record(open(t, 2).subscribe("cache-walk"));
    await seen(() => later.length === 1);
    assert.deepEqual(later, [["price", "7", undefined, null]]);
});

test("who may not is refused: a wrong signature, another user's channel, a key that no app has", LIMIT, async (t) => {
    const wrong = { auth: `walk-key:${"0".repeat(64)}` };
    const parley = open(t, 1, { auth: () => wrong });
    const refused = [parley.subscribe("private-walk"), parley.subscribe("#server-to-user-7")];
    await seen(() => refused.every(({ state }) => state === "refused"));
    // Only a close settles the promise of a stock client that signs in with a wrong signature.
    const intruder = open(t, 1, { userAuth: () => ({ ...wrong, user_data: '{"id":"1"}' }) });
    const stranger = open(t, 1, { key: "nobody" }), ends = [];
    for (const client of [intruder, stranger]) {
        client.on("state", ({ state, code }) => state === "failed" && ends.push(code));
    }
    intruder.signIn();
    await seen(() => ends.length === 2);
    assert.deepEqual(ends.sort(), [4001, 4009]);
    assert.equal(parley.state, "connected");
});

test("a connection takes a hundred channels at once, and the one too many is refused", LIMIT, async (t) => {
    const parley = open(t, 1), channels = Array.from({ length: 101 }, (_, index) => parley.subscribe(`walk-${index}`));
    await subscribed(...channels.slice(0, 100));
    await seen(() => channels[100].state === "refused");
});

test("a position from another page is where the next one goes on", LIMIT, async (t) => {
    const publish = backEnd(t), first = open(t, 1), channel = first.subscribe("walk-page");
    await subscribed(channel);
    await publish("walk-page", "news", "1");
    await seen(() => channel.position.offset === 1);
    first.close();
    await publish("walk-page", "news", "2");
    const told = record(open(t, 1).subscribe("walk-page", { position: channel.position }));
    await seen(() => has(told, "recovered"));
    assert.deepEqual(told, [["news", "2", 2, null], ["recovered", { from: 2, to: 2 }]]);
});
