// The log: messages and lines, what becomes of their text, and scrolling.

import { $, app, button, icon, log, make, outbox, scroll, text } from "./elements.js";
import { MAX_DRAWN, perFrame } from "./frame.js";
import { avatar, hue, isolated, me, members, nameOf, shared, tagOf, visible } from "./people.js";
import { linksIn, pictureIn } from "./scan.js";
import { clock, date, full, locale, put, say } from "./strings.js";

const MAX_SHOWN = 20000; // characters of one message that other pages may have sent longer
const MAX_NODES = 1000; // messages and lines kept in the document
const MAX_KEPT = 8e6; // characters kept in all of them
const GROUP_MS = 5 * 60 * 1000;

// Messages

const kept = []; // { build, node, size, continues, isMessage }, oldest first
let outdated = []; // nodes of what is not kept any more, still in the document
let keptSize = 0;
let messages = 0; // how many of what is kept are messages
let last = null; // the message that a next one may continue
let lastDay = new Date().toDateString();
let busy = false; // whether what comes is not to be read out
export let stuck = true; // whether the newest message is in view
let below = 0; // how many have come since it was not

function timeElement(now, server) {
    const element = make("time", "", clock.format(now));
    element.dateTime = now.toISOString();
    element.title = server ? say("serverTime", { time: full.format(now), server }) : full.format(now);
    return element;
}

// `build` makes the node when a next frame is drawn, unless more has come by then than the log holds.
function keep(size, build, { continues = false, isMessage = false } = {}) {
    const entry = { build, node: null, size, continues, isMessage };
    kept.push(entry);
    keptSize += size;
    if (isMessage) messages += 1;
    while (kept.length > MAX_NODES || (keptSize > MAX_KEPT && kept.length > 1)) {
        const oldest = kept.shift();
        keptSize -= oldest.size;
        if (oldest.isMessage) messages -= 1;
        if (oldest.node) outdated.push(oldest.node);
    }
    // What the oldest one continued is gone: it has to say itself who speaks.
    kept[0].continues = false;
    draw();
    return entry;
}

// The newest first: in a flood they are what is in view, and older ones may be gone before their turn.
const draw = perFrame(() => {
    const atEnd = isFollowing();
    for (const node of outdated) node.remove();
    outdated = [];
    kept[0]?.node?.classList.remove("cont");
    let left = MAX_DRAWN;
    let next = null;
    for (let i = kept.length - 1; i >= 0 && left > 0; i -= 1) {
        const entry = kept[i];
        if (!entry.node && entry.build) {
            entry.node = entry.build();
            entry.node.classList.toggle("cont", entry.continues);
            log.insertBefore(entry.node, next);
            left -= 1;
        }
        next = entry.node ?? next;
    }
    if (left === 0) draw();
    log.setAttribute("aria-busy", String(busy));
    showEmpty();
    showJump();
    if (atEnd) toEnd();
});

// A screen reader does not read out what comes while the log is busy.
export function setBusy(value) {
    busy = value;
    if (busy) log.setAttribute("aria-busy", "true");
    else draw();
}

// Takes a line back that has turned out to be the half of something.
export function removeLine(entry) {
    entry.build = null;
    if (entry.node) outdated.push(entry.node);
    entry.node = null;
    draw();
}

function newDay(now) {
    if (now.toDateString() === lastDay) return;
    lastDay = now.toDateString();
    last = null;
    keep(0, () => make("div", "day", date.format(now)));
}

// Of the values, `name` and `old` are people's.
export function addLine(key, values, kind = "") {
    const now = new Date();
    // What follows this one may be from the day before.
    if (kind !== "back") newDay(now);
    last = null;
    return keep(200 + Object.values(values).join("").length, () => {
        const shown = { ...values };
        for (const who of ["name", "old"]) if (who in shown) shown[who] = isolated(visible(shown[who]));
        const line = make("div", `line ${kind}`);
        line.append(put(make("span"), key, shown), timeElement(now));
        return line;
    });
}

// `at` is when it was said; `name` is given when the one who said it may not be here any more.
export function addMessage({ code, to, mine, text: content, time, at = new Date(), name: given }) {
    newDay(at);
    const name = given ?? nameOf(code) ?? code;
    const same = last !== null && last.code === code && last.to === to && last.name === name;
    const continues = same && at - last.at < GROUP_MS;
    last = { code, to, name, at };
    const member = members.get(code);
    const tag = !mine && member && shared(member) ? tagOf(code) : "";
    const target = to === "all" ? null : nameOf(to) ?? say("someoneLeft");
    const message = { code, to, mine, name, tag, target, content, time, at };
    keep(content.length + 200, () => messageNode(message), { continues, isMessage: true });
    if (!stuck) below += 1;
}

function messageNode({ code, to, mine, name, tag, target, content, time, at }) {
    const node = make("div", "msg");
    node.dataset.code = code;
    node.dataset.to = to;
    node.classList.toggle("mine", mine);
    node.classList.toggle("private", target !== null);
    node.style.setProperty("--hue", hue(name));
    const meta = make("div", "meta");
    meta.append(make("bdi", "who", mine ? say("you") : visible(name)));
    if (tag) meta.append(make("span", "tag", tag));
    if (target !== null) {
        const mark = make("span", "mark");
        const key = mine ? "privateMine" : "privateFrom";
        mark.append(icon("lock"), put(make("span"), key, { name: isolated(visible(target)) }));
        meta.append(mark);
    }
    meta.append(timeElement(at, time));
    node.append(avatar(name), meta, bubble(content));
    return node;
}

export function bubble(content) {
    const element = make("div", "bubble");
    const body = make("div", "body");
    body.dir = "auto";
    element.append(body);
    const url = pictureIn(content);
    if (url) {
        picture(element, body, url);
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
        const atEnd = stuck;
        const end = (...content) => {
            // The button goes: whoever pressed it with a key goes on from the log.
            if (document.activeElement === show) scroll.focus({ preventScroll: true });
            show.remove();
            body.replaceChildren(...content);
            reveal(element, atEnd);
        };
        show.disabled = true;
        image.alt = body.textContent;
        image.addEventListener("error", () => end(say("badPicture")));
        image.addEventListener("load", () => end(image));
        image.src = url;
    });
    element.append(show);
}

// Web addresses become links that tell the other side nothing; everything else stays text.
function linked(content) {
    return linksIn(content).map((part) => {
        if (typeof part === "string") return part;
        const anchor = make("a", "", part.text);
        anchor.href = part.href;
        anchor.target = "_blank";
        anchor.rel = "noopener noreferrer nofollow";
        return anchor;
    });
}

export function showEmpty() {
    $("empty").hidden = messages > 0 || outbox.childElementCount > 0 || me === null;
}

// Scrolling

let lastTop = 0;

const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;

// A reader who has just begun to scroll up is above the place where the page has been, and not at the end.
const isFollowing = () => stuck && (scroll.scrollTop >= lastTop || isAtEnd());

function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
    lastTop = scroll.scrollTop;
}

// Down to the newest message, unless its reader has just begun to scroll up.
export const follow = perFrame(() => { if (isFollowing()) toEnd(); });

// Brings into view what has just grown; the end stays in view, too, if it was there and both fit.
function reveal(element, atEnd) {
    if (atEnd) scroll.scrollTop = scroll.scrollHeight;
    element.scrollIntoView({ block: "nearest" });
    lastTop = scroll.scrollTop;
    stuck = isAtEnd();
    showJump();
}

export function toBottom() {
    stuck = true;
    below = 0;
    lastTop = 0;
    showJump();
    follow();
}

export function showJump() {
    $("jump").hidden = stuck;
    scroll.classList.toggle("following", stuck);
    $("jump-text").textContent = say(["newest", "newMessage"][below] ?? "newMessages", { n: below });
}

// A window that turns or grows moves the position by itself, and the scroll event may tell of it first.
let lastSize = "";
function resized() {
    const size = `${scroll.clientWidth} ${scroll.clientHeight}`;
    if (size === lastSize) return false;
    lastSize = size;
    if (!stuck) return false;
    lastTop = 0;
    follow.now();
    return true;
}

scroll.addEventListener("scroll", () => {
    if (resized()) return;
    const top = scroll.scrollTop;
    // Only an upward move is its reader's: new messages and a smaller window leave the position as it is.
    if (isAtEnd()) stuck = true;
    else if (top < lastTop) stuck = false;
    lastTop = top;
    if (stuck) below = 0;
    showJump();
}, { passive: true });

const watcher = new ResizeObserver(() => {
    app.style.setProperty("--composer", `${$("composer").offsetHeight}px`);
    resized();
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
