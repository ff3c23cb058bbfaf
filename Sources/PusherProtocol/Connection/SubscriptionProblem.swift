/// Why a connection does not get a channel: the data of `pusher:subscription_error`. The connection stays.
struct SubscriptionProblem: Error, Hashable, Sendable {
    /// What kind of problem, for programs.
    let type: String
    /// What is wrong, and what helps.
    let text: String
    /// An HTTP status that means the same.
    let status: Int

    /// Without a right to the channel: no signature, a wrong one, one of another app, another user's channel.
    static let notAuthorized = SubscriptionProblem(
        type: "AuthError", text: "You have no right to this channel, or the signature is not valid.", status: 401)
    /// Without a signature where there has to be one.
    static let unsigned = SubscriptionProblem(
        type: "AuthError", text: "This channel needs the signature of your back end (auth), and there was none.",
        status: 401)
    /// As many subscriptions as a connection may have.
    static func tooManyChannels(_ maximum: Int) -> SubscriptionProblem {
        SubscriptionProblem(
            type: "LimitReached",
            text: "This connection has \(maximum) channels already. Please unsubscribe from one first.", status: 403)
    }
    /// As many subscriptions as all connections of the node may have, or those of an app.
    static let nodeIsFull = SubscriptionProblem(
        type: "LimitReached",
        text: "This app or the whole server has as many subscriptions as it may have. "
            + "Please unsubscribe from a channel first.",
        status: 503)
    /// As many users as a presence channel may have.
    static let full = SubscriptionProblem(
        type: "LimitReached", text: "The channel has as many members as it may have.", status: 403)
    /// The name can be none.
    static let invalidName = SubscriptionProblem(
        type: "InvalidChannel",
        text: "A channel's name has 1 to 164 characters: letters without accents, digits and _-=@,.;", status: 400)
    /// The channel can not be reached now.
    static let unavailable = SubscriptionProblem(
        type: "Unavailable", text: "The channel can not be reached at the moment. Please try again.", status: 503)

    /// What was signed is not understood.
    static func invalid(_ text: String) -> SubscriptionProblem {
        SubscriptionProblem(type: "InvalidData", text: text, status: 400)
    }
}
