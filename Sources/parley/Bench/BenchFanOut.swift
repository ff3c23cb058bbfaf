import ArgumentParser
import LoadGenerator

/// `parley bench fanout`.
struct BenchFanOut: BenchCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanout",
        abstract: "Publish messages that every subscriber has to get.",
        discussion: """
            Each publisher keeps --in-flight messages under way, counted in deliveries that subscribers still have to \
            get; new ones leave together when half of them are done.

            parley bench fanout ws://127.0.0.1:9001/sub --publish-url ws://127.0.0.1:9001/pub --publishers 4
              four publishers: the order of each one is checked at every subscriber

            parley bench fanout ws://127.0.0.1:9001/everybody --subscribers 100
              a server that sends to all what it gets from one; what publishers get back is ignored
            """)

    @Argument(help: "Where subscribers connect: ws://host:port/path.")
    var url: String

    @Option(help: "Where publishers connect. Default where subscribers do.")
    var publishUrl: String?

    @Option(help: "Subscribers, 1 to 1000000.")
    var subscribers = 1000

    @Option(help: "Publishers, 1 to 16.")
    var publishers = 1

    @OptionGroup(title: "Messages") var traffic: TrafficOptions

    @OptionGroup(title: "Generator") var options: BenchOptions

    var work: LoadPlan {
        var plan = LoadPlan(.fanOut, url: url)
        plan.publishURL = publishUrl
        plan.connections = subscribers
        plan.publishers = publishers
        traffic.apply(to: &plan)
        return plan
    }
}
