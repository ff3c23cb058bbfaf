// The page of a room: what it does with pushes and with its reader's input. All that people write goes in as text.

import {
    connect, connected, decode, encode, joined, link, onConnection, outstanding, sendMessage, sendName, stop,
} from "./connection.js";
import { $, announce, app, button, hint, make, outbox, phone, picker, text } from "./elements.js";
import { addLine, addMessage, bubble, follow, showEmpty, showJump, stuck, toBottom } from "./log.js";
import {
    addressee, closePeople, departed, enlist, forget, isolated, me, members, onPeople, plain, showPeople, startList,
    visible, writeTo,
} from "./people.js";
import { put, say } from "./strings.js";

const MAX_NAME = 64;
const MAX_TEXT = 5000; // characters; at most 60 kB on the wire, far below the server's limit
const length = (value) => Array.from(value).length;

// Connection

onConnection({
    state: showConnection,
    push: receive,
    lost: () => announce(say("lost")),
    unconfirmed: (message) => fail(message, say("unsure")),
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
        const key = { connecting: "noticeConnecting", waiting: "noticeWaiting", offline: "noticeOffline" }[link.state];
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
    startList({ code, name });
    for (const user of Array.isArray(push.users) ? push.users : []) enlist(String(user.code), decode(user.name));
    enlist(code, name);
    if (renamed) {
        if (name !== oldName) addLine("nowCalled", { name: isolated(visible(name)) });
    } else {
        if (again) addLine("isBack");
        joined(code);
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
    stop();
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
picker.addEventListener("change", () => { writeTo(picker.value); text.focus(); });
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

function showTitle() {
    document.title = `${unread ? `(${unread}) ` : ""}${plain(link.room)} · Parley`;
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) setUnread(0); });

function showRoom() {
    $("room-name").textContent = link.room;
    put($("empty-title"), "emptyTitle", { room: isolated(link.room) });
    put($("invite-text"), "inviteText", { room: isolated(link.room) });
    put($("invite-tip"), "onlyHere", { option: make("code", "", "--host 0.0.0.0") });
    showTitle();
}

// Entry and change of name

const entry = $("entry");

// Some browsers refuse storage (private windows, strict settings): the page works without it.
const memory = {
    get(key) {
        try { return localStorage.getItem(key) || ""; } catch { return ""; }
    },
    set(key, value) {
        try { localStorage.setItem(key, value); } catch { /* nothing to do */ }
    },
};

function openEntry(error = "") {
    const first = !connected();
    entry.classList.toggle("first-time", first);
    $("entry-title").textContent = say(first ? "welcome" : "changeName");
    $("entry-text").textContent = first ? say("welcomeText") : "";
    $("room-field").hidden = !first;
    $("entry-cancel").hidden = first;
    $("join").textContent = say(first ? "join" : "save");
    $("name").value = link.name || memory.get("parley.name");
    $("room").value = link.room;
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
    link.name = name;
    memory.set("parley.name", name);
    if (connected()) {
        sendName();
    } else {
        if (other !== link.room) {
            link.room = other;
            history.replaceState(null, "", `?room=${encode(link.room)}`);
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
showPeople();
showEmpty();
openEntry();
