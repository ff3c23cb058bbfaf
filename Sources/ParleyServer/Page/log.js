// The log: messages and lines, what becomes of their text, and scrolling.

import { $, app, button, icon, log, make, outbox, scroll, text } from "./elements.js";
import { avatar, hue, isolated, me, members, nameOf, shared, tagOf, visible } from "./people.js";
import { clock, date, full, locale, put, say } from "./strings.js";

const MAX_SHOWN = 20000; // characters of one message that other pages may have sent longer
const MAX_NODES = 1000; // messages and lines kept in the document
const MAX_KEPT = 8e6; // characters kept in all of them
const GROUP_MS = 5 * 60 * 1000;

// Messages

const kept = []; // { node, size }, oldest first
let keptSize = 0;
let last = null; // the message that a next one may continue
let lastDay = new Date().toDateString();
export let stuck = true; // whether the newest message is in view
let below = 0; // how many have come since it was not

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

export function addLine(key, values, kind = "") {
    const now = new Date();
    // What follows this one may be from the day before.
    if (kind !== "back") newDay(now);
    last = null;
    const line = make("div", `line ${kind}`);
    line.append(put(make("span"), key, values), timeElement(now));
    keep(line, line.textContent.length);
    return line;
}

// `at` is when it was said; `name` is given when the one who said it may not be here any more.
export function addMessage({ code, to, mine, text: content, time, at = new Date(), name: given }) {
    newDay(at);
    const secret = to !== "all";
    const name = visible(given ?? nameOf(code) ?? code);
    const node = make("div", "msg");
    node.dataset.code = code;
    node.dataset.to = to;
    node.classList.toggle("mine", mine);
    node.classList.toggle("private", secret);
    const same = last !== null && last.code === code && last.to === to && last.name === name;
    node.classList.toggle("cont", same && at - last.at < GROUP_MS);
    node.style.setProperty("--hue", hue(code));
    last = { code, to, name, at };
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
    meta.append(timeElement(at, time));
    node.append(avatar(name, code), meta, bubble(content));
    keep(node, content.length + 200);
    if (!stuck) {
        below += 1;
        showJump();
    }
}

export function bubble(content) {
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

export function showEmpty() {
    $("empty").hidden = Boolean(log.querySelector(".msg")) || outbox.childElementCount > 0 || me === null;
}

// Scrolling

let scrollDue = 0;
let lastTop = 0;

// Down to the newest message, unless its reader has just begun to scroll up.
export function follow() {
    if (!scrollDue) scrollDue = setTimeout(() => {
        scrollDue = 0;
        if (!stuck || scroll.scrollTop < lastTop) return;
        scroll.scrollTop = scroll.scrollHeight;
        lastTop = scroll.scrollTop;
    }, 0);
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
