// A TCP proxy that cuts connections, each at a byte that was drawn before it began, or after a time if that many bytes
// do not come.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class CuttingProxy {
    cuts = 0;
    places = { up: 0, down: 0 };
    #open = new Set();
    #refuses = false;

    /** `draw()` gives { direction: "up" or "down", after: bytes, within: ms }, or null for a connection that lasts. */
    static async start(port, draw) {
        const proxy = new CuttingProxy();
        proxy.server = createServer((client) => {
            if (proxy.#refuses) client.destroy();
            else proxy.#carry(client, connect(port, "127.0.0.1"), draw());
        });
        proxy.server.listen(0, "127.0.0.1");
        await once(proxy.server, "listening");
        proxy.port = proxy.server.address().port;
        return proxy;
    }

    /** Cuts every connection and lets none through, until `admit`. */
    refuse() {
        this.#refuses = true;
        for (const socket of this.#open) socket.destroy();
    }

    admit() {
        this.#refuses = false;
    }

    close() {
        this.server.close();
        this.refuse();
    }

    #carry(client, server, plan) {
        let isCut = false;
        const cut = () => {
            if (isCut) return;
            isCut = true;
            clearTimeout(timer);
            this.cuts += 1;
            this.places[plan.direction] += 1;
            // One end is told nothing but that the connection is gone, the other one sees it end.
            client.destroy();
            server.resetAndDestroy();
        };
        const timer = plan ? setTimeout(cut, plan.within) : null;
        const pass = (from, to, direction) => {
            let left = plan?.direction === direction ? plan.after : Infinity;
            this.#open.add(from);
            from.on("data", (bytes) => {
                if (isCut) return;
                const whole = bytes.length <= left;
                const part = whole ? bytes : bytes.subarray(0, left);
                left -= part.length;
                // What comes before the cut arrives; only then it ends.
                const isTaken = to.write(part, whole ? undefined : cut);
                if (isTaken) return;
                from.pause();
                to.once("drain", () => from.resume());
            });
            from.on("end", () => to.end());
            from.on("error", () => to.destroy());
            from.on("close", () => {
                this.#open.delete(from);
                clearTimeout(timer);
                to.destroySoon();
            });
        };
        pass(client, server, "up");
        pass(server, client, "down");
    }
}
