// What parley.d.ts must allow, and what it must not: compiled, never run.

import { Parley, VERSION, type Channel, type Gap, type Position } from "../../../Sources/ParleyServer/Page/parley.js";

interface Order { id: number }

const parley = new Parley("wss://host/app/key", {
    WebSocket: class {
        constructor(readonly url: string) {}
        send(_: string) {}
        close(_?: number) {}
        addEventListener(_name: string, _listener: (event: unknown) => void) {}
    },
    auth: async ({ socketId, channel }) => channel ? { auth: `${socketId}:${channel}` } : null,
    userAuth: { endpoint: "/pusher/user-auth", params: { page: "1" }, credentials: "include" },
    backoff: { cap: 1000 },
});
new Parley("key");
new Parley("key", { WebSocket, auth: "/pusher/auth" });

parley.on("state", ({ state, retryAt }: { state: string; retryAt?: number }) => [state, retryAt, parley.retryAt]);
const off: () => void = parley.on("error", ({ code, message }) => [code?.toFixed(), message.length]);
off();

const kept: Position | null = JSON.parse(localStorage.getItem("position") ?? "null");
const orders: Channel = parley.subscribe("private-orders", { position: kept });
orders.on<Order>("created", ({ data, raw, position }) => [data.id.toFixed(), raw, position?.offset]);
orders.on("parley:gap", (gap: Gap | null) => gap?.from);
orders.on("parley:recovered", ({ from, to }) => to - from);
orders.on("parley:subscribed", async ({ recovered }) => recovered);
orders.on("parley:joined", ({ id, info }) => [id.length, info]);
orders.on("parley:event", ({ event }) => event.length);
const sent: boolean = orders.send("client-typing", { at: 1 });
for (const [id, info] of orders.members) console.log(id, info, orders.me?.id, sent, VERSION);
parley.signIn().on("parley:online", (ids) => ids.join());
parley.user.on("notice", ({ data }) => data);

// @ts-expect-error: what clients send is called client-…
orders.send("typing");
// @ts-expect-error: a connection has no such event
parley.on("gap", () => {});
// @ts-expect-error: a gap may be of unknown size
orders.on("parley:gap", ({ from }) => from);
// @ts-expect-error: the state is the client's to set
parley.state = "connected";
// @ts-expect-error: no such option
new Parley("key", { authEndpoint: "/auth" });
