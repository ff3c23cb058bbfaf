/// What the handlers of an ``HTTPService`` are told instead of the rest of a request.
public struct HTTPServiceError: Error, Hashable, Sendable {
    private enum Reason: Hashable, Sendable { case refused }

    private let reason: Reason

    /// The request broke a limit or the form and was answered by the front door; nothing more comes.
    public static let requestRefused = HTTPServiceError(reason: .refused)
}
