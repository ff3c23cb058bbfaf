// parley.js with the WebSocket class of `ws`, over real connections.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Parley, ws } from "./load.mjs";
import { ScriptedServer } from "./server.mjs";

const LIMIT = { timeout: 30000 };

/** Every value of an event so far and to come; `until(count)` waits for so many. */
function stream(emitter, name) {
    const values = [];
    let wake = () => {};
    emitter.on(name, (value) => {
        values.push(value);
        wake();
    });
    values.until = async (count) => {
        while (values.length < count) await new Promise((resolve) => { wake = resolve; });
        return values;
    };
    return values;
}

function open(t, server, options = {}) {
    const parley = new Parley(server.url, { WebSocket: ws, backoff: { base: 1, cap: 20 }, ...options });
    t.after(() => parley.close());
    return parley;
}

const offsets = (events) => events.map(({ position }) => position.offset);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("nothing is lost over cuts while much is published", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const parley = open(t, server);
    const channel = parley.subscribe("news");
    const subscribed = stream(channel, "parley:subscribed"), events = stream(channel, "news");
    await subscribed.until(1);
    for (let round = 1; round <= 20; round += 1) {
        for (let index = 0; index < 50; index += 1) server.publish("news", "news", `${index}`);
        server.cut();
        server.publish("news", "news", "while away");
        await subscribed.until(1 + round);
    }
    await events.until(20 * 51);
    assert.deepEqual(offsets(events), range(1, 20 * 51));
    assert.equal(server.opened, 21);
});

test("a cut between the reply and its replay loses and repeats nothing", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const channel = open(t, server).subscribe("news");
    const subscribed = stream(channel, "parley:subscribed"), events = stream(channel, "news");
    const recovered = stream(channel, "parley:recovered");
    await subscribed.until(1);
    server.cut();
    for (let index = 0; index < 200; index += 1) server.publish("news", "news", "x".repeat(1000));
    // Each of the next ten connections ends somewhere in what it is sent.
    let cuts = 0;
    server.onSubscribe = (socket) => {
        if (cuts++ < 10) setImmediate(() => socket.terminate());
    };
    await recovered.until(1);
    await events.until(200);
    assert.deepEqual(offsets(events), range(1, 200));
    assert.equal(recovered.at(-1).to, 200);
});

test("a gap is what the history does not have any more", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    server.history = 10;
    const channel = open(t, server).subscribe("news");
    const subscribed = stream(channel, "parley:subscribed"), gaps = stream(channel, "parley:gap");
    await subscribed.until(1);
    server.publish("news", "news", "1");
    await stream(channel, "news").until(1);
    server.cut();
    for (let index = 0; index < 30; index += 1) server.publish("news", "news", "x");
    await subscribed.until(2);
    assert.deepEqual([...gaps], [{ from: 2, to: 31, oldest: 22 }]);
    server.cut();
    server.logs.set("news", { epoch: "e2", top: 3, events: [] });
    await subscribed.until(3);
    assert.deepEqual(gaps.at(-1), null);
    assert.deepEqual(channel.position, { epoch: "e2", offset: 3 });
});

test("duplicates are dropped and a jump is asked about", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const channel = open(t, server).subscribe("news");
    const events = stream(channel, "news"), errors = stream(channel, "parley:error");
    await stream(channel, "parley:subscribed").until(1);
    server.publish("news", "news", "1");
    const [socket] = server.sockets;
    socket.say({ event: "news", channel: "news", data: "again", epoch: "e1", offset: 1 });
    socket.channels.delete("news");
    server.publish("news", "news", "2"); // lost on the way
    socket.channels.add("news");
    server.publish("news", "news", "3");
    await events.until(3);
    assert.deepEqual(events.map(({ raw }) => raw), ["1", "2", "3"]);
    assert.equal(errors[0].type, "PositionFault");
    assert.equal(server.opened, 1);
});

test("an endpoint authorises with a form, anew for each connection", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const endpoint = `http://127.0.0.1:${server.port}/auth`;
    const parley = open(t, server, { auth: { endpoint, params: { page: "a&b" }, headers: { "X-Token": "t" } } });
    const channel = parley.subscribe("private-a");
    const subscribed = stream(channel, "parley:subscribed");
    await subscribed.until(1);
    server.cut();
    await subscribed.until(2);
    assert.deepEqual(server.forms.map(({ socket_id }) => socket_id), [`1.${server.port}`, `2.${server.port}`]);
    assert.equal(server.forms[0].channel_name, "private-a");
    assert.equal(server.forms[0].page, "a&b");
    assert.equal(server.forms[0].method, "POST");
    assert.match(server.forms[0].type, /^application\/x-www-form-urlencoded/);
    // Whoever may not any more does not come back in.
    server.mayEnter = () => false;
    const errors = stream(channel, "parley:error");
    server.cut();
    await errors.until(1);
    assert.deepEqual([...errors],
        [{ type: "AuthError", message: "not authorised (403)", status: 403, retries: false }]);
    assert.equal(channel.state, "refused");
});

test("close codes arrive: 4200 comes back, 4001 does not", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const parley = open(t, server);
    const states = stream(parley, "state");
    await states.until(1);
    server.closeAll(4200, "reconnect");
    await states.until(4);
    server.closeAll(4001, "no such app");
    await states.until(5);
    assert.deepEqual(states.map(({ state }) => state),
        ["connected", "unavailable", "connecting", "connected", "failed"]);
    assert.deepEqual([states[1].code, states[1].reason], [4200, "reconnect"]);
    assert.deepEqual([states[4].code, states[4].reason], [4001, "no such app"]);
});

test("a port where nobody listens is unavailable", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const { url } = server;
    server.stop();
    await once(server.http, "close");
    const parley = open(t, { url });
    const [change] = await stream(parley, "state").until(1);
    assert.deepEqual(change, { state: "unavailable", previous: "connecting", code: 1006, reason: "" });
});

test("closing while it connects is quiet", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const parley = open(t, server);
    parley.close();
    assert.equal(parley.state, "closed");
    const other = open(t, server);
    await stream(other, "state").until(1);
    assert.equal(parley.state, "closed");
});

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

async function cuts(t, server) {
    const base = `http://127.0.0.1:${server.port}`;
    const child = spawn(process.execPath, [program("cuts.mjs"), base, "1", "key", "secret", "--cuts", "60"]);
    t.after(() => child.kill());
    let output = "";
    child.stdout.on("data", (data) => { output += data; });
    child.stderr.on("data", (data) => { output += data; });
    const [code] = await once(child, "close");
    return { code, ...JSON.parse(output) };
}

test("cuts.mjs is content with a server that keeps the promise", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    server.history = 100;
    server.isSigned = () => true;
    const { code, cuts: number, faults } = await cuts(t, server);
    assert.deepEqual([code, number, faults], [0, 60, []]);
});

test("cuts.mjs finds a server that leaves something out and numbers the rest anew", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    server.isSigned = () => true;
    let published = 0;
    const publish = server.publish;
    server.publish = (channel, event, data) => {
        published += 1;
        if (published !== 100) return publish.call(server, channel, event, data);
        return server.log(channel).top + 1; // acknowledged, not kept
    };
    const { code, faults } = await cuts(t, server);
    assert.equal(code, 1);
    assert.match(faults[0], /acknowledged twice/);
});

test("follow.mjs prints what happens, takes orders, and ends with its input", LIMIT, async (t) => {
    const server = await ScriptedServer.start(t);
    const child = spawn(process.execPath, [program("follow.mjs"), server.url, "--from", "news=e1:0", "news"]);
    t.after(() => child.kill());
    server.publish("news", "hello", '{"a":1}');
    const lines = [];
    let ended = false;
    child.stderr.on("data", (data) => assert.fail(String(data)));
    for await (const line of createInterface({ input: child.stdout })) {
        const { type, ...rest } = JSON.parse(line);
        lines.push([type, rest.event ?? rest.state ?? rest.channel]);
        if (type === "recovered") {
            child.stdin.write('{"subscribe":"more"}\n{"send":"client-x","channel":"more"}\n');
        } else if (rest.channel === "more" && type === "subscribed" && !ended) {
            ended = true;
            child.stdin.end();
        }
    }
    assert.deepEqual(lines, [["state", "connected"], ["subscribed", "news"], ["event", "hello"], ["recovered", "news"],
        ["sent", "client-x"], ["subscribed", "more"], ["state", "closed"]]);
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
});
