public import DebugTarget

// Starting, attaching, letting go. All texts travel as hexadecimal pairs. `vRun` without a program means
// the one of the last run; a stub answers `vRun` and `vAttach` with a stop reply.

/// `vRun;program;argument;…`.
public struct RunRequest: Sendable, Equatable {
    /// The program, empty for the last one, and its arguments.
    public var arguments: [String]
    /// The same byte for byte: what is no UTF-8 is another text in `arguments`.
    public var argumentBytes: [[UInt8]]

    /// Builds a request.
    public init(arguments: [String]) {
        self.arguments = arguments
        argumentBytes = arguments.map { Array($0.utf8) }
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("vRun") else { return nil }
        arguments = []
        argumentBytes = []
        let fields = reader.remainder().split(
            separator: UInt8(ascii: ";"),
            omittingEmptySubsequences: false
        )
        guard fields.first?.isEmpty ?? true else { return nil }
        for field in fields.dropFirst() {
            guard let bytes = Hex.decode(field) else { return nil }
            arguments.append(String(decoding: bytes, as: UTF8.self))
            argumentBytes.append(bytes)
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](text: "vRun")
        for argument in argumentBytes {
            payload.append(text: ";")
            payload.append(hexBytes: argument)
        }
        return payload
    }
}

/// A request with one process id: `vAttach;pid`, `vKill;pid`, `D;pid`, `qAttached:pid`.
public struct ProcessRequest: Sendable, Equatable {
    /// The packet's name with its separator, `vAttach;`.
    public var name: String
    /// The process.
    public var process: ProcessID

    /// Builds a request.
    public init(_ name: String, _ process: ProcessID) {
        self.name = name
        self.process = process
    }

    /// The id that follows `name`; nil when the payload is malformed.
    public static func process(in payload: [UInt8], after name: String) -> ProcessID? {
        guard payload.starts(with: name.utf8) else { return nil }
        return Hex.number(payload.dropFirst(name.utf8.count))
            .flatMap { ProcessID(wireNumber: $0) }
    }

    /// The payload.
    public var payload: [UInt8] {
        [UInt8](text: name + Hex.text(UInt64(UInt32(bitPattern: process.rawValue))))
    }
}

/// A packet whose name is followed by one text in hexadecimal: `QSetWorkingDir:`, `qRcmd,`, ….
public enum HexTextRequest {
    /// The payload.
    public static func payload(_ name: String, _ text: String) -> [UInt8] {
        var payload = [UInt8](text: name)
        payload.append(hexBytes: text.utf8)
        return payload
    }

    /// The text; nil when the payload is malformed.
    public static func text(in payload: [UInt8], after name: String) -> String? {
        guard payload.starts(with: name.utf8) else { return nil }
        return Hex.decode(payload.dropFirst(name.utf8.count)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// `QEnvironmentHexEncoded:`, `QEnvironmentUnset:`, `QEnvironmentReset`, `QEnvironment:`.
public enum EnvironmentRequest: Sendable, Equatable {
    /// Sets a variable.
    case set(name: String, value: String)
    /// Unsets a variable.
    case unset(name: String)
    /// Forgets all changes.
    case reset

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        if payload == [UInt8](text: "QEnvironmentReset") {
            self = .reset
        } else if let name = HexTextRequest.text(in: payload, after: "QEnvironmentUnset:") {
            guard !name.isEmpty else { return nil }
            self = .unset(name: name)
        } else if let pair = HexTextRequest.text(in: payload, after: "QEnvironmentHexEncoded:") {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                return nil
            }
            self = .set(
                name: String(pair[..<equals]),
                value: String(pair[pair.index(after: equals)...])
            )
        } else if let pair = EnvironmentRequest.plainPair(payload) {
            self = .set(name: pair.name, value: pair.value)
        } else {
            return nil
        }
    }

    /// lldb's `QEnvironment:name=value`, for values that need no encoding.
    private static func plainPair(_ payload: [UInt8]) -> (name: String, value: String)? {
        let head = "QEnvironment:"
        guard payload.starts(with: head.utf8) else { return nil }
        let pair = payload.dropFirst(head.utf8.count)
        guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), equals != pair.startIndex else {
            return nil
        }
        return (
            String(decoding: pair[..<equals], as: UTF8.self),
            String(decoding: pair[(equals + 1)...], as: UTF8.self)
        )
    }

    /// The payload.
    public var payload: [UInt8] {
        switch self {
        case .set(let name, let value):
            HexTextRequest.payload("QEnvironmentHexEncoded:", "\(name)=\(value)")
        case .unset(let name): HexTextRequest.payload("QEnvironmentUnset:", name)
        case .reset: [UInt8](text: "QEnvironmentReset")
        }
    }
}

/// A list of signal numbers: `QPassSignals:` and `QProgramSignals:`.
public enum SignalListRequest {
    /// The numbers; nil when the payload is malformed.
    public static func numbers(in payload: [UInt8], after name: String) -> [UInt8]? {
        guard payload.starts(with: name.utf8) else { return nil }
        var numbers: [UInt8] = []
        for field in payload.dropFirst(name.utf8.count).split(separator: UInt8(ascii: ";")) {
            guard let number = Hex.number(field), number <= UInt8.max else { return nil }
            numbers.append(UInt8(number))
        }
        return numbers
    }

    /// The payload.
    public static func payload(_ name: String, _ numbers: [UInt8]) -> [UInt8] {
        [UInt8](text: name + numbers.map { Hex.text(UInt64($0)) }.joined(separator: ";"))
    }
}

/// A switch: `QNonStop:1`, `QStartupWithShell:0`, ….
public enum SwitchRequest {
    /// The value; nil when the payload is malformed.
    public static func value(in payload: [UInt8], after name: String) -> Bool? {
        guard payload.starts(with: name.utf8) else { return nil }
        switch Array(payload.dropFirst(name.utf8.count)) {
        case [UInt8(ascii: "0")]: return false
        case [UInt8(ascii: "1")]: return true
        default: return nil
        }
    }

    /// The payload.
    public static func payload(_ name: String, _ value: Bool) -> [UInt8] {
        [UInt8](text: name + (value ? "1" : "0"))
    }
}

/// The lists of threads without XML: `qfThreadInfo`, `qsThreadInfo`.
public enum ThreadListReply {
    /// `m` and as many ids as fit, or `l` for none.
    ///
    /// - Returns: the payload and how many threads it names.
    public static func payload(
        _ threads: ArraySlice<ThreadReference>,
        payloadBytesMax: Int
    ) -> (payload: [UInt8], count: Int) {
        guard !threads.isEmpty else { return ([UInt8(ascii: "l")], 0) }
        var text = "m"
        var count = 0
        for thread in threads {
            let next = (count == 0 ? "" : ",") + thread.text
            if count > 0, text.utf8.count + next.utf8.count > payloadBytesMax { break }
            text += next
            count += 1
        }
        return ([UInt8](text: text), count)
    }

    /// The threads of a portion, empty at the end; nil when it is malformed.
    public static func threads(ofPayload payload: [UInt8]) -> [ThreadReference]? {
        if payload == [UInt8(ascii: "l")] { return [] }
        guard payload.first == UInt8(ascii: "m") else { return nil }
        var threads: [ThreadReference] = []
        for field in payload.dropFirst().split(separator: UInt8(ascii: ",")) {
            guard let thread = ThreadReference(field) else { return nil }
            threads.append(thread)
        }
        return threads
    }
}

/// `QAllow:WriteMem:1;InsertBreak:0;…`: what a client wants to be able to do.
public struct AllowRequest: Sendable, Equatable {
    /// The most operations that are read.
    public static let operationsMax = 64
    /// By the manual's names: `WriteReg`, `WriteMem`, `InsertBreak`, `InsertTrace`, `InsertFastTrace`, `Stop`.
    public var values: [String: Bool] = [:]

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("QAllow:") else { return nil }
        let fields = reader.remainder().split(separator: UInt8(ascii: ";"))
        guard fields.count <= AllowRequest.operationsMax else { return nil }
        for field in fields {
            let parts = field.split(
                separator: UInt8(ascii: ":"),
                omittingEmptySubsequences: false
            )
            guard parts.count == 2, parts[1].count == 1, let digit = parts[1].first,
                digit == UInt8(ascii: "0") || digit == UInt8(ascii: "1")
            else { return nil }
            values[String(decoding: parts[0], as: UTF8.self)] = digit == UInt8(ascii: "1")
        }
    }
}
