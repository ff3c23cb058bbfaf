// The declarations name what the program has.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { SOURCE } from "./load.mjs";
import { World } from "./fakes.mjs";

const source = readFileSync(SOURCE, "utf8");
const types = readFileSync(SOURCE.replace(/js$/, "d.ts"), "utf8");

for (const name of ["Parley", "Channel", "User"]) {
    test(`what is declared of ${name} is there, and nothing else is public`, (t) => {
        const { parley } = new World(t);
        const object = { Parley: parley, Channel: parley.subscribe("a"), User: parley.user }[name];
        const [, body] = new RegExp(`(?:class|interface) ${name} [^{]*{\n(.*?)\n}`, "s").exec(types);
        const declared = new Set([...body.matchAll(/^ {4}(?:readonly )?(\w+)[(<:]/gm)].map(([, member]) => member));
        declared.delete("constructor");
        assert.ok(declared.size > 2);
        for (const member of declared) assert.ok(member in object, member);
        if (name === "User") return; // all of a channel but for what makes no sense of a user
        const own = [...Object.keys(object), ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))];
        const isPublic = (member) => !member.startsWith("_") && member !== "constructor";
        assert.deepEqual(own.filter(isPublic).filter((member) => !declared.has(member)), []);
    });
}

test("the client's own events are declared, and those declared are told", () => {
    const names = (text) =>
        [...new Set(text.match(/"parley:\w+"/g))].filter((name) => name !== '"parley:position"').sort();
    // The two of the watchlist are called as the server calls them.
    assert.deepEqual(names(types), names(`${source} "parley:online" "parley:offline"`));
});
