import ByteTransport
import DebugTarget
import GDBRemoteProtocol
import Testing

@testable import RemoteServer

@Suite("What a stop brings along (EXT-8 to EXT-12)")
struct StopSnapshotTests {
    private static let features = "multiprocess+;swbreak+;hwbreak+;stop-snapshot=10"

    /// A session in which the scripted stack pointer is 0x60 of 256 bytes of memory.
    private func begun(_ features: String = Self.features) -> Conversation {
        let conversation = Conversation.begun(features: features)
        conversation.target.block = RegisterBlock(
            bytes: [0x70, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        )
        _ = conversation.ask("vAttach;20")
        return conversation
    }

    @Test(
        "EXT-8: who asks for it gets lines around the stack pointer at every stop, and registers unless it is a step"
    )
    func stops() {
        let conversation = begun()
        let thread = ThreadID(ProcessID(0x20), 0x20)
        let head = "thread:p20.20;00:7000000000000000;01:6000000000000000;02:0100000000000000;"
        let bytes = (0x50..<0xb0).map { UInt8($0) }
        let memory = "memory:0x50=\(String(decoding: Hex.encode(bytes), as: UTF8.self));"
        _ = conversation.ask("vCont;s:p20.20")
        #expect(conversation.report(.stopped(thread, .stepped)) == ["T05" + head + memory])
        _ = conversation.ask("vCont;c")
        let stop = conversation.report(.stopped(thread, .breakpoint(TargetAddress(1))))
        #expect(
            stop
                == [
                    "T05swbreak:;" + head
                        + "block:18,0=7000000000000000,8=6000000000000000,10=0100000000000000;"
                        + memory
                ].map { $0.replacing(",8=6000000000000000,10=", with: "6000000000000000") }
        )
    }

    @Test("EXT-8: nobody else does, and lines of strange lengths are not to be had")
    func refused() {
        let plain = begun("multiprocess+")
        #expect(!plain.ask("?")[0].contains("memory:"))
        #expect(plain.ask("qStopSnapshot") == [""])
        for length in ["0", "1", "11", "2000", "zz", "ffffffffffffffffffff"] {
            let conversation = Conversation()
            let reply = conversation.ask("qSupported:stop-snapshot=\(length)").last ?? ""
            #expect(!reply.contains("stop-snapshot"), "\(length)")
        }
        #expect(
            Conversation().ask("qSupported:stop-snapshot=40").last?.contains("stop-snapshot+")
                == true
        )
    }

    @Test("EXT-9, EXT-11: stacks of several threads, asked for at once, come in order")
    func severalThreads() {
        let conversation = begun()
        let requests = ["Hgp20.21", "qStopSnapshot", "Hgp20.22", "qStopSnapshot"]
        conversation.deliver(requests.flatMap { PacketEncoder.packet(Array($0.utf8)) })
        let replies = conversation.replies()
        #expect(replies.count == 4 && replies[0] == "OK" && replies[2] == "OK")
        #expect(replies[1].hasPrefix("block:18,") && replies[1] == replies[3], "\(replies)")
    }

    @Test(
        "EXT-12: who asks for it hears at each stop what others may change, in as few ranges as there are"
    )
    func sharedRanges() throws {
        let conversation = begun(Self.features + ";shared-ranges+")
        func region(_ range: Range<UInt64>, _ isShared: Bool) -> MemoryRegion {
            MemoryRegion(
                range: TargetAddress(range.lowerBound)..<TargetAddress(range.upperBound),
                isReadable: true,
                isWritable: true,
                isExecutable: false,
                isShared: isShared,
                fileOffset: 0,
                name: ""
            )
        }
        let thread = ThreadID(ProcessID(0x20), 0x20)
        func step() -> String {
            _ = conversation.ask("vCont;s:p20.20")
            return conversation.report(.stopped(thread, .stepped)).first ?? ""
        }
        #expect(step().contains(";shared:;"))
        conversation.target.regions = [
            region(0x1000..<0x2000, false), region(0x2000..<0x3000, true),
            region(0x3000..<0x5000, true), region(0x8000..<0x9000, true),
        ]
        #expect(step().contains(";shared:2000,3000,8000,1000;"))
        #expect(conversation.ask("qStopSnapshot")[0].contains("shared:2000,3000,8000,1000;"))
        conversation.target.regions = (0..<33).map {
            region(($0 * 0x2000)..<($0 * 0x2000 + 0x1000), true)
        }
        #expect(!step().contains("shared:"))
        let other = begun()
        _ = other.ask("vCont;s:p20.20")
        #expect(!other.report(.stopped(thread, .stepped))[0].contains("shared:"))
        let read = try #require(SharedRanges(text: "2000,3000"))
        #expect(read.touch(0x4fff, 1) && read.touch(0x1fff, 2))
        #expect(!read.touch(0x5000, 1) && !read.touch(0x1fff, 1))
        for wrong in ["1", "1,", "1,2,3", "x,1", "ffffffffffffffff,2"] {
            #expect(SharedRanges(text: wrong) == nil, "\(wrong)")
        }
    }

    @Test("EXT-10: the digest is the document's")
    func digest() throws {
        let conversation = begun()
        let document = try #require(
            conversation.ask("qXfer:features:read:target.xml:0,4000").first?.dropFirst()
        )
        let digest = DocumentDigest(Array(document.utf8))
        #expect(conversation.ask("qTargetDigest") == [digest.text])
        #expect(DocumentDigest(payload: Array(digest.text.utf8)) == digest)
        for wrong in ["", "-", "0123456789abcdef", "0123456789abcdef-", "../../etc/passwd-12"] {
            #expect(DocumentDigest(payload: Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }

    @Test(
        "lines are those of return addresses and of what is saved below them, each once and no more than wanted"
    )
    func plan() {
        var stack = [UInt8](repeating: 0, count: 1024)
        for place in [0x08, 0x100, 0x108, 0x3f8] { stack[place + 1] = 0x40 }
        let isCode = { (word: UInt64) in word == 0x4000 }
        let plan = SnapshotPlan(lineBytes: 64, linesMax: 64)
        #expect(
            plan.lines(of: stack, at: 0x7000, isCode)
                == [0x6fc0, 0x7000, 0x70c0, 0x7100, 0x73c0]
        )
        let short = SnapshotPlan(lineBytes: 64, linesMax: 3)
        #expect(short.lines(of: stack, at: 0x7000, isCode) == [0x6fc0, 0x7000, 0x70c0])
        #expect(plan.lines(of: Array(stack.prefix(7)), at: 0x7000, isCode).isEmpty)
        #expect(plan.lines(of: [], at: UInt64.max, isCode).isEmpty)
        #expect(ServerSession.runs(of: [0, 64, 192], 64) == [0..<128, 192..<256])
    }

    @Test("a block of registers comes back from its sparse form, and nonsense is none")
    func sparse() {
        for bytes: [UInt8] in [
            [], [0], [1], Array(repeating: 0, count: 100), Array(1...40),
            Array(repeating: 0, count: 24) + [7] + Array(repeating: 0, count: 30),
        ] {
            #expect(SparseBlock(text: SparseBlock(bytes).text)?.bytes == bytes)
        }
        for text in [
            "", ",", "x", "10001", "4,0=0102030405", "4,5=01", "4,0", "4,0=0",
            "4,ffffffffffffffff=01",
        ] {
            #expect(SparseBlock(text: text) == nil, "\(text)")
        }
    }
}
