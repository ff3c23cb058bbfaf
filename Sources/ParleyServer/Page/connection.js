// The connection to the server: the WebSocket with its states, retries and liveness, and text as it travels.

const BACKOFF_BASE = 500;
const BACKOFF_CAP = 20000;
const STEADY_MS = 10000; // a connection that lasted this long starts the backoff afresh
const OPENING_MS = 10000; // from an attempt to the open connection
// From there to the list of members, and from a message to its answer. Browsers do not report progress within a message,
// and on a slow line the list of a full room takes a quarter of a minute.
const WELCOME_MS = 60000;
const REPLY_MS = 20000;
const QUIET_MS = 30000; // nothing heard for so long: ask whether the server is still there
const ANSWER_MS = 8000;
const POLICY = 1008; // RFC 6455 7.4.1

// Text on the wire

// The server leaves in texts what is already escaped, so a page that escapes everything gets back exactly what was
// typed by decoding once. Names go raw: the server undoes and escapes them itself, and gives what could become markup in
// the pages of others its fullwidth form. This page shows names as text, so it shows what was typed.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const CHARACTERS = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const escapeText = (value) => value.replace(/[&<>"]/g, (character) => ENTITIES[character]);
export const decode = (value) => String(value ?? "").replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => CHARACTERS[name]);
const NARROW = { "\uff02": '"', "\uff06": "&", "\uff1c": "<", "\uff1e": ">" };
export const decodeName = (value) =>
    decode(value).replace(/[\uff02\uff06\uff1c\uff1e]/g, (character) => NARROW[character]);
// Half a surrogate pair has no UTF-8, and encodeURIComponent throws on it.
export const encode = (value) => encodeURIComponent(value.replace(/\p{Cs}/gu, "\ufffd"));

// State

export const link = {
    room: new URLSearchParams(location.search).get("room") || "lobby",
    name: "", // as it was typed
    code: "", // what the server calls us
    position: "", // EPOCH:OFFSET of the last message that is here; the next join asks for what came after
    socket: null, state: "idle", attempt: 0, timer: 0, deadline: 0, retryAt: 0, since: 0, heard: 0,
    obstructed: false, // whether the server answers, and no WebSocket gets through
};
export const outstanding = []; // what the server has still to answer, oldest first
export const connected = () => link.state === "on" || link.state === "checking";

let page; // what the page does about each of these: state(), push(push), lost(), unconfirmed(message), refused(words)
export function onConnection(handlers) {
    page = handlers;
}

function setState(state) {
    link.state = state;
    page.state();
}

// Connecting

function address() {
    const url = new URL(".", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.search = new URLSearchParams(location.search).get("room") ? `?room=${encode(link.room)}` : "";
    url.hash = "";
    return url.href;
}

export function connect() {
    clearTimeout(link.timer);
    clearTimeout(link.deadline);
    if (link.socket) {
        const old = link.socket;
        link.socket = null;
        old.close();
    }
    setState("connecting");
    let socket;
    try {
        socket = new WebSocket(address());
    } catch {
        return lose();
    }
    link.socket = socket;
    link.deadline = setTimeout(lose, OPENING_MS);
    socket.addEventListener("open", () => {
        if (socket !== link.socket) return;
        clearTimeout(link.deadline);
        link.deadline = setTimeout(lose, WELCOME_MS);
        sendName();
    });
    socket.addEventListener("message", (event) => {
        if (socket === link.socket) receive(event.data);
    });
    socket.addEventListener("close", (event) => {
        if (socket !== link.socket) return;
        // A room that cannot be: to try again would change nothing.
        if (event.code === POLICY && !connected() && event.reason) page.refused(event.reason);
        else lose();
    });
}

function drop() {
    const socket = link.socket;
    link.socket = null;
    clearTimeout(link.timer);
    clearTimeout(link.deadline);
    if (socket) socket.close();
    for (const item of outstanding.splice(0)) {
        if (item.node) page.unconfirmed(item);
    }
}

function lose() {
    const hadJoined = connected();
    drop();
    if (hadJoined) {
        if (Date.now() - link.since > STEADY_MS) link.attempt = 0;
        page.lost();
    }
    // Full jitter: a thousand pages that lost the same server do not come back in the same moment.
    const most = Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** link.attempt);
    link.attempt = Math.min(link.attempt + 1, 16);
    const away = navigator.onLine === false;
    // A browser can be wrong about being offline, above all with a server on the same machine: try, but rarely.
    const wait = away ? BACKOFF_CAP : Math.random() * most;
    link.retryAt = Date.now() + wait;
    link.timer = setTimeout(connect, wait);
    setState(away ? "offline" : "waiting");
    if (!hadJoined && link.attempt > 1) probe();
}

// A browser does not say why there was no WebSocket. What an ordinary request gets tells a server that is away from
// something in between that does not pass Upgrade on.
async function probe() {
    let obstructed = false;
    try { obstructed = (await fetch(new URL("up", location.href), { cache: "no-store" })).ok; } catch { /* away */ }
    link.obstructed = obstructed;
    if (link.state === "waiting") page.state();
}

// The server does not want us: no retry until somebody asks for one.
export function stop() {
    drop();
    setState("idle");
}

// The server has let us in.
export function joined(code) {
    clearTimeout(link.deadline);
    link.obstructed = false;
    link.code = code;
    link.since = Date.now();
    setState("on");
}

// Out and in

export function sendName() {
    // A change of name keeps what the join has asked for. Without a position the newest messages come.
    const resume = connected() ? "" : `&resume=${link.position}`;
    link.socket.send(`type=add&ming=${encode(link.name)}${resume}`);
}

export function sendMessage(item) {
    outstanding.push(item);
    link.socket.send(`nr=${encode(escapeText(item.text))}&key=${item.to}&cid=${item.cid}`);
}

function receive(data) {
    let push;
    try { push = JSON.parse(data); } catch { return; }
    if (push === null || typeof push !== "object") return;
    link.heard = Date.now();
    if (connected()) clearTimeout(link.deadline);
    if (link.state === "checking") setState("on");
    if (push.pos !== undefined) {
        const position = String(push.pos);
        if (push.type === undefined && known(position)) return;
        link.position = position;
    }
    page.push(push);
}

// Whether the message at this position has been here before.
function known(position) {
    const [epoch, offset] = position.split(":");
    const [lastEpoch, last] = link.position.split(":");
    return epoch === lastEpoch && Number(offset) <= Number(last);
}

// Liveness

// The room protocol answers what one says to oneself with an error that nobody else sees: the one question a page
// can ask to learn whether a silent connection still lives.
function ask() {
    if (!connected() || outstanding.length) return;
    outstanding.push({ question: true });
    link.socket.send(`nr=.&key=${link.code}`);
    clearTimeout(link.deadline);
    link.deadline = setTimeout(lose, ANSWER_MS);
}

setInterval(() => {
    if (!connected()) return;
    const oldest = outstanding[0];
    if (oldest && oldest.sentAt && Date.now() - Math.max(oldest.sentAt, link.heard) > REPLY_MS) lose();
    else if (Date.now() - link.heard > QUIET_MS) ask();
}, 250);

addEventListener("offline", () => {
    if (link.state === "on") {
        setState("checking");
        ask();
    } else if (link.state === "waiting") {
        setState("offline");
    }
});

addEventListener("online", () => {
    if (link.state === "waiting" || link.state === "offline") {
        link.attempt = 0;
        connect();
    } else {
        ask();
    }
});

document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    if (link.state === "waiting" || link.state === "offline") connect();
    else if (Date.now() - link.heard > ANSWER_MS) ask();
});

// A page that a browser keeps for its back button must not stay in the room like a ghost.
addEventListener("pagehide", () => {
    if (link.state === "idle") return;
    drop();
    setState("waiting");
});
addEventListener("pageshow", (event) => { if (event.persisted && link.state === "waiting") connect(); });
