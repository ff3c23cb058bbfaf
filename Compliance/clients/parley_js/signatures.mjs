// What an app's back end does for its clients: signs what they may enter, as the Pusher protocol has it.

import { createHmac } from "node:crypto";

const sign = ({ key, secret }, text) => `${key}:${createHmac("sha256", secret).update(text).digest("hex")}`;

/** Lets `socketId` into a private channel, or with `member` ({ user_id, user_info }) into a presence channel. */
export function channelAuthorisation(credentials, socketId, channel, member) {
    if (!member) return { auth: sign(credentials, `${socketId}:${channel}`) };
    const channel_data = JSON.stringify(member);
    return { auth: sign(credentials, `${socketId}:${channel}:${channel_data}`), channel_data };
}

/** Lets `socketId` sign in as `user` ({ id, user_info, watchlist }). */
export function userAuthorisation(credentials, socketId, user) {
    const user_data = JSON.stringify(user);
    return { auth: sign(credentials, `${socketId}::user::${user_data}`), user_data };
}
