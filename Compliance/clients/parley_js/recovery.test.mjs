// The resume extension: what a subscription promises over cuts, gaps and faults.

import assert from "node:assert/strict";
import test from "node:test";
import { World, publication, record, settle, succeeded } from "./fakes.mjs";

/** A world that is connected, with a subscribed channel at e:5 and what it tells from now on. */
async function subscribed(t, top = { epoch: "e", offset: 5, recovered: true }, options) {
    const world = new World(t);
    await world.socket.greet();
    const channel = world.parley.subscribe("news", options);
    const told = record(channel);
    await settle();
    const first = world.socket.take();
    await world.socket.say(succeeded("news", top));
    return { world, channel, told, first };
}

const subscribe = (recover) => ({ event: "pusher:subscribe", data: { channel: "news", auth: "", recover } });
const unsubscribe = { event: "pusher:unsubscribe", data: { channel: "news" } };
const position = (offset, epoch = "e") => ({ event: "parley:position", channel: "news", epoch, offset });

test("the first subscribe asks where here is", async (t) => {
    const { channel, told, first } = await subscribed(t);
    assert.deepEqual(first, [subscribe({})]);
    assert.equal(channel.state, "subscribed");
    assert.deepEqual(channel.position, { epoch: "e", offset: 5 });
    assert.deepEqual(told, [["subscribed", { recovered: null }]]);
});

test("subscribing before there is a connection waits for it", async (t) => {
    const world = new World(t);
    const channel = world.parley.subscribe("news");
    assert.equal(world.parley.subscribe("news"), channel);
    await settle();
    assert.deepEqual(world.socket.take(), []);
    assert.equal(channel.state, "pending");
    await world.socket.greet();
    assert.deepEqual(world.socket.take(), [subscribe({})]);
});

test("events advance the position before their handlers are called, and so does parley:position", async (t) => {
    const { world, channel, told } = await subscribed(t);
    let inside;
    channel.on("news", () => { inside = channel.position; });
    await world.socket.say(publication("news", 6));
    assert.deepEqual(inside, { epoch: "e", offset: 6 });
    await world.socket.say(position(7), publication("news", 8));
    assert.deepEqual(channel.position, { epoch: "e", offset: 8 });
    assert.deepEqual(told.slice(1), [["news", { n: 6 }, 6], ["news", { n: 8 }, 8]]);
});

test("after a cut it asks from its position, and tells when what was missed is complete", async (t) => {
    const { world, channel, told } = await subscribed(t);
    await world.socket.say(publication("news", 6));
    await world.socket.end();
    assert.equal(channel.state, "pending");
    assert.deepEqual(channel.position, { epoch: "e", offset: 6 });
    await world.reconnect();
    assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 6 })]);
    told.length = 0;
    await world.socket.say(succeeded("news", { epoch: "e", offset: 8, recovered: true }));
    assert.deepEqual(told, [["subscribed", { recovered: true }]]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 6 });
    await world.socket.say(publication("news", 7), position(8), publication("news", 9));
    assert.deepEqual(told.slice(1), [["news", { n: 7 }, 7], ["recovered", { from: 7, to: 8 }], ["news", { n: 9 }, 9]]);
});

test("nothing missed is complete at once, and a client without an event recovers too", async (t) => {
    const { world, told } = await subscribed(t);
    await world.socket.end();
    await world.reconnect();
    assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 5 })]);
    told.length = 0;
    await world.socket.say(succeeded("news", { epoch: "e", offset: 5, recovered: true }));
    assert.deepEqual(told, [["subscribed", { recovered: true }], ["recovered", { from: 6, to: 5 }]]);
});

test("a cut in the middle of a replay goes on from there", async (t) => {
    const { world, told } = await subscribed(t);
    await world.socket.end();
    await world.reconnect("2.2");
    await world.socket.say(succeeded("news", { epoch: "e", offset: 9, recovered: true }), publication("news", 6));
    await world.socket.end();
    await world.reconnect("3.3");
    assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 6 })]);
    told.length = 0;
    await world.socket.say(succeeded("news", { epoch: "e", offset: 7, recovered: true }), publication("news", 7));
    assert.deepEqual(told,
        [["subscribed", { recovered: true }], ["news", { n: 7 }, 7], ["recovered", { from: 7, to: 7 }]]);
});

test("a replay that was cut and then could not be resumed is not told as complete", async (t) => {
    const { world, told } = await subscribed(t);
    await world.socket.end();
    await world.reconnect("2.2");
    await world.socket.say(succeeded("news", { epoch: "e", offset: 9, recovered: true }), publication("news", 6));
    await world.socket.end();
    await world.reconnect("3.3");
    told.length = 0;
    const gap = { from: 7, to: 9, oldest: 8 };
    await world.socket.say(succeeded("news", { epoch: "e", offset: 9, recovered: false, gap }));
    await world.socket.say(publication("news", 10));
    assert.deepEqual(told, [["gap", gap], ["subscribed", { recovered: false }], ["news", { n: 10 }, 10]]);
});

test("a gap is told before the subscription, and the position is the one that the reply names", async (t) => {
    const { world, channel, told } = await subscribed(t);
    await world.socket.end();
    await world.reconnect();
    told.length = 0;
    const gap = { from: 6, to: 20, oldest: 12 };
    await world.socket.say(succeeded("news", { epoch: "e", offset: 20, recovered: false, gap }));
    assert.deepEqual(told, [["gap", gap], ["subscribed", { recovered: false }]]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 20 });
    await world.socket.say(publication("news", 21));
    assert.deepEqual(told.at(-1), ["news", { n: 21 }, 21]);
});

test("a gap begins after what the client has, whatever the server says", async (t) => {
    const { world, told } = await subscribed(t);
    await world.socket.end();
    await world.reconnect();
    told.length = 0;
    const reply = { epoch: "e", offset: 20, recovered: false, gap: { from: 9, to: 20 } };
    await world.socket.say(succeeded("news", reply));
    assert.deepEqual(told[0], ["gap", { from: 6, to: 20, oldest: null }]);
});

for (const [what, reply] of [
    ["another epoch", { epoch: "f", offset: 3, recovered: false, gap: null }],
    ["a reply that says recovered in another epoch", { epoch: "f", offset: 9, recovered: true }],
    ["a reply that says recovered behind the client", { epoch: "e", offset: 4, recovered: true }],
    ["a gap behind the client", { epoch: "e", offset: 4, recovered: false, gap: { from: 6, to: 4, oldest: 1 } }],
    ["a reply without a word on recovery", { epoch: "e", offset: 9 }],
]) {
    test(`${what} is a gap of unknown size`, async (t) => {
        const { world, channel, told } = await subscribed(t);
        await world.socket.end();
        await world.reconnect();
        told.length = 0;
        await world.socket.say(succeeded("news", reply));
        assert.deepEqual(told, [["gap", null], ["subscribed", { recovered: false }]]);
        assert.deepEqual(channel.position, { epoch: reply.epoch, offset: reply.offset });
    });
}

test("a server without positions is used as it is, and every reconnection is a gap", async (t) => {
    const { world, channel, told } = await subscribed(t, {});
    assert.equal(channel.position, null);
    await world.socket.say({ event: "news", channel: "news", data: "1" });
    await world.socket.end();
    await world.reconnect();
    assert.deepEqual(world.socket.take(), [subscribe({})]);
    await world.socket.say(succeeded("news"));
    assert.deepEqual(told, [["subscribed", { recovered: null }], ["news", 1, undefined],
        ["gap", null], ["subscribed", { recovered: false }]]);
});

test("a position from another page is where the first subscription begins", async (t) => {
    const handed = { epoch: "e", offset: 5, more: 1 };
    const { channel, told, first, world } = await subscribed(
        t, { epoch: "e", offset: 6, recovered: true }, { position: handed });
    assert.deepEqual(first, [subscribe({ epoch: "e", offset: 5 })]);
    await world.socket.say(publication("news", 6));
    assert.deepEqual(told,
        [["subscribed", { recovered: true }], ["news", { n: 6 }, 6], ["recovered", { from: 6, to: 6 }]]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 6 });
});

test("without recovery it is a stock client", async (t) => {
    const { world, channel, told, first } = await subscribed(t, {}, { recover: false });
    assert.deepEqual(first, [{ event: "pusher:subscribe", data: { channel: "news", auth: "" } }]);
    await world.socket.end();
    await world.reconnect();
    await world.socket.say(succeeded("news"));
    assert.deepEqual(told, [["subscribed", { recovered: null }], ["subscribed", { recovered: null }]]);
    assert.equal(channel.position, null);
});

test("what is there already is dropped", async (t) => {
    const { world, channel, told } = await subscribed(t);
    await world.socket.say(publication("news", 6), publication("news", 6), publication("news", 3), position(6));
    assert.deepEqual(told.slice(1), [["news", { n: 6 }, 6]]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 6 });
    assert.equal(channel.state, "subscribed");
});

for (const [what, frame, words] of [
    ["a jump", publication("news", 8), "e:8 came after e:6"],
    ["a jump of a position alone", position(9), "e:9 came after e:6"],
    ["another epoch in the middle", publication("news", 7, "f"), "f:7 came after e:6"],
]) {
    test(`${what} is a fault: nothing of it is delivered, and it is asked for again`, async (t) => {
        const { world, channel, told } = await subscribed(t);
        await world.socket.say(publication("news", 6));
        told.length = 0;
        await world.socket.say(frame, publication("news", 10));
        const error = { type: "PositionFault", message: words, status: null, retries: true };
        assert.deepEqual(told, [["error", error]]);
        assert.equal(channel.state, "pending");
        assert.deepEqual(world.socket.take(), [unsubscribe]);
        assert.equal(world.clock.wait, 250);
        await world.clock.pass(250);
        assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 6 })]);
        // Whatever of the old subscription still arrives waits for the reply to the new one.
        await world.socket.say(publication("news", 11));
        await world.socket.say(succeeded("news", { epoch: "e", offset: 8, recovered: true }));
        await world.socket.say(publication("news", 7), publication("news", 8));
        assert.deepEqual(told.slice(1), [["subscribed", { recovered: true }], ["news", { n: 7 }, 7],
            ["news", { n: 8 }, 8], ["recovered", { from: 7, to: 8 }]]);
    });
}

test("a fault that stays is asked about ever more rarely", async (t) => {
    const { world } = await subscribed(t);
    world.clock.random = 1;
    const waits = [];
    for (let index = 0; index < 5; index += 1) {
        if (index === 4) await world.socket.say(publication("news", 6)); // it works again
        await world.socket.say(publication("news", 9));
        const before = world.clock.time;
        while (!world.socket.take().some(({ event }) => event === "pusher:subscribe")) {
            await world.clock.pass(world.clock.wait);
        }
        waits.push(world.clock.time - before);
        await world.socket.say(succeeded("news", { epoch: "e", offset: 9, recovered: true }));
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 500]);
});

test("a loss that the server announces while live is a gap, and the subscription goes on after it", async (t) => {
    const { world, channel, told } = await subscribed(t);
    told.length = 0;
    const gap = { from: 6, to: 8, oldest: 7 };
    await world.socket.say(succeeded("news", { epoch: "e", offset: 8, recovered: false, gap }));
    await world.socket.say(publication("news", 9));
    assert.deepEqual(told, [["gap", gap], ["news", { n: 9 }, 9]]);
    await world.socket.say(succeeded("news", { epoch: "f", offset: 2, recovered: false, gap: null }));
    assert.deepEqual(told.at(-1), ["gap", null]);
    assert.deepEqual(channel.position, { epoch: "f", offset: 2 });
});

test("a repeated reply that names what is there already changes nothing", async (t) => {
    const { world, told } = await subscribed(t);
    told.length = 0;
    await world.socket.say(succeeded("news", { epoch: "e", offset: 5, recovered: false, gap: null }));
    await world.socket.say(succeeded("news"));
    assert.deepEqual(told, []);
});

test("a second reply that claims to be complete further on is a fault, not a hole", async (t) => {
    // Subscribe, unsubscribe, subscribe in one breath: two replies come, and what was said between them is missing.
    const world = new World(t);
    await world.socket.greet();
    world.parley.subscribe("news");
    await settle();
    world.parley.channels.get("news").unsubscribe();
    const channel = world.parley.subscribe("news");
    const told = record(channel);
    await settle();
    await world.socket.say(succeeded("news", { epoch: "e", offset: 5, recovered: true }));
    await world.socket.say(succeeded("news", { epoch: "e", offset: 7, recovered: true }));
    world.socket.take();
    await world.clock.pass(250);
    assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 5 })]);
    assert.equal(told.at(-1)[1].message, "e:7 came after e:5");
});

test("many subscribe at once, since the server takes nothing from its rate for that", async (t) => {
    const world = new World(t);
    const channels = Array.from({ length: 1000 }, (_, index) => world.parley.subscribe(`c${index}`));
    const sent = () => world.socket.take().map(({ data }) => data.channel);
    const names = channels.map(({ name }) => name);
    await world.socket.greet();
    assert.deepEqual(sent(), names);
    await world.socket.end();
    await world.reconnect();
    assert.deepEqual(sent(), names);
});

test("a subscribe without a reply is repeated, and one with a reply is not", async (t) => {
    const { world, channel, told } = await subscribed(t);
    const silent = world.parley.subscribe("silent");
    const errors = record(silent);
    await settle();
    world.socket.take();
    await world.clock.pass(10000);
    assert.deepEqual(errors, [
        ["error", { type: "NoReply", message: "no reply in time", status: null, retries: true }]]);
    await world.clock.pass(250);
    assert.deepEqual(world.socket.take().map(({ data }) => data.channel), ["silent"]);
    // Both replies, late: the position tells that they are the same.
    await world.socket.say(succeeded("silent", { epoch: "e", offset: 5, recovered: true }));
    await world.socket.say(succeeded("silent", { epoch: "e", offset: 5, recovered: true }), publication("silent", 6));
    assert.deepEqual(errors.slice(1), [["subscribed", { recovered: null }], ["news", { n: 6 }, 6]]);
    await world.clock.pass(60000);
    assert.equal(silent.state, "subscribed");
    assert.equal(channel.state, "subscribed");
    assert.equal(told.length, 1);
});

test("unsubscribe ends it, and nothing of it is heard any more", async (t) => {
    const { world, channel, told } = await subscribed(t);
    told.length = 0;
    world.socket.take();
    channel.unsubscribe();
    channel.unsubscribe();
    assert.deepEqual(world.socket.take(), [unsubscribe]);
    assert.equal(channel.state, "unsubscribed");
    assert.equal(world.parley.channels.size, 0);
    await world.socket.say(publication("news", 6));
    await world.socket.end();
    await world.reconnect();
    assert.deepEqual(world.socket.take(), []);
    assert.deepEqual(told, []);
    assert.notEqual(world.parley.subscribe("news"), channel);
});

test("a closed client that is connected again goes on from its position", async (t) => {
    const { world, channel } = await subscribed(t);
    world.parley.close();
    assert.equal(channel.state, "pending");
    world.parley.connect();
    await world.socket.greet();
    assert.deepEqual(world.socket.take(), [subscribe({ epoch: "e", offset: 5 })]);
});
