public import DebugTarget

// File-I/O over `vFile` (the manual's "Host I/O Packets" and "Integral Datatypes"). What it leaves
// unsaid: the open flags have the same values in gdb and lldb (`OpenFlags`); error numbers are the
// protocol's own, not Linux's (only some agree); `struct stat` is 64 bytes, big-endian, with 32-bit
// fields that are cut off; a short `pread` is legal and means nothing, an empty one is the end.

/// A `vFile` request.
public enum FileRequest: Sendable, Equatable {
    /// `open:path,flags,mode`.
    case open(path: String, flags: OpenFlags, mode: UInt32)
    /// `close:fd`.
    case close(Int)
    /// `pread:fd,count,offset`.
    case read(Int, count: Int, offset: UInt64)
    /// `pwrite:fd,offset,data`.
    case write(Int, offset: UInt64, [UInt8])
    /// `fstat:fd`.
    case fileStatus(Int)
    /// `stat:path` or `lstat:path`.
    case pathStatus(path: String, followingLinks: Bool)
    /// `unlink:path`.
    case unlink(path: String)
    /// `readlink:path`.
    case readLink(path: String)
    /// lldb's `mode:path`: the permissions.
    case permissions(path: String)
    /// lldb's `size:path`.
    case size(path: String)
    /// lldb's `exists:path`, answered with `F,1` or `F,0`.
    case exists(path: String)
    /// lldb's `symlink:destination,path`.
    case link(destination: String, path: String)
    /// `setfs:pid`; nil is the stub's own.
    case setFileSystem(ProcessID?)

    /// What a payload turned out to be.
    public enum Parsed: Sendable, Equatable {
        /// A request.
        case request(FileRequest)
        /// An operation nobody knows; to be answered as unsupported.
        case unknownOperation
        /// Not to be understood.
        case malformed
    }

    /// Reads a payload.
    public static func parse(_ payload: [UInt8]) -> Parsed {
        var reader = PayloadReader(payload)
        guard reader.skip("vFile:") else { return .malformed }
        let operation = String(decoding: reader.field(endingAt: ":"), as: UTF8.self)
        guard let read = parsers[operation] else { return .unknownOperation }
        return read(&reader).map { .request($0) } ?? .malformed
    }

    private typealias Parser = @Sendable (inout PayloadReader) -> FileRequest?

    private static let parsers: [String: Parser] = [
        "open": { reader in
            guard let path = reader.hexText(endingAt: ","),
                let flags = Hex.number(reader.field(endingAt: ",")),
                let mode = reader.hexNumber(), reader.isAtEnd, flags <= UInt32.max
            else { return nil }
            return .open(
                path: path,
                flags: OpenFlags(rawValue: Int(flags)),
                mode: UInt32(truncatingIfNeeded: mode)
            )
        },
        "close": { reader in number(&reader).map { .close($0) } },
        "pread": { reader in
            guard let file = Hex.number(reader.field(endingAt: ",")).flatMap({ Int(exactly: $0) }),
                let count = Hex.number(reader.field(endingAt: ",")).flatMap({ Int(exactly: $0) }),
                let offset = reader.hexNumber(), reader.isAtEnd
            else { return nil }
            return .read(file, count: count, offset: offset)
        },
        "pwrite": { reader in
            guard let file = Hex.number(reader.field(endingAt: ",")).flatMap({ Int(exactly: $0) }),
                let offset = Hex.number(reader.field(endingAt: ",")),
                let bytes = Escaping.unescape(reader.remainder())
            else { return nil }
            return .write(file, offset: offset, bytes)
        },
        "fstat": { reader in number(&reader).map { .fileStatus($0) } },
        "stat": { reader in path(&reader).map { .pathStatus(path: $0, followingLinks: true) } },
        "lstat": { reader in path(&reader).map { .pathStatus(path: $0, followingLinks: false) } },
        "unlink": { reader in path(&reader).map { .unlink(path: $0) } },
        "readlink": { reader in path(&reader).map { .readLink(path: $0) } },
        "mode": { reader in path(&reader).map { .permissions(path: $0) } },
        "size": { reader in path(&reader).map { .size(path: $0) } },
        "exists": { reader in path(&reader).map { .exists(path: $0) } },
        "symlink": { reader in
            guard let destination = reader.hexText(endingAt: ","), let link = path(&reader) else {
                return nil
            }
            return .link(destination: destination, path: link)
        },
        "setfs": { reader in
            guard let number = reader.hexNumber(), reader.isAtEnd else { return nil }
            if number == 0 { return .setFileSystem(nil) }
            return ProcessID(wireNumber: number).map { .setFileSystem($0) }
        },
    ]

    private static func number(_ reader: inout PayloadReader) -> Int? {
        guard let number = reader.hexNumber(), reader.isAtEnd else { return nil }
        return Int(exactly: number)
    }

    private static func path(_ reader: inout PayloadReader) -> String? {
        reader.hexBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    private func request(_ operation: String, _ path: String) -> [UInt8] {
        HexTextRequest.payload(operation + ":", path)
    }

    /// Numbers as they travel; a negative one, which a peer may have sent as its descriptor, as its bits.
    private func wire(_ number: Int) -> String {
        Hex.text(UInt64(bitPattern: Int64(number)))
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](text: "vFile:")
        switch self {
        case .open(let path, let flags, let mode):
            payload.append(text: "open:")
            payload.append(hexBytes: path.utf8)
            payload.append(text: ",\(wire(flags.rawValue)),\(Hex.text(UInt64(mode)))")
        case .close(let file): payload.append(text: "close:\(wire(file))")
        case .read(let file, let count, let offset):
            let place = "\(wire(file)),\(Hex.text(UInt64(count))),\(Hex.text(offset))"
            payload.append(text: "pread:" + place)
        case .write(let file, let offset, let bytes):
            payload.append(text: "pwrite:\(wire(file)),\(Hex.text(offset)),")
            payload.append(escaped: bytes)
        case .fileStatus(let file): payload.append(text: "fstat:\(wire(file))")
        case .pathStatus(let path, let followingLinks):
            payload.append(text: followingLinks ? "stat:" : "lstat:")
            payload.append(hexBytes: path.utf8)
        case .unlink(let path):
            payload.append(text: "unlink:")
            payload.append(hexBytes: path.utf8)
        case .readLink(let path):
            payload.append(text: "readlink:")
            payload.append(hexBytes: path.utf8)
        case .permissions(let path): payload += request("mode", path)
        case .size(let path): payload += request("size", path)
        case .exists(let path): payload += request("exists", path)
        case .link(let destination, let path):
            payload += request("symlink", destination)
            payload.append(text: ",")
            payload.append(hexBytes: path.utf8)
        case .setFileSystem(let process):
            payload.append(text: "setfs:\(wire(Int(process?.rawValue ?? 0)))")
        }
        return payload
    }
}

/// A `vFile` reply, `F result[,error][;attachment]`.
public struct FileReply: Sendable, Equatable {
    /// The result, -1 for a failure.
    public var result: Int64
    /// The protocol's error number of a failure.
    public var errorNumber: Int?
    /// Binary data, nil where the operation has none.
    public var attachment: [UInt8]?

    /// Builds a reply.
    public init(result: Int64, errorNumber: Int? = nil, attachment: [UInt8]? = nil) {
        self.result = result
        self.errorNumber = errorNumber
        self.attachment = attachment
    }

    /// A failure with a Linux error number.
    public static func failure(_ linuxError: Int32) -> FileReply {
        FileReply(result: -1, errorNumber: FileErrors.protocolNumber(of: linuxError))
    }

    /// Data, as much as fits; the result is its length.
    public static func data(_ bytes: ArraySlice<UInt8>, payloadBytesMax: Int) -> [UInt8] {
        // "F", the length and ";" take 12 bytes at the most.
        let room = max(payloadBytesMax - 12, 1)
        let (escaped, count) = Escaping.escape(bytes, escapedBytesMax: room)
        return [UInt8](text: "F\(Hex.text(UInt64(count)));") + escaped
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](text: "F" + String(result, radix: 16))
        if let errorNumber { payload.append(text: "," + Hex.text(UInt64(errorNumber))) }
        if let attachment {
            payload.append(text: ";")
            payload.append(escaped: attachment)
        }
        return payload
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("F" as Unicode.Scalar), let result = reader.signedHexNumber() else {
            return nil
        }
        self.result = result
        if reader.skip("," as Unicode.Scalar) {
            guard let number = reader.hexNumber(), number <= UInt16.max else { return nil }
            errorNumber = Int(number)
        }
        if reader.skip(";" as Unicode.Scalar) {
            guard let bytes = Escaping.unescape(reader.remainder()) else { return nil }
            attachment = bytes
        }
        guard reader.isAtEnd else { return nil }
    }
}

/// The protocol's error numbers (the manual's "Errno Values").
public enum FileErrors {
    /// The protocol's number for anything else.
    public static let unknown = 9999
    // Those that differ from Linux's: ENAMETOOLONG is 91 in the protocol and 36 on Linux.
    private static let same: Set<Int32> = [
        1, 2, 4, 5, 9, 13, 14, 16, 17, 19, 20, 21, 22, 23, 24, 27, 28, 29, 30,
    ]
    private static let longNameLinux: Int32 = 36
    private static let longNameProtocol = 91

    /// The protocol's number for a Linux error.
    public static func protocolNumber(of linuxError: Int32) -> Int {
        if same.contains(linuxError) { return Int(linuxError) }
        return linuxError == longNameLinux ? longNameProtocol : unknown
    }

    /// The Linux error for the protocol's number; EIO for what it does not know.
    public static func linuxNumber(of protocolNumber: Int) -> Int32 {
        if protocolNumber == longNameProtocol { return longNameLinux }
        let number = Int32(truncatingIfNeeded: protocolNumber)
        return same.contains(number) ? number : 5
    }
}

extension FileStatus {
    /// How many bytes `struct stat` takes in the protocol.
    public static let wireByteCount = 64

    /// `struct stat` as the protocol has it.
    public var wireBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(FileStatus.wireByteCount)
        func add(_ value: UInt64, _ count: Int) {
            for shift in (0..<count).reversed() {
                bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift))))
            }
        }
        add(device, 4)
        add(inode, 4)
        add(UInt64(mode), 4)
        add(linkCount, 4)
        add(UInt64(userID), 4)
        add(UInt64(groupID), 4)
        add(specialDevice, 4)
        add(size, 8)
        add(blockSize, 8)
        add(blockCount, 8)
        add(UInt64(bitPattern: accessTime), 4)
        add(UInt64(bitPattern: modificationTime), 4)
        add(UInt64(bitPattern: changeTime), 4)
        return bytes
    }

    /// Reads the protocol's `struct stat`; nil when it is too short.
    public init?(wireBytes: [UInt8]) {
        guard wireBytes.count >= FileStatus.wireByteCount else { return nil }
        self.init()
        var rest = ArraySlice(wireBytes)
        func take(_ count: Int) -> UInt64 {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
        }
        device = take(4)
        inode = take(4)
        mode = UInt32(take(4))
        linkCount = take(4)
        userID = UInt32(take(4))
        groupID = UInt32(take(4))
        specialDevice = take(4)
        size = take(8)
        blockSize = take(8)
        blockCount = take(8)
        accessTime = Int64(take(4))
        modificationTime = Int64(take(4))
        changeTime = Int64(take(4))
    }
}
