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
    products: [.executable(name: "core-counts", targets: ["core-counts"])],
    dependencies: [.package(name: "parley", path: "..")],
    targets: [
        .executableTarget(
            name: "core-counts", dependencies: [.product(name: "WebSocketCore", package: "parley")],
            swiftSettings: settings)
    ]
)
