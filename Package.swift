// swift-tools-version: 6.2

import PackageDescription

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let configuration = product(name: "Configuration", package: "swift-configuration")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = product(name: "CryptoExtras", package: "swift-crypto")
    static let deque = product(name: "DequeModule", package: "swift-collections")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let inMemoryLogging = product(name: "InMemoryLogging", package: "swift-log")
    static let logging = product(name: "Logging", package: "swift-log")
    static let metrics = product(name: "Metrics", package: "swift-metrics")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
}

/// The targets in the order of their layers: each imports only those above it.
let package = Package(
    name: "bos-worker",
    products: [
        .executable(name: "bos-worker", targets: ["BOSWorker"]),
        .executable(name: "bos-poller", targets: ["BOSPoller"]),
        .executable(name: "bosctl", targets: ["BOSCtl"]),
        .executable(name: "bos-simulator", targets: ["BOSSimulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", exact: "1.4.0",
            traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .target(name: "ExactJSON"),
        .target(name: "Secrets"),
        .target(name: "Events", dependencies: [.logging]),
        .target(name: "DedicatedThread", dependencies: ["CLinux"]),
        .target(name: "JobModel", dependencies: ["ExactJSON", .crypto]),
        .target(name: "AMQP", dependencies: ["CRabbitMQ", "DedicatedThread", "Events", "Secrets", .deque, .logging]),
        .target(
            name: "BOSClient",
            dependencies: [
                "DedicatedThread", "Events", "ExactJSON", "JobModel", "Secrets", .asyncHTTPClient, .crypto, .cryptoExtras, .logging,
                .nioCore,
                .nioHTTP1,
                .nioPosix,
            ]),
        .target(name: "Ledger", dependencies: ["JobModel"]),
        .target(
            name: "LedgerSQLite", dependencies: ["CSQLite", "DedicatedThread", "JobModel", "Ledger", .grdb, .grdbSQLite]),
        .target(
            name: "JobEngine", dependencies: ["AMQP", "BOSClient", "Events", "JobModel", "Ledger", .logging, .metrics]),
        .target(
            name: "Observability",
            dependencies: [
                "CLinux", "CSystemd", "DedicatedThread", "Events", "ExactJSON", .coreMetrics, .hummingbird, .hummingbirdCore, .logging,
                .nioCore,
                .nioPosix,
                .serviceLifecycle,
            ]),
        .target(
            name: "Daemon",
            dependencies: [
                "AMQP", "BOSClient", "CLinux", "Events", "ExactJSON", "JobEngine", "JobModel", "Ledger", "LedgerSQLite", "Observability",
                "Secrets", .argumentParser, .configuration, .crypto, .logging, .metrics, .mustache, .serviceLifecycle, .unixSignals,
            ]),
        .target(
            name: "BOSSimulatorKit",
            dependencies: ["ExactJSON", "JobModel", .hummingbird, .logging, .nioCore, .nioHTTP1, .serviceLifecycle]),
        .target(
            name: "Simulation", dependencies: ["AMQP", "BOSClient", "ExactJSON", "JobEngine", "JobModel", "Ledger", .logging]),
        .executableTarget(name: "BOSWorker", dependencies: ["Daemon", .argumentParser]),
        .executableTarget(name: "BOSPoller", dependencies: ["Daemon", .argumentParser]),
        .executableTarget(
            name: "BOSCtl",
            dependencies: [
                "AMQP", "BOSClient", "Daemon", "ExactJSON", "JobEngine", "JobModel", "Ledger", "LedgerSQLite",
                .argumentParser, .crypto, .logging, .unixSignals,
            ]),
        .executableTarget(name: "BOSSimulator", dependencies: ["BOSSimulatorKit", "Simulation", .argumentParser]),
        .executableTarget(
            name: "Benchmarks", dependencies: ["AMQP", "ExactJSON", .argumentParser, .logging, .nioCore, .nioHTTP1, .nioPosix],
            path: "Tests/Benchmarks"),
        .target(name: "BrokerKit", dependencies: ["CRabbitMQ", "DedicatedThread"], path: "Tests/BrokerKit"),
        .target(name: "DocumentKit", path: "Tests/DocumentKit"),
        .target(name: "LedgerKit", dependencies: ["JobModel", "Ledger"], path: "Tests/LedgerKit"),
        .executableTarget(
            name: "LedgerWriter", dependencies: ["JobModel", "Ledger", "LedgerKit", "LedgerSQLite"], path: "Tests/LedgerWriter"),
        .testTarget(name: "ExactJSONTests", dependencies: ["ExactJSON"]),
        .testTarget(name: "DedicatedThreadTests", dependencies: ["DedicatedThread"]),
        .testTarget(
            name: "JobModelTests", dependencies: ["ExactJSON", "JobModel"], resources: [.copy("Golden")]),
        .testTarget(
            name: "AMQPTests", dependencies: ["AMQP", "BrokerKit", "CRabbitMQ", "DedicatedThread", "Secrets", .logging]),
        .testTarget(
            name: "BOSClientTests",
            dependencies: [
                "BOSClient", "BOSSimulatorKit", "DedicatedThread", "ExactJSON", "JobModel", "Secrets", .crypto, .cryptoExtras, .logging,
                .nioCore,
                .nioEmbedded, .nioHTTP1, .nioPosix,
            ]),
        .testTarget(name: "LedgerTests", dependencies: ["JobModel", "Ledger", "LedgerKit"]),
        .testTarget(
            name: "LedgerSQLiteTests", dependencies: ["JobModel", "Ledger", "LedgerKit", "LedgerSQLite", "LedgerWriter", .grdb]),
        .testTarget(
            name: "JobEngineTests",
            dependencies: ["AMQP", "BOSClient", "ExactJSON", "JobEngine", "JobModel", "Ledger", "LedgerKit", .inMemoryLogging, .logging]),
        .testTarget(
            name: "ObservabilityTests",
            dependencies: [
                "DocumentKit", "ExactJSON", "Observability", .asyncHTTPClient, .coreMetrics, .logging, .metrics, .nioCore, .nioHTTP1,
                .nioPosix,
                .serviceLifecycle,
            ]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "AMQP", "BOSClient", "Daemon", "DocumentKit", "Events", "ExactJSON", "JobEngine", "JobModel", "Ledger", "Observability",
                "Secrets", .argumentParser, .logging, .metrics,
            ]),
        .testTarget(
            name: "BOSCtlTests",
            dependencies: [
                "AMQP", "BOSClient", "BOSCtl", "Daemon", "ExactJSON", "JobEngine", "JobModel", "Ledger", "LedgerKit", .argumentParser,
            ]),
        .testTarget(name: "SimulationTests", dependencies: ["JobModel", "Ledger", "Simulation"]),
        .testTarget(
            name: "BOSSimulatorKitTests", dependencies: ["BOSSimulator", "BOSSimulatorKit", "ExactJSON", "JobModel", .argumentParser]),
        .testTarget(name: "TidyTests", dependencies: ["DocumentKit", "Events"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "AMQP", "BrokerKit", "ExactJSON", "JobModel", "Ledger", "LedgerKit", "LedgerSQLite", .logging, .nioCore, .nioPosix,
            ]),
    ]
)

/// Swift 6, explicit about existentials and imports; a warning is an error.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]
for target in package.targets where target.type != .system { target.swiftSettings = settings }
