internal import GDBRemoteProtocol
internal import Glibc
internal import LinuxSystem

/// What went wrong with a measurement.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// A client of the remote protocol that does what it is told and nothing else, the same for every server.
final class StubClient {
    static let patienceSeconds = 30

    private let socket: OwnedDescriptor
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)
    private var start = 0
    private var end = 0
    private var acknowledges = true
    /// How packets are worded.
    let dialect: Dialect
    private(set) var features = ""
    /// The longest packet that the server takes.
    private(set) var packetBytesMax = 400

    enum Dialect { case gdb, lldb }

    init(port: Int, _ dialect: Dialect) throws {
        self.dialect = dialect
        let addresses = try SocketAddress.resolve(host: "127.0.0.1", port: port, onlyIPv6: false)
        socket = try addresses[0].connect(timeoutMilliseconds: 1000)
        try socket.setNonBlocking(false)
        try setSocketOption(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        if dialect == .lldb {
            try greet(["QStartNoAckMode"])
            acknowledges = false
            try readFeatures("qSupported:xmlRegisters=i386;multiprocess+")
            try greet(["QThreadSuffixSupported"])
        } else {
            try readFeatures(
                "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;no-resumed+"
            )
            try greet(["QStartNoAckMode"])
            acknowledges = false
            try greet(["!"])
        }
    }

    private func greet(_ packets: [String]) throws { for packet in packets { _ = try ask(packet) } }

    private func readFeatures(_ request: String) throws {
        features = try ask(request)
        for item in features.split(separator: ";") where item.hasPrefix("PacketSize=") {
            // lldb-server writes 131072 in decimal digits.
            packetBytesMax = min(Int(item.dropFirst(11), radix: 16) ?? packetBytesMax, 0x20000)
        }
    }

    func offers(_ feature: String) -> Bool {
        features.split(separator: ";").contains { $0 == feature + "+" }
    }

    /// Sends a packet.
    func send(_ payload: [UInt8]) throws {
        var frame = [UInt8(ascii: "$")] + payload
        let sum = payload.reduce(0 as UInt8) { $0 &+ $1 }
        frame += [UInt8(ascii: "#"), Hex.digit(sum >> 4), Hex.digit(sum & 15)]
        try sendBare(frame)
    }

    func sendBare(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty { rest.removeFirst(try socket.write(rest)) }
    }

    /// Sends a packet and waits for the reply.
    func ask(_ packet: String) throws -> String {
        try send(Array(packet.utf8))
        return try text()
    }

    /// The next reply, as text without run lengths.
    func text() throws -> String {
        let payload = try reply()
        let plain = try RunLength.expand(Array(payload), bytesMax: 1 << 22).get()
        return String(decoding: plain, as: UTF8.self)
    }

    /// The next reply as it came; console output is passed over.
    func reply() throws -> ArraySlice<UInt8> {
        while true {
            let payload = try packet()
            if acknowledges { try sendBare([UInt8(ascii: "+")]) }
            let isConsole = payload.first == UInt8(ascii: "O") && payload.count > 2
            if !isConsole { return payload }
        }
    }

    private func packet() throws -> ArraySlice<UInt8> {
        var looked = start
        var first: Int?
        while true {
            if first == nil, let found = find(UInt8(ascii: "$"), from: looked) {
                first = found + 1
                looked = found + 1
            }
            if let first, let last = find(UInt8(ascii: "#"), from: looked), last + 2 < end {
                start = last + 3
                return buffer[first..<last]
            }
            if first == nil { start = end }
            looked = first.map { max($0, end - 3) } ?? end
            let moved = try fill()
            looked -= moved
            first = first.map { $0 - moved }
        }
    }

    private func find(_ byte: UInt8, from position: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard position < end, let base = bytes.baseAddress,
                let found = memchr(base + position, Int32(byte), end - position)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Reads more; returns by how much everything kept has moved to the front.
    private func fill() throws -> Int {
        var moved = 0
        if end == buffer.count {
            guard start > 0 else { throw BenchFailure("a reply of more than a megabyte") }
            moved = start
            buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                memmove(base, base + start, end - start)
            }
            end -= start
            start = 0
        } else if start == end {
            moved = start
            start = 0
            end = 0
        }
        var waiting = [PollRequest(socket.number)]
        guard try pollDescriptors(&waiting, timeoutMilliseconds: Self.patienceSeconds * 1000) else {
            throw BenchFailure("no reply in \(Self.patienceSeconds) s")
        }
        let taken = buffer.withUnsafeMutableBytes { bytes in
            Glibc.read(socket.number, bytes.baseAddress.map { $0 + end }, bytes.count - end)
        }
        guard taken > 0 else { throw BenchFailure("the server ended the connection") }
        end += taken
        return moved
    }

    // MARK: What every measurement needs

    private(set) var thread = ""
    private(set) var process = ""

    func attach(to process: Int32) throws {
        takeThread(try stop(of: "vAttach;" + String(process, radix: 16)))
    }

    func launch(_ words: [String]) throws {
        let hex = words.map { String(decoding: Hex.encode(Array($0.utf8)), as: UTF8.self) }
        guard dialect == .lldb else {
            _ = try ask("QStartupWithShell:0")
            // SIGCHLD and the two that glibc uses for its threads, as gdb and lldb have it.
            _ = try ask("QPassSignals:14;4c;97")
            return takeThread(try stop(of: "vRun;" + hex.joined(separator: ";")))
        }
        let parts = hex.enumerated().map { "\($1.utf8.count),\($0),\($1)" }
        guard try ask("A" + parts.joined(separator: ",")) == "OK" else {
            throw BenchFailure("A was refused")
        }
        _ = try ask("qLaunchSuccess")
        _ = try ask("QPassSignals:11;20;21")
        takeThread(try stop(of: "?"))
    }

    /// Sends something that a stop answers.
    @discardableResult
    func stop(of packet: String) throws -> String {
        let answer = try ask(packet)
        guard answer.hasPrefix("T") else {
            throw BenchFailure("\(packet.prefix(60)) was answered with \(answer.prefix(80))")
        }
        return answer
    }

    private func takeThread(_ stop: String) {
        for item in stop.dropFirst(3).split(separator: ";") where item.hasPrefix("thread:") {
            thread = String(item.dropFirst(7))
        }
        process = String(thread.dropFirst().prefix { $0 != "." })
    }

    func expectOK(_ packet: String) throws {
        let answer = try ask(packet)
        guard answer == "OK" else {
            throw BenchFailure("\(packet.prefix(60)) was answered with \(answer.prefix(80))")
        }
    }

    func word(at address: UInt64) throws -> UInt32 {
        let answer = try ask("m\(Hex.text(address)),4")
        guard let bytes = Hex.decode(Array(answer.utf8)), bytes.count == 4 else {
            throw BenchFailure("m was answered with \(answer.prefix(40))")
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
