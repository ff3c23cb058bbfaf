// A back end that publishes over the HTTP API, signed as the Pusher protocol has it.

import { createHash, createHmac } from "node:crypto";
import { Agent, request } from "node:http";

export class Publisher {
    #agent = new Agent({ keepAlive: true });

    /** `base` is http://HOST:PORT, `credentials` are { id, key, secret } of the app. */
    constructor(base, credentials) {
        this.base = base;
        this.credentials = credentials;
    }

    close() {
        this.#agent.destroy();
    }

    /** Publishes `data` (a string) and gives { status, text, positions }: what was acknowledged, by channel. */
    async publish(channels, name, data) {
        const body = JSON.stringify({ name, channels, data, info: "position" });
        const { status, text } = await this.#post(`/apps/${this.credentials.id}/events`, body);
        if (status !== 200) return { status, text, positions: {} };
        const positions = {};
        for (const [channel, { position }] of Object.entries(JSON.parse(text).channels)) positions[channel] = position;
        return { status, text, positions };
    }

    #post(path, body) {
        const { key, secret } = this.credentials;
        const query = [
            `auth_key=${key}`, `auth_timestamp=${Math.floor(Date.now() / 1000)}`, "auth_version=1.0",
            `body_md5=${createHash("md5").update(body).digest("hex")}`,
        ].join("&");
        const signature = createHmac("sha256", secret).update(`POST\n${path}\n${query}`).digest("hex");
        const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
        const options = { method: "POST", headers, agent: this.#agent };
        return new Promise((resolve, reject) => {
            const url = `${this.base}${path}?${query}&auth_signature=${signature}`;
            request(url, options, async (response) => {
                let text = "";
                for await (const chunk of response.setEncoding("utf8")) text += chunk;
                resolve({ status: response.statusCode, text });
            }).on("error", reject).end(body);
        });
    }
}
