// A client by the rules of webman's push.js (four forms: page, Vue, uni-app, WeChat), written from what those do on the
// wire: /app/KEY without a query, an own heartbeat, and data of every event that has to be a string with JSON in it.
//
//     node webman_push.mjs FORM URL KEY SECRET CHANNEL...
//
// Prints a line of JSON for everything that happens. A line on standard input, {"channel","event","data"}, is sent as a
// client event; its end ends the client.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const WebSocket = createRequire(import.meta.url)("ws"); // found by NODE_PATH
const [form, url, key, secret, ...channels] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

// A page makes a socket of its own; the apps have a single one, whose address and handlers are set apart.
const open = {
    page: (address, handlers) => {
        const socket = new WebSocket(address);
        socket.onopen = handlers.open;
        socket.onmessage = handlers.message;
        socket.onclose = handlers.close;
        return (text) => socket.send(text);
    },
    app: (address, handlers, protocols) => {
        const socket = new WebSocket(address, protocols);
        socket.on("open", () => handlers.open({ header: { protocol: socket.protocol } }));
        socket.on("message", (data) => handlers.message({ data: data.toString() }));
        socket.on("close", (code) => handlers.close({ code }));
        return (text) => socket.send(text);
    },
};
const forms = {
    page: { open: open.page, address: `${url}/app/${key}` },
    vue: { open: open.page, address: `${url}/app/${key}` },
    uniapp: { open: open.app, address: `${url}/app/${key}/`, protocols: ["uni.v1", "uni.v2"] },
    wx: { open: open.app, address: `${url}/app/${key}`, protocols: ["wx"] },
};

let send = null;
let heartbeat = null;
const beat = () => {
    clearTimeout(heartbeat);
    heartbeat = setTimeout(() => send(JSON.stringify({ event: "pusher:ping", data: {} })), 200);
};

function rights(channel, socketID) {
    if (!/^(private|presence)-/.test(channel)) return { channel };
    const data = channel.startsWith("presence-") ? JSON.stringify({ user_id: 9, user_info: { form } }) : undefined;
    const signed = [socketID, channel, ...(data ? [data] : [])].join(":");
    const auth = `${key}:${createHmac("sha256", secret).update(signed).digest("hex")}`;
    return { channel, auth, ...(data ? { channel_data: data } : {}) };
}

const handlers = {
    open: (event) => {
        say({ opened: event.header?.protocol ?? event.target.protocol });
        beat();
    },
    message: ({ data: text }) => {
        const message = JSON.parse(text);
        if (message.event === "pusher:pong") {
            say({ event: message.event });
            return beat();
        }
        if (message.event === "pusher:error") throw Error(message.data.message);
        const data = JSON.parse(message.data); // throws for anything but a string that has JSON in it
        if (message.event === "pusher:connection_established") {
            for (const channel of channels) {
                send(JSON.stringify({ event: "pusher:subscribe", data: rights(channel, data.socket_id) }));
            }
        }
        say({ event: message.event, channel: message.channel, data });
    },
    close: ({ code }) => {
        say({ closed: code });
        process.exit(2);
    },
};

const chosen = forms[form];
send = chosen.open(chosen.address, handlers, chosen.protocols);
const input = createInterface({ input: process.stdin });
input.on("line", (line) => send(line));
input.on("close", () => process.exit(0));
