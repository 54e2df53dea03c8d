import BrokerProtocol
import Testing

@testable import DiscoveryProtocol

@Suite("Lists of servers")
struct ServerListTests {
    private let entries = [
        ServerEntry(
            type: ServerEntry.processServer,
            transport: "npipe:Pipe=AnotherPipe",
            program: "dbgsrv/0.1",
            processID: 812,
            ageSeconds: 35
        ),
        ServerEntry(
            type: ServerEntry.processServer,
            transport: "tcp:Port=53:60,Password=*",
            program: "dbgsrv/0.1",
            processID: 813,
            ageSeconds: 0,
            isStale: true
        ),
        ServerEntry(type: "Debugger Server", program: "cdb", channel: 254),
    ]

    private func read(_ pieces: [[UInt8]]) throws -> ServerListReader {
        var reader = ServerListReader()
        for piece in pieces { try reader.receive(piece) }
        try reader.finish()
        return reader
    }

    @Test("DIS-3, DIS-4: a list comes through whole, byte by byte, and split at every index")
    func pieces() throws {
        let bytes = ServerList.encode(entries)
        #expect(try read([bytes]).entries == entries)
        #expect(try read(bytes.map { [$0] }).entries == entries)
        for index in bytes.indices {
            #expect(try read([Array(bytes[..<index]), Array(bytes[index...])]).entries == entries)
        }
    }

    @Test("DIS-3: what it looks like on the wire")
    func vector() {
        let expected = """
            dbgsrv-servers version=1
            server type=Remote%20Process%20Server transport=npipe:Pipe=AnotherPipe program=dbgsrv/0.1 pid=812 age=35
            server type=Remote%20Process%20Server transport=tcp:Port=53:60,Password=* program=dbgsrv/0.1 pid=813 age=0 stale=1
            server type=Debugger%20Server program=cdb channel=254
            end omitted=0

            """
        #expect(String(decoding: ServerList.encode(entries), as: UTF8.self) == expected)
    }

    @Test("DIS-5: a list that breaks off is noticed, wherever it does")
    func cutShort() throws {
        let bytes = ServerList.encode(entries)
        for index in bytes.indices {
            #expect(throws: ServerListError.cutShort) { try read([Array(bytes[..<index])]) }
        }
    }

    @Test("DIS-5: what is no list, or of another version, is told from one")
    func others() {
        for text in [
            "HTTP/1.1 400 Bad Request\n", "SSH-2.0-OpenSSH\n", "\u{0}\u{1}\n", "server type=x\n",
        ] {
            #expect(throws: ServerListError.notAList) { try read([Array(text.utf8)]) }
        }
        #expect(throws: ServerListError.otherVersion("2")) {
            try read([Array("dbgsrv-servers version=2\n".utf8)])
        }
        #expect(throws: ServerListError.notAList) {
            try read([[UInt8](repeating: 0x41, count: 2000)])
        }
    }

    @Test("DIS-4: lines and fields that a later version adds are passed over")
    func additions() throws {
        let text = """
            dbgsrv-servers version=1 colour=blue
            weather today=fine
            server type=Later program=x mood=good pid=-5 channel=300 age=-1
            end omitted=3 really=yes

            """
        let reader = try read([Array(text.utf8)])
        #expect(reader.entries == [ServerEntry(type: "Later", program: "x", ageSeconds: 0)])
        #expect(reader.omitted == 3)
    }

    @Test("DIS-6: a list has a greatest length, and says how much it leaves out")
    func limits() throws {
        let long = ServerEntry(
            type: "T",
            transport: "ssl:" + String(repeating: "x", count: 1000),
            program: "p"
        )
        #expect(long.transport.utf8.count == 400)
        let bytes = ServerList.encode([ServerEntry](repeating: long, count: 1000))
        #expect(bytes.count <= ServerList.bytesMax)
        let reader = try read([bytes])
        #expect(reader.entries.count + reader.omitted == 1000)
        #expect(reader.entries.count > 100)
        let short = ServerEntry(type: "T", program: "p")
        let many = try read([ServerList.encode([ServerEntry](repeating: short, count: 300))])
        #expect(many.entries.count == ServerList.entriesMax)
        #expect(many.omitted == 300 - ServerList.entriesMax)
        var endless = ServerListReader()
        try endless.receive(Array("dbgsrv-servers version=1\n".utf8))
        #expect(throws: ServerListError.tooLong) {
            for _ in 0..<10_000 { try endless.receive(Array("weather today=fine\n".utf8)) }
        }
    }

    @Test("DIS-7: nothing that an entry says can move a terminal's cursor")
    func harmless() throws {
        let evil =
            "dbgsrv-servers version=1\nserver type=%1B[2JOwned%0A program=%E2%80%AEx%07\nend\n"
        let entry = try #require(try read([Array(evil.utf8)]).entries.first)
        #expect(entry.type == "?[2JOwned?")
        #expect(entry.program == "?x?")
    }
}

@Suite("Files of the registry")
struct ServerRecordTests {
    private let record = ServerRecord(
        entry: ServerEntry(
            type: ServerEntry.processServer,
            transport: "com:Port=com2,Baud=115200,Channel=3",
            program: "dbgsrv/0.1",
            processID: 812
        ),
        startTicks: 123_456,
        bootID: "2b0b1f4a-9a46-4a1c-9c6b-6f1b9d8c7e5a",
        startedAt: 1_763_740_000
    )

    @Test("DIS-1: a file comes back as it was written, and is one line")
    func roundTrip() throws {
        #expect(ServerRecord(record.encoded) == record)
        #expect(record.encoded.filter { $0 == 0x0A }.count == 1)
        #expect(record.encoded.count <= ServerRecord.bytesMax)
    }

    @Test("DIS-1: the longest texts still make a line")
    func longest() throws {
        let long = String(repeating: "é%", count: 2000)
        let entry = ServerEntry(
            type: long,
            transport: long,
            program: long,
            processID: .max,
            channel: 254,
            ageSeconds: .max,
            isStale: true
        )
        let record = ServerRecord(
            entry: entry,
            startTicks: .max,
            bootID: long,
            startedAt: .max
        )
        #expect(ServerRecord(record.encoded)?.entry.type == entry.type)
        #expect(record.encoded.count <= ServerRecord.bytesMax)
    }

    @Test("DIS-1: half a file, and any other file, is none")
    func damaged() {
        let bytes = record.encoded
        for count in 0..<bytes.count { #expect(ServerRecord(Array(bytes[..<count])) == nil) }
        for text in [
            "", "\n", "root:x:0:0\n", "server type=x\n", String(repeating: "x", count: 5000),
        ] {
            #expect(ServerRecord(Array(text.utf8)) == nil)
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255, using: &generator)
            _ = ServerRecord(changed)
        }
    }
}
