public import DebugTarget

// lldb's platform packets (LLDB's "Platform packets"): starting a server for a process, files, folders,
// commands, and modules by path.

/// `qLaunchGDBServer;host:…;port:…;`: where a process is to be debugged from.
public struct DebugServerRequest: Sendable, Equatable {
    /// The port the client can reach, where somebody on the way named one.
    public var port: Int?

    /// Builds a request.
    public init(port: Int? = nil) {
        self.port = port
    }

    /// Reads a payload; nil when it is another packet.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qLaunchGDBServer") else { return nil }
        _ = reader.skip(";" as Unicode.Scalar)
        let list = KeyValueList(parsing: reader.remainder())
        port = list["port"].flatMap { Int($0) }.flatMap { (1...65535).contains($0) ? $0 : nil }
    }

    /// The reply: lldb connects to that port of the machine it is connected to.
    public static func reply(port: Int) -> [UInt8] { [UInt8](text: "port:\(port);") }
}

/// `qPlatform_…`.
public enum PlatformRequest: Sendable, Equatable {
    /// `qPlatform_mkdir:mode,path`.
    case makeFolder(path: String, mode: UInt32)
    /// `qPlatform_chmod:mode,path`.
    case setPermissions(path: String, mode: UInt32)
    /// `qPlatform_shell:line,seconds,folder`.
    case run(line: String, seconds: Int, folder: String?)

    /// Reads a payload; nil when it is malformed or unknown.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        if reader.skip("qPlatform_mkdir:") {
            guard let mode = Hex.number(reader.field(endingAt: ",")), mode <= UInt32.max,
                let path = reader.hexText(endingAt: ",")
            else { return nil }
            self = .makeFolder(path: path, mode: UInt32(mode))
        } else if reader.skip("qPlatform_chmod:") {
            guard let mode = Hex.number(reader.field(endingAt: ",")), mode <= UInt32.max,
                let path = reader.hexText(endingAt: ",")
            else { return nil }
            self = .setPermissions(path: path, mode: UInt32(mode))
        } else if reader.skip("qPlatform_shell:") {
            guard let line = reader.hexText(endingAt: ","),
                let seconds = Hex.number(reader.field(endingAt: ","))
            else { return nil }
            let folder = reader.isAtEnd ? nil : reader.hexText(endingAt: ",")
            self = .run(line: line, seconds: Int(clamping: seconds), folder: folder)
        } else {
            return nil
        }
    }

    /// `F`, the status, the signal and the output.
    public static func reply(_ result: CommandResult, payloadBytesMax: Int) -> [UInt8] {
        let status = Hex.text(UInt64(UInt32(bitPattern: result.status)))
        let signal = Hex.text(UInt64(UInt32(bitPattern: result.signal)))
        let head = [UInt8](text: "F,\(status),\(signal),")
        let room = max(payloadBytesMax - head.count, 1)
        return head + Escaping.escape(result.output[...], escapedBytesMax: room).escaped
    }

    /// `F` and the Linux error number, 0 for none, which the platform packets have unlike `vFile`.
    public static func reply(errorNumber: Int32) -> [UInt8] {
        [UInt8](text: "F" + Hex.text(UInt64(UInt32(bitPattern: errorNumber))))
    }
}

/// What is known of a module on the target's machine.
public struct ModuleFacts: Sendable, Equatable {
    /// The file's path without symbolic links.
    public var path: String
    /// The processor and system, as the client named it.
    public var triple: String
    /// The GNU build-id.
    public var buildID: [UInt8]
    /// The file's size in bytes.
    public var byteCount: UInt64

    /// Builds an entry.
    public init(path: String, triple: String, buildID: [UInt8], byteCount: UInt64) {
        self.path = path
        self.triple = triple
        self.buildID = buildID
        self.byteCount = byteCount
    }

    private var identifier: String {
        String(decoding: Hex.encode(buildID), as: UTF8.self).uppercased()
    }

    /// The reply to `qModuleInfo`.
    public var payload: [UInt8] {
        var list = KeyValueList()
        list.add("uuid", hexText: identifier)
        list.add("triple", hexText: triple)
        list.add("file_path", hexText: path)
        list.add("file_offset", "0")
        list.add("file_size", Hex.text(byteCount))
        return list.payload
    }

    /// One element of the reply to `jModulesInfo`.
    public var json: JSON {
        .object([
            .init("uuid", .text(identifier)), .init("triple", .text(triple)),
            .init("file_path", .text(path)), .init("file_offset", .number(0)),
            .init("file_size", .number(Int64(clamping: byteCount))),
        ])
    }
}

/// `qModuleInfo:path;triple` and `jModulesInfo:[{"file":…,"triple":…},…]`.
public enum ModuleRequest {
    /// The most modules that one `jModulesInfo` may ask for.
    public static let modulesMax = 4096

    /// The path and the triple of a `qModuleInfo`; nil when it is malformed.
    public static func module(inQuery payload: [UInt8]) -> (path: String, triple: String)? {
        var reader = PayloadReader(payload)
        guard reader.skip("qModuleInfo:"), let path = reader.hexText(endingAt: ";"),
            let triple = reader.hexText(endingAt: ";")
        else { return nil }
        return (path, triple)
    }

    /// The paths and triples of a `jModulesInfo`; nil when it is malformed.
    public static func modules(inList payload: [UInt8]) -> [(path: String, triple: String)]? {
        let name = "jModulesInfo:"
        guard payload.starts(with: name.utf8),
            let bytes = Escaping.unescape(payload.dropFirst(name.utf8.count)),
            let elements = JSON(parsing: bytes)?.elements, elements.count <= modulesMax
        else { return nil }
        var modules: [(path: String, triple: String)] = []
        for element in elements {
            guard let path = element["file"]?.textValue, let triple = element["triple"]?.textValue
            else { return nil }
            modules.append((path, triple))
        }
        return modules
    }
}
