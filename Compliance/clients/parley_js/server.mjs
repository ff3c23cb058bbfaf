// A small server of the resume extension on Debian's node-ws, that a test scripts: it keeps a log per channel, and
// misbehaves where it is told to.

import { createServer } from "node:http";
import { once } from "node:events";
import { ws } from "./load.mjs";

export class ScriptedServer {
    logs = new Map(); // channel -> { epoch, events: [{ offset, event, data }], top }
    received = []; // frames of all connections, in their order
    sockets = new Set();
    opened = 0;
    forms = []; // what was posted to /auth
    mayEnter = () => true;
    isSigned = (socket, { channel, auth }) => auth === `key:${socket.id}:${channel}`;
    history = 1000; // events a log keeps
    onSubscribe = () => {}; // called with the socket before the reply to a subscribe goes out

    static async start(test) {
        const server = new ScriptedServer();
        server.http = createServer((request, response) => server.#answer(request, response));
        server.sockets = new Set();
        new ws.Server({ server: server.http }).on("connection", (socket) => server.#accept(socket));
        server.http.listen(0, "127.0.0.1");
        await once(server.http, "listening");
        server.port = server.http.address().port;
        server.url = `ws://127.0.0.1:${server.port}/app/key`;
        test.after(() => server.stop());
        return server;
    }

    stop() {
        this.cut();
        this.http.close();
        this.http.closeAllConnections();
    }

    /** Ends every connection without a word, as a cable that is pulled. */
    cut() {
        for (const socket of this.sockets) socket.terminate();
    }

    closeAll(code, reason) {
        for (const socket of this.sockets) socket.close(code, reason);
    }

    log(channel) {
        if (!this.logs.has(channel)) this.logs.set(channel, { epoch: "e1", top: 0, events: [] });
        return this.logs.get(channel);
    }

    publish(channel, event, data) {
        const log = this.log(channel);
        log.top += 1;
        log.events.push({ offset: log.top, event, data });
        if (log.events.length > this.history) log.events.shift();
        for (const socket of this.sockets) {
            if (socket.channels.has(channel)) socket.say({ event, channel, data, epoch: log.epoch, offset: log.top });
        }
        return log.top;
    }

    #accept(socket) {
        this.opened += 1;
        this.sockets.add(socket);
        socket.channels = new Set();
        socket.id = `${this.opened}.${this.port}`;
        socket.say = (frame) => socket.send(JSON.stringify(frame));
        socket.on("close", () => this.sockets.delete(socket));
        socket.on("error", () => {});
        socket.on("message", (text) => this.#hear(socket, JSON.parse(text)));
        const data = JSON.stringify({ socket_id: socket.id, activity_timeout: 120 });
        socket.say({ event: "pusher:connection_established", data });
    }

    #hear(socket, frame) {
        this.received.push(frame);
        const { channel, recover } = frame.data ?? {};
        if (frame.event === "pusher:unsubscribe") socket.channels.delete(channel);
        if (frame.event !== "pusher:subscribe") return;
        if (/^(private|presence)-/.test(channel) && !this.isSigned(socket, frame.data)) {
            const data = { type: "AuthError", error: "no", status: 401 };
            return socket.say({ event: "pusher:subscription_error", channel, data });
        }
        this.onSubscribe(socket, channel);
        const log = this.log(channel), { epoch, top, events } = log;
        socket.channels.add(channel);
        const reply = { event: "pusher_internal:subscription_succeeded", channel, data: "{}", epoch, offset: top };
        const oldest = events[0]?.offset ?? top + 1;
        if (recover?.epoch === undefined) return socket.say({ ...reply, recovered: true });
        if (recover.epoch !== epoch) return socket.say({ ...reply, recovered: false, gap: null });
        if (recover.offset + 1 < oldest) {
            return socket.say({ ...reply, recovered: false, gap: { from: recover.offset + 1, to: top, oldest } });
        }
        socket.say({ ...reply, recovered: true });
        for (const { offset, event, data } of events.filter(({ offset }) => offset > recover.offset)) {
            socket.say({ event, channel, data, epoch, offset });
        }
    }

    async #answer(request, response) {
        let body = "";
        for await (const chunk of request) body += chunk;
        if (request.url.startsWith("/apps/")) {
            const { name, channels, data } = JSON.parse(body), answer = {};
            for (const channel of channels) {
                const offset = this.publish(channel, name, data);
                answer[channel] = { position: { epoch: this.log(channel).epoch, offset } };
            }
            return response.end(JSON.stringify({ channels: answer }));
        }
        const form = new URLSearchParams(body);
        this.forms.push({ type: request.headers["content-type"], method: request.method, ...Object.fromEntries(form) });
        response.statusCode = this.mayEnter(form) ? 200 : 403;
        response.end(JSON.stringify({ auth: `key:${form.get("socket_id")}:${form.get("channel_name")}` }));
    }
}
