import ByteTransport
import DebugTarget
import GDBRemoteProtocol
import RemoteServer
import Testing

@Suite("Clients that vanish, flood, do not read or are out of step")
struct MisbehavingClientTests {
    static let thread = ThreadID(ProcessID(0x20), 0x20)

    private func running() -> Conversation {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        return conversation
    }

    private func packet(_ text: String) -> [UInt8] { PacketEncoder.packet(Array(text.utf8)) }

    // MARK: While the target runs

    @Test("more requests than are kept while the target runs end the session with words")
    func flood() {
        let conversation = running()
        conversation.deliver((0..<20).flatMap { _ in packet("g") })
        let words = "more than 16 requests came while the target runs"
        #expect(conversation.session.result == .clientMisbehaved(words))
        #expect(conversation.replies() == ["E.\(words)"])
        #expect(conversation.target.calls.last == "detach 32")
        #expect(conversation.transport.isClosed)
    }

    @Test("with as many requests waiting as are kept, an interrupt and the stream's end are seen")
    func fullOfRequests() {
        let conversation = running()
        conversation.deliver((0..<16).flatMap { _ in packet("qC") })
        #expect(conversation.session.result == nil)
        #expect(conversation.session.interest.wantsRead)
        conversation.deliver([3])
        #expect(conversation.target.calls.last == "interrupt")
        #expect(conversation.report(.stopped(Self.thread, .interrupted)).count == 17)
        _ = conversation.ask("vCont;c")
        conversation.deliver((0..<16).flatMap { _ in packet("qC") })
        conversation.transport.incoming.append(.ended(.closed))
        conversation.session.transportReady()
        #expect(conversation.session.result == .clientLeft(.closed))
        #expect(conversation.target.calls.last == "detach 32")
    }

    @Test("the end of a client that took none of its answers is seen while the target runs")
    func unreadAndRunning() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        conversation.transport.room = 0
        _ = conversation.ask("vFile:open:2f7a65726f73,0,0")
        for _ in 0..<40 { conversation.deliver(packet("vFile:pread:0,1f000,0")) }
        #expect(!conversation.session.interest.wantsRead)
        conversation.transport.room = 4 << 20
        conversation.session.transportReady()
        conversation.transport.room = 0
        conversation.deliver(packet("vCont;c"))
        #expect(conversation.target.calls.last == "resume")
        #expect(conversation.session.interest.wantsRead)
        conversation.transport.incoming.append(.ended(.failed("reset")))
        conversation.session.transportReady()
        #expect(conversation.session.result == .clientLeft(.failed("reset")))
    }

    @Test("an oversized packet is answered behind the stop reply that is due")
    func oversized() {
        let conversation = Conversation.begun(link: .serial(baudRate: 115_200))
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        #expect(conversation.ask([UInt8](repeating: 0x6d, count: 5000)).isEmpty)
        #expect(conversation.ask("qC").isEmpty)
        let replies = conversation.report(.stopped(Self.thread, .interrupted))
        #expect(replies.count == 3)
        #expect(replies.first?.hasPrefix("T02") == true)
        #expect(
            replies.dropFirst() == [
                "E.the packet is longer than 4096 bytes (PacketSize)", "QCp20.20",
            ]
        )
    }

    @Test("a damaged packet, or noise, repeats no old reply while a stop reply is due")
    func damaged() {
        let conversation = Conversation()
        _ = conversation.ask("qSupported:multiprocess+")
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vCont;c")
        conversation.deliver(Array("-$qC#00$qSupp".utf8))
        #expect(conversation.items() == [.retransmissionRequest])
        conversation.deliver(packet("qC"))
        #expect(conversation.items() == [.acknowledgement])
        #expect(conversation.report(.stopped(Self.thread, .interrupted)).count == 2)
    }

    // MARK: What the client does not read

    @Test("what was written is dropped although the client always leaves something unread")
    func compaction() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vFile:open:2f7a65726f73,0,0")
        conversation.transport.room = 1000
        for _ in 0..<200 {
            conversation.deliver(packet("vFile:pread:0,1f000,0"))
            conversation.transport.room = 125_000
            conversation.session.transportReady()
        }
        #expect(conversation.session.interest.wantsWrite)
        #expect(conversation.transport.written.count > 20 << 20)
        #expect(conversation.transport.largestBuffer < 9 << 20)
    }

    @Test("nothing is answered any more while a client leaves its answers unread")
    func unread() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vFile:open:2f7a65726f73,0,0")
        conversation.transport.room = 0
        for _ in 0..<40 { conversation.deliver(packet("vFile:pread:0,1f000,0")) }
        #expect(!conversation.session.interest.wantsRead)
        #expect(conversation.session.result == nil)
        #expect(conversation.transport.largestBuffer < 5 << 20)
        conversation.transport.room = nil
        conversation.session.transportReady()
        while !conversation.transport.incoming.isEmpty { conversation.session.transportReady() }
        #expect(conversation.items().count == 40)
    }

    @Test("a hang-up wakes a session that wants no bytes only until the end is seen")
    func hangUp() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vFile:open:2f7a65726f73,0,0")
        conversation.transport.room = 0
        for _ in 0..<40 { conversation.deliver(packet("vFile:pread:0,1f000,0")) }
        conversation.transport.incoming.append(.ended(.closed))
        var wakes = 0
        while conversation.session.result == nil, wakes < 100 {
            conversation.session.transportReady()
            wakes += 1
        }
        #expect(conversation.session.result == .clientLeft(.closed))
    }

    @Test("a debuggee's output for a client that reads nothing ends the session at the limit")
    func outputFlood() {
        let conversation = running()
        conversation.transport.room = 0
        conversation.target.events = Array(
            repeating: .output([UInt8](repeating: 0x61, count: 60_000)),
            count: 60
        )
        conversation.session.targetReady()
        #expect(
            conversation.session.result
                == .clientMisbehaved("the client does not read what it is sent")
        )
        #expect(conversation.transport.largestBuffer < 6 << 20)
    }

    // MARK: The farewell

    @Test("what was attached to is let go of before anything is killed")
    func farewell() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vRun;2f78")
        _ = conversation.ask("vAttach;20")
        _ = conversation.ask("vAttach;30")
        conversation.session.endSession()
        #expect(conversation.target.calls.suffix(3) == ["detach 32", "detach 48", "kill 500"])
    }

    // MARK: Scans

    @Test("a search or a checksum over more than the limit is an error that says so")
    func scans() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        for request in ["qSearch:memory:0;ffffffffffffffff;a", "qCRC:0,10000001"] {
            let reply = conversation.ask(request).first ?? ""
            #expect(reply.hasSuffix("at most 256 MB are scanned at a time"), "\(reply)")
        }
    }

    @Test("a pattern is found where a comparison at every position finds it")
    func search() {
        let conversation = Conversation.begun()
        _ = conversation.ask("vAttach;20")
        var memory = (0..<70_000).map { UInt8(truncatingIfNeeded: ($0 / 3) % 2 + 1) }
        memory.replaceSubrange(65_530..., with: [1, 1, 2, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1, 2, 1, 4])
        conversation.target.memory = memory
        let patterns: [[UInt8]] = [
            [1], [1, 1, 2, 1, 1, 2, 2], [2, 2, 2, 1, 1, 1, 2], [1, 1, 2, 1, 4], [9], [4, 4],
            [1, 1, 1, 2, 1, 1, 2],
        ]
        for pattern in patterns {
            let expected = memory.indices.first { memory[$0...].starts(with: pattern) }
            let size = String(memory.count, radix: 16)
            let request = Array("qSearch:memory:0;\(size);".utf8) + pattern
            let reply = expected.map { "1,\(String($0, radix: 16))" } ?? "0"
            #expect(conversation.ask(request) == [reply], "\(pattern)")
        }
    }
}
