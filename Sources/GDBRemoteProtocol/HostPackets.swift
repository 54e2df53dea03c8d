public import DebugTarget

// lldb's packets about the machine and its processes (LLDB's "GDB Remote Protocol Extensions" and
// "Platform packets"). Texts travel as hexadecimal pairs. Numbers are hexadecimal in the reply to
// `qProcessInfo` and decimal in those to `qProcessInfoPID`, `qfProcessInfo` and `qsProcessInfo`.

/// `key:value;…`, in order.
public struct KeyValueList: Sendable, Equatable {
    /// The pairs.
    public private(set) var pairs: [(key: String, value: String)] = []

    /// An empty list.
    public init() {}

    /// Reads a list; elements without a colon are passed over.
    public init(parsing bytes: some Sequence<UInt8>) {
        var reader = PayloadReader(bytes)
        while !reader.isAtEnd {
            let field = reader.field(endingAt: ";")
            guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let key = String(decoding: field[..<colon], as: UTF8.self)
            pairs.append((key, String(decoding: field[(colon + 1)...], as: UTF8.self)))
        }
    }

    /// Adds a pair.
    public mutating func add(_ key: String, _ value: String) {
        pairs.append((key, value))
    }

    /// Adds a text in hexadecimal.
    public mutating func add(_ key: String, hexText text: String) {
        add(key, String(decoding: Hex.encode(text.utf8), as: UTF8.self))
    }

    /// The value of a key.
    public subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }

    /// The value of a key that travels in hexadecimal, as text.
    public func hexText(_ key: String) -> String? {
        self[key].flatMap { Hex.decode($0.utf8) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The list as it travels.
    public var payload: [UInt8] {
        [UInt8](text: pairs.map { "\($0.key):\($0.value);" }.joined())
    }

    /// Compares pair by pair.
    public static func == (left: Self, right: Self) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0 == $1 }
    }
}

extension Architecture {
    /// lldb's (LLVM's) name of the processor and the system.
    public var triple: String {
        switch self {
        case .x86_64: "x86_64-pc-linux-gnu"
        case .i386: "i386-pc-linux-gnu"
        case .arm64: "aarch64-unknown-linux-gnu"
        }
    }

    /// Bytes of a pointer.
    public var pointerByteCount: Int { self == .i386 ? 4 : 8 }
}

extension HostDescription {
    /// The reply to `qHostInfo`.
    ///
    /// - Parameter patienceSeconds: how long lldb is to wait for an answer; nil for its usual 5 s.
    public func payload(patienceSeconds: Int?) -> [UInt8] {
        var list = KeyValueList()
        list.add("triple", hexText: architecture.triple)
        list.add("ptrsize", "\(architecture.pointerByteCount)")
        if !distribution.isEmpty { list.add("distribution_id", hexText: distribution) }
        list.add("watchpoint_exceptions_received", architecture == .arm64 ? "before" : "after")
        list.add("endian", "little")
        // lldb takes digits and dots only.
        let version = kernelRelease.prefix { $0.isNumber || $0 == "." }
        if !version.isEmpty { list.add("os_version", String(version)) }
        list.add("os_build", hexText: kernelRelease)
        list.add("os_kernel", hexText: kernelVersion)
        list.add("hostname", hexText: hostName)
        if let patienceSeconds { list.add("default_packet_timeout", "\(patienceSeconds)") }
        return list.payload
    }
}

extension ProcessIdentity {
    /// The reply to `qProcessInfo`.
    public func payload(_ architecture: Architecture) -> [UInt8] {
        var list = KeyValueList()
        list.add("pid", Hex.text(UInt64(UInt32(bitPattern: process.rawValue))))
        list.add("parent-pid", Hex.text(UInt64(UInt32(bitPattern: parent))))
        list.add("real-uid", Hex.text(UInt64(user)))
        list.add("real-gid", Hex.text(UInt64(group)))
        list.add("effective-uid", Hex.text(UInt64(effectiveUser)))
        list.add("effective-gid", Hex.text(UInt64(effectiveGroup)))
        list.add("triple", hexText: architecture.triple)
        list.add("ostype", "linux")
        list.add("endian", "little")
        list.add("ptrsize", "\(architecture.pointerByteCount)")
        return list.payload
    }

    /// The reply to `qProcessInfoPID`, `qfProcessInfo` and `qsProcessInfo`.
    ///
    /// - Parameter payloadBytesMax: arguments that do not fit are left out.
    public func listPayload(_ architecture: Architecture, payloadBytesMax: Int) -> [UInt8] {
        var list = KeyValueList()
        list.add("pid", "\(process)")
        list.add("ppid", "\(parent)")
        list.add("uid", "\(user)")
        list.add("gid", "\(group)")
        list.add("euid", "\(effectiveUser)")
        list.add("egid", "\(effectiveGroup)")
        list.add("name", hexText: executable)
        var room = payloadBytesMax - list.payload.count - 128
        var words: [String] = []
        for argument in arguments {
            let word = String(decoding: Hex.encode(argument.utf8), as: UTF8.self)
            room -= word.utf8.count + 1
            if room < 0 { break }
            words.append(word)
        }
        list.add("args", words.joined(separator: "-"))
        // What has no executable is a thread of the kernel, or not to be seen.
        if !executable.isEmpty { list.add("triple", hexText: architecture.triple) }
        return list.payload
    }
}

/// `qfProcessInfo`: which processes are asked for.
public struct ProcessQuery: Sendable, Equatable {
    /// How names are compared.
    public enum NameMatch: String, Sendable {
        /// The whole name.
        case equals
        /// Its beginning.
        case startsWith = "starts_with"
        /// Its end.
        case endsWith = "ends_with"
        /// Any part of it.
        case contains
        /// A regular expression; lldb compares again itself, so everything matches here.
        case regularExpression = "regex"
    }

    /// How the name is compared.
    public var nameMatch = NameMatch.equals
    /// The file name of the program; empty for any.
    public var name = ""
    /// The process; nil for any.
    public var process: Int32?
    /// Its parent; nil for any.
    public var parent: Int32?
    /// Its real user, nil for any.
    public var user: UInt32?
    /// Its effective user, nil for any.
    public var effectiveUser: UInt32?

    /// Asks for all.
    public init() {}

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qfProcessInfo") else { return nil }
        guard reader.skip(":" as Unicode.Scalar) || reader.isAtEnd else { return nil }
        let list = KeyValueList(parsing: reader.remainder())
        if let match = list["name_match"] {
            guard let known = NameMatch(rawValue: match) else { return nil }
            nameMatch = known
        }
        if list["name"] != nil {
            guard let text = list.hexText("name") else { return nil }
            name = text
        }
        process = list["pid"].flatMap { Int32($0) }
        parent = list["parent_pid"].flatMap { Int32($0) }
        user = list["uid"].flatMap { UInt32($0) }
        effectiveUser = list["euid"].flatMap { UInt32($0) }
    }

    /// The payload.
    public var payload: [UInt8] {
        var list = KeyValueList()
        if !name.isEmpty {
            list.add("name_match", nameMatch.rawValue)
            list.add("name", hexText: name)
        }
        if let process { list.add("pid", "\(process)") }
        if let parent { list.add("parent_pid", "\(parent)") }
        if let user { list.add("uid", "\(user)") }
        if let effectiveUser { list.add("euid", "\(effectiveUser)") }
        let text = [UInt8](text: "qfProcessInfo")
        return list.pairs.isEmpty ? text : text + [UInt8(ascii: ":")] + list.payload
    }

    /// Whether a process is one of those asked for.
    public func matches(_ identity: ProcessIdentity) -> Bool {
        func agrees<Value: Equatable>(_ wanted: Value?, _ value: Value) -> Bool {
            wanted.map { $0 == value } ?? true
        }
        return agrees(process, identity.process.rawValue) && agrees(parent, identity.parent)
            && agrees(user, identity.user) && agrees(effectiveUser, identity.effectiveUser)
            && matches(name: identity.executable)
    }

    private func matches(name path: String) -> Bool {
        guard !name.isEmpty else { return true }
        let last = path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
        let wanted = Array(name.utf8)
        switch nameMatch {
        case .equals: return last == wanted
        case .startsWith: return last.starts(with: wanted)
        case .endsWith: return last.reversed().starts(with: wanted.reversed())
        case .contains:
            return last.indices.contains { last[$0...].starts(with: wanted) }
        case .regularExpression: return true
        }
    }
}
