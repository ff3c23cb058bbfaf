public import WebSocketCore

/// Who carries connections after their opening handshake, as an operator chooses it.
public enum CarrierKind: String, Sendable, CaseIterable {
    /// The reactor where there is one, on Linux; SwiftNIO elsewhere.
    case auto
    /// The reactor for plain connections; an error where there is none.
    case reactor
    /// SwiftNIO for all.
    case nio

    /// What a server is to be configured with: a carrier of its own, or `nil` for SwiftNIO.
    ///
    /// - Parameter loops: threads of the reactor; by default one for each processor.
    /// - Throws: ``ReactorError``.
    public func makeCarrier(loops: Int? = nil) throws -> (any ConnectionCarrier)? {
        guard self != .nio else { return nil }
        #if os(Linux)
        return try Reactor(ReactorConfiguration(loops: loops))
        #else
        if self == .reactor {
            throw ReactorError(description: "there is no reactor on this system: choose nio or auto")
        }
        return nil
        #endif
    }
}
