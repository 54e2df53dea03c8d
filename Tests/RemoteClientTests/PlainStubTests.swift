import DebugTarget
import Glibc
import Testing

@testable import RemoteClient

/// A stub as small as kgdb's: no `qSupported`, no `vCont`, no target.xml, acknowledgements for
/// ever.
private final class PlainStub: @unchecked Sendable {
    // SAFETY: used by the stub's own thread only, after it has started.
    var memory = [UInt8](repeating: 0x90, count: 64)
    var registers = [UInt8](repeating: 0, count: 17 * 8 + 7 * 4)

    func answer(_ packet: String) -> FakeStub.Answer {
        switch packet.first {
        case "?": return .packet("S05")
        case "g": return .packet(hex(registers))
        case "G":
            registers = bytes(packet.dropFirst())
            return .packet("OK")
        case "m": return read(packet.dropFirst())
        case "M": return write(packet.dropFirst())
        case "H": return .packet("OK")
        case "c":
            registers[16 * 8] = 0x21
            return .packet("S05")
        case "s":
            registers[16 * 8] += 1
            return .packet("S05")
        case "D": return .packet("OK")
        case "q" where packet == "qC": return .packet("QC2a")
        case "q" where packet == "qfThreadInfo": return .packet("m2a,-2")
        case "q" where packet == "qsThreadInfo": return .packet("l")
        default: return .packet("")
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func bytes(_ text: some StringProtocol) -> [UInt8] {
        let digits = Array(text)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
        }
    }

    private func numbers(_ text: some StringProtocol) -> (Int, Int) {
        let parts = text.split(separator: ",").map { Int($0, radix: 16) ?? 0 }
        return (parts[0] - 0x1000, parts[1])
    }

    private func read(_ text: some StringProtocol) -> FakeStub.Answer {
        let (offset, count) = numbers(text)
        guard offset >= 0, offset < memory.count else { return .packet("E14") }
        return .packet(hex(Array(memory[offset...].prefix(count))))
    }

    private func write(_ text: some StringProtocol) -> FakeStub.Answer {
        let parts = text.split(separator: ":")
        let (offset, count) = numbers(parts[0])
        memory.replaceSubrange(offset..<(offset + count), with: bytes(parts[1]))
        return .packet("OK")
    }
}

@Suite("RemoteTarget over a plain stub")
struct PlainStubTests {
    private func connect() throws -> (RemoteTarget, FakeStub) {
        let plain = PlainStub()
        let stub = FakeStub { plain.answer($0) }
        return (try RemoteTarget(stub.transport), stub)
    }

    private func event(_ target: RemoteTarget) throws -> TargetEvent {
        while true {
            if let event = try target.nextEvent() { return event }
            var request = pollfd(fd: target.eventDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 30_000) > 0 else { throw TestFailure("no event came") }
        }
    }

    @Test("The process it came with is taken over, its thread from qC")
    func adoption() throws {
        let (target, _) = try connect()
        let thread = try #require(target.initialThread)
        #expect(thread.number == 0x2a)
        #expect(target.processes == [thread.process])
        #expect(!target.canStartProcesses)
        let threads = try target.threads(of: thread.process)
        #expect(threads.map(\.thread.number) == [0x2a, -2])
    }

    @Test("Attaching is refused with the reason")
    func noExtendedMode() throws {
        let (target, _) = try connect()
        let error = #expect(throws: TargetError.self) { try target.attach(to: ProcessID(1)) }
        #expect(error?.code == .unsupported)
    }

    @Test("Registers have gdb's order; those the stub does not send are unavailable")
    func registers() throws {
        let (target, _) = try connect()
        let thread = try #require(target.initialThread)
        let description = try target.targetDescription(of: thread.process)
        let block = try target.registers(of: thread)
        let counter = try #require(description.register(named: "rip"))
        #expect(block.value(of: counter) == 0)
        let vector = try #require(description.register(named: "xmm0"))
        #expect(block.bytes(of: vector) == nil)
        var changed = block
        changed.set(0x1234, of: counter)
        try target.setRegisters(changed, of: thread)
        #expect(try target.registers(of: thread).value(of: counter) == 0x1234)
    }

    @Test("A breakpoint is written into memory, hidden, hit behind the trap and put back")
    func writtenBreakpoint() throws {
        let (target, stub) = try connect()
        let thread = try #require(target.initialThread)
        let address = TargetAddress(0x1020)
        let breakpoint = Breakpoint(.software, at: address)
        try target.insertBreakpoint(breakpoint, in: thread.process)
        #expect(stub.received.contains("M1020,1:cc"))
        #expect(try target.readMemory(at: address, count: 2, in: thread.process) == [0x90, 0x90])
        let description = try target.targetDescription(of: thread.process)
        var block = try target.registers(of: thread)
        block.set(0x1000, of: try #require(description.register(named: "rip")))
        try target.setRegisters(block, of: thread)
        try target.resume([ResumeAction(.all, .run)])
        #expect(stub.received.suffix(1).first == "c" || !stub.received.isEmpty)
        #expect(try event(target) == .stopped(thread, .breakpoint(address)))
        try target.removeBreakpoint(breakpoint, in: thread.process)
        #expect(stub.received.contains("M1020,1:90"))
    }

    @Test("Without vCont a step is Hc and s")
    func classicStep() throws {
        let (target, stub) = try connect()
        let thread = try #require(target.initialThread)
        try target.resume([ResumeAction(.thread(thread), .step)])
        #expect(try event(target) == .stopped(thread, .stepped))
        #expect(Array(stub.received.suffix(8)).contains("Hc2a"))
        #expect(stub.received.contains("s"))
    }

    @Test("Every reply is acknowledged as long as acknowledgements are on")
    func acknowledgements() throws {
        let (target, stub) = try connect()
        let thread = try #require(target.initialThread)
        _ = try target.registers(of: thread)
        _ = try target.readMemory(at: TargetAddress(0x1000), count: 8, in: thread.process)
        let packets = stub.received.count
        // The acknowledgement of the last reply may still be under way.
        #expect(stub.outside.filter { $0 == UInt8(ascii: "+") }.count >= packets - 1)
    }

    @Test("Reads never ask for more than 400-byte packets carry")
    func smallPackets() throws {
        let (target, stub) = try connect()
        let thread = try #require(target.initialThread)
        _ = try? target.readMemory(at: TargetAddress(0x1000), count: 4000, in: thread.process)
        let sizes = stub.received.filter { $0.hasPrefix("m") }
            .compactMap { $0.split(separator: ",").last }.compactMap { Int($0, radix: 16) }
        #expect(!sizes.isEmpty)
        #expect(sizes.allSatisfy { $0 <= 196 })
    }
}
