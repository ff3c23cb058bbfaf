/// What is known of the signature of an HTTP request, for apps that accept each once.
public enum SignatureUse: Hashable, Sendable {
    /// It is new, and used now.
    case first
    /// It has been used before.
    case repeated
    /// So many are remembered that no more can be: answer 503.
    case full
}
