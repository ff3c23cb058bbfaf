// What a text contains, found in one pass over it: anybody may send any text, so no pattern here repeats anything.

const PICTURES = ["png", "jpeg", "gif", "webp"].map((type) => `data:image/${type};base64,`);
const MAX_ADDRESS = 2000; // characters; what a browser does with a host name takes the square of its length
const MAX_LINKS = 100; // in one text

// The data URL of the picture that a text consists of, otherwise null.
export function pictureIn(text) {
    const head = PICTURES.find((each) => text.startsWith(each));
    if (!head) return null;
    const before = (end, character) => {
        while (end > head.length && text[end - 1] === character) end -= 1;
        return end;
    };
    const padded = before(text.length, " ");
    const end = before(padded, "=");
    if (end === head.length || /[^A-Za-z0-9+/ ]/.test(text.slice(head.length, end))) return null;
    // Pages that send a picture often leave its plus signs raw, which a form decodes to spaces.
    return text.slice(0, padded).replaceAll(" ", "+");
}

// The text in pieces: strings, and { text, href } for each web address in it.
export function linksIn(text) {
    const start = /\bhttps?:\/\//gi;
    const stop = /[\s<>"'`\u200b-\u200f\u2028-\u202e\u2066-\u2069\u3000-\u303f\uff00-\uffef]/g;
    const parts = [];
    let from = 0;
    for (let links = 0, match; links < MAX_LINKS && (match = start.exec(text));) {
        stop.lastIndex = start.lastIndex;
        const end = stop.exec(text)?.index ?? text.length;
        start.lastIndex = end;
        const found = text.slice(match.index, sentenceEnd(text, match.index, end));
        const href = found.length <= MAX_ADDRESS && hrefOf(found);
        if (!href) continue;
        parts.push(text.slice(from, match.index), { text: found, href });
        from = match.index + found.length;
        links += 1;
    }
    parts.push(text.slice(from));
    return parts;
}

function hrefOf(address) {
    try {
        const url = new URL(address);
        return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
    } catch {
        return null;
    }
}

const PUNCTUATION = ".,;:!?*_~";
const OPENING = { ")": "(", "]": "[", "}": "{" };

// Where an address ends: before the sentence's punctuation and before brackets that were opened outside it.
function sentenceEnd(text, from, to) {
    const counts = {};
    for (let at = from; at < to; at += 1) counts[text[at]] = (counts[text[at]] || 0) + 1;
    let end = to;
    for (; end > from; end -= 1) {
        const character = text[end - 1];
        const opening = OPENING[character];
        if (!PUNCTUATION.includes(character) && !(opening && counts[character] > (counts[opening] || 0))) break;
        counts[character] -= 1;
    }
    return end;
}
