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
        .library(name: "Channels", targets: ["Channels"]),
        .library(name: "RoomProtocol", targets: ["RoomProtocol"]),
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
        .testTarget(name: "WebSocketCoreTests", dependencies: ["WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "WebSocketCompressionTests", dependencies: ["WebSocketCompression"], swiftSettings: settings),
        .testTarget(name: "ChannelsTests", dependencies: ["Channels", "WebSocketCore"], swiftSettings: settings),
        .testTarget(
            name: "RoomProtocolTests", dependencies: ["RoomProtocol", "Channels", "WebSocketCore"],
            swiftSettings: settings),
    ]
)
