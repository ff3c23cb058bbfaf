// swift-tools-version: 6.2
import PackageDescription

/// Every target of this package: Swift 6 language mode, warnings are errors, imports say what they re-export.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "parley",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "WebSocketCore", targets: ["WebSocketCore"]),
        .library(name: "WebSocketCompression", targets: ["WebSocketCompression"]),
        .library(name: "WebSocketNIO", targets: ["WebSocketNIO"]),
        .library(name: "Reactor", targets: ["Reactor"]),
        .library(name: "Channels", targets: ["Channels"]),
        .library(name: "RoomProtocol", targets: ["RoomProtocol"]),
        .library(name: "PusherProtocol", targets: ["PusherProtocol"]),
        .library(name: "ParleyServer", targets: ["ParleyServer"]),
        .executable(name: "parley", targets: ["parley"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        // Without its traits: the server has a configuration of its own.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "WebSocketCore", swiftSettings: settings),
        .systemLibrary(
            name: "CZlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CEpoll"),
        .target(name: "Reactor", dependencies: ["CEpoll", "WebSocketCore"], swiftSettings: settings),
        .target(
            name: "WebSocketCompression", dependencies: ["CZlib", "WebSocketCore"], swiftSettings: settings),
        .target(name: "Channels", dependencies: ["WebSocketCore"], swiftSettings: settings),
        .target(name: "RoomProtocol", dependencies: ["Channels", "WebSocketCore"], swiftSettings: settings),
        .target(
            name: "PusherProtocol",
            dependencies: ["Channels", "WebSocketCore", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "Simulation", dependencies: ["PusherProtocol", "Channels", "WebSocketCore"], swiftSettings: settings),
        .executableTarget(name: "simulate", dependencies: ["Simulation"], swiftSettings: settings),
        .target(
            name: "WebSocketNIO",
            dependencies: [
                "WebSocketCore", "WebSocketCompression",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "LoadGenerator",
            dependencies: [
                "WebSocketNIO", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),
        .target(
            name: "ParleyServer",
            dependencies: [
                "WebSocketNIO", "Reactor", "WebSocketCompression", "PusherProtocol", "RoomProtocol", "Channels",
                "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Page")],
            swiftSettings: settings),
        .executableTarget(
            name: "parley",
            dependencies: [
                "ParleyServer", "LoadGenerator", "PusherProtocol", "RoomProtocol", "WebSocketNIO", "Reactor",
                "WebSocketCompression", "WebSocketCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "ExampleOptions",
            dependencies: [
                "WebSocketCore", "WebSocketCompression",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExampleOptions", swiftSettings: settings),
        .executableTarget(
            name: "EchoServer",
            dependencies: [
                "ExampleOptions", "WebSocketNIO", "Reactor", "WebSocketCompression", "WebSocketCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/EchoServer", swiftSettings: settings),
        .executableTarget(
            name: "EchoClient",
            dependencies: [
                "ExampleOptions", "WebSocketNIO", "WebSocketCompression", "WebSocketCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/EchoClient", swiftSettings: settings),
        .testTarget(name: "WebSocketCoreTests", dependencies: ["WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "WebSocketCompressionTests", dependencies: ["WebSocketCompression"], swiftSettings: settings),
        .testTarget(name: "ReactorTests", dependencies: ["Reactor", "WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "LoadGeneratorTests",
            dependencies: [
                "LoadGenerator", "WebSocketNIO", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(name: "ChannelsTests", dependencies: ["Channels", "WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "RoomProtocolTests", dependencies: ["RoomProtocol", "Channels", "WebSocketCore"],
            swiftSettings: settings),
        .testTarget(
            name: "PusherProtocolTests", dependencies: ["PusherProtocol", "Channels", "WebSocketCore"],
            swiftSettings: settings),
        .testTarget(
            name: "ParleyServerTests",
            dependencies: [
                "ParleyServer", "PusherProtocol", "RoomProtocol", "Channels", "WebSocketNIO", "Reactor",
                "WebSocketCompression", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WebSocketNIOTests",
            dependencies: [
                "WebSocketNIO", "Reactor", "WebSocketCompression", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: settings),
    ]
)
