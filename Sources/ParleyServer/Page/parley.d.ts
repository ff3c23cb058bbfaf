// Types of parley.js, the client of Parley's channels for browsers and Node.

/** The client's version, sent with each connection. */
export const VERSION: string;

/**
 * Where a subscription stands in its channel's log. Offsets are 1, 2, 3 … without holes inside an epoch; the epoch
 * changes only when the log could not be continued.
 */
export interface Position {
    epoch: string;
    offset: number;
}

/** Something that was published on a channel, or sent there by another client. */
export interface ChannelEvent<Data = any> {
    /** The event's name, as it was published. */
    event: string;
    /** The channel's name. */
    channel: string;
    /** What was published, parsed if it is JSON, otherwise the string itself. */
    data: Data;
    /**
     * `data` as it arrived: the publisher's string, character by character; of a client event, whatever the client
     * sent.
     */
    raw: any;
    /** On a presence channel, whose client event it is, as the server knows it; otherwise `null`. */
    userId: string | null;
    /** Where it is in the channel's log; `null` for what is not kept, such as client events. */
    position: Position | null;
}

/** A member of a presence channel; `info` is what its authorisation said of it. */
export interface Member<Info = any> {
    id: string;
    info: Info;
}

/**
 * What was missed and cannot be had by recovering: everything from `from` to `to`, both included. What is still kept
 * of it, from `oldest` on, can be read from the history call of the HTTP API. Where nothing of it is kept, `oldest` is
 * `to + 1`. It is `null` only with a server that does not say; Parley always does.
 */
export interface Gap {
    from: number;
    to: number;
    oldest: number | null;
}

/** Why a channel is not subscribed. */
export interface ChannelError {
    /**
     * `AuthError`: nobody said that this connection may. `SubscriptionError`: the server refused, or may name a type of
     * its own. `NoReply`: it did not answer. `PositionFault`: an event was missing on the way; what was skipped is
     * asked for again.
     */
    type: string;
    message: string;
    /** An HTTP status, if there is one. */
    status: number | null;
    /** Whether the client tries again by itself. If not, it does so at the next connection. */
    retries: boolean;
}

/** The client's own events of a channel; every other name is an event that somebody publishes. */
export interface ChannelEvents {
    /** Every event that is published on the channel or sent there by another client, whatever its name. */
    "parley:event": ChannelEvent;
    /**
     * The channel is subscribed, for the first time or again. `recovered` is `null` when nothing can have been missed,
     * `true` when what was missed follows now, and `false` after a gap.
     */
    "parley:subscribed": { recovered: boolean | null };
    /** Everything that was missed, from `from` to `to`, has been delivered; nothing was when `to` is below `from`. */
    "parley:recovered": { from: number; to: number };
    /**
     * Something was missed, or may have been, that will not come: read your state anew. `null` says that nobody knows
     * how much, because the log is another one. Comes before `parley:subscribed`, and at any time when the server
     * itself has lost something on the way.
     */
    "parley:gap": Gap | null;
    /** The channel is not subscribed. */
    "parley:error": ChannelError;
    /** Somebody is in the presence channel now that was not before. */
    "parley:joined": Member;
    /** Somebody is not in the presence channel any more. */
    "parley:left": Member;
    /** How many subscriptions the channel has, where the app tells. */
    "parley:count": number;
    /** A cache channel has nothing to begin with. */
    "parley:cache_miss": undefined;
}

/** The client's own events of the signed-in user. */
export interface UserEvents extends ChannelEvents {
    /**
     * Users of the watchlist that are online now. All of them are told again after each sign-in: who was online before
     * a connection was lost and is not told then has gone.
     */
    "parley:online": string[];
    /** Users of the watchlist that are offline now. */
    "parley:offline": string[];
}

/** How to stop listening; the same as `off` with the same arguments. */
export type Off = () => void;

interface Listenable<Own> {
    /**
     * Calls `handler` at each event of that name. A handler that throws, or whose promise is rejected, is reported
     * (`reportError`, or on the console) and disturbs nobody else.
     */
    on<Name extends keyof Own>(event: Name, handler: (value: Own[Name]) => unknown): Off;
    on<Data = any>(event: string, handler: (event: ChannelEvent<Data>) => unknown): Off;
    off(event: string, handler: (value: any) => unknown): void;
}

/** Where a channel stands; `pending` also while there is no connection. */
export type ChannelState = "pending" | "subscribed" | "refused" | "unsubscribed";

/**
 * A subscription. It lasts over reconnections, each time authorised again, until `unsubscribe`. Events come in the
 * order in which they were published, each of them once.
 */
export interface Channel extends Listenable<ChannelEvents> {
    readonly name: string;
    readonly state: ChannelState;
    /** Everything up to here has been delivered; keep it to go on from here in another page or process. */
    readonly position: Position | null;
    /** Who is in a presence channel, by id: as it was last known while there is no connection. */
    readonly members: ReadonlyMap<string, any>;
    /** Oneself in a presence channel. */
    readonly me: Member | null;
    /** The number of subscriptions that `parley:count` told last. */
    readonly count: number | null;
    /**
     * Sends a client event to the channel's other subscribers and says whether it went out. It did not while the
     * channel is not subscribed; nothing is kept for later. The name must begin with `client-`.
     */
    send(event: `client-${string}`, data?: unknown): boolean;
    /** Ends the subscription. */
    unsubscribe(): void;
}

/** The signed-in user: what the back end sends to this user, and its watchlist. */
export interface User extends Listenable<UserEvents> {
    /** The user's id; `null` before the first sign-in. */
    readonly id: string | null;
    readonly state: ChannelState;
    readonly position: Position | null;
}

/**
 * `connecting`: an attempt is under way. `connected`: the server has greeted. `unavailable`: there is no connection,
 * known as soon as it is; the next attempt begins at `retryAt`. `failed`: the server, or this page's security policy,
 * does not want us; nothing is tried until `connect()`. `closed`: by `close()`.
 */
export type ConnectionState = "connecting" | "connected" | "unavailable" | "failed" | "closed";

/** A change of the connection's state. */
export interface StateChange {
    state: ConnectionState;
    previous: ConnectionState;
    /** The close code of the connection that was lost; `null` where none was. */
    code: number | null;
    reason: string;
}

/** What an authorisation answers, as the Pusher protocol has it. */
export interface Authorisation {
    /** `KEY:SIGNATURE`. */
    auth: string;
    /** Presence channels: the member, as the JSON text that was signed. Without it the signed-in user is the member. */
    channel_data?: string;
    /** Sign-in: the user, as the JSON text that was signed. */
    user_data?: string;
}

/** An endpoint that authorises: a POST of `socket_id` (and `channel_name`) as a form, answered with JSON. */
export interface AuthorisationEndpoint {
    endpoint: string;
    params?: Record<string, string>;
    headers?: Record<string, string>;
    credentials?: RequestCredentials;
}

/** What authorisation is asked for; `channel` is `undefined` for a sign-in. */
export interface AuthorisationRequest {
    socketId: string;
    channel: string | undefined;
}

/**
 * An endpoint's URL, an endpoint with its details, or a function. A function that gives nothing denies; one that throws
 * is asked again later, unless its error has a `status` from 400 to 499 (but for 429).
 */
export type Authoriser =
    | string
    | AuthorisationEndpoint
    | ((request: AuthorisationRequest) =>
        | Authorisation | null | undefined | Promise<Authorisation | null | undefined>);

/** What the client needs of a WebSocket class: that of browsers and of Node 22 has it, so has the package `ws`. */
export interface WebSocketClass {
    new (url: string): {
        send(text: string): void;
        close(code?: number): void;
        addEventListener(type: any, listener: (event: any) => void): void;
    };
}

export interface Options {
    /** The WebSocket class; by default the global one. */
    WebSocket?: WebSocketClass;
    /** What authorises private and presence channels. */
    auth?: Authoriser;
    /** What authorises signing in. */
    userAuth?: Authoriser;
    /** Seconds of silence after which the client asks whether the server is there; the server's, if those are fewer. */
    activityTimeout?: number;
    /** Seconds that the server has for answering. 30 by default. */
    pongTimeout?: number;
    /**
     * Milliseconds: an attempt waits for a random time up to `base` × 2 ^ failures, but never above `cap`. 500 and
     * 20000 by default.
     */
    backoff?: { base?: number; cap?: number };
}

export interface SubscribeOptions {
    /** Whether to ask for positions and to recover. `true` by default. */
    recover?: boolean;
    /** The position to go on from; by default the subscription begins with what comes next. */
    position?: Position | null;
}

/** The events of a connection. */
export interface ConnectionEvents {
    state: StateChange;
    /** The server found fault with what belongs to no channel. If that ends the connection, `state` follows. */
    error: { code: number | null; message: string };
}

/** A connection to Parley and everything that is subscribed over it. */
export class Parley {
    /**
     * Connects at once.
     *
     * @param address `ws://HOST/app/KEY` (also `wss:`, `http:`, `https:`, with any path before `/app/`), or the app's
     *     key alone, where this file was loaded from the server.
     * @throws TypeError if the address is not a URL; Error if there is no WebSocket class, or a key alone does not say
     *     where the server is.
     */
    constructor(address: string, options?: Options);
    readonly url: string;
    readonly state: ConnectionState;
    /** The server's name for this connection; another one after each reconnection. */
    readonly socketId: string | null;
    /** While `unavailable`, when the next attempt begins (milliseconds as `Date.now()` counts them). */
    readonly retryAt: number | null;
    /** What is subscribed, by name. */
    readonly channels: ReadonlyMap<string, Channel>;
    readonly user: User;

    on<Name extends keyof ConnectionEvents>(event: Name, handler: (value: ConnectionEvents[Name]) => unknown): Off;
    off(event: keyof ConnectionEvents, handler: (value: any) => unknown): void;
    /** The channel of that name, subscribed as soon as there is a connection. The same one for the same name. */
    subscribe(name: string, options?: SubscribeOptions): Channel;
    /** Signs in, now and at each later connection. */
    signIn(): User;
    /** Tries now, from `unavailable`, `failed` and `closed`; subscriptions go on from their positions. */
    connect(): void;
    /** Ends the connection for good. Subscriptions stay, for a later `connect()`. */
    close(): void;
}
