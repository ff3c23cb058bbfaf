// The page of a room: what it does with pushes and with its reader's input. All that people write goes in as text.

import {
    connect, connected, decode, decodeName, encode, joined, link, onConnection, outstanding, sendMessage, sendName, stop,
} from "./connection.js";
import {
    $, announce, app, button, hint, make, memory, outbox, phone, picker, session, text,
} from "./elements.js";
import { perFrame } from "./frame.js";
import {
    addLine, addMessage, bubble, follow, removeLine, setBusy, showEmpty, showJump, stuck, toBottom,
} from "./log.js";
import {
    addressee, closePeople, departed, enlist, forget, isolated, me, members, onPeople, ours, plain, showPeople,
    startList, visible, writeTo,
} from "./people.js";
import { dateOf, ofServer, put, say, setServerTime } from "./strings.js";

const MAX_NAME = 64;
const MAX_ROOM = 164; // bytes of UTF-8, as the server counts
const MAX_TEXT = 5000; // characters; at most 60 kB on the wire, far below the server's limit
const length = (value) => Array.from(value).length;
const bytes = (value) => new TextEncoder().encode(value).length;

// Connection

onConnection({
    state: showConnection,
    push: receive,
    lost: () => announce(say("lost")),
    unconfirmed: (message) => fail(message, say("unsure")),
    refused: (said) => turnAway(ofServer(said), "room"),
});

function showConnection() {
    $("state").dataset.state = link.state;
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
        const waiting = link.obstructed ? "noticeObstructed" : "noticeWaiting";
        const key = { connecting: "noticeConnecting", waiting, offline: "noticeOffline" }[link.state];
        $("notice-text").textContent = say(key, { n: seconds });
        $("retry").hidden = link.state === "connecting";
    } else if (wasThere && document.activeElement === $("retry")) {
        text.focus();
    }
}

setInterval(() => { if (link.state === "waiting" || link.state === "offline") showState(); }, 250);

$("retry").addEventListener("click", connect);

// Pushes

function receive(push) {
    switch (push.type) {
    case "madd": return welcome(push);
    case "resume": return resume(push);
    case "add": return arrive(push);
    case "rmove":
    case "remove": return leave(String(push.nrong));
    case "error": return refuse(decode(push.nrong));
    default: if (push.type === undefined && push.nrong !== undefined) hear(push);
    }
}

function welcome(push) {
    const code = String(push.code);
    const name = decodeName(push.name);
    const renamed = me && me.code === code && connected();
    const oldName = me && me.name;
    startList({ code, name });
    enlist(code, name);
    for (const user of Array.isArray(push.users) ? push.users : []) {
        if (String(user.code) !== code) enlist(String(user.code), decodeName(user.name));
    }
    if (renamed) {
        if (name !== oldName) addLine("nowCalled", { name });
    } else {
        returning = oldName !== null;
        asked = true;
        joined(code);
        session.set("parley.room", link.room);
        session.set("parley.name", link.name);
        announce(say("on"));
    }
    showPeople.now();
    showEmpty();
}

// What became of our wish to get what was said while we were not here: comes after the welcome. It comes again when
// the server itself has lost something on the way.

let returning = false; // whether this page was in the room before
let asked = false; // whether the answer to our join is still to come
let due = 0; // how many messages from before are still to come

function resume(push) {
    setServerTime(String(push.time));
    due = Number(push.missed) || 0;
    const isFirst = asked && !returning;
    if (asked && returning) addLine(due ? "caughtUp" : "isBack", {}, "back");
    asked = false;
    // What was there before a reader came is not read out.
    setBusy(isFirst && due > 0);
    if (push.recovered) {
        if (isFirst && !String(push.pos).endsWith(":0")) addLine("earlier", {}, "back");
    } else if (push.gap) {
        const { from, to, oldest } = push.gap;
        const n = to - from + 1;
        // Never a part of them: what is still kept comes only to a page that asks without a position.
        const key = oldest <= to ? "gapKept" : "gap";
        addLine(n === 1 ? "gapOfOne" : key, { n }, "alert gap");
    } else {
        addLine("anew", {}, "alert gap");
    }
}

function arrive(push) {
    const code = String(push.code);
    const name = decodeName(push.name);
    const before = departed.get(code) || members.get(code);
    enlist(code, name);
    if (me && code === me.code) return;
    if (!before) return void addLine("joined", { name });
    // Codes are never used twice, so one that left and comes back has taken another name.
    departed.delete(code);
    if (before.line) removeLine(before.line);
    if (before.name === name) return;
    addLine("renamed", { old: before.name, name });
}

function leave(code) {
    const member = members.get(code);
    if (!member) return;
    forget(member);
    const line = addLine("left", { name: member.name });
    departed.set(code, { name: member.name, line });
    if (departed.size > 200) departed.delete(departed.keys().next().value);
}

function refuse(said) {
    const message = ofServer(said);
    const first = outstanding.shift();
    if (first && first.question) return;
    if (first) return fail(first, say("notSent", { text: message }));
    if (connected()) return void addLine("refused", { text: message }, "alert");
    if (me) return void addLine("refused", { text: message }, "alert");
    turnAway(message);
}

// We may not come in: back to the card, with the words at the field that they are about.
function turnAway(message, field) {
    stop();
    openEntry(say("refused", { text: message }), field);
}

function hear(push) {
    const code = String(push.code);
    const to = String(push.code1 ?? "all");
    const mine = ours.has(code);
    if (mine) {
        settle(push, code, to);
        if (to === code) return;
    }
    const message = { code, to, mine, text: decode(push.nrong), time: String(push.time ?? "") };
    // Only what was missed has a name: nobody's extra can be called so.
    const missed = push.name !== undefined;
    if (missed) Object.assign(message, { name: decodeName(push.name), at: dateOf(message.time) });
    addMessage(message);
    if (missed && (due -= 1) === 0) setBusy(false);
    if (!mine && document.hidden && (returning || !missed)) setUnread(unread + 1);
}

// One of our messages has come back, perhaps after the connection on which it went.
function settle(push, code, to) {
    // The server hands extras back: `cid` tells which of them it is.
    let item = awaited.get(push.cid);
    if (!item && push.cid === undefined && me && code === me.code) {
        item = outstanding.find((other) => other.node && other.to === to);
    }
    if (!item) return;
    awaited.delete(item.cid);
    const index = outstanding.indexOf(item);
    if (index >= 0) outstanding.splice(index, 1);
    item.node.remove();
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

const awaited = new Map(); // cid -> what the server has not handed back, whether it is still to come or not
const tab = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
let posted = 0;
function post(item) {
    // Different from those of before a reload, which may come back as well.
    item.cid = `${tab}-${(posted += 1)}`;
    awaited.set(item.cid, item);
    item.sentAt = Date.now();
    item.node = make("div", "msg mine out");
    item.node.classList.toggle("private", item.to !== "all");
    item.node.append(bubble(item.text), make("div", "fate", say("sending")));
    outbox.append(item.node);
    sendMessage(item);
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
            awaited.delete(item.cid);
            item.node.remove();
            post(item);
            text.focus();
            toBottom();
        }),
        button("quiet", "discard", () => {
            awaited.delete(item.cid);
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
// A key changes the choice while the list is closed, one person after the other: the focus stays with the list.
let isPointed = false;
picker.addEventListener("pointerdown", () => { isPointed = true; });
picker.addEventListener("keydown", () => { isPointed = false; });
picker.addEventListener("change", () => {
    writeTo(picker.value);
    if (isPointed) text.focus();
});
$("to-all").addEventListener("click", () => { writeTo("all"); text.focus(); });

onPeople({
    addressed: showComposer,
    rename() { if (connected()) openEntry(); },
});

// Title

let unread = 0;

function setUnread(number) {
    unread = number;
    showTitle();
}

const showTitle = perFrame(() => {
    document.title = `${unread ? `(${unread}) ` : ""}${plain(link.room)} · Parley`;
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) setUnread(0); });

function showRoom() {
    $("room-name").textContent = link.room;
    put($("empty-title"), "emptyTitle", { room: isolated(link.room) });
    put($("invite-text"), "inviteText", { room: isolated(link.room) });
    put($("invite-tip"), "onlyHere", { option: make("code", "", "--host 0.0.0.0") });
    showTitle.now();
}

// Entry and change of name

const entry = $("entry");
const FIELDS = ["name", "room"];

function openEntry(error = "", field = "name") {
    const first = !connected();
    entry.classList.toggle("first-time", first);
    $("entry-title").textContent = say(first ? "welcome" : "changeName");
    $("entry-text").textContent = first ? say("welcomeText") : "";
    $("room-field").hidden = !first;
    $("entry-cancel").hidden = first;
    $("join").textContent = say(first ? "join" : "save");
    $("name").value = link.name || memory.get("parley.name");
    $("room").value = link.room;
    for (const id of FIELDS) showError(id, id === field ? error : "");
    closePeople();
    if (!entry.open) entry.showModal();
    $(field).focus();
    $(field).select();
}

function showError(field, message) {
    $(`${field}-error`).textContent = message;
    $(field).setAttribute("aria-invalid", String(Boolean(message)));
    if (message) $(field).focus();
}

$("entry-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("name").value.trim();
    const other = $("room").value.trim() || "lobby";
    const size = length(name);
    if (!name) return showError("name", say("nameMissing"));
    if (size > MAX_NAME) return showError("name", say("nameLong", { n: size }));
    if (bytes(other) > MAX_ROOM) return showError("room", say("roomLong"));
    link.name = name;
    memory.set("parley.name", name);
    if (connected()) {
        sendName();
    } else {
        if (other !== link.room) {
            link.room = other;
            link.position = "";
            history.replaceState(null, "", `?room=${encode(link.room)}`);
            showRoom();
        }
        link.attempt = 0;
        connect();
    }
    entry.close();
    if (!phone.matches) text.focus();
});

for (const id of FIELDS) $(id).addEventListener("input", () => showError(id, ""));
$("entry-cancel").addEventListener("click", () => entry.close());
// Without a name there is nothing behind this card to go back to.
const stay = (event) => { if (link.state === "idle") event.preventDefault(); };
entry.addEventListener("cancel", stay);
entry.addEventListener("keydown", (event) => { if (event.key === "Escape") stay(event); });
entry.addEventListener("close", () => { if (link.state === "idle") openEntry(); });

// Invitation

function openInvite() {
    const url = new URL(".", location.href);
    url.search = `?room=${encode(link.room)}`;
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

showRoom();
showJump();
showConnection();
showPeople.now();
showEmpty();
// A reload is no farewell: whoever was in the room is there again.
const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload";
if (isReload && session.get("parley.name") && session.get("parley.room") === link.room) {
    link.name = session.get("parley.name");
    connect();
    if (!phone.matches) text.focus();
} else {
    openEntry();
}
