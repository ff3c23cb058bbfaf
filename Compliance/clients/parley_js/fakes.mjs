// A world without time and network: timers that a test advances, sockets that a test answers.

import { Parley } from "./load.mjs";

/** Lets every promise that can go on go on. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Takes the place of the global timers, clocks and random numbers while a test runs. */
export class Clock {
    time = 0;
    random = 0.5;
    timers = new Map();
    #next = 1;
    #real = {
        setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout,
        performance: globalThis.performance.now, now: Date.now, random: Math.random,
    };

    constructor(test) {
        globalThis.setTimeout = (action, wait) => {
            this.timers.set(this.#next, { action, at: this.time + wait });
            return this.#next++;
        };
        globalThis.clearTimeout = (timer) => this.timers.delete(timer);
        globalThis.performance.now = () => this.time;
        Date.now = () => this.time;
        Math.random = () => this.random;
        test.after(() => {
            Object.assign(globalThis, { setTimeout: this.#real.setTimeout, clearTimeout: this.#real.clearTimeout });
            globalThis.performance.now = this.#real.performance;
            Date.now = this.#real.now;
            Math.random = this.#real.random;
        });
    }

    /** How long until the next timer ends; `undefined` without one. */
    get wait() {
        const times = [...this.timers.values()].map(({ at }) => at);
        return times.length ? Math.min(...times) - this.time : undefined;
    }

    /** Lets so many milliseconds pass, with every timer that ends in them. */
    async pass(milliseconds) {
        const end = this.time + milliseconds;
        for (;;) {
            const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
            if (!due) break;
            const [timer, { action, at }] = due;
            this.timers.delete(timer);
            this.time = at;
            action();
            await settle();
        }
        this.time = end;
        await settle();
    }
}

/** The client, its clock, and the sockets that it opened. */
export class World {
    sockets = [];
    states = [];
    errors = [];

    constructor(test, options = {}) {
        this.clock = new Clock(test);
        const world = this;
        this.Socket = class FakeSocket {
            sent = [];
            closedWith = null;
            #listeners = {};

            constructor(url) {
                this.url = url;
                world.sockets.push(this);
            }

            addEventListener(name, listener) {
                (this.#listeners[name] ??= []).push(listener);
            }

            send(text) {
                this.sent.push(JSON.parse(text));
            }

            close(code) {
                this.closedWith = code;
            }

            #tell(name, event) {
                for (const listener of this.#listeners[name] ?? []) listener(event);
            }

            // What the other end does.

            async say(...frames) {
                for (const frame of frames) this.#tell("message", { data: JSON.stringify(frame) });
                await settle();
            }

            async sayText(data) {
                this.#tell("message", { data });
                await settle();
            }

            async greet(socketId = "1.1", seconds = 120) {
                await this.open();
                const data = JSON.stringify({ socket_id: socketId, activity_timeout: seconds });
                await this.say({ event: "pusher:connection_established", data });
            }

            async open() {
                this.#tell("open", {});
                await settle();
            }

            async fail() {
                this.#tell("error", {});
                await settle();
            }

            async end(code = 1006, reason = "") {
                this.#tell("close", { code, reason });
                await settle();
            }

            /** What was sent since the last time that somebody asked. */
            take() {
                return this.sent.splice(0);
            }
        };
        this.parley = new Parley("ws://test/app/key", { WebSocket: this.Socket, ...options });
        this.parley.on("state", (change) => this.states.push(change));
        this.parley.on("error", (error) => this.errors.push(error));
    }

    /** The socket that was opened last. */
    get socket() {
        return this.sockets.at(-1);
    }

    /** Waits for the next attempt and greets it. */
    async reconnect(socketId = "2.2") {
        const before = this.sockets.length;
        await this.clock.pass(this.parley.retryAt - this.clock.time);
        if (this.sockets.length !== before + 1) throw new Error(`${this.sockets.length - before} attempts`);
        await this.socket.greet(socketId);
    }
}

/** Everything that a channel tells, as [name, value] in its order. */
export function record(channel) {
    const told = [];
    const channels = ["subscribed", "recovered", "gap", "error", "joined", "left", "count", "cache_miss"];
    for (const name of [...channels, "online", "offline"]) {
        channel.on(`parley:${name}`, (value) => told.push([name, value]));
    }
    channel.on("parley:event", ({ event, data, position }) => told.push([event, data, position?.offset]));
    return told;
}

// Frames of the server.

export const succeeded = (channel, more = {}, data = "{}") =>
    ({ event: "pusher_internal:subscription_succeeded", channel, data, ...more });
export const publication = (channel, offset, epoch = "e", event = "news") =>
    ({ event, channel, data: JSON.stringify({ n: offset }), epoch, offset });
export const presence = (members) =>
    JSON.stringify({ presence: { ids: Object.keys(members), hash: members, count: Object.keys(members).length } });
