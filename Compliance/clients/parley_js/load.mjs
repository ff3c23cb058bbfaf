// parley.js as Node takes it: there is no package.json beside the served file that would call it a module, so Node
// versions without syntax detection need the name to end in .mjs.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const SOURCE = fileURLToPath(new URL("../../../Sources/ParleyServer/Page/parley.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "parley-js-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
copyFileSync(SOURCE, join(folder, "parley.mjs"));

export const { Parley, VERSION } = await import(pathToFileURL(join(folder, "parley.mjs")));
// Debian's node-ws; NODE_PATH says where it is.
export const ws = createRequire(import.meta.url)("ws");
