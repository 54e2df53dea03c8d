import DebugTarget
import Testing

@testable import RemoteClient

/// Answers the connection's first questions as gdbserver does, and everything else as the test
/// says.
private func stub(
    features: String = "PacketSize=1000;qXfer:threads:read+;qXfer:features:read+",
    _ answer: @escaping @Sendable (String) -> FakeStub.Answer?
) -> FakeStub {
    FakeStub { packet in
        if let special = answer(packet) { return special }
        if packet.hasPrefix("qSupported") { return .packet(features) }
        if packet == "?" { return .packet("T05thread:1;") }
        if packet == "!" { return .packet("OK") }
        if packet.hasPrefix("H") { return .packet("OK") }
        if packet.hasPrefix("qXfer:threads") {
            return .packet("l<threads><thread id=\"1\"/></threads>")
        }
        return .packet("")
    }
}

private let patience = RemoteOptions(replyTimeoutMilliseconds: 200)

@Suite("RemoteTarget against damaged and hostile stubs")
struct HostileStubTests {
    @Test("A stub that falls silent is given up, and the message says what was waited for")
    func silence() throws {
        let stub = stub { $0.hasPrefix("g") ? .silence : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let thread = try #require(target.initialThread)
        _ = try? target.targetDescription(of: thread.process)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 4, in: ProcessID(1))
        }
        #expect(error?.code == .badAddress)
        let silent = FakeStub { _ in .silence }
        let lost = #expect(throws: TargetError.self) {
            try RemoteTarget(silent.transport, options: patience)
        }
        #expect(lost?.code == .disconnected)
        #expect(lost?.message.contains("the list of the stub's features") == true)
    }

    @Test("After a time-out every call fails with the same words instead of reading a late answer")
    func noDesynchronization() throws {
        let stub = stub { $0.hasPrefix("m") ? .silence : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        var messages: [String] = []
        for _ in 0..<2 {
            let error = #expect(throws: TargetError.self) {
                try target.readMemory(at: TargetAddress(16), count: 4, in: process)
            }
            messages.append(error?.message ?? "")
        }
        #expect(messages[0] == messages[1])
        #expect(messages[0].contains("bytes of memory"))
    }

    @Test("Console text and stray signs between packets are passed over")
    func noise() throws {
        let stub = stub { packet in
            packet.hasPrefix("m")
                ? .raw("[  12.3] usb 1-1: new device\r\n+++\0" + FakeStub.frame("0102030405060708"))
                : nil
        }
        let options = RemoteOptions(replyTimeoutMilliseconds: 5000, memoryLineBytes: 8)
        let target = try RemoteTarget(stub.transport, options: options)
        let process = try #require(target.initialThread?.process)
        #expect(
            try target.readMemory(at: TargetAddress(16), count: 2, in: process) == [1, 2]
        )
    }

    @Test("A damaged reply is asked for again")
    func damagedReply() throws {
        let stub = stub { $0.hasPrefix("m") ? .raw("$0102#00") : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        _ = try? target.readMemory(at: TargetAddress(16), count: 2, in: process)
        #expect(stub.outside.contains(UInt8(ascii: "-")))
    }

    @Test("A stub that damages every reply is given up")
    func alwaysDamaged() throws {
        let stub = stub { packet in
            packet.hasPrefix("m") ? .raw(String(repeating: "$0102#00", count: 20)) : nil
        }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 2, in: process)
        }
        #expect(error?.code == .disconnected)
        #expect(error?.message.contains("damaged") == true)
    }

    @Test("A flood of packets nobody asked for ends the connection")
    func flood() throws {
        let stub = stub { packet in
            packet.hasPrefix("m")
                ? .raw(String(repeating: FakeStub.frame("00"), count: 2000)) : nil
        }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        var lost: TargetError?
        for _ in 0..<3000 where lost == nil {
            do {
                _ = try target.readMemory(at: TargetAddress(16), count: 2, in: process)
                target.forgetStop()
            } catch {
                lost = error
            }
        }
        #expect(lost?.code == .disconnected)
    }

    @Test(
        "Register descriptions that make no sense are an error, not a crash",
        arguments: [
            "l", "l<target", "l<target></target>", "lnothing", "m", "E01", "",
            "l<target><architecture>i386:x86-64</architecture><feature name=\"a\">"
                + "<reg name=\"rip\" bitsize=\"99999999999999999999\"/></feature></target>",
            "l<target><architecture>i386:x86-64</architecture><feature name=\"a\">"
                + "<reg name=\"rip\" bitsize=\"-8\"/></feature></target>",
            "l<target><architecture>vax</architecture><feature name=\"a\">"
                + "<reg name=\"r0\" bitsize=\"32\"/></feature></target>",
            "l<target xmlns:xi=\"x\"><xi:include href=\"target.xml\"/></target>",
            "l<!DOCTYPE t [<!ENTITY a \"bbbb\"><!ENTITY c \"&a;&a;\">]><target>&c;</target>",
        ]
    )
    func badDescriptions(reply: String) throws {
        let stub = stub { $0.hasPrefix("qXfer:features") ? .packet(reply) : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        #expect(throws: TargetError.self) { try target.targetDescription(of: process) }
    }

    @Test(
        "Answers that make no sense are errors",
        arguments: ["zz", "E", "0", "OK", "T05", "xxxx", "E.no such luck"]
    )
    func badAnswers(reply: String) throws {
        let stub = stub(features: "PacketSize=1000") { packet in
            packet.hasPrefix("g") ? .packet(reply) : nil
        }
        let target = try RemoteTarget(stub.transport, options: patience)
        let thread = try #require(target.initialThread)
        if let block = try? target.registers(of: thread) {
            // Only an answer of whole, unavailable bytes may pass.
            #expect(reply == "xxxx")
            #expect(!block.unavailable.isEmpty)
        }
        #expect(target.isConnected)
    }

    @Test("An error text of the stub reaches the user as it is")
    func errorText() throws {
        let stub = stub { $0.hasPrefix("vAttach") ? .packet("E.process 12 is traced by 7") : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let error = #expect(throws: TargetError.self) { try target.attach(to: ProcessID(12)) }
        #expect(error?.message == "process 12 is traced by 7")
    }

    @Test("A connection that closes in the middle of an answer is a loss")
    func closedInside() throws {
        let stub = stub { $0.hasPrefix("m") ? .close : nil }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 2, in: process)
        }
        #expect(error?.code == .disconnected)
        #expect(error?.message.contains("closed the connection") == true)
    }

    @Test("A thread list without end is cut")
    func endlessThreads() throws {
        let stub = stub(features: "PacketSize=1000") { packet in
            packet == "qfThreadInfo" || packet == "qsThreadInfo"
                ? .packet("m" + (1...900).map { String($0, radix: 16) }.joined(separator: ","))
                : nil
        }
        let target = try RemoteTarget(stub.transport, options: RemoteOptions())
        let process = try #require(target.initialThread?.process)
        #expect(try target.threads(of: process).count <= RemoteTarget.threadsMax)
    }

    @Test("An object without end is cut")
    func endlessObject() throws {
        let stub = stub(features: "PacketSize=40000;qXfer:auxv:read+") { packet in
            packet.hasPrefix("qXfer:auxv")
                ? .packet("m" + String(repeating: "a", count: 200_000)) : nil
        }
        let target = try RemoteTarget(
            stub.transport,
            options: RemoteOptions(replyTimeoutMilliseconds: 5000)
        )
        let process = try #require(target.initialThread?.process)
        #expect(throws: TargetError.self) { try target.auxiliaryVector(of: process) }
    }

    @Test(
        "Process and thread numbers that no kernel gives out are an error in words",
        arguments: [
            "p-5.5", "p5.-5", "p80000000.1", "p1.80000000", "p7fffffffffffffff.1",
            "7fffffffffffffff", "1ffffffff",
        ]
    )
    func absurdThreads(id: String) throws {
        let attaching = stub(features: "PacketSize=1000;multiprocess+") { packet in
            packet.hasPrefix("vAttach") ? .packet("T05thread:\(id);") : nil
        }
        let target = try RemoteTarget(attaching.transport, options: patience)
        #expect(throws: TargetError.self) { try target.attach(to: ProcessID(12)) }
        let listing = stub(features: "PacketSize=1000;multiprocess+") { packet in
            packet == "qfThreadInfo" ? .packet("m\(id)") : nil
        }
        #expect(throws: TargetError.self) {
            try RemoteTarget(listing.transport, options: patience)
        }
        let first = stub(features: "PacketSize=1000;multiprocess+") { packet in
            packet == "?" ? .packet("T05thread:\(id);") : nil
        }
        #expect(throws: TargetError.self) {
            try RemoteTarget(first.transport, options: patience)
        }
    }

    @Test("kgdb's negative threads are threads")
    func negativeThreads() throws {
        let stub = stub(features: "PacketSize=1000") { packet in
            switch packet {
            case "qfThreadInfo": .packet("mfffffffe,1")
            case "qsThreadInfo": .packet("l")
            default: nil
            }
        }
        let target = try RemoteTarget(stub.transport, options: patience)
        let process = try #require(target.initialThread?.process)
        #expect(try target.threads(of: process).count == 2)
    }

    @Test("A command's answer that never ends is given up")
    func endlessMonitor() throws {
        let stub = stub { packet in
            packet.hasPrefix("qRcmd") ? .packet("Ozz") : nil
        }
        let target = try RemoteTarget(stub.transport, options: patience)
        let error = #expect(throws: TargetError.self) { try target.monitor("help") }
        #expect(error?.code == .disconnected)
    }
}
