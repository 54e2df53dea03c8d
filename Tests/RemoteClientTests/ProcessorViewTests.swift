import DebugTarget
import Testing

@testable import RemoteClient

/// A virtual machine's stub: one process, two processors, each of which sees memory of its own: bytes that are its
/// number.
private final class TwoProcessorStub: @unchecked Sendable {
    // SAFETY: used by the stub's own thread only, after it has started.
    private var selected = 1

    func answer(_ packet: String) -> FakeStub.Answer {
        switch packet {
        case _ where packet.hasPrefix("qSupported"): return .packet("PacketSize=400;multiprocess+")
        case "?": return .packet("T05thread:p1.1;")
        case "qfThreadInfo": return .packet("mp1.1,p1.2")
        case "qsThreadInfo": return .packet("l")
        case "g": return .packet(String(repeating: "00", count: 17 * 8 + 7 * 4))
        case _ where packet.hasPrefix("Hg"):
            selected = packet.hasSuffix(".2") ? 2 : 1
            return .packet("OK")
        case _ where packet.hasPrefix("m"):
            return .packet(String(repeating: "0\(selected)", count: 64))
        case _ where packet.hasPrefix("M"): return .packet("OK")
        default: return .packet("")
        }
    }
}

@Suite("Memory as a processor sees it")
struct ProcessorViewTests {
    private let place = TargetAddress(0x1000)

    @Test("Memory goes through the chosen processor, whichever's registers were read last")
    func view() throws {
        let machine = TwoProcessorStub()
        let stub = FakeStub { machine.answer($0) }
        let target = try RemoteTarget(stub.transport)
        let first = try #require(target.initialThread)
        let second = ThreadID(first.process, 2)
        let views = try #require(target.processorViews)
        func byte() throws -> UInt8? {
            try target.readMemory(at: place, count: 1, in: first.process).first
        }
        views.viewMemory(through: first)
        #expect(try byte() == 1)
        views.viewMemory(through: second)
        _ = try target.registers(of: second)
        #expect(try byte() == 2)
        // What is known of the first one's registers is not asked for again, so nothing else selects it.
        _ = try target.registers(of: first)
        _ = try target.registers(of: second)
        views.viewMemory(through: first)
        #expect(try byte() == 1)
        let before = stub.received.count
        #expect(try byte() == 1)
        #expect(stub.received.count == before, "what is kept is asked for again")
        try target.writeMemory([5], at: place, in: first.process)
        #expect(stub.received.contains("Hgp1.1") && stub.received.contains("M1000,1:05"))
    }
}
