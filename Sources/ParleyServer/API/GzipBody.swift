import PusherProtocol
import WebSocketCompression

/// Reads the compressed bodies of the HTTP API.
enum GzipBody {
    /// See ``PusherProtocol/PusherAPI/Inflater``.
    @Sendable static func inflate(_ body: [UInt8], maximumBytes: Int) -> PusherAPI.InflatedBody {
        do throws(GzipMember.Problem) {
            return .whole(try GzipMember.read(body, maximumBytes: maximumBytes))
        } catch {
            switch error {
            case .tooLong: return .tooLong
            case .malformed: return .malformed
            }
        }
    }
}
