// The client of Parley's channels, for browsers and Node: an ES module that needs nothing else. Types: parley.d.ts.
//
//     import { Parley } from "/parley.js";
//     const parley = new Parley("KEY");                            // at the server that this file came from
//     const orders = parley.subscribe("private-orders");
//     orders.on("created", ({ data }) => show(data));              // what is published there
//     orders.on("parley:gap", () => reload());                     // what was missed is not to be had: read it anew
//
// It speaks the Pusher protocol with Parley's resume extension: a subscription has a position (epoch, offset), up to
// which everything was delivered, and asks after a cut for what came later. Names that begin with "parley:" are this
// client's own events; all other names belong to whoever publishes.

export const VERSION = "0.1.0";

const GREETING_MS = 10000; // from an attempt to the server's first frame
const STEADY_MS = 10000; // a connection that lasted this long starts the backoff afresh
const AUTH_MS = 10000; // for an endpoint's answer
const REPLY_MS = 10000; // for the server's reply to a subscribe
const OFFLINE_MS = 5000; // for a sign of life after the browser said that the network is gone
const NOBODY_CLOSED = 1006; // RFC 6455 §7.1.5

const now = () => performance.now();
// Full jitter: a thousand clients that lost the same server do not come back in the same moment.
const backoff = (attempt, { base, cap }) => Math.random() * Math.min(cap, base * 2 ** attempt);

function parse(data) {
    if (typeof data !== "string") return data;
    try { return JSON.parse(data); } catch { return data; }
}

function report(error) {
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
}

function positionOf({ epoch, offset }) {
    return typeof epoch === "string" && Number.isSafeInteger(offset) ? { epoch, offset } : null;
}

// What lets this connection into a channel, or signs it in: from the caller's function, or from an endpoint.
async function authorise(how, socketId, channel) {
    let reply, status = 403;
    if (typeof how === "function") {
        reply = await how({ socketId, channel });
    } else if (how) {
        const { endpoint, params, headers, credentials } = typeof how === "string" ? { endpoint: how } : how;
        const body = new URLSearchParams({ ...params, socket_id: socketId, ...(channel && { channel_name: channel }) });
        const signal = AbortSignal.timeout(AUTH_MS);
        const response = await fetch(endpoint, { method: "POST", body, headers, credentials, signal });
        if (response.ok) reply = await response.json();
        else status = response.status;
    }
    if (typeof reply?.auth === "string") return reply;
    throw Object.assign(new Error(how ? `not authorised (${status})` : "no way to authorise was given"), { status });
}

class Emitter {
    _handlers = new Map();

    on(name, handler) {
        if (!this._handlers.has(name)) this._handlers.set(name, new Set());
        this._handlers.get(name).add(handler);
        return () => this.off(name, handler);
    }

    off(name, handler) {
        this._handlers.get(name)?.delete(handler);
    }

    // A handler that throws, now or in a promise, is its author's to mend: the client and the other handlers go on.
    _emit(name, value) {
        for (const handler of [...(this._handlers.get(name) ?? [])]) {
            try { Promise.resolve(handler(value)).catch(report); } catch (error) { report(error); }
        }
    }
}

class Channel extends Emitter {
    state = "pending"; // "subscribed", "refused", "unsubscribed"
    members = new Map(); // of a presence channel: id -> info
    count = null; // of subscriptions, where the app tells

    _turn = 0; // what an earlier turn still waits for is void
    _asked = false; // whether the server owes a reply
    _begun = false; // whether it ever was subscribed
    _tries = 0;
    _replay = null; // { from, to }: what was missed and is on its way

    constructor(parley, name, { recover = true, position = null } = {}) {
        super();
        this._parley = parley;
        this.name = name;
        this._recovers = recover;
        this.position = position && positionOf(position); // everything up to here was delivered
    }

    get me() {
        const id = this._myID ?? this._parley.user.id;
        return this.members.has(id) ? { id, info: this.members.get(id) } : null;
    }

    // Client events have no position: one that can not go out now is not kept. Says whether it went out.
    send(event, data = null) {
        if (!event.startsWith("client-")) throw new TypeError(`${event}: what clients send is called client-…`);
        return this.state === "subscribed" && this._parley._send({ event, channel: this.name, data });
    }

    unsubscribe() {
        if (this._parley.channels.get(this.name) !== this) return;
        this._parley.channels.delete(this.name);
        this._suspend("unsubscribed");
        this._parley._send({ event: "pusher:unsubscribe", data: { channel: this.name } });
    }

    // Subscribing

    _suspend(state = "pending") {
        this._turn += 1;
        clearTimeout(this._timer);
        this._asked = false;
        this._replay = null;
        this.state = state;
    }

    // Authorised each time anew: a signature names the connection, and a right may have ended meanwhile.
    async _request() {
        this._suspend();
        const turn = this._turn;
        if (!this._parley.socketId) return;
        try {
            const rights = await this._rights();
            if (turn === this._turn) this._use(rights);
        } catch (error) {
            if (turn === this._turn) this._refuse({ type: "AuthError", error: error.message, status: error.status });
        }
    }

    async _rights() {
        if (!/^(private|presence)-/.test(this.name)) return { auth: "" };
        const rights = await authorise(this._parley._options.auth, this._parley.socketId, this.name);
        // Without data of its own the signed-in user is the member, so the sign-in has to go first.
        if (this.name.startsWith("presence-") && !rights.channel_data) await this._parley._signing;
        return rights;
    }

    _use({ auth, channel_data }) {
        const data = { channel: this.name, auth, channel_data };
        if (this._recovers) data.recover = this.position ?? {};
        this._myID = channel_data ? String(parse(channel_data)?.user_id) : null;
        this._ask({ event: "pusher:subscribe", data });
    }

    _ask(message) {
        this._asked = this._parley._send(message);
        clearTimeout(this._timer);
        this._timer = setTimeout(() => this._refuse({ type: "NoReply", error: "no reply in time" }), REPLY_MS);
    }

    // What is our fault stays refused until the next connection; all else may pass.
    _refuse({ type, error, status }) {
        const retries = !(status >= 400 && status < 500 && status !== 429);
        this._suspend(retries ? "pending" : "refused");
        if (retries) {
            this._timer = setTimeout(() => this._request(), backoff(this._tries, this._parley._options.backoff));
            this._tries += 1;
        }
        this._emit("parley:error", { type, message: error, status: status ?? null, retries });
    }

    // Receiving

    _receive(frame) {
        const data = parse(frame.data);
        if (frame.event === "pusher_internal:subscription_succeeded") {
            if (this._asked) this._begin(frame, data);
            else if (this.state === "subscribed") this._restate(frame, data);
        } else if (frame.event === "pusher:subscription_error") {
            if (this._asked) this._refuse({ type: "SubscriptionError", ...data });
        } else if (this.state === "subscribed") { // else it is left over from a subscription that was given up
            this._deliver(frame, data);
        }
    }

    _deliver(frame, data) {
        const { event, user_id: userId = null } = frame;
        switch (event) {
            case "pusher_internal:member_added": return this._join(String(data.user_id), data.user_info);
            case "pusher_internal:member_removed": return this._leave(String(data.user_id));
            case "pusher_internal:subscription_count":
                this.count = data.subscription_count;
                return this._emit("parley:count", this.count);
            case "pusher:cache_miss": return this._emit("parley:cache_miss");
        }
        const position = positionOf(frame);
        if (position && this._recovers && !this._advance(position)) return;
        if (event !== "parley:position") {
            const delivered = { event, channel: this.name, data, raw: frame.data, userId, position };
            // What somebody publishes must not pass for one of the client's own events.
            if (!event.startsWith("parley:")) this._emit(event, delivered);
            this._emit("parley:event", delivered);
        }
        this._complete();
    }

    // Positions are dense: what is not the next one is here already, or shows that something was lost on the way.
    _advance(position) {
        const have = this.position, same = have?.epoch === position.epoch;
        if (same && position.offset <= have.offset) return false;
        if (!same || position.offset > have.offset + 1) return this._fault(position);
        this.position = position;
        this._tries = 0;
        return true;
    }

    // It can not happen; if it does, what was skipped is with the server, and a subscription from the last good
    // position brings it. After a pause, lest a fault that stays becomes a storm.
    _fault({ epoch, offset }) {
        const have = this.position ? `${this.position.epoch}:${this.position.offset}` : "nothing";
        this._parley._send({ event: "pusher:unsubscribe", data: { channel: this.name } });
        this._refuse({ type: "PositionFault", error: `${epoch}:${offset} came after ${have}` });
        return false;
    }

    // The reply to our subscribe.
    _begin(frame, data) {
        const had = this.position, top = positionOf(frame), resumes = this._begun || had !== null;
        clearTimeout(this._timer);
        this._asked = false;
        this.state = "subscribed";
        this._meet(data?.presence);
        this._begun = true;
        let recovered = null; // nothing can have been missed
        if (this._recovers && resumes) {
            recovered = frame.recovered === true && had?.epoch === top?.epoch && top?.offset >= had?.offset;
            if (recovered) this._replay = { from: had.offset + 1, to: top.offset };
        }
        if (this._recovers && !recovered) this.position = top;
        // A server without positions says nothing of what was missed: that is a gap too.
        if (recovered === false) this._lose(frame.gap, had, top);
        this._emit("parley:subscribed", { recovered });
        this._complete();
    }

    // The same unasked: the server lost something on its own way, or tells the members anew.
    _restate(frame, data) {
        const had = this.position, top = positionOf(frame);
        this._meet(data?.presence);
        if (!this._recovers || !top || (had?.epoch === top.epoch && top.offset <= had.offset)) return;
        if (frame.recovered === true) return void this._fault(top);
        this.position = top;
        this._replay = null;
        this._lose(frame.gap, had, top);
    }

    // What is missing begins after what we have, wherever the server thinks that it does.
    _lose(gap, had, top) {
        const known = gap && had && had.epoch === top?.epoch && top.offset > had.offset;
        this._emit("parley:gap", known ? { from: had.offset + 1, to: top.offset, oldest: gap.oldest ?? null } : null);
    }

    _complete() {
        if (!this._replay || this.position.offset < this._replay.to) return;
        const replay = this._replay;
        this._replay = null;
        this._emit("parley:recovered", replay);
    }

    // Members

    // Those who came and went while nobody told us count as coming and going now.
    _meet(presence) {
        if (!presence) return;
        const present = new Map(Object.entries(presence.hash ?? {}));
        for (const id of [...this.members.keys()]) if (!present.has(id)) this._leave(id);
        for (const [id, info] of present) this._join(id, info);
    }

    _join(id, info) {
        const isNew = !this.members.has(id);
        this.members.set(id, info);
        if (isNew && this._begun) this._emit("parley:joined", { id, info });
    }

    _leave(id) {
        const info = this.members.get(id);
        if (this.members.delete(id)) this._emit("parley:left", { id, info });
    }
}

// The signed-in user: a channel that is entered by signing in. "parley:online" and "parley:offline" tell of the users
// on its watchlist.
class User extends Channel {
    id = null;

    async _rights() {
        return authorise(this._parley._options.userAuth, this._parley.socketId);
    }

    _use({ auth, user_data }) {
        this._ask({ event: "pusher:signin", data: { auth, user_data } });
    }

    _signedIn(id) {
        if (id !== this.id) {
            this._parley.channels.delete(this.name);
            Object.assign(this, { id, name: `#server-to-user-${id}`, position: null, _begun: false });
            this._parley.channels.set(this.name, this);
        }
        super._use({ auth: "" });
    }
}

export class Parley extends Emitter {
    state = "closed"; // "connecting", "connected", "unavailable" (will try again), "failed" (refused for good)
    socketId = null;
    retryAt = null; // while unavailable: when the next attempt begins, as Date.now() counts
    channels = new Map();
    user = new User(this, "");

    _socket = null;
    _attempt = 0;
    _frames = 0;
    _askedAfter = -1; // how many frames had come at the last ping: as long as none follows, an answer is owed
    _answerBy = 0;
    _wantsUser = false;
    // A browser can be wrong about the network, above all with a server on the same machine: it is a reason to ask.
    _online = () => { if (this.state === "unavailable") this._open(); };
    _offline = () => { if (this.state === "connected") this._ask(OFFLINE_MS); };

    constructor(address, options = {}) {
        super();
        this._options = {
            WebSocket: globalThis.WebSocket, activityTimeout: 120, pongTimeout: 30, ...options,
            backoff: { base: 500, cap: 20000, ...options.backoff },
        };
        if (!this._options.WebSocket) throw new Error("There is no WebSocket here: hand a class in, { WebSocket }.");
        const isKey = !address.includes("://");
        const url = isKey ? new URL(`app/${encodeURIComponent(address)}`, import.meta.url) : new URL(address);
        url.protocol = url.protocol.replace(/^http/, "ws");
        if (!/^wss?:$/.test(url.protocol)) throw new Error("A key alone does not say where: give ws://HOST/app/KEY.");
        url.searchParams.set("protocol", "7");
        url.searchParams.set("client", "parley");
        url.searchParams.set("version", VERSION);
        this.url = url.href;
        this.connect();
    }

    // Also from "failed" and "closed"; while it waits for its next attempt, it tries now.
    connect() {
        if (this._socket) return;
        globalThis.addEventListener?.("online", this._online);
        globalThis.addEventListener?.("offline", this._offline);
        this._attempt = 0;
        this._open();
    }

    close() {
        globalThis.removeEventListener?.("online", this._online);
        globalThis.removeEventListener?.("offline", this._offline);
        this._drop();
        this._become("closed");
    }

    subscribe(name, options) {
        let channel = this.channels.get(name);
        if (!channel) {
            channel = new Channel(this, name, options);
            this.channels.set(name, channel);
            channel._request();
        }
        return channel;
    }

    // From now on, at each connection.
    signIn() {
        this._wantsUser = true;
        if (this.user.state !== "subscribed") this._signing = this.user._request();
        return this.user;
    }

    // The connection

    _become(state, details) {
        const previous = this.state;
        this.state = state;
        if (state !== previous) this._emit("state", { state, previous, code: null, reason: "", ...details });
    }

    _open() {
        clearTimeout(this._timer);
        this.retryAt = null;
        let socket;
        try {
            socket = new this._options.WebSocket(this.url);
        } catch (error) { // a page that may not go there will not be allowed later either
            return this._become("failed", { reason: error.message });
        }
        this._socket = socket;
        let opened = false;
        const ifOurs = (action) => (event) => { if (socket === this._socket) action(event); };
        socket.addEventListener("open", () => { opened = true; });
        socket.addEventListener("message", ifOurs(({ data }) => this._receive(data)));
        socket.addEventListener("close", ifOurs(({ code, reason }) => this._lose(code, String(reason))));
        // A close follows. Not in some versions of Node, where a connection cannot be made.
        const failed = ifOurs(() => this._lose(NOBODY_CLOSED, ""));
        socket.addEventListener("error", () => { if (!opened) setTimeout(failed, 0); });
        this._timer = setTimeout(() => this._lose(NOBODY_CLOSED, "no greeting in time"), GREETING_MS);
        this._become("connecting");
    }

    // Without waiting for the other end to agree: what is half dead takes its time.
    _drop() {
        const socket = this._socket;
        this._socket = this.socketId = this.retryAt = null;
        clearTimeout(this._timer);
        for (const channel of [...this.channels.values(), this.user]) {
            channel._suspend();
            channel._tries = 0;
        }
        socket?.close(1000);
    }

    _lose(code, reason) {
        if (this.state === "connected" && now() - this._since >= STEADY_MS) this._attempt = 0;
        this._drop();
        if ((code >= 4000 && code < 4100) || code >= 4300) return this._become("failed", { code, reason });
        let wait = backoff(this._attempt, this._options.backoff);
        if (code >= 4100 && code < 4200) wait += 1000;
        if (code >= 4200 && this._attempt === 0) wait = 0; // "at once"; but who says so every time gets the backoff
        this._attempt += 1;
        this.retryAt = Date.now() + wait;
        this._timer = setTimeout(() => this._open(), wait);
        this._become("unavailable", { code, reason });
    }

    _send(message) {
        if (!this.socketId) return false;
        this._socket.send(JSON.stringify(message));
        return true;
    }

    _receive(text) {
        this._heard = now();
        this._frames += 1;
        const frame = typeof text === "string" ? parse(text) : null;
        if (typeof frame?.event !== "string") return;
        try { this._handle(frame); } catch (error) { report(error); } // a frame of a shape that no server should send
    }

    _handle(frame) {
        switch (frame.event) {
            case "pusher:connection_established": return this._established(parse(frame.data));
            case "pusher:ping": return this._send({ event: "pusher:pong", data: {} });
            case "pusher:error": return this._refused(parse(frame.data));
            case "pusher:signin_success": return this.user._signedIn(String(parse(parse(frame.data).user_data).id));
            case "pusher_internal:watchlist_events":
                for (const { name, user_ids: ids } of parse(frame.data).events) this.user._emit(`parley:${name}`, ids);
                return;
            default: this.channels.get(frame.channel)?._receive(frame);
        }
    }

    _established({ socket_id: socketId, activity_timeout: seconds }) {
        if (this.socketId) return;
        this.socketId = socketId;
        this._since = now();
        this._quiet = 1000 * Math.min(this._options.activityTimeout, seconds || Infinity);
        this._watch(this._quiet);
        if (this._wantsUser) this._signing = this.user._request();
        for (const channel of this.channels.values()) if (channel !== this.user) channel._request();
        this._become("connected");
    }

    _refused({ code = null, message = "" }) {
        // The protocol has no other answer to a sign-in that is refused.
        if (code === 4009 && this.user._asked) this.user._refuse({ type: "AuthError", error: message, status: 401 });
        this._emit("error", { code, message });
    }

    // Liveness: a frame that arrives touches nothing but the time and a count.

    _watch(wait) {
        clearTimeout(this._timer);
        this._timer = setTimeout(() => {
            const isOwed = this._askedAfter === this._frames;
            const rest = (isOwed ? this._answerBy : this._heard + this._quiet) - now();
            if (rest > 0) this._watch(rest);
            else if (isOwed) this._lose(NOBODY_CLOSED, "no answer in time");
            else this._ask(1000 * this._options.pongTimeout);
        }, wait);
    }

    // An answer may come at once: then the next silence is measured from it, and not from the end of the wait.
    _ask(wait) {
        const isOwed = this._askedAfter === this._frames;
        this._answerBy = Math.min(isOwed ? this._answerBy : Infinity, now() + wait);
        this._askedAfter = this._frames;
        this._send({ event: "pusher:ping", data: {} });
        this._watch(Math.min(wait, this._quiet));
    }
}
