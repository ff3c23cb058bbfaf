public import ArgumentParser
public import Reactor
public import WebSocketCompression

extension CarrierKind: @retroactive ExpressibleByArgument {}
extension CompressionMode: @retroactive ExpressibleByArgument {}
