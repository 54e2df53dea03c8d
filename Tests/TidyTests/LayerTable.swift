/// The layers of docs/ARCHITECTURE.md, lowest first: what each target may import.
///
/// A target's row stands below the rows of everything it imports. Change this table, Package.swift and
/// docs/ARCHITECTURE.md together.
let layerTable: [(target: String, mayImport: Set<String>)] = [
    // C fences: each has exactly one importer.
    ("CLinuxShims", []),
    ("CElfutils", []),
    ("CCapstone", []),
    ("CEditline", []),
    ("CExpat", []),
    ("COpenSSL", []),
    ("CUdev", []),
    ("CZlib", []),

    // Model.
    ("DebugTarget", []),
    ("ByteTransport", []),

    // Pure: the standard library only.
    ("WireCore", []),
    ("ConnectionStrings", ["WireCore"]),
    ("Deflate", ["CZlib"]),
    ("ChannelMux", ["WireCore", "Deflate"]),
    ("LineSimulator", ["WireCore"]),
    ("BrokerProtocol", ["WireCore"]),
    ("GDBRemoteProtocol", ["WireCore", "DebugTarget"]),
    ("PacketCache", ["DebugTarget", "GDBRemoteProtocol"]),
    ("SessionProtocol", ["WireCore"]),
    ("TelnetSerial", []),
    ("AccessPolicy", ["WireCore"]),
    ("SharedSession", ["WireCore"]),
    ("DiscoveryProtocol", ["BrokerProtocol"]),
    ("RegisterSets", ["DebugTarget"]),
    ("CoreFiles", ["DebugTarget", "RegisterSets"]),

    // Edges.
    ("LinuxSystem", ["CLinuxShims", "Glibc", "Synchronization"]),
    ("SerialPort", ["LinuxSystem", "Glibc"]),
    ("PortDirectory", ["TelnetSerial", "LinuxSystem", "CUdev", "Glibc"]),
    (
        "PortBroker",
        [
            "WireCore", "ChannelMux", "BrokerProtocol", "DiscoveryProtocol", "TelnetSerial",
            "LinuxSystem", "SerialPort",
            "Glibc", "NIOCore", "NIOPosix",
        ]
    ),
    ("TLSEngine", ["COpenSSL"]),
    ("Certificates", ["LinuxSystem", "TLSEngine"]),
    ("ServerRegistry", ["DiscoveryProtocol", "LinuxSystem", "Glibc"]),
    (
        "Transports",
        [
            "WireCore", "ConnectionStrings", "BrokerProtocol", "DiscoveryProtocol",
            "SessionProtocol", "ByteTransport",
            "LinuxSystem", "PortDirectory", "TLSEngine", "Certificates", "Glibc",
        ]
    ),
    (
        "SessionSharing",
        [
            "WireCore", "ConnectionStrings", "SessionProtocol", "SharedSession",
            "DiscoveryProtocol", "ByteTransport", "LinuxSystem", "ServerRegistry", "Transports",
            "Glibc",
        ]
    ),
    ("PtraceBackend", ["DebugTarget", "RegisterSets", "LinuxSystem", "Glibc"]),
    (
        "KernelLine",
        [
            "ByteTransport", "ConnectionStrings", "LinuxSystem", "PortDirectory", "SerialPort",
            "Transports",
        ]
    ),
    ("CoreBackend", ["DebugTarget", "CoreFiles", "LinuxSystem", "Glibc"]),
    (
        "RemoteServer",
        ["WireCore", "AccessPolicy", "DebugTarget", "GDBRemoteProtocol", "ByteTransport"]
    ),
    (
        "RemoteClient",
        [
            "WireCore", "DebugTarget", "GDBRemoteProtocol", "ByteTransport", "LinuxSystem",
            "CExpat",
            "Glibc",
        ]
    ),
    ("Symbols", ["WireCore", "DebugTarget", "CElfutils", "Glibc"]),
    ("Disassembly", ["DebugTarget", "CCapstone", "Glibc"]),
    ("Console", ["LinuxSystem", "CEditline", "Glibc"]),

    // Engine: never a backend.
    ("DebugEngine", ["DebugTarget", "CoreFiles", "Symbols", "Disassembly"]),
    ("Commands", ["WireCore", "DebugTarget", "DebugEngine", "Symbols", "Disassembly"]),

    // Programs: composition only.
    (
        "dbgsrv",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "DebugTarget", "DiscoveryProtocol", "AccessPolicy",
            "LinuxSystem", "Certificates", "ServerRegistry", "PtraceBackend", "RemoteServer",
            "Glibc", "Logging",
        ]
    ),
    (
        "cdb",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "DebugTarget", "DiscoveryProtocol", "SharedSession",
            "LinuxSystem", "ServerRegistry", "SessionSharing", "RemoteClient", "CoreBackend",
            "KernelLine", "Symbols",
            "Disassembly", "Console",
            "DebugEngine",
            "Commands", "Glibc",
        ]
    ),
    (
        "dbgbridge",
        [
            "WireCore", "ConnectionStrings", "ByteTransport", "Transports", "SessionProtocol",
            "GDBRemoteProtocol", "PacketCache", "KernelLine", "LinuxSystem", "Glibc",
        ]
    ),
    (
        "dbgcom",
        [
            "WireCore", "ConnectionStrings", "LineSimulator", "BrokerProtocol", "SessionProtocol",
            "DiscoveryProtocol", "LinuxSystem",
            "SerialPort", "PortDirectory", "PortBroker", "Transports", "Glibc", "Logging",
            "ArgumentParser", "NIOCore", "NIOPosix",
        ]
    ),
]
