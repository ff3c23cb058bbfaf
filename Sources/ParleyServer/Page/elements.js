// The elements of the page: those that index.html has, in the reader's language, and helpers that make new ones.

import { say, words } from "./strings.js";

export const $ = (id) => document.getElementById(id);
export const app = $("app"), scroll = $("scroll"), log = $("log"), outbox = $("outbox");
export const text = $("text"), picker = $("to");
export const phone = matchMedia("(max-width: 760px)");

export function make(tag, className, content) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (content !== undefined) element.textContent = content;
    return element;
}

export function button(className, key, act) {
    const element = make("button", className, say(key));
    element.type = "button";
    element.addEventListener("click", act);
    return element;
}

export function icon(name, className = "") {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", `icon ${className}`);
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
}

// Some browsers refuse storage (private windows, strict settings): the page works without it.
function storage(kind) {
    return {
        get(key) {
            try { return window[kind].getItem(key) || ""; } catch { return ""; }
        },
        set(key, value) {
            try { window[kind].setItem(key, value); } catch { /* nothing to do */ }
        },
    };
}
export const memory = storage("localStorage"); // of all tabs
export const session = storage("sessionStorage"); // of this tab, and over a reload

export function announce(message) {
    $("announce").textContent = message;
}

export function hint(message, bad = false) {
    const element = $("hint");
    element.classList.toggle("bad", bad);
    if (element.textContent !== message) element.textContent = message;
}

document.documentElement.lang = words.lang;
for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    if (element.tagName === "BUTTON") element.title = say(element.dataset.label);
}
