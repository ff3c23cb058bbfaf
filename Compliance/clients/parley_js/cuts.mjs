// Cuts the connection between parley.js and a server, seeded, while a back end publishes: every acknowledged
// publication has to arrive exactly once and in order, or the gap is announced and true.
//
//     node cuts.mjs http://HOST:PORT APP_ID KEY SECRET [--cuts 2000] [--seed 1]
//
// Prints one JSON object, and ends with 1 if anything was wrong. The app's history has to hold 100 publications a
// channel; bursts of more than that make the gaps.

import { parseArgs } from "node:util";
import { Parley, ws } from "./load.mjs";
import { CuttingProxy } from "./proxy.mjs";
import { Publisher } from "./publisher.mjs";
import { channelAuthorisation } from "./signatures.mjs";

const { values, positionals: [base, id, key, secret] } = parseArgs({
    allowPositionals: true,
    options: { cuts: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
const wanted = Number(values.cuts);

// The draws of the cuts do not depend on time; what is under way at each of them does.
let seed = Number(values.seed) >>> 0;
function random() {
    seed = (seed + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (limit) => Math.floor(random() * limit);

// Within the handshake, within subscribing, within a replay, and while live.
function draw() {
    if (proxy && proxy.cuts >= wanted) return null;
    const within = 10 + below(200);
    if (random() < 0.25) return { direction: "up", after: below([300, 600, 1500][below(3)]), within };
    return { direction: "down", after: below([200, 800, 3000, 30000][below(4)]), within };
}

let proxy = null;
proxy = await CuttingProxy.start(Number(new URL(base).port), draw);
const publisher = new Publisher(base, { id, key, secret });
const faults = [];
const fault = (text) => { if (faults.length < 20) faults.push(text); };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// What one channel has seen, checked as it comes; `kept` is what was acknowledged.
class Follower {
    kept = new Map(); // "epoch:offset" -> data
    seen = []; // { epoch, offset, raw }, in their order
    last = null;
    gaps = 0;

    constructor(parley, name) {
        this.name = name;
        this.channel = parley.subscribe(name);
        this.channel.on("parley:subscribed", () => { this.last ??= this.channel.position; });
        this.channel.on("parley:gap", (gap) => this.gap(gap));
        this.channel.on("parley:error", (error) => fault(`${name}: ${JSON.stringify(error)}`));
        this.channel.on("n", ({ raw, position }) => this.event(raw, position));
    }

    event(raw, position) {
        const { epoch, offset } = position ?? {};
        if (this.last?.epoch !== epoch || offset !== this.last.offset + 1) {
            fault(`${this.name}: ${epoch}:${offset} after ${JSON.stringify(this.last)}`);
        }
        this.last = position;
        this.seen.push({ epoch, offset, raw });
    }

    gap(gap) {
        this.gaps += 1;
        const { epoch, offset } = this.channel.position;
        if (!gap) fault(`${this.name}: a gap of unknown size, though the server never stopped`);
        else if (gap.from !== this.last.offset + 1 || gap.to !== offset) fault(`${this.name}: ${JSON.stringify(gap)}`);
        // Announced means not to be had: the first of it is not kept any more, and there were too many of it.
        else if (!(gap.oldest > gap.from)) fault(`${this.name}: ${JSON.stringify(gap)} could have been had`);
        else if (gap.to - gap.from + 1 <= 100) fault(`${this.name}: ${JSON.stringify(gap)} within the history`);
        this.last = { epoch, offset };
    }

    // What was seen is what was acknowledged there. Gives how much was not seen: the order says that it was in a gap.
    notSeen(start) {
        let missing = 0;
        for (const { epoch, offset, raw } of this.seen) {
            const kept = this.kept.get(`${epoch}:${offset}`);
            if (kept !== undefined && kept !== raw) fault(`${this.name}: ${offset} is another publication`);
            this.kept.delete(`${epoch}:${offset}`);
        }
        for (const place of this.kept.keys()) if (Number(place.split(":").at(-1)) > start) missing += 1;
        return missing;
    }
}

const parley = new Parley(`ws://127.0.0.1:${proxy.port}/app/${key}`, {
    WebSocket: ws, backoff: { base: 5, cap: 40 },
    auth: ({ socketId, channel }) => channelAuthorisation(
        { key, secret }, socketId, channel, channel.startsWith("presence-") ? { user_id: "node" } : null),
});
const names = ["cuts", "private-cuts", "presence-cuts"].map((name) => `${name}-${values.seed}-${process.pid}`);
const followers = names.map((name) => new Follower(parley, name));
while (followers.some(({ last }) => !last)) await pause(5);
const starts = followers.map(({ last }) => last.offset);

// Publishing until there were enough cuts
let number = 0, acknowledged = 0, refused = 0;
async function publish(targets) {
    number += 1;
    const data = JSON.stringify({ number, text: "x".repeat(below(400)) });
    const { status, positions, text } = await publisher.publish(targets.map(({ name }) => name), "n", data);
    if (status !== 200) {
        refused += 1;
        if (status !== 503) fault(`publishing was answered ${status}: ${text}`);
        return;
    }
    for (const target of targets) {
        const { epoch, offset } = positions[target.name];
        const place = `${epoch}:${offset}`;
        if (target.kept.has(place)) fault(`${target.name}: ${place} was acknowledged twice`);
        target.kept.set(place, data);
        acknowledged += 1;
    }
}
while (proxy.cuts < wanted) {
    const targets = followers.filter(() => random() < 0.6);
    if (targets.length) await publish(targets);
    const chance = random();
    if (chance < 0.001) await Promise.all(Array.from({ length: 300 }, () => publish([followers[below(3)]])));
    else if (chance < 0.5) await pause(below(10));
}

// The end: everybody reaches the top (I14).
await publish(followers);
const end = Date.now() + 20000;
const tops = followers.map(({ kept }) => Math.max(...[...kept.keys()].map((place) => Number(place.split(":").at(-1)))));
while (followers.some(({ last }, index) => last.offset < tops[index]) && Date.now() < end) await pause(10);
for (const [index, { name, last }] of followers.entries()) {
    if (last.offset < tops[index]) fault(`${name} stands at ${last.offset} of ${tops[index]}`);
}

const delivered = followers.reduce((sum, { seen }) => sum + seen.length, 0);
const gaps = followers.reduce((sum, { gaps }) => sum + gaps, 0);
const inGaps = followers.reduce((sum, follower, index) => sum + follower.notSeen(starts[index]), 0);
parley.close();
publisher.close();
proxy.close();
console.log(JSON.stringify({
    seed: Number(values.seed), cuts: proxy.cuts, ...proxy.places, published: number, acknowledged, refused, delivered,
    gaps, inGaps, faults,
}));
process.exitCode = faults.length ? 1 : 0;
