// The chat page of a Parley room. No build step, no dependency; all that people write goes into the document as text.

// Words

const WORDS = {
    en: {
        lang: "en",
        skip: "Skip to the message box",
        conversation: "Conversation",
        messages: "Messages",
        outbox: "Not yet sent",
        compose: "Write a message",
        message: "Message",
        messageTo: "Message to everyone",
        privateTo: "Private message to {name}",
        send: "Send",
        to: "To",
        everyone: "Everyone",
        backToAll: "Back to everyone",
        people: "People here",
        showPeople: "People here: {n}",
        peopleHint: "Choose a person to write to them alone.",
        writeTo: "Write privately to {name}",
        you: "You",
        youMark: "(you)",
        noName: "(no visible name)",
        changeName: "Change your name",
        save: "Save",
        cancel: "Cancel",
        close: "Close",
        done: "Done",
        invite: "Invite",
        invitePeople: "Invite people",
        inviteText: "Whoever opens this link can join the room {room}.",
        link: "Link",
        copy: "Copy link",
        copied: "Copied",
        copyByHand: "Press Ctrl+C or ⌘C",
        onlyHere: "This address works on this computer only. For others, start the server with {option}.",
        welcome: "Join the conversation",
        welcomeText: "Take a name and start talking. There is nothing to sign up for.",
        yourName: "Your name",
        room: "Room",
        join: "Join",
        nameMissing: "Please enter a name.",
        nameLong: "That name is too long: 64 characters are the most, this one has {n}.",
        roomLong: "That room name is too long: 64 characters are the most.",
        refused: "The server said: {text}",
        emptyTitle: "You are in {room}",
        emptyText: "Nothing has been said since you came. Say hello, or bring somebody along.",
        idle: "Not connected",
        connecting: "Connecting …",
        checking: "Checking the connection …",
        on: "Connected",
        waiting: "Reconnecting in {n} s",
        offline: "Offline",
        noticeConnecting: "Connecting to the server …",
        noticeWaiting: "No connection to the server. Next try in {n} s.",
        noticeOffline: "Your device is offline. This page reconnects when the network is back.",
        tryNow: "Try now",
        lost: "Connection lost. Trying again.",
        isBack: "Connected again. What was said in between is not shown here.",
        joined: "{name} joined",
        left: "{name} left",
        renamed: "{old} is now called {name}",
        nowCalled: "You are now called {name}",
        privateFrom: "Private, to you alone",
        privateMine: "Private to {name}",
        someoneLeft: "somebody who left",
        gone: "{name} (left)",
        goneHint: "{name} is not here any more. Choose who should get your message.",
        notConnected: "Not connected. Your message stays here until you send it again.",
        tooLong: "Too long by {n}: a message can have {max} characters.",
        count: "{n} of {max} characters",
        sending: "Sending …",
        unsure: "The connection broke. It may not have arrived.",
        notSent: "Not sent: {text}",
        again: "Send again",
        discard: "Discard",
        more: "Show more",
        less: "Show less",
        cut: "{n} more characters are not shown.",
        picture: "Picture, {size}",
        showPicture: "Show picture",
        badPicture: "This picture cannot be shown.",
        newMessages: "{n} new messages",
        newMessage: "1 new message",
        newest: "Newest messages",
        serverTime: "{time} (server: {server})",
    },
    zh: {
        lang: "zh-CN",
        skip: "跳到输入框",
        conversation: "聊天",
        messages: "消息",
        outbox: "尚未发送",
        compose: "写消息",
        message: "消息",
        messageTo: "发消息给所有人",
        privateTo: "给{name}的私信",
        send: "发送",
        to: "发给",
        everyone: "所有人",
        backToAll: "改发给所有人",
        people: "在线成员",
        showPeople: "在线成员：{n} 人",
        peopleHint: "点一个人，就可以单独给他发私信。",
        writeTo: "给{name}发私信",
        you: "你",
        youMark: "（你）",
        noName: "（名字不可见）",
        changeName: "修改名字",
        save: "保存",
        cancel: "取消",
        close: "关闭",
        done: "完成",
        invite: "邀请",
        invitePeople: "邀请朋友",
        inviteText: "任何人打开这个链接，都可以加入房间 {room}。",
        link: "链接",
        copy: "复制链接",
        copied: "已复制",
        copyByHand: "请按 Ctrl+C 或 ⌘C",
        onlyHere: "这个地址只能在本机打开。要让其他人加入，请用 {option} 启动服务器。",
        welcome: "加入聊天",
        welcomeText: "起个名字就能开始聊，无需注册。",
        yourName: "你的名字",
        room: "房间",
        join: "加入",
        nameMissing: "请输入名字。",
        nameLong: "名字太长：最多 64 个字符，现在有 {n} 个。",
        roomLong: "房间名太长：最多 64 个字符。",
        refused: "服务器提示：{text}",
        emptyTitle: "你已进入 {room}",
        emptyText: "你来之后还没有人说话。打个招呼，或者邀请朋友一起来。",
        idle: "未连接",
        connecting: "正在连接…",
        checking: "正在检查连接…",
        on: "已连接",
        waiting: "{n} 秒后重连",
        offline: "离线",
        noticeConnecting: "正在连接服务器…",
        noticeWaiting: "与服务器的连接已断开，{n} 秒后重试。",
        noticeOffline: "你的设备处于离线状态，网络恢复后会自动重连。",
        tryNow: "立即重试",
        lost: "连接已断开，正在重试。",
        isBack: "已重新连接。断开期间的消息不会显示在这里。",
        joined: "{name} 加入了房间",
        left: "{name} 离开了房间",
        renamed: "{old} 改名为 {name}",
        nowCalled: "你改名为 {name}",
        privateFrom: "私信，只发给你",
        privateMine: "私信给 {name}",
        someoneLeft: "已离开的人",
        gone: "{name}（已离开）",
        goneHint: "{name} 已经不在了，请重新选择发给谁。",
        notConnected: "未连接。消息会留在这里，请连接恢复后再发送。",
        tooLong: "超出 {n} 个字符：一条消息最多 {max} 个字符。",
        count: "{n} / {max} 个字符",
        sending: "正在发送…",
        unsure: "连接中断，这条消息可能没有送达。",
        notSent: "未发送：{text}",
        again: "重新发送",
        discard: "删除",
        more: "展开",
        less: "收起",
        cut: "还有 {n} 个字符没有显示。",
        picture: "图片，{size}",
        showPicture: "显示图片",
        badPicture: "这张图片无法显示。",
        newMessages: "{n} 条新消息",
        newMessage: "1 条新消息",
        newest: "最新消息",
        serverTime: "{time}（服务器：{server}）",
    },
};

const wanted = (navigator.languages || [navigator.language]).find((tag) => /^(en|zh)\b/i.test(tag)) || "en";
const words = WORDS[wanted.slice(0, 2).toLowerCase()];
const locale = words.lang === "en" ? wanted : words.lang;

function say(key, values = {}) {
    return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Like `say`, but values may be nodes; what they hold never meets a parser.
function put(element, key, values = {}) {
    const parts = words[key].split(/\{(\w+)\}/).map((part, index) => (index % 2 ? values[part] : part));
    element.replaceChildren(...parts);
    return element;
}

// Numbers

const MAX_NAME = 64;
const MAX_TEXT = 5000; // characters; at most 60 kB on the wire, far below the server's limit
const MAX_SHOWN = 20000; // characters of one message that other pages may have sent longer
const MAX_NODES = 1000; // messages and lines kept in the document
const MAX_KEPT = 8e6; // characters kept in all of them
const GROUP_MS = 5 * 60 * 1000;
const BACKOFF_BASE = 500;
const BACKOFF_CAP = 20000;
const STEADY_MS = 10000; // a connection that lasted this long starts the backoff afresh
const JOIN_DEADLINE = 10000;
const QUIET_MS = 30000; // nothing heard for so long: ask whether the server is still there
const ANSWER_MS = 8000;

// The document

const $ = (id) => document.getElementById(id);
const app = $("app"), scroll = $("scroll"), log = $("log"), outbox = $("outbox"), text = $("text"), picker = $("to");
const phone = matchMedia("(max-width: 760px)");

function make(tag, className, content) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (content !== undefined) element.textContent = content;
    return element;
}

function button(className, key, act) {
    const element = make("button", className, say(key));
    element.type = "button";
    element.addEventListener("click", act);
    return element;
}

function icon(name, className = "") {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", `icon ${className}`);
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
}

function announce(message) {
    $("announce").textContent = message;
}

document.documentElement.lang = words.lang;
for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    if (element.tagName === "BUTTON") element.title = say(element.dataset.label);
}

// Some browsers refuse storage (private windows, strict settings): the page works without it.
const memory = {
    get(key) {
        try { return localStorage.getItem(key) || ""; } catch { return ""; }
    },
    set(key, value) {
        try { localStorage.setItem(key, value); } catch { /* nothing to do */ }
    },
};

// Text on the wire

// The server leaves in texts what is already escaped, so a page that escapes everything gets back exactly what was
// typed by decoding once. Names go raw: the server undoes and escapes them itself.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const CHARACTERS = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const escapeText = (value) => value.replace(/[&<>"]/g, (character) => ENTITIES[character]);
const decode = (value) => String(value ?? "").replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => CHARACTERS[name]);
// Half a surrogate pair has no UTF-8, and encodeURIComponent throws on it.
const encode = (value) => encodeURIComponent(value.replace(/\p{Cs}/gu, "\ufffd"));
const length = (value) => Array.from(value).length;

// Names

// For places that take only a string (titles, options): no control that could turn the text around it.
const plain = (name) => name.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

const LOOKALIKES = {
    а: "a", е: "e", о: "o", р: "p", с: "c", у: "y", х: "x", і: "i", ј: "j", ѕ: "s", һ: "h", ԁ: "d", в: "b", к: "k",
    м: "m", н: "h", т: "t", α: "a", β: "b", ε: "e", ι: "i", κ: "k", ν: "v", ο: "o", ρ: "p", τ: "t", υ: "u", χ: "x",
    0: "o", 1: "i", l: "i", "|": "i",
};

// What a name looks like: two people whose names share this get a tag each, so that nobody can pass for another.
function skeleton(name) {
    const bare = name.normalize("NFKD").replace(/[\p{M}\p{Z}\p{C}]/gu, "").toLowerCase();
    return Array.from(bare, (character) => LOOKALIKES[character] ?? character).join("");
}

const visible = (name) => (skeleton(name) ? name : `${name}${say("noName")}`);

function hue(code) {
    let hash = 7;
    for (let i = 0; i < code.length; i += 1) hash = (hash * 31 + code.charCodeAt(i)) % 9973;
    return (hash * 47) % 360;
}

function isolated(name) {
    return make("bdi", "name", name);
}

function avatar(name, code) {
    const element = make("span", "avatar", Array.from(name.trim())[0] || "?");
    element.setAttribute("aria-hidden", "true");
    element.style.setProperty("--hue", hue(code));
    return element;
}

// State

const members = new Map(); // code -> { code, name, skeleton, item }
const skeletons = new Map(); // skeleton -> how many members have it
const departed = new Map(); // code -> { name, line }, for the name of a rename and of a late message
const outstanding = []; // what the server has still to answer, oldest first
let room = new URLSearchParams(location.search).get("room") || "lobby";
let named = ""; // the name as it was typed
let me = null; // { code, name } once the server has let us in
let addressee = { code: "all", name: "" };
let unread = 0;

// Connection

const link = { socket: null, state: "idle", attempt: 0, timer: 0, deadline: 0, retryAt: 0, since: 0, heard: 0 };
const connected = () => link.state === "on" || link.state === "checking";

function address() {
    const url = new URL(".", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.search = new URLSearchParams(location.search).get("room") ? `?room=${encode(room)}` : "";
    url.hash = "";
    return url.href;
}

function connect() {
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
    link.deadline = setTimeout(lose, JOIN_DEADLINE);
    socket.addEventListener("open", () => {
        if (socket === link.socket) socket.send(`type=add&ming=${encode(named)}`);
    });
    socket.addEventListener("message", (event) => {
        if (socket === link.socket) receive(event.data);
    });
    socket.addEventListener("close", () => {
        if (socket === link.socket) lose();
    });
}

function drop() {
    const socket = link.socket;
    link.socket = null;
    clearTimeout(link.timer);
    clearTimeout(link.deadline);
    if (socket) socket.close();
    for (const item of outstanding.splice(0)) {
        if (item.node) fail(item, say("unsure"));
    }
}

function lose() {
    const hadJoined = connected();
    drop();
    if (hadJoined) {
        if (Date.now() - link.since > STEADY_MS) link.attempt = 0;
        announce(say("lost"));
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
}

function setState(state) {
    link.state = state;
    $("state").dataset.state = state;
    app.classList.toggle("away", !connected());
    showState();
    showComposer();
}

function showState() {
    const seconds = Math.max(1, Math.ceil((link.retryAt - Date.now()) / 1000));
    $("state-text").textContent = say(link.state, { n: seconds });
    const notice = $("notice");
    const wasThere = !notice.hidden;
    notice.hidden = link.state === "idle" || connected() || (link.state === "connecting" && link.attempt === 0);
    if (!notice.hidden) {
        const key = { connecting: "noticeConnecting", waiting: "noticeWaiting", offline: "noticeOffline" }[link.state];
        $("notice-text").textContent = say(key, { n: seconds });
        $("retry").hidden = link.state === "connecting";
    } else if (wasThere && document.activeElement === $("retry")) {
        text.focus();
    }
}

// The room protocol answers what one says to oneself with an error that nobody else sees: the one question a page
// can ask to learn whether a silent connection still lives.
function ask() {
    if (!connected() || outstanding.length) return;
    outstanding.push({ question: true });
    link.socket.send(`nr=.&key=${me.code}`);
    clearTimeout(link.deadline);
    link.deadline = setTimeout(lose, ANSWER_MS);
}

setInterval(() => {
    if (link.state === "waiting" || link.state === "offline") showState();
    if (!connected()) return;
    const oldest = outstanding[0];
    if (oldest && oldest.sentAt && Date.now() - Math.max(oldest.sentAt, link.heard) > JOIN_DEADLINE) lose();
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
    setUnread(0);
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

// Pushes

function receive(data) {
    let push;
    try { push = JSON.parse(data); } catch { return; }
    if (push === null || typeof push !== "object") return;
    link.heard = Date.now();
    if (connected()) clearTimeout(link.deadline);
    if (link.state === "checking") setState("on");
    switch (push.type) {
    case "madd": return welcome(push);
    case "add": return arrive(push);
    case "rmove":
    case "remove": return leave(String(push.nrong));
    case "error": return refuse(decode(push.nrong));
    default: if (push.type === undefined && push.nrong !== undefined) hear(push);
    }
}

function welcome(push) {
    const code = String(push.code);
    const name = decode(push.name);
    const renamed = me && me.code === code && connected();
    const again = me !== null && !renamed;
    const oldName = me && me.name;
    me = { code, name };
    members.clear();
    skeletons.clear();
    $("members").replaceChildren();
    for (const user of Array.isArray(push.users) ? push.users : []) enlist(String(user.code), decode(user.name));
    enlist(code, name);
    if (renamed) {
        if (name !== oldName) addLine("nowCalled", { name: isolated(visible(name)) });
    } else {
        if (again) addLine("isBack");
        clearTimeout(link.deadline);
        link.since = Date.now();
        setState("on");
        announce(say("on"));
    }
    showPeople();
    showEmpty();
}

function arrive(push) {
    const code = String(push.code);
    const name = decode(push.name);
    const before = departed.get(code) || members.get(code);
    enlist(code, name);
    showPeople();
    if (me && code === me.code) return;
    if (!before) return void addLine("joined", { name: isolated(visible(name)) });
    // Codes are never used twice, so one that left and comes back has taken another name.
    departed.delete(code);
    if (before.line) before.line.remove();
    if (before.name === name) return;
    addLine("renamed", { old: isolated(visible(before.name)), name: isolated(visible(name)) });
}

function leave(code) {
    const member = members.get(code);
    if (!member) return;
    forget(member);
    const line = addLine("left", { name: isolated(visible(member.name)) });
    departed.set(code, { name: member.name, line });
    if (departed.size > 200) departed.delete(departed.keys().next().value);
    showPeople();
}

function refuse(message) {
    const first = outstanding.shift();
    if (first && first.question) return;
    if (first) return fail(first, say("notSent", { text: message }));
    if (connected()) return void addLine("refused", { text: message }, "alert");
    if (me) return void addLine("refused", { text: message }, "alert");
    drop();
    setState("idle");
    openEntry(say("refused", { text: message }));
}

function hear(push) {
    const code = String(push.code);
    const to = String(push.code1 ?? "all");
    const mine = me !== null && code === me.code;
    if (mine) {
        // The server hands extras back: `cid` tells which of our messages this is.
        let index = outstanding.findIndex((item) => item.cid && item.cid === push.cid);
        if (index < 0) index = outstanding.findIndex((item) => item.node && item.to === to);
        if (index >= 0) outstanding.splice(index, 1)[0].node.remove();
        if (to === code) return;
    }
    addMessage({ code, to, mine, text: decode(push.nrong), time: String(push.time ?? "") });
    if (!mine && document.hidden) setUnread(unread + 1);
}

// Members

const nameOf = (code) => (members.get(code) || departed.get(code) || {}).name;
const tagOf = (code) => `#${code.slice(-4)}`;
const shared = (member) => skeletons.get(member.skeleton) > 1;

function enlist(code, name) {
    const known = members.get(code);
    if (known) forget(known);
    const member = { code, name, skeleton: skeleton(name), item: make("li") };
    const alike = (skeletons.get(member.skeleton) || 0) + 1;
    skeletons.set(member.skeleton, alike);
    members.set(code, member);
    if (me && code === me.code) $("members").prepend(member.item);
    else $("members").append(member.item);
    drawMember(member);
    if (alike === 2) drawAlike(member.skeleton);
}

function forget(member) {
    members.delete(member.code);
    const left = skeletons.get(member.skeleton) - 1;
    if (left) skeletons.set(member.skeleton, left);
    else skeletons.delete(member.skeleton);
    member.item.remove();
    if (left === 1) drawAlike(member.skeleton);
}

// A tag comes and goes with the second person of that name: then those who share it are drawn again.
function drawAlike(shape) {
    for (const member of members.values()) if (member.skeleton === shape) drawMember(member);
}

function drawMember(member) {
    const own = me && member.code === me.code;
    const row = make(own ? "div" : "button", "member");
    row.append(avatar(member.name, member.code), isolated(visible(member.name)));
    if (shared(member)) row.append(make("span", "tag", tagOf(member.code)));
    if (own) {
        row.append(make("span", "self", say("youMark")));
        const edit = make("button", "tool plain");
        edit.type = "button";
        edit.id = "rename";
        edit.title = say("changeName");
        edit.setAttribute("aria-label", say("changeName"));
        edit.append(icon("edit"));
        edit.addEventListener("click", () => { if (connected()) openEntry(); });
        row.append(edit);
    } else {
        row.type = "button";
        row.title = say("writeTo", { name: plain(member.name) });
        row.setAttribute("aria-pressed", String(addressee.code === member.code));
        row.append(icon("lock", "lock"));
        row.addEventListener("click", () => {
            writeTo(addressee.code === member.code ? "all" : member.code);
            closePeople();
            text.focus();
        });
    }
    member.item.dataset.code = member.code;
    member.item.replaceChildren(row);
}

let peopleDue = 0;
function showPeople() {
    $("count").textContent = members.size || "";
    $("badge").textContent = members.size || "";
    $("people-open").setAttribute("aria-label", say("showPeople", { n: members.size }));
    // Many may come at once: the list of addressees is built once for all of them.
    if (!peopleDue) peopleDue = setTimeout(() => { peopleDue = 0; showPicker(); }, 0);
}

function showPicker() {
    const labels = new Map([["all", say("everyone")]]);
    for (const member of members.values()) {
        if (me && member.code === me.code) continue;
        const label = plain(visible(member.name));
        labels.set(member.code, shared(member) ? `${label} ${tagOf(member.code)}` : label);
    }
    // Whoever was chosen and left stays chosen: a private draft must never turn into a message for everyone.
    if (!labels.has(addressee.code)) labels.set(addressee.code, say("gone", { name: plain(visible(addressee.name)) }));
    // Changed in place, because the list may be open under somebody's finger.
    for (const option of [...picker.options]) {
        const label = labels.get(option.value);
        if (label === undefined) option.remove();
        else if (option.text !== label) option.text = label;
        labels.delete(option.value);
    }
    for (const [code, label] of labels) picker.add(new Option(label, code));
    picker.value = addressee.code;
    showComposer();
}

function writeTo(code) {
    addressee = { code, name: code === "all" ? "" : nameOf(code) || code };
    for (const member of members.values()) {
        const row = member.item.firstElementChild;
        if (row.tagName === "BUTTON") row.setAttribute("aria-pressed", String(member.code === code));
    }
    showPicker();
    hint("");
}

// Messages

const kept = []; // { node, size }, oldest first
let keptSize = 0;
let last = null; // the message that a next one may continue
let lastDay = new Date().toDateString();
let stuck = true; // whether the newest message is in view
let below = 0; // how many have come since it was not
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });

function timeElement(now, server) {
    const element = make("time", "", clock.format(now));
    element.dateTime = now.toISOString();
    element.title = server ? say("serverTime", { time: full.format(now), server }) : full.format(now);
    return element;
}

function keep(node, size) {
    log.append(node);
    kept.push({ node, size });
    keptSize += size;
    while (kept.length > MAX_NODES || (keptSize > MAX_KEPT && kept.length > 1)) {
        const oldest = kept.shift();
        keptSize -= oldest.size;
        oldest.node.remove();
        // What was continued is gone: the next one has to say itself who speaks.
        if (kept[0]) kept[0].node.classList.remove("cont");
    }
    showEmpty();
    if (stuck) follow();
}

function newDay(now) {
    if (now.toDateString() === lastDay) return;
    lastDay = now.toDateString();
    last = null;
    keep(make("div", "day", date.format(now)), 0);
}

function addLine(key, values, kind = "") {
    const now = new Date();
    newDay(now);
    last = null;
    const line = make("div", `line ${kind}`);
    line.append(put(make("span"), key, values), timeElement(now));
    keep(line, line.textContent.length);
    return line;
}

function addMessage({ code, to, mine, text: content, time }) {
    const now = new Date();
    newDay(now);
    const secret = to !== "all";
    const name = visible(nameOf(code) ?? code);
    const node = make("div", "msg");
    node.dataset.code = code;
    node.dataset.to = to;
    node.classList.toggle("mine", mine);
    node.classList.toggle("private", secret);
    const same = last !== null && last.code === code && last.to === to && last.name === name;
    node.classList.toggle("cont", same && now - last.at < GROUP_MS);
    node.style.setProperty("--hue", hue(code));
    last = { code, to, name, at: now };
    const meta = make("div", "meta");
    const who = make("bdi", "who", mine ? say("you") : name);
    meta.append(who);
    const member = members.get(code);
    if (!mine && member && shared(member)) meta.append(make("span", "tag", tagOf(code)));
    if (secret) {
        const mark = make("span", "mark");
        const target = isolated(visible(nameOf(to) ?? say("someoneLeft")));
        mark.append(icon("lock"), put(make("span"), mine ? "privateMine" : "privateFrom", { name: target }));
        meta.append(mark);
    }
    meta.append(timeElement(now, time));
    node.append(avatar(name, code), meta, bubble(content));
    keep(node, content.length + 200);
    if (!stuck) {
        below += 1;
        showJump();
    }
}

function bubble(content) {
    const element = make("div", "bubble");
    const body = make("div", "body");
    body.dir = "auto";
    element.append(body);
    // Pages that send a picture often leave its plus signs raw, which a form decodes to spaces.
    if (/^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/ ]+=* *$/.test(content)) {
        picture(element, body, content.trim().replace(/ /g, "+"));
        return element;
    }
    const shown = content.length > MAX_SHOWN ? content.slice(0, MAX_SHOWN).replace(/[\ud800-\udbff]$/, "") : content;
    body.append(...linked(shown));
    const cut = content.length - shown.length;
    if (cut) body.append(make("span", "cut", say("cut", { n: cut.toLocaleString(locale) })));
    if (shown.length > 1200 || shown.split("\n", 17).length > 16) {
        body.classList.add("folded");
        const more = button("quiet", "more", () => {
            const folded = body.classList.toggle("folded");
            more.textContent = say(folded ? "more" : "less");
            more.setAttribute("aria-expanded", String(!folded));
        });
        more.setAttribute("aria-expanded", "false");
        element.append(more);
    }
    return element;
}

function picture(element, body, url) {
    const kilobytes = Math.ceil((url.length * 3) / 4 / 1024);
    body.textContent = say("picture", { size: `${kilobytes.toLocaleString(locale)} kB` });
    // Only on demand: a small file can unpack to a picture that fills the memory.
    const show = button("quiet", "showPicture", () => {
        const image = new Image();
        image.alt = body.textContent;
        image.addEventListener("error", () => { body.textContent = say("badPicture"); });
        image.addEventListener("load", () => { if (stuck) follow(); });
        image.src = url;
        body.replaceChildren(image);
        show.remove();
    });
    element.append(show);
}

// Web addresses become links that tell the other side nothing; everything else stays text.
function linked(content) {
    const pattern = /\bhttps?:\/\/[^\s<>"'`\u200b-\u200f\u2028-\u202e\u2066-\u2069\u3000-\u303f\uff00-\uffef]+/gi;
    const parts = [];
    let from = 0;
    let links = 0;
    for (const match of content.matchAll(pattern)) {
        let found = match[0].replace(/[.,;:!?*_~]+$/, "");
        while (/[)\]}]$/.test(found) && !balanced(found)) found = found.slice(0, -1);
        let url;
        try { url = new URL(found); } catch { continue; }
        if ((url.protocol !== "http:" && url.protocol !== "https:") || (links += 1) > 100) continue;
        const anchor = make("a", "", found);
        anchor.href = url.href;
        anchor.target = "_blank";
        anchor.rel = "noopener noreferrer nofollow";
        parts.push(content.slice(from, match.index), anchor);
        from = match.index + found.length;
    }
    parts.push(content.slice(from));
    return parts;
}

function balanced(url) {
    const count = (character) => url.split(character).length;
    return count("(") >= count(")") && count("[") >= count("]") && count("{") >= count("}");
}

function showEmpty() {
    $("empty").hidden = Boolean(log.querySelector(".msg")) || outbox.childElementCount > 0 || me === null;
}

// Sending

function submit() {
    const content = text.value.trim();
    const excess = length(content) - MAX_TEXT;
    if (!content) return;
    if (excess > 0) return hint(say("tooLong", { n: excess, max: MAX_TEXT }), true);
    if (!connected()) return hint(say("notConnected"), true);
    if (addressee.code !== "all" && !members.has(addressee.code)) {
        hint(say("goneHint", { name: plain(visible(addressee.name)) }), true);
        return picker.focus();
    }
    text.value = "";
    grow();
    hint("");
    post({ text: content, to: addressee.code, name: addressee.name });
    showComposer();
    toBottom();
}

let posted = 0;
function post(item) {
    item.cid = `${(posted += 1)}`;
    item.sentAt = Date.now();
    item.node = make("div", "msg mine out");
    item.node.classList.toggle("private", item.to !== "all");
    item.node.append(bubble(item.text), make("div", "fate", say("sending")));
    outbox.append(item.node);
    outstanding.push(item);
    link.socket.send(`nr=${encode(escapeText(item.text))}&key=${item.to}&cid=${item.cid}`);
    showEmpty();
}

// What the server did not take, or did not confirm, stays in view until its writer decides.
function fail(item, reason) {
    const fate = make("div", "fate");
    fate.append(
        make("span", "", reason),
        button("quiet", "again", () => {
            if (!connected()) return hint(say("notConnected"), true);
            if (item.to !== "all" && !members.has(item.to)) {
                return hint(say("goneHint", { name: plain(visible(item.name)) }), true);
            }
            item.node.remove();
            post(item);
            text.focus();
            toBottom();
        }),
        button("quiet", "discard", () => {
            item.node.remove();
            showEmpty();
            text.focus();
        }),
    );
    item.node.classList.add("failed");
    item.node.lastElementChild.replaceWith(fate);
    announce(reason);
    if (stuck) follow();
}

function hint(message, bad = false) {
    const element = $("hint");
    element.classList.toggle("bad", bad);
    if (element.textContent !== message) element.textContent = message;
}

function showComposer() {
    const secret = addressee.code !== "all";
    const present = !secret || members.has(addressee.code);
    const characters = length(text.value.trim());
    $("composer").classList.toggle("private", secret);
    $("to-all").hidden = !secret;
    text.placeholder = secret ? say("privateTo", { name: plain(visible(addressee.name)) }) : say("messageTo");
    $("send").setAttribute("aria-disabled", String(!connected() || !present || !characters || characters > MAX_TEXT));
    if (characters > MAX_TEXT) hint(say("tooLong", { n: characters - MAX_TEXT, max: MAX_TEXT }), true);
    else if (characters > MAX_TEXT * 0.9) hint(say("count", { n: characters, max: MAX_TEXT }));
    else if (secret && !present) hint(say("goneHint", { name: plain(visible(addressee.name)) }), true);
    else if (connected()) hint("");
}

// `field-sizing: content` does this where it is known.
const grows = CSS.supports("field-sizing", "content");
function grow() {
    if (grows) return;
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
}

// Scrolling

let scrollDue = 0;
let lastTop = 0;

// Down to the newest message, unless its reader has just begun to scroll up.
function follow() {
    if (!scrollDue) scrollDue = setTimeout(() => {
        scrollDue = 0;
        if (!stuck || scroll.scrollTop < lastTop) return;
        scroll.scrollTop = scroll.scrollHeight;
        lastTop = scroll.scrollTop;
    }, 0);
}

function toBottom() {
    stuck = true;
    below = 0;
    lastTop = 0;
    showJump();
    follow();
}

function showJump() {
    $("jump").hidden = stuck;
    scroll.classList.toggle("following", stuck);
    $("jump-text").textContent = say(["newest", "newMessage"][below] ?? "newMessages", { n: below });
}

scroll.addEventListener("scroll", () => {
    const top = scroll.scrollTop;
    // Only an upward move is its reader's: new messages and a smaller window leave the position as it is.
    if (scroll.scrollHeight - top - scroll.clientHeight < 40) stuck = true;
    else if (top < lastTop) stuck = false;
    lastTop = top;
    if (stuck) below = 0;
    showJump();
}, { passive: true });

const watcher = new ResizeObserver(() => {
    app.style.setProperty("--composer", `${$("composer").offsetHeight}px`);
    if (stuck) follow();
});
watcher.observe(scroll);
watcher.observe($("composer"));

$("jump").addEventListener("click", () => {
    toBottom();
    text.focus();
});

// A phone's keyboard covers the page in browsers that do not shrink it: follow what is left in view.
if (window.visualViewport) {
    const fit = () => {
        if (visualViewport.scale > 1.01) return;
        app.style.setProperty("--app-height", `${visualViewport.height}px`);
        scrollTo(0, 0);
    };
    visualViewport.addEventListener("resize", fit);
}

// Title

function setUnread(number) {
    unread = number;
    showTitle();
}

function showTitle() {
    document.title = `${unread ? `(${unread}) ` : ""}${plain(room)} · Parley`;
}

function showRoom() {
    $("room-name").textContent = room;
    put($("empty-title"), "emptyTitle", { room: isolated(room) });
    put($("invite-text"), "inviteText", { room: isolated(room) });
    put($("invite-tip"), "onlyHere", { option: make("code", "", "--host 0.0.0.0") });
    showTitle();
}

// Entry and change of name

const entry = $("entry");

function openEntry(error = "") {
    const first = !connected();
    entry.classList.toggle("first-time", first);
    $("entry-title").textContent = say(first ? "welcome" : "changeName");
    $("entry-text").textContent = first ? say("welcomeText") : "";
    $("room-field").hidden = !first;
    $("entry-cancel").hidden = first;
    $("join").textContent = say(first ? "join" : "save");
    $("name").value = named || memory.get("parley.name");
    $("room").value = room;
    nameError(error);
    closePeople();
    if (!entry.open) entry.showModal();
    $("name").focus();
    $("name").select();
}

function nameError(message) {
    $("name-error").textContent = message;
    $("name").setAttribute("aria-invalid", String(Boolean(message)));
}

$("entry-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("name").value.trim();
    const other = $("room").value.trim() || "lobby";
    const size = length(name);
    $("name").focus();
    if (!name) return nameError(say("nameMissing"));
    if (size > MAX_NAME) return nameError(say("nameLong", { n: size }));
    if (length(other) > MAX_NAME) return nameError(say("roomLong"));
    named = name;
    memory.set("parley.name", name);
    if (connected()) {
        link.socket.send(`type=add&ming=${encode(name)}`);
    } else {
        if (other !== room) {
            room = other;
            history.replaceState(null, "", `?room=${encode(room)}`);
            showRoom();
        }
        link.attempt = 0;
        connect();
    }
    entry.close();
    if (!phone.matches) text.focus();
});

$("name").addEventListener("input", () => nameError(""));
$("entry-cancel").addEventListener("click", () => entry.close());
// Without a name there is nothing behind this card to go back to.
const stay = (event) => { if (link.state === "idle") event.preventDefault(); };
entry.addEventListener("cancel", stay);
entry.addEventListener("keydown", (event) => { if (event.key === "Escape") stay(event); });
entry.addEventListener("close", () => { if (link.state === "idle") openEntry(); });

// Invitation

function openInvite() {
    const url = new URL(".", location.href);
    url.search = `?room=${encode(room)}`;
    $("invite-link").value = url.href;
    $("invite-tip").hidden = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
    $("copy").textContent = say("copy");
    $("invite").showModal();
    $("copy").focus();
}

$("copy").addEventListener("click", async () => {
    const field = $("invite-link");
    let done = false;
    // The clipboard is closed to pages without TLS; there a selection can still be copied.
    try {
        await navigator.clipboard.writeText(field.value);
        done = true;
    } catch {
        field.focus();
        field.select();
        try { done = document.execCommand("copy"); } catch { done = false; }
        if (done) $("copy").focus();
    }
    $("copy").textContent = say(done ? "copied" : "copyByHand");
    announce(say(done ? "copied" : "copyByHand"));
    setTimeout(() => { $("copy").textContent = say("copy"); }, 3000);
});
$("invite-link").addEventListener("focus", (event) => event.target.select());
$("invite-close").addEventListener("click", () => $("invite").close());
$("invite-open").addEventListener("click", openInvite);
$("empty-invite").addEventListener("click", openInvite);
$("invite").addEventListener("click", (event) => {
    const card = $("invite").getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    const beside = x < card.left || x > card.right || y < card.top || y > card.bottom;
    if (event.target === $("invite") && beside) $("invite").close();
});

// The drawer with the people, on a phone

const people = $("people");
const behind = document.querySelectorAll(".bar, .talk");

function openPeople() {
    people.classList.add("open");
    $("scrim").hidden = false;
    $("people-open").setAttribute("aria-expanded", "true");
    for (const part of behind) part.inert = true;
    $("people-close").focus();
}

function closePeople() {
    if (!people.classList.contains("open")) return;
    people.classList.remove("open");
    $("scrim").hidden = true;
    $("people-open").setAttribute("aria-expanded", "false");
    for (const part of behind) part.inert = false;
    $("people-open").focus();
}

$("people-open").addEventListener("click", openPeople);
$("people-close").addEventListener("click", closePeople);
$("scrim").addEventListener("click", closePeople);
phone.addEventListener("change", closePeople);
addEventListener("keydown", (event) => { if (event.key === "Escape") closePeople(); });

// Composer

text.addEventListener("keydown", (event) => {
    // While an input method composes, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
});
text.addEventListener("input", () => { grow(); showComposer(); });
$("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    text.focus();
});
picker.addEventListener("change", () => { writeTo(picker.value); text.focus(); });
$("to-all").addEventListener("click", () => { writeTo("all"); text.focus(); });
$("retry").addEventListener("click", connect);

showRoom();
showJump();
setState("idle");
showPeople();
showEmpty();
openEntry();
