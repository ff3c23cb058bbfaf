// swift-tools-version: 6.2
import PackageDescription

/// As in the package above: Swift 6 language mode, warnings are errors, imports say what they re-export.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "parley-benchmarks",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "core-counts", targets: ["core-counts"]),
        .executable(name: "load-target", targets: ["load-target"]),
    ],
    dependencies: [
        .package(name: "parley", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "core-counts",
            dependencies: [
                .product(name: "WebSocketCore", package: "parley"),
                .product(name: "Channels", package: "parley"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "load-target",
            dependencies: [
                .product(name: "WebSocketCore", package: "parley"),
                .product(name: "WebSocketCompression", package: "parley"),
                .product(name: "WebSocketNIO", package: "parley"),
                .product(name: "Reactor", package: "parley"),
                .product(name: "ParleyServer", package: "parley"),
                .product(name: "Channels", package: "parley"),
                .product(name: "PusherProtocol", package: "parley"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
    ]
)
