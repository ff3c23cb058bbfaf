/// Why a sign-in fails. The client is told with code 4009; after a wrong signature the connection is closed, too, as
/// stock clients learn of the failure by nothing else.
struct SignInProblem: Error, Hashable, Sendable {
    /// What is wrong, and what helps.
    let text: String

    /// The signature is not one of this app for this connection and user.
    static let notAuthorized = SignInProblem(
        text: "The signature of this sign-in is not valid. Please check the app's key and secret.")
    /// The connection has signed in as somebody else.
    static let otherUser = SignInProblem(
        text: "This connection is signed in as another user. Please open a new connection.")

    /// What was signed is not understood.
    static func invalid(_ text: String) -> SignInProblem { SignInProblem(text: text) }
}
