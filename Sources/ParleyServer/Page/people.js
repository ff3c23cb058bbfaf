// The people in the room: their names, their list, and which of them the next message is for.

import { $, hint, icon, make, phone, picker, session, text } from "./elements.js";
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

export function hue(code) {
    let hash = 7;
    for (let i = 0; i < code.length; i += 1) hash = (hash * 31 + code.charCodeAt(i)) % 9973;
    return (hash * 47) % 360;
}

export function isolated(name) {
    return make("bdi", "name", name);
}

export function avatar(name, code) {
    const element = make("span", "avatar", Array.from(name.trim())[0] || "?");
    element.setAttribute("aria-hidden", "true");
    element.style.setProperty("--hue", hue(code));
    return element;
}

// Members

export const members = new Map(); // code -> { code, name, skeleton, item }
const skeletons = new Map(); // skeleton -> how many members have it
export const departed = new Map(); // code -> { name, line }, for the name of a rename and of a late message
// Other modules see the current value of these two; only this one sets them.
export let me = null; // { code, name } once the server has let us in
export let addressee = { code: "all", name: "" };
// Every code that the server has called this tab by: what was said before a connection was lost is still ours.
export const ours = new Set(session.get("parley.codes").split(" ").filter(Boolean));

let page; // what the page does about each of these: addressed(), rename()
export function onPeople(handlers) {
    page = handlers;
}

export const nameOf = (code) => (members.get(code) || departed.get(code) || {}).name;
export const tagOf = (code) => `#${code.slice(-4)}`;
export const shared = (member) => skeletons.get(member.skeleton) > 1;

// A new list, with nobody in it yet, for who we are now.
export function startList(own) {
    me = own;
    ours.add(own.code);
    session.set("parley.codes", [...ours].slice(-50).join(" "));
    members.clear();
    skeletons.clear();
    $("members").replaceChildren();
}

export function enlist(code, name) {
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

export function forget(member) {
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
}

let peopleDue = 0;
export function showPeople() {
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
    page.addressed();
}

export function writeTo(code) {
    addressee = { code, name: code === "all" ? "" : nameOf(code) || code };
    for (const member of members.values()) {
        const row = member.item.firstElementChild;
        if (row.tagName === "BUTTON") row.setAttribute("aria-pressed", String(member.code === code));
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
