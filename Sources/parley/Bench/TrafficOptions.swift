import ArgumentParser
import LoadGenerator
import WebSocketCore

/// Options of the work that moves messages for a time.
struct TrafficOptions: ParsableArguments {
    @Option(help: "Bytes of a message, 24 to 16777216.")
    var size = 64

    @Option(help: "Messages under way: of each connection, or of each publisher.")
    var inFlight = 1

    @Option(help: "Seconds to measure, 0.1 to 300.")
    var seconds = 5.0

    @Option(help: "Seconds of the same work before that, 0 to 60.")
    var warmUp = 1.0

    @Flag(help: "Send text instead of binary messages.")
    var text = false

    /// Puts them into a plan.
    func apply(to plan: inout LoadPlan) {
        plan.size = size
        plan.inFlight = inFlight
        plan.seconds = seconds
        plan.warmUp = warmUp
        plan.kind = text ? .text : .binary
    }
}
