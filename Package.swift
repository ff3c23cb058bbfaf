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
        .library(name: "Channels", targets: ["Channels"]),
        .library(name: "RoomProtocol", targets: ["RoomProtocol"]),
        .library(name: "ParleyServer", targets: ["ParleyServer"]),
        .executable(name: "parley", targets: ["parley"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "WebSocketCore", swiftSettings: settings),
        .systemLibrary(
            name: "CZlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(
            name: "WebSocketCompression", dependencies: ["CZlib", "WebSocketCore"], swiftSettings: settings),
        .target(name: "Channels", dependencies: ["WebSocketCore"], swiftSettings: settings),
        .target(name: "RoomProtocol", dependencies: ["Channels"], swiftSettings: settings),
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
            name: "ParleyServer",
            dependencies: [
                "WebSocketNIO", "WebSocketCompression", "RoomProtocol", "Channels", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Page")],
            swiftSettings: settings),
        .executableTarget(
            name: "parley",
            dependencies: [
                "ParleyServer", "RoomProtocol", "WebSocketNIO", "WebSocketCompression", "WebSocketCore",
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
                "ExampleOptions", "WebSocketNIO", "WebSocketCompression", "WebSocketCore",
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
        .testTarget(name: "ChannelsTests", dependencies: ["Channels", "WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "RoomProtocolTests", dependencies: ["RoomProtocol", "Channels", "WebSocketCore"],
            swiftSettings: settings),
        .testTarget(
            name: "WebSocketNIOTests",
            dependencies: [
                "WebSocketNIO", "WebSocketCompression", "WebSocketCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: settings),
    ]
)
