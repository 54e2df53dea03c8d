internal import GDBRemoteProtocol
internal import Glibc
internal import LinuxSystem

/// One row of the table: what is measured, and how.
struct Row {
    var title: String
    var unit: Unit
    /// One sample; nil where the server cannot do it.
    var measure: (Stage) throws -> Double?

    /// Everything is better when it is less.
    enum Unit: String {
        case microseconds = "µs"
        case milliseconds = "ms"
        case megabytes = "MB"
        case megabytesPerSecond = "MB/s"

        var isBetterWhenMore: Bool { self == .megabytesPerSecond }
    }
}

/// Seconds that something takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let begin = monotonicNanoseconds()
    try body()
    return Double(monotonicNanoseconds() - begin) / 1e9
}

private func perTime(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    try seconds { for _ in 0..<count { try body() } } / Double(count) * 1e6
}

extension Row {
    static var all: [Row] {
        connecting + memory + running + breakpoints + crowds + files + debuggees
    }

    /// A client that has attached to a debuggee.
    private static func attached(_ stage: Stage, _ words: String...) throws -> StubClient {
        let process =
            words.count > 1
            ? try stage.debuggee(words[0], words[1]) : try stage.debuggee(words[0])
        let client = try stage.connect()
        try client.attach(to: process)
        return client
    }

    private static var connecting: [Row] {
        [
            Row(title: "server's start until it greets", unit: .milliseconds) { stage in
                try seconds { _ = try stage.connect() } * 1e3
            },
            Row(title: "connect and attach", unit: .milliseconds) { stage in
                let process = try stage.debuggee("idle")
                // Another session before, where the server takes one: it is not the start that counts.
                if stage.peer.dialect == .gdb { _ = try stage.connect() } else { usleep(50_000) }
                usleep(300_000)
                return try seconds { try stage.connect().attach(to: process) } * 1e3
            },
            Row(title: "resident, idle", unit: .megabytes) { stage in
                if stage.peer.name == "dbgsrv" { _ = try stage.connect() }
                usleep(300_000)
                return try stage.residentBytes() / 1e6
            },
            Row(title: "resident, one process attached to", unit: .megabytes) { stage in
                let client = try attached(stage, "idle")
                defer { withExtendedLifetime(client) {} }
                return try stage.residentBytes() / 1e6
            },
        ]
    }

    // MARK: Memory

    private static var memory: [Row] {
        [
            reading("m of 64 B", 64, "m", 1), reading("m of 4 KiB", 4096, "m", 1),
            reading("m of 1 MiB", 1 << 20, "m", 2),
            reading("x of 64 B", 64, "x", 1), reading("x of 4 KiB", 4096, "x", 1),
            reading("x of 1 MiB", 1 << 20, "x", 1),
            writing("M of 64 B", 64, "M"), writing("M of 4 KiB", 4096, "M"),
            writing("M of 1 MiB", 1 << 20, "M"),
            writing("X of 64 B", 64, "X"), writing("X of 4 KiB", 4096, "X"),
            writing("X of 1 MiB", 1 << 20, "X"),
        ]
    }

    private static func reading(_ title: String, _ count: Int, _ packet: String, _ factor: Int)
        -> Row
    {
        Row(title: title, unit: .microseconds) { stage in
            let client = try attached(stage, "idle")
            if packet == "x" {
                let probe =
                    stage.peer.dialect == .lldb ? "x0,0" : "x\(Hex.text(stage.bench.memory)),1"
                let answer = try client.ask(probe)
                if answer.isEmpty || answer.hasPrefix("E") { return nil }
            }
            let largest = (client.packetBytesMax - 16) / factor
            let requests = chunks(count, largest, stage.bench.memory).map {
                Array("\(packet)\(Hex.text($0.address)),\(Hex.text(UInt64($0.count)))".utf8)
            }
            return try perTime(count > 100_000 ? 8 : 400) {
                for request in requests {
                    try client.send(request)
                    let reply = try client.reply()
                    if reply.count < 5 { throw BenchFailure("\(title) fails") }
                }
            }
        }
    }

    private static func writing(_ title: String, _ count: Int, _ packet: String) -> Row {
        Row(title: title, unit: .microseconds) { stage in
            let client = try attached(stage, "idle")
            let start = "\(packet)\(Hex.text(stage.bench.memory)),0:"
            if packet == "X", try client.ask(start) != "OK" { return nil }
            let largest = (client.packetBytesMax - 64) / 2
            let requests = chunks(count, largest, stage.bench.memory).map { chunk in
                let bytes = (0..<chunk.count).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 2) }
                let head = "\(packet)\(Hex.text(chunk.address)),\(Hex.text(UInt64(chunk.count))):"
                let body = packet == "M" ? Hex.encode(bytes) : escaped(bytes)
                return Array(head.utf8) + body
            }
            return try perTime(count > 100_000 ? 8 : 400) {
                for request in requests {
                    try client.send(request)
                    if try client.reply() != [0x4F, 0x4B] { throw BenchFailure("\(title) fails") }
                }
            }
        }
    }

    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        Escaping.escape(bytes[...], escapedBytesMax: 2 * bytes.count).escaped
    }

    private static func chunks(
        _ count: Int,
        _ largest: Int,
        _ address: UInt64
    ) -> [(address: UInt64, count: Int)] {
        stride(from: 0, to: count, by: largest).map { offset in
            (address + UInt64(offset), min(largest, count - offset))
        }
    }

    // MARK: Running

    private static var running: [Row] {
        [
            Row(title: "one step", unit: .microseconds) { stage in
                let client = try attached(stage, "hits")
                return try perTime(1000) { try client.stop(of: "vCont;s:\(client.thread)") }
            },
            Row(title: "one instruction of a range step", unit: .microseconds) { stage in
                let client = try attached(stage, "range")
                guard try client.ask("vCont?").contains(";r") else { return nil }
                let (begin, end) = (Hex.text(stage.bench.range), Hex.text(stage.bench.rangeEnd))
                try client.expectOK("Z0,\(begin),1")
                try client.stop(of: "vCont;c")
                try client.expectOK("z0,\(begin),1")
                let time = try seconds {
                    try client.send(Array("vCont;r\(begin),\(end):\(client.thread)".utf8))
                    usleep(300_000)
                    try client.sendBare([3])
                    _ = try client.text()
                }
                // The loop counts down from 100 000, in four instructions each time.
                return try time / Double((100_000 - client.rcx()) * 4) * 1e6
            },
            Row(title: "breakpoint with a false condition", unit: .microseconds) { stage in
                let client = try attached(stage, "hits")
                return client.offers("ConditionalBreakpoints")
                    ? try conditionThere(client, stage.bench)
                    : try conditionHere(client, stage.bench)
            },
            Row(title: "program's start to main", unit: .milliseconds) { stage in
                let client = try stage.connect()
                return try seconds {
                    try client.launch([stage.bench.debuggee, "main"])
                    try client.expectOK("Z0,\(Hex.text(stage.bench.main)),1")
                    try client.stop(of: "vCont;c")
                } * 1e3
            },
        ]
    }

    /// The server looks at the condition: how often the program gets there in a while.
    private static func conditionThere(_ client: StubClient, _ bench: Bench) throws -> Double {
        // const64 address, ref32, const8 1, equal, end
        let address = (0..<8).map { UInt8(truncatingIfNeeded: bench.counter >> (56 - 8 * $0)) }
        let code = [0x25] + address + [0x19, 0x22, 1, 0x13, 0x27]
        let hex = String(decoding: Hex.encode(code), as: UTF8.self)
        try client.expectOK("Z0,\(Hex.text(bench.hit)),1;X\(Hex.text(UInt64(code.count))),\(hex)")
        let before = try client.word(at: bench.counter)
        let time = try seconds {
            try client.send(Array("vCont;c".utf8))
            usleep(300_000)
            try client.sendBare([3])
            _ = try client.text()
        }
        let count = try client.word(at: bench.counter) &- before
        guard count > 0 else { throw BenchFailure("the condition was never looked at") }
        return time / Double(count) * 1e6
    }

    /// The client looks at it, with the packets that gdb sends for it.
    private static func conditionHere(_ client: StubClient, _ bench: Bench) throws -> Double {
        let place = "0,\(Hex.text(bench.hit)),1"
        try client.expectOK("Z\(place)")
        try client.stop(of: "vCont;c")
        return try perTime(300) {
            _ = try client.word(at: bench.counter)
            try client.expectOK("z\(place)")
            try client.stop(of: "vCont;s:\(client.thread)")
            try client.expectOK("Z\(place)")
            try client.stop(of: "vCont;c")
        }
    }

    private static var breakpoints: [Row] {
        [
            Row(title: "breakpoint set and removed", unit: .microseconds) { stage in
                let client = try attached(stage, "idle")
                let place = "0,\(Hex.text(stage.bench.hit)),1"
                return try perTime(1000) {
                    try client.expectOK("Z\(place)")
                    try client.expectOK("z\(place)")
                }
            }
        ]
    }

    // MARK: Many threads

    private static var crowds: [Row] {
        [
            Row(title: "registers of 500 threads", unit: .milliseconds) { stage in
                let client = try attached(stage, "threads", "500")
                let threads = try client.threadList()
                guard threads.count == 500 else { throw BenchFailure("\(threads.count) threads") }
                return try seconds {
                    for thread in threads {
                        if stage.peer.dialect == .gdb { try client.expectOK("Hg\(thread)") }
                        let suffix = stage.peer.dialect == .lldb ? ";thread:\(thread);" : ""
                        try client.send(Array("g\(suffix)".utf8))
                        if try client.reply().count < 100 { throw BenchFailure("g fails") }
                    }
                } * 1e3
            },
            Row(title: "list of 1000 threads", unit: .milliseconds) { stage in
                let client = try attached(stage, "threads", "1000")
                var document: [UInt8] = []
                let time = try seconds { document = try client.threadDocument() }
                guard document.count > 30_000 else {
                    throw BenchFailure("a list of \(document.count) bytes")
                }
                return time * 1e3
            },
            Row(title: "attach to 1000 threads", unit: .milliseconds) { stage in
                let process = try stage.debuggee("threads", "1000")
                let client = try stage.connect()
                return try seconds { try client.attach(to: process) } * 1e3
            },
            Row(title: "1000 threads resumed and stopped", unit: .milliseconds) { stage in
                let client = try attached(stage, "threads", "1000")
                return try perTime(20) {
                    try client.send(Array("vCont;c".utf8))
                    try client.sendBare([3])
                    guard try client.text().hasPrefix("T") else { throw BenchFailure("no stop") }
                } / 1e3
            },
        ]
    }

    // MARK: Files and debuggees

    private static var files: [Row] {
        [
            Row(title: "vFile:pread of 16 MiB", unit: .megabytesPerSecond) { stage in
                let client = try stage.connect()
                let name = Hex.encode(Array(stage.bench.largeFile.utf8))
                let opened = try client.ask(
                    "vFile:open:\(String(decoding: name, as: UTF8.self)),0,0"
                )
                guard opened.hasPrefix("F"), !opened.hasPrefix("F-") else {
                    throw BenchFailure("vFile:open was answered with \(opened)")
                }
                let file = opened.dropFirst()
                let most = Hex.text(UInt64(client.packetBytesMax))
                var offset = 0
                let time = try seconds {
                    while offset < Bench.largeFileBytes {
                        let request = "vFile:pread:\(file),\(most),\(Hex.text(UInt64(offset)))"
                        try client.send(Array(request.utf8))
                        let digits = try client.reply().dropFirst().prefix { $0 != 0x3B }
                        guard let count = Hex.number(Array(digits)), count > 0 else {
                            throw BenchFailure("vFile:pread fails")
                        }
                        offset += Int(count)
                    }
                }
                return Double(offset) / time / 1e6
            }
        ]
    }

    private static var debuggees: [Row] {
        [
            ("a program that forks 10 000 times", "forks"),
            ("a program that starts 10 000 threads", "clones"),
        ].map { title, word in
            Row(title: title, unit: .milliseconds) { stage in
                let client = try stage.connect()
                try client.launch([stage.bench.debuggee, word, "10000"])
                return try seconds {
                    let end = try client.ask("vCont;c")
                    guard end.hasPrefix("W0") else { throw BenchFailure("it ended with \(end)") }
                } * 1e3
            }
        }
    }
}

extension StubClient {
    /// The register that the debuggee's loop counts down in.
    func rcx() throws -> UInt64 {
        let suffix = dialect == .lldb ? ";thread:\(thread);" : ""
        let registers = try ask("g\(suffix)")
        guard let bytes = Hex.decode(Array(registers.utf8.dropFirst(32).prefix(16))) else {
            throw BenchFailure("g was answered with \(registers.prefix(40))")
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    func threadList() throws -> [String] {
        var threads: [String] = []
        var answer = try ask("qfThreadInfo")
        while answer.hasPrefix("m") {
            threads += answer.dropFirst().split(separator: ",").map(String.init)
            answer = try ask("qsThreadInfo")
        }
        return threads
    }

    /// The list of threads with their names, as the client of this dialect asks for it.
    func threadDocument() throws -> [UInt8] {
        guard dialect == .gdb else {
            try send(Array("jThreadsInfo".utf8))
            return Array(try reply())
        }
        var document: [UInt8] = []
        while true {
            let offset = Hex.text(UInt64(document.count))
            try send(Array("qXfer:threads:read::\(offset),1000".utf8))
            let part = try reply()
            document += part.dropFirst()
            if part.first == UInt8(ascii: "l") { return document }
        }
    }
}
