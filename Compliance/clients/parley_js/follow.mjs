// Follows channels through parley.js and prints what happens as one JSON object a line, until standard input ends.
//
//     node follow.mjs URL [OPTION ...] CHANNEL ...
//
// URL is ws://HOST:PORT/app/KEY. Options:
//   --secret SECRET       signs private and presence channels, and the sign-in, with the app's secret
//   --user ID             the member in presence channels, and who signs in (default: "node")
//   --sign-in             signs in
//   --backoff BASE,CAP    milliseconds (default: 20,200, so that a thousand cuts take minutes and not hours)
//   --from CHANNEL=EPOCH:OFFSET   where a channel begins
//   --stock               without recovery
//
// Lines, told by "type":
//   state       {state, code, reason, socketId}
//   subscribed  {channel, recovered, position}         position: {epoch, offset} or null, here and below
//   event       {channel, event, data, position, userId}     data as it was published
//   gap         {channel, gap}                         gap: {from, to, oldest} or null
//   recovered   {channel, from, to}
//   joined, left        {channel, id, info}
//   online, offline     {ids}
//   error       {channel, kind, message, status, retries}, or {channel: null, code, message} of the connection
//   sent        {channel, event, sent}                 the answer to a "send"
//
// Lines on standard input are orders: {"subscribe": NAME}, {"unsubscribe": NAME},
// {"send": EVENT, "channel": NAME, "data": …}, {"close": true}, {"connect": true}.

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Parley, ws } from "./load.mjs";
import { channelAuthorisation, userAuthorisation } from "./signatures.mjs";

const { values: options, positionals: [url, ...names] } = parseArgs({
    allowPositionals: true,
    options: {
        secret: { type: "string" }, user: { type: "string", default: "node" }, "sign-in": { type: "boolean" },
        backoff: { type: "string", default: "20,200" }, from: { type: "string", multiple: true, default: [] },
        stock: { type: "boolean" },
    },
});
if (!url) {
    console.error("usage: node follow.mjs URL [OPTION ...] CHANNEL ...");
    process.exit(2);
}

const print = (type, line) => process.stdout.write(`${JSON.stringify({ type, ...line })}\n`);
const [base, cap] = options.backoff.split(",").map(Number);
const credentials = { key: decodeURIComponent(new URL(url).pathname.split("/").at(-1)), secret: options.secret };
const positions = new Map(options.from.map((text) => {
    const [, name, epoch, offset] = /^(.+?)=(.+):(\d+)$/.exec(text);
    return [name, { epoch, offset: Number(offset) }];
}));

const signed = options.secret === undefined ? {} : {
    auth: ({ socketId, channel }) => channelAuthorisation(credentials, socketId, channel,
        channel.startsWith("presence-") ? { user_id: options.user, user_info: { name: options.user } } : null),
    userAuth: ({ socketId }) => userAuthorisation(credentials, socketId, { id: options.user }),
};
const parley = new Parley(url, { WebSocket: ws, backoff: { base, cap }, ...signed });

parley.on("state", ({ state, code, reason }) => print("state", { state, code, reason, socketId: parley.socketId }));
parley.on("error", ({ code, message }) => print("error", { channel: null, code, message }));

function follow(channel) {
    const name = () => channel.name;
    channel.on("parley:subscribed", ({ recovered }) =>
        print("subscribed", { channel: name(), recovered, position: channel.position }));
    channel.on("parley:event", ({ event, raw, position, userId }) =>
        print("event", { channel: name(), event, data: raw, position, userId }));
    channel.on("parley:gap", (gap) => print("gap", { channel: name(), gap }));
    channel.on("parley:recovered", (range) => print("recovered", { channel: name(), ...range }));
    channel.on("parley:joined", (member) => print("joined", { channel: name(), ...member }));
    channel.on("parley:left", (member) => print("left", { channel: name(), ...member }));
    channel.on("parley:online", (ids) => print("online", { ids }));
    channel.on("parley:offline", (ids) => print("offline", { ids }));
    channel.on("parley:error", ({ type: kind, ...rest }) => print("error", { channel: name(), kind, ...rest }));
}

function subscribe(name) {
    if (parley.channels.has(name)) return;
    follow(parley.subscribe(name, { recover: !options.stock, position: positions.get(name) }));
}

names.forEach(subscribe);
if (options["sign-in"]) follow(parley.signIn());

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
    const order = JSON.parse(line);
    if (order.subscribe) subscribe(order.subscribe);
    if (order.unsubscribe) parley.channels.get(order.unsubscribe)?.unsubscribe();
    if (order.send) {
        const sent = parley.channels.get(order.channel)?.send(order.send, order.data) ?? false;
        print("sent", { channel: order.channel, event: order.send, sent });
    }
    if (order.close) parley.close();
    if (order.connect) parley.connect();
});
// Without it the process lives as long as the connection, and that one comes back for ever.
input.on("close", () => {
    parley.close();
    setTimeout(() => process.exit(), 1000).unref();
});
