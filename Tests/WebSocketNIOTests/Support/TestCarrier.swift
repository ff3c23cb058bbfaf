import Foundation
import Reactor
import WebSocketCore

/// The carrier that the servers under test have: the system's own choice, or what `PARLEY_TEST_CARRIER` names.
///
/// `scripts/test` runs the tests once with each.
enum TestCarrier {
    static let kind = CarrierKind(rawValue: ProcessInfo.processInfo.environment["PARLEY_TEST_CARRIER"] ?? "") ?? .auto

    /// A carrier for one server.
    static func make() throws -> (any ConnectionCarrier)? { try kind.makeCarrier(loops: 2) }
}
