import WebSocketCore

/// What a server does to send one message of 64 bytes.
enum Sending {
    private static let payload = [UInt8](repeating: 97, count: 64)

    /// Appends `count` frames, each to the emptied buffer.
    static func encode(_ count: Int) -> Int {
        let payload = payload
        var buffer: [UInt8] = []
        buffer.reserveCapacity(128)
        var sum = 0
        for _ in 0..<count {
            buffer.removeAll(keepingCapacity: true)
            FrameHeader.append(opcode: .text, payloadLength: payload.count, to: &buffer)
            buffer.append(contentsOf: payload)
            sum &+= buffer.count
        }
        return sum
    }

    /// Makes `count` shared frames.
    static func share(_ count: Int) -> Int {
        let payload = payload
        var sum = 0
        for _ in 0..<count { sum &+= makeFrame(payload).bytes.count }
        return sum
    }

    /// Not inlined, so that the object really is made: it leaves the function.
    @inline(never)
    private static func makeFrame(_ payload: [UInt8]) -> SharedFrame { SharedFrame(.text, payload) }
}
