import Glibc
import WebSocketCore

/// Seconds after which a test that waits in vain fails and does not hang: less than the suites' time limits, so that what
/// was waited for is named. Beside a thousand other tests, which a plain `swift test` runs all at once, what works may
/// have to wait for a minute. `PARLEY_PATIENCE` names other seconds.
let patience = getenv("PARLEY_PATIENCE").map { Int(atoi($0)) } ?? 240

/// A client at the other end of a reactor's connection: plain bytes over a pair of connected sockets.
final class Peer: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Two connected sockets: the server's, which does not block, and a client.
    ///
    /// - Parameter sendBuffer: bytes that the kernel takes from the server before it says that there is no room.
    static func pair(sendBuffer: Int32? = nil) -> (descriptor: Int32, peer: Peer) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        precondition(socketpair(AF_UNIX, type, 0, &ends) == 0, "no more sockets: raise the limit on descriptors")
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        if var size = sendBuffer {
            setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return (ends[0], Peer(ends[1]))
    }

    /// Sends everything, waiting for room.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends what there is room for; how much that was.
    func trySend(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(0, bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    /// Waits for so many bytes; fewer at the end of the connection.
    func receive(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while bytes.count < count {
            let wanted = min(buffer.count, count - bytes.count)
            let received = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, wanted, 0) }
            guard received > 0 else { break }
            bytes += buffer[..<received]
        }
        return bytes
    }

    /// Everything up to the end of the connection.
    func rest() -> [UInt8] { receive(.max) }

    /// Whether the connection ends within so many seconds; what comes before is dropped.
    func hasEnded(within seconds: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&state, 1, seconds * 1000) > 0 else { return false }
            if recv(descriptor, &buffer, buffer.count, 0) <= 0 { return true }
        }
    }

    /// Waits for one frame of a server: opcode and payload; `nil` at the end of the connection.
    func frame() -> (opcode: UInt8, payload: [UInt8])? {
        let head = receive(2)
        guard head.count == 2 else { return nil }
        var length = Int(head[1] & 0x7F)
        if length >= 126 {
            length = receive(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return (head[0] & 0x0F, receive(length))
    }

    /// The connection breaks.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// A client's frame.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let key: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case ...125: bytes.append(0x80 | UInt8(payload.count))
        case ...65535: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
        }
        bytes += key
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index % 4]) }
        return bytes
    }

    static func text(_ text: String) -> [UInt8] { frame(1, Array(text.utf8)) }
}
