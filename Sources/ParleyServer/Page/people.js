// The people in the room: their names, their list, and which of them the next message is for.

import { $, hint, icon, make, phone, picker, session, text } from "./elements.js";
import { MAX_DRAWN, perFrame } from "./frame.js";
import { say } from "./strings.js";

// Names

// For places that take only a string (titles, options): no control that could turn the text around it.
export const plain = (name) => name.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

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

export const visible = (name) => (skeleton(name) ? name : `${name}${say("noName")}`);

// A name's colour. Codes are others after each reload; a name has its colour everywhere and always.
export function hue(name) {
    let hash = 7;
    for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) % 9973;
    return (hash * 47) % 360;
}

export function isolated(name) {
    return make("bdi", "name", name);
}

export function avatar(name) {
    const element = make("span", "avatar", Array.from(name.trim())[0] || "?");
    element.setAttribute("aria-hidden", "true");
    element.style.setProperty("--hue", hue(name));
    return element;
}

// Members

export const members = new Map(); // code -> { code, name, skeleton, item }
const alike = new Map(); // skeleton -> the members that have it
const undrawn = new Set(); // members whose row is not as it has to be
export const departed = new Map(); // code -> { name, line }, of the last 200, for the name of a rename and of a late message
// Other modules see the current value of these two; only this one sets them.
export let me = null; // { code, name } once the server has let us in
export let addressee = { code: "all", name: "" };
// Every code that the server has called this tab by: what was said before a connection was lost is still ours.
export const ours = new Set(session.get("parley.codes").split(" ").filter(Boolean));

const MAX_OURS = 50;

let page; // what the page does about each of these: addressed(), rename()
export function onPeople(handlers) {
    page = handlers;
}

export const nameOf = (code) => (members.get(code) || departed.get(code) || {}).name;
export const tagOf = (code) => `#${code.slice(-4)}`;
export const shared = (member) => alike.get(member.skeleton).size > 1;

// A new list, with nobody in it yet, for who we are now.
export function startList(own) {
    me = own;
    ours.add(own.code);
    if (ours.size > MAX_OURS) ours.delete(ours.values().next().value);
    session.set("parley.codes", [...ours].join(" "));
    members.clear();
    alike.clear();
    undrawn.clear();
    $("members").replaceChildren();
}

export function enlist(code, name) {
    const known = members.get(code);
    if (known) forget(known);
    const member = { code, name, shown: visible(name), skeleton: skeleton(name), item: make("li") };
    const same = alike.get(member.skeleton) ?? new Set();
    members.set(code, member);
    alike.set(member.skeleton, same.add(member));
    undrawn.add(member);
    if (same.size === 2) drawAlike(same);
    showPeople();
}

export function forget(member) {
    const same = alike.get(member.skeleton);
    members.delete(member.code);
    undrawn.delete(member);
    member.item.remove();
    same.delete(member);
    if (!same.size) alike.delete(member.skeleton);
    if (same.size === 1) drawAlike(same);
    showPeople();
}

// A tag comes and goes with the second person of that name: then those who share it are drawn again.
function drawAlike(same) {
    for (const member of same) undrawn.add(member);
}

function drawMember(member) {
    const own = me && member.code === me.code;
    const row = make(own ? "div" : "button", "member");
    row.append(avatar(member.name), isolated(member.shown));
    if (shared(member)) row.append(make("span", "tag", tagOf(member.code)));
    if (own) {
        row.append(make("span", "self", say("youMark")));
        const edit = make("button", "tool plain");
        edit.type = "button";
        edit.id = "rename";
        edit.title = say("changeName");
        edit.setAttribute("aria-label", say("changeName"));
        edit.append(icon("edit"));
        edit.addEventListener("click", () => page.rename());
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
    if (member.item.isConnected) return;
    if (own) $("members").prepend(member.item);
    else $("members").append(member.item);
}

// Many may come at once: their number and the list of addressees are made once for all of them, their rows in pieces.
export const showPeople = perFrame(() => {
    let left = MAX_DRAWN;
    for (const member of undrawn) {
        if (left === 0) {
            showPeople();
            break;
        }
        left -= 1;
        undrawn.delete(member);
        drawMember(member);
    }
    $("count").textContent = members.size || "";
    $("badge").textContent = members.size || "";
    $("people-open").setAttribute("aria-label", say("showPeople", { n: members.size }));
    showPicker();
});

function showPicker() {
    const labels = new Map([["all", say("everyone")]]);
    for (const member of members.values()) {
        if (me && member.code === me.code) continue;
        const label = plain(member.shown);
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
    page.addressed();
}

export function writeTo(code) {
    addressee = { code, name: code === "all" ? "" : nameOf(code) || code };
    for (const member of members.values()) {
        const row = member.item.firstElementChild;
        if (row?.tagName === "BUTTON") row.setAttribute("aria-pressed", String(member.code === code));
    }
    showPicker();
    hint("");
}

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

export function closePeople() {
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
