import Foundation
import LinuxSystem
import Testing

@testable import Transports

@Suite("Channels between two brokers over a cable", .serialized)
struct ChannelTests {
    @Test("two clients on two channels get their own bytes, both ways at once")
    func twoChannels() throws {
        let bench = try Bench()
        let server = try bench.open(bench.a)
        let client = try bench.open(bench.b)
        let listeners = try [3, 254].map { try server.listen(channel: $0) }
        let pairs = try listeners.map { try bench.connect($0, from: client) }
        let work = pairs.enumerated().flatMap { index, pair in
            [(pair.far, pair.near, 10), (pair.near, pair.far, 20)].map { from, to, offset in
                let bytes = noise(100_000, seed: UInt64(index + offset))
                let writer = Background {
                    try from.writeAll(bytes)
                    from.finishWriting()
                }
                return (writer, Background { try to.readToEnd() == bytes })
            }
        }
        for (writer, reader) in work {
            try writer.value()
            #expect(try reader.value())
        }
        for pair in pairs {
            #expect(pair.far.lastReason == nil)
            #expect(pair.near.lastReason == nil)
        }
    }

    @Test(
        "the end of one direction arrives after its bytes, and the other direction stays open (D1)"
    )
    func halfClose() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        try near.writeAll(Array("request".utf8))
        near.finishWriting()
        #expect(try far.readToEnd() == Array("request".utf8))
        try far.writeAll(Array("answer".utf8))
        #expect(try near.read(exactly: 6) == Array("answer".utf8))
        try far.writeAll(Array("more".utf8))
        far.finishWriting()
        #expect(try near.readToEnd() == Array("more".utf8))
        #expect(near.lastReason == nil)
    }

    @Test("what arrives before the other side's end is read, however late, after our own end (D1)")
    func lateReader() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        near.finishWriting()
        #expect(try far.readToEnd().isEmpty)
        // More than the socket holds, so that the broker keeps the rest.
        let bytes = noise(110_000, seed: 8)
        try far.writeAll(bytes)
        far.finishWriting()
        while try bench.figure("payload-bytes-in", of: bench.b) != "\(bytes.count)" {
            usleep(10_000)
        }
        #expect(try near.readToEnd() == bytes)
        #expect(near.lastReason == nil)
    }

    // The slow line takes longer for it than a connection may stand without progress.
    @Test(
        "a stream that is closed on purpose still delivers what was written, and is no death (D3)",
        arguments: [(3_000_000, 50_000), (9600, 14_000)]
    )
    func close(baud: Int, count: Int) throws {
        let bench = try Bench(baud: baud)
        let listener = try bench.open(bench.a, baud: baud).listen(channel: 7)
        let client = try bench.open(bench.b, baud: baud)
        let bytes = noise(count, seed: 1)
        let far = try {
            let (far, near) = try bench.connect(listener, from: client)
            let reader = Background { try far.readToEnd() }
            try near.writeAll(bytes)
            near.close()
            _ = consume near
            return (far, reader)
        }()
        #expect(try far.1.value() == bytes)
        #expect(far.0.lastReason == nil)
    }

    @Test("a client that does not read stalls its own channel and no other (D2)")
    func stalled() throws {
        let bench = try Bench()
        let server = try bench.open(bench.a)
        let client = try bench.open(bench.b)
        let lazy = try bench.connect(try server.listen(channel: 1), from: client)
        let busy = try bench.connect(try server.listen(channel: 2), from: client)
        let written = try lazy.near.writeUntilFull(0x5A)
        #expect(written < 4_000_000)
        let bytes = noise(100_000, seed: 4)
        let reader = Background { try busy.far.read(exactly: bytes.count) }
        try busy.near.writeAll(bytes)
        #expect(try reader.value() == bytes)
        #expect(try lazy.far.read(exactly: written) == [UInt8](repeating: 0x5A, count: written))
    }

    @Test("the far side of a client that is killed is told so (D4)")
    func killed() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 9)
        let input = Pipe()
        let victim = try bench.start(["connect", bench.b, "9", "--baud", "3000000"], input: input)
        let stream = try acceptOne(listener)
        try input.fileHandleForWriting.write(contentsOf: Data("hello".utf8))
        #expect(try stream.read(exactly: 5) == Array("hello".utf8))
        kill(victim.processIdentifier, SIGKILL)
        #expect(try stream.readToEnd().isEmpty)
        #expect(stream.lastReason == "the program at the other end went away")
        // The listener is as good as before.
        #expect(try bench.connect(listener, from: try bench.open(bench.b)).far.channel == 9)
    }

    @Test("a connection waits until somebody listens, whoever comes first")
    func waiting() throws {
        let bench = try Bench()
        let client = try bench.open(bench.b)
        let near = Background { try client.connect(channel: 5, waitMilliseconds: 20_000) }
        let listener = try bench.open(bench.a).listen(channel: 5)
        let far = try acceptOne(listener)
        try far.writeAll([1, 2, 3])
        #expect(try near.value().read(exactly: 3) == [1, 2, 3])
    }

    @Test("a client that waited is shown by poll to the listener that comes (R3)")
    func waitingIsPolled() throws {
        let bench = try Bench()
        let client = try bench.open(bench.b)
        let server = try bench.open(bench.a)
        let first = try server.listen(channel: 1)
        let near = Background { try client.connect(channel: 1, waitMilliseconds: 20_000) }
        let far = try acceptOne(first)
        // The link is up; behind these bytes the request for channel 6 has arrived as well.
        let waiting = try client.startConnecting(channel: 6)
        try near.value().writeAll([9])
        #expect(try far.read(exactly: 1) == [9])

        let listener = try server.listen(channel: 6)
        var requests = [PollRequest(listener.descriptor)]
        #expect(try pollDescriptors(&requests, timeoutMilliseconds: 20_000))
        let accepted = try acceptOne(listener)
        let stream = try #require(try waiting.take(timeoutMilliseconds: 20_000))
        try stream.writeAll([7])
        #expect(try accepted.read(exactly: 1) == [7])
    }

    @Test("a connection that nobody answers says what is known of the line")
    func nobody() throws {
        let bench = try Bench()
        let client = try bench.open(bench.b)
        let error = #expect(throws: ComError.self) {
            try client.connect(channel: 5, waitMilliseconds: 50)
        }
        #expect(error?.kind == .timeout)
        #expect(
            error?.description.hasPrefix(
                "Nobody answered on channel 5 of \(bench.b) at 3000000 baud within 0.05 s"
            ) == true
        )
    }

    @Test("data stays intact over a line that turns over one bit in ten thousand")
    func bitErrors() throws {
        let bench = try Bench(baud: 921_600, cable: ["--bit-error-rate", "1e-4", "--seed", "7"])
        let listener = try bench.open(bench.a, baud: 921_600).listen(channel: 0)
        let (far, near) = try bench.connect(
            listener,
            from: try bench.open(bench.b, baud: 921_600)
        )
        let bytes = noise(60_000, seed: 9)
        let answer = noise(60_000, seed: 10)
        let work = [
            Background { try far.read(exactly: bytes.count) == bytes },
            Background { try near.read(exactly: answer.count) == answer },
        ]
        let writers = [
            Background { try near.writeAll(bytes) }, Background { try far.writeAll(answer) },
        ]
        for writer in writers { try writer.value() }
        for reader in work { #expect(try reader.value()) }
    }

    @Test(
        "connections outlive a cable that comes back as other devices, and new ones work (T1, P9)"
    )
    func unplug() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 7)
        let client = try bench.open(bench.b)
        let (far, near) = try bench.connect(listener, from: client)
        let before = bench.brokers.sorted()
        let devices = try [bench.a, bench.b].map { try resolvedPath($0) }
        try near.writeAll(Array("before".utf8))
        #expect(try far.read(exactly: 6) == Array("before".utf8))
        bench.unplug()
        try near.writeAll(Array("while".utf8))
        // Once the brokers have let go, whoever comes gets the numbers that have become free.
        while !bench.brokers.isEmpty { usleep(2000) }
        var others: [PseudoTerminal] = []
        while !devices.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) {
            others.append(try PseudoTerminal())
        }
        try bench.plugIn()
        #expect(try [bench.a, bench.b].map { try resolvedPath($0) } != devices)
        #expect(try far.read(exactly: 5) == Array("while".utf8))
        try far.writeAll(Array("after".utf8))
        #expect(try near.read(exactly: 5) == Array("after".utf8))
        let (second, again) = try bench.connect(listener, from: client)
        try again.writeAll([5])
        #expect(try second.read(exactly: 1) == [5])
        #expect(bench.brokers.sorted() == before)
        withExtendedLifetime(others) {}
    }

    @Test("carry whole files between dbgcom serve and dbgcom connect")
    func programs() throws {
        let bench = try Bench()
        let bytes = noise(200_000, seed: 12)
        let sent = bench.folder + "/sent"
        let received = bench.folder + "/received"
        try Data(bytes).write(to: URL(fileURLWithPath: sent))
        try Data().write(to: URL(fileURLWithPath: received))
        let server = try bench.start(
            ["serve", bench.a, "33", "--baud", "3000000"],
            output: FileHandle(forWritingAtPath: received)
        )
        let client = try bench.start(
            ["connect", bench.b, "33", "--baud", "3000000"],
            input: FileHandle(forReadingAtPath: sent)
        )
        client.waitUntilExit()
        server.waitUntilExit()
        #expect(client.terminationStatus == 0)
        #expect(server.terminationStatus == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: received)) == Data(bytes))
    }
}
