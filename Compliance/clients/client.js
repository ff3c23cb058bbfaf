// Echoes texts and one binary message through the npm package `ws` and prints what happened as one JSON object.
"use strict";

const WebSocket = require("ws");

const [url, ...texts] = process.argv.slice(2);
const binary = Buffer.alloc(70000);
for (let index = 0; index < binary.length; index += 1) binary[index] = (index * index + (index >> 7)) & 255;

const messages = [...texts, binary];
const result = { echoed: 0 };
// The threshold of 0 compresses the short texts too.
const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
const deadline = setTimeout(() => {
    console.error("no end after 30 seconds");
    process.exit(1);
}, 30000);

socket.on("open", () => {
    result.extensions = socket.extensions;
    result.subprotocol = socket.protocol;
    socket.send(messages[0]);
});
socket.on("message", (data, isBinary) => {
    const sent = messages[result.echoed];
    const same = isBinary === Buffer.isBuffer(sent) && Buffer.from(sent).equals(data);
    if (!same) {
        console.error(`message ${result.echoed} came back changed`);
        process.exit(1);
    }
    result.echoed += 1;
    if (result.echoed < messages.length) socket.send(messages[result.echoed]);
    else socket.close(1000, "done");
});
socket.on("close", (code) => {
    clearTimeout(deadline);
    result.closeCode = code;
    console.log(JSON.stringify(result));
});
socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
});
