import Channels
import PusherProtocol
import WebSocketCore

/// Subscribes as a Pusher client does, without waiting for one to say so.
final class PusherSubscriberSession: LoadSession {
    private let end: PusherEnd
    private let message: String
    private var connection: WebSocketConnection?

    /// - Parameter recovers: whether the client asks for positions.
    init(shard: Shard, recovers: Bool) {
        end = PusherEnd(runtime: PusherPlace.runtime, node: PusherPlace.node, protocolVersion: 7, shard: shard)
        let recover = recovers ? #","recover":{}"# : ""
        message = #"{"event":"pusher:subscribe","data":{"channel":"\#(PusherPlace.channel)"\#(recover)}}"#
        super.init()
    }

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        self.connection = connection
        end.connection = .passUnretained(connection)
        end.opened()
        end.received(.text, message.utf8.span.bytes)
    }

    override func becameWritable() { end.becameWritable() }

    override func closed(_ outcome: CloseOutcome) {
        super.closed(outcome)
        end.closed()
        end.connection = nil
        connection = nil
    }
}
