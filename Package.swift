// swift-tools-version: 6.2
import PackageDescription

// The layers of docs/ARCHITECTURE.md, lowest first. A target imports only what stands above it in this
// file; Tests/TidyTests compares every `import` with the dependencies named here.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// For what the simulations consist of: optimised in debug builds too, so that thousands of them fit into a
/// test run.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

func library(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    _ settings: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    path: String? = nil,
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        path: path,
        exclude: exclude,
        swiftSettings: strict
    )
}

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)

let cFences: [Target] = [
    .target(name: "CLinuxShims"),
    .systemLibrary(
        name: "CElfutils",
        pkgConfig: "libdw",
        providers: [.apt(["libdw-dev"])]
    ),
    .systemLibrary(
        name: "CCapstone",
        pkgConfig: "capstone",
        providers: [.apt(["libcapstone-dev"])]
    ),
    .systemLibrary(
        name: "CEditline",
        pkgConfig: "libedit",
        providers: [.apt(["libedit-dev"])]
    ),
    .systemLibrary(
        name: "CExpat",
        pkgConfig: "expat",
        providers: [.apt(["libexpat1-dev"])]
    ),
    .systemLibrary(
        name: "COpenSSL",
        pkgConfig: "openssl",
        providers: [.apt(["libssl-dev"])]
    ),
    .target(name: "CUdev"),
    .systemLibrary(
        name: "CZlib",
        pkgConfig: "zlib",
        providers: [.apt(["zlib1g-dev"])]
    ),
]

let pureTargets: [Target] = [
    library("WireCore", [], optimised),
    library("ConnectionStrings", ["WireCore"]),
    library("Deflate", ["CZlib"], optimised),
    library("ChannelMux", ["WireCore", "Deflate"], optimised),
    library("LineSimulator", ["WireCore"], optimised),
    library("BrokerProtocol", ["WireCore"]),
    library("GDBRemoteProtocol", ["WireCore", "DebugTarget"]),
    library("PacketCache", ["DebugTarget", "GDBRemoteProtocol"]),
    library("SessionProtocol", ["WireCore"]),
    library("TelnetSerial"),
    library("AccessPolicy", ["WireCore"]),
    library("SharedSession", ["WireCore"]),
    library("DiscoveryProtocol", ["BrokerProtocol"]),
    library("RegisterSets", ["DebugTarget"]),
    library("CoreFiles", ["DebugTarget", "RegisterSets"]),
]

let modelTargets: [Target] = [
    library("DebugTarget"),
    library("ByteTransport"),
]

let edgeTargets: [Target] = [
    library("LinuxSystem", ["CLinuxShims"]),
    library("SerialPort", ["LinuxSystem"]),
    library("PortDirectory", ["TelnetSerial", "LinuxSystem", "CUdev"]),
    library(
        "PortBroker",
        [
            "WireCore", "ChannelMux", "BrokerProtocol", "DiscoveryProtocol", "TelnetSerial",
            "LinuxSystem", "SerialPort",
            nioCore,
            nioPosix,
        ]
    ),
    library("TLSEngine", ["COpenSSL"]),
    library("Certificates", ["LinuxSystem", "TLSEngine"]),
    library("ServerRegistry", ["DiscoveryProtocol", "LinuxSystem"]),
    library(
        "Transports",
        [
            "WireCore", "ConnectionStrings", "BrokerProtocol", "DiscoveryProtocol",
            "SessionProtocol", "ByteTransport",
            "LinuxSystem", "PortDirectory", "TLSEngine", "Certificates",
        ]
    ),
    library(
        "SessionSharing",
        [
            "WireCore", "ConnectionStrings", "SessionProtocol", "SharedSession",
            "DiscoveryProtocol", "ByteTransport", "LinuxSystem", "ServerRegistry", "Transports",
        ]
    ),
    library("PtraceBackend", ["DebugTarget", "RegisterSets", "LinuxSystem"]),
    library(
        "KernelLine",
        [
            "ByteTransport", "ConnectionStrings", "LinuxSystem", "PortDirectory", "SerialPort",
            "Transports",
        ]
    ),
    library("CoreBackend", ["DebugTarget", "CoreFiles", "LinuxSystem"]),
    library(
        "RemoteServer",
        ["WireCore", "AccessPolicy", "DebugTarget", "GDBRemoteProtocol", "ByteTransport"]
    ),
    library(
        "RemoteClient",
        ["WireCore", "DebugTarget", "GDBRemoteProtocol", "ByteTransport", "LinuxSystem", "CExpat"]
    ),
    library("Symbols", ["WireCore", "DebugTarget", "CElfutils"]),
    library("Disassembly", ["DebugTarget", "CCapstone"]),
    library("Console", ["LinuxSystem", "CEditline"]),
]

let engineTargets: [Target] = [
    library("DebugEngine", ["DebugTarget", "CoreFiles", "Symbols", "Disassembly"]),
    library("Commands", ["WireCore", "DebugTarget", "DebugEngine", "Symbols", "Disassembly"]),
]

let programTargets: [Target] = [
    program(
        "dbgsrv",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "DebugTarget", "DiscoveryProtocol", "AccessPolicy",
            "LinuxSystem", "Certificates", "ServerRegistry", "PtraceBackend", "RemoteServer",
            logging,
        ]
    ),
    program(
        "cdb",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "DebugTarget", "DiscoveryProtocol", "SharedSession",
            "LinuxSystem", "ServerRegistry", "SessionSharing", "RemoteClient", "CoreBackend",
            "KernelLine", "Symbols",
            "Disassembly", "Console",
            "DebugEngine",
            "Commands",
        ]
    ),
    program(
        "dbgbridge",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "GDBRemoteProtocol", "PacketCache", "KernelLine", "LinuxSystem",
        ]
    ),
    program(
        "dbgcom",
        [
            "WireCore", "ConnectionStrings", "LineSimulator", "BrokerProtocol", "SessionProtocol",
            "DiscoveryProtocol", "LinuxSystem",
            "SerialPort", "PortDirectory", "PortBroker", "Transports", logging, argumentParser,
            nioCore, nioPosix,
        ]
    ),
]

let testTargets: [Target] = [
    .executableTarget(
        name: "SessionFixture",
        dependencies: [
            "ByteTransport", "DebugTarget", "LinuxSystem", "PtraceBackend", "RemoteServer",
        ],
        path: "Tests/SessionFixture",
        swiftSettings: strict
    ),
    tests("TidyTests", []),
    tests("WireCoreTests", ["WireCore"]),
    tests("DeflateTests", ["Deflate"]),
    tests("AccessPolicyTests", ["AccessPolicy"]),
    tests("ConnectionStringsTests", ["ConnectionStrings", "WireCore"]),
    tests("SessionProtocolTests", ["SessionProtocol", "TLSEngine"]),
    tests(
        "TransportsTests",
        [
            "Transports", "ByteTransport", "Certificates", "TLSEngine", "ConnectionStrings",
            "LinuxSystem", "SessionProtocol",
        ]
    ),
    tests("TLSEngineTests", ["TLSEngine", "LinuxSystem", "TestPrograms"]),
    tests("CertificatesTests", ["Certificates", "TLSEngine", "LinuxSystem", "TestPrograms"]),
    tests("TelnetSerialTests", ["TelnetSerial"]),
    tests("SharedSessionTests", ["SharedSession"]),
    tests("PacketCacheTests", ["PacketCache", "GDBRemoteProtocol", "DebugTarget"]),
    tests("DiscoveryProtocolTests", ["DiscoveryProtocol", "BrokerProtocol"]),
    tests("ServerRegistryTests", ["ServerRegistry", "DiscoveryProtocol", "LinuxSystem"]),
    .target(
        name: "LinkTrials",
        dependencies: ["ChannelMux", "LineSimulator", "WireCore"],
        path: "Tests/LinkTrials",
        swiftSettings: strict + optimised + [.unsafeFlags(["-enforce-exclusivity=unchecked"])]
    ),
    .executableTarget(
        name: "trialrunner",
        dependencies: ["ChannelMux", "Deflate", "LinkTrials", "WireCore"],
        path: "Tests/TrialRunner",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "corebench",
        dependencies: ["GDBRemoteProtocol", "LinuxSystem"],
        path: "Tests/CoreBench",
        exclude: ["debuggee.c"],
        swiftSettings: strict
    ),
    tests("ChannelMuxTests", ["ChannelMux", "Deflate", "LineSimulator", "LinkTrials", "WireCore"]),
    tests("LineSimulatorTests", ["LineSimulator", "WireCore"]),
    .target(
        name: "TestPrograms",
        dependencies: ["LinuxSystem"],
        path: "Tests/TestPrograms",
        swiftSettings: strict
    ),
    tests(
        "SerialPortTests",
        ["SerialPort", "PortDirectory", "LinuxSystem", "TestPrograms", "dbgcom"]
    ),
    tests(
        "PortBrokerTests",
        [
            "PortBroker", "BrokerProtocol", "Transports", "ConnectionStrings", "LinuxSystem",
            "WireCore",
        ]
    ),
    tests("GDBRemoteProtocolTests", ["GDBRemoteProtocol", "DebugTarget", "WireCore"]),
    tests("PtraceBackendTests", ["PtraceBackend", "DebugTarget", "LinuxSystem", "TestPrograms"]),
    tests(
        "RemoteServerTests",
        [
            "RemoteServer", "AccessPolicy", "GDBRemoteProtocol", "DebugTarget", "ByteTransport",
            "TestPrograms", "SessionFixture",
        ]
    ),
    tests(
        "RemoteClientTests",
        ["RemoteClient", "GDBRemoteProtocol", "DebugTarget", "ByteTransport", "LinuxSystem"]
    ),
    tests(
        "KernelLineTests",
        ["KernelLine", "ByteTransport", "LinuxSystem", "Transports"]
    ),
    tests("CoreFilesTests", ["CoreFiles", "RegisterSets", "DebugTarget"]),
    tests("SymbolsTests", ["Symbols", "DebugTarget"]),
    tests("DisassemblyTests", ["Disassembly", "DebugTarget"]),
    tests(
        "DebugEngineTests",
        [
            "CoreFiles", "DebugEngine", "Commands", "DebugTarget", "Symbols", "Disassembly",
            "LinuxSystem", "cdb",
        ]
    ),
    tests(
        "ProgramTests",
        [
            "dbgsrv", "cdb", "dbgbridge", "dbgcom", "LinuxSystem", "TestPrograms", "PtraceBackend",
            "DebugTarget", "Transports",
        ]
    ),
    tests(
        "HardwareTests",
        [
            "SerialPort", "PortDirectory", "LinuxSystem", "LineSimulator", "WireCore",
        ],
        path: "HardwareTests",
        exclude: ["image", "labgrid", "run", "table"]
    ),
]

let package = Package(
    name: "dbgsrv",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: cFences + modelTargets + pureTargets + edgeTargets + engineTargets + programTargets
        + testTargets
)
