import DebugTarget
import Glibc
import Testing

@testable import RemoteClient

/// Ctrl+C as the test presses it: a pipe shows readable from then on, as a signalfd does.
private final class PressedKeys: WaitObserver, @unchecked Sendable {
    // SAFETY: the pipe's ends are set once; the count is touched by the session's thread only.
    private let ends: [Int32]
    private var count = 0

    init() {
        var pair: [Int32] = [0, 0]
        _ = pipe(&pair)
        _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
        ends = pair
    }

    deinit {
        ends.forEach { _ = close($0) }
    }

    func press() {
        var byte: UInt8 = 3
        _ = write(ends[1], &byte, 1)
    }

    var interruptDescriptor: Int32 { ends[0] }

    func nothingComes(from peer: String, for milliseconds: Int, trouble: String?) {}

    func replyCame(from peer: String) {}

    var interruptCount: Int {
        var byte: UInt8 = 0
        while read(ends[0], &byte, 1) == 1 { count += 1 }
        return count
    }
}

/// What a stub says that has one thread and, as the test wants it, ends there.
private func answer(_ packet: String) -> FakeStub.Answer {
    if packet.hasPrefix("qSupported") { return .packet("PacketSize=1000") }
    if packet == "?" { return .packet("T05thread:1;") }
    if packet == "!" || packet.hasPrefix("H") { return .packet("OK") }
    if packet == "vCont?" { return .packet("vCont;c;C;s;S") }
    return .packet("")
}

@Suite("Ctrl+C while the client waits")
struct InterruptTests {
    /// Long enough that only an interrupt can end a wait while the test runs.
    private let hour = 3_600_000

    @Test("An interrupt ends the wait for a stub that has fallen silent, with words")
    func silentStub() throws {
        let keys = PressedKeys()
        let stub = FakeStub { packet in
            guard packet.hasPrefix("m") else { return answer(packet) }
            keys.press()
            return .silence
        }
        let options = RemoteOptions(
            replyTimeoutMilliseconds: hour,
            replyLimitMilliseconds: hour,
            interruptGraceMilliseconds: 50
        )
        let target = try RemoteTarget(stub.transport, options: options, interrupts: keys)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 4, in: ProcessID(1))
        }
        #expect(error?.code == .disconnected)
        #expect(error?.message.contains("Ctrl+C") == true)
        #expect(error?.message.contains("bytes of memory") == true)
        #expect(!target.isConnected)
    }

    @Test("A second interrupt does not wait for the moment that the first one grants")
    func twice() throws {
        let keys = PressedKeys()
        let stub = FakeStub { packet in
            guard packet.hasPrefix("m") else { return answer(packet) }
            keys.press()
            keys.press()
            return .silence
        }
        let options = RemoteOptions(
            replyTimeoutMilliseconds: hour,
            replyLimitMilliseconds: hour,
            interruptGraceMilliseconds: hour
        )
        let target = try RemoteTarget(stub.transport, options: options, interrupts: keys)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 4, in: ProcessID(1))
        }
        #expect(error?.message.contains("Ctrl+C") == true)
    }

    @Test("A reply that comes all the same is taken, and the interrupt stays for the command")
    func answeringStub() throws {
        let keys = PressedKeys()
        let stub = FakeStub { packet in
            guard packet.hasPrefix("m") else { return answer(packet) }
            keys.press()
            return .packet("0102030405060708")
        }
        let options = RemoteOptions(
            replyTimeoutMilliseconds: hour,
            replyLimitMilliseconds: hour,
            interruptGraceMilliseconds: hour,
            memoryLineBytes: 8
        )
        let target = try RemoteTarget(stub.transport, options: options, interrupts: keys)
        #expect(
            try target.readMemory(at: TargetAddress(16), count: 2, in: ProcessID(1)) == [1, 2]
        )
        #expect(keys.interruptCount == 1)
        #expect(target.isConnected)
    }

    @Test("A stub that dribbles bytes without an answer is given up")
    func dribble() throws {
        let stub = FakeStub { packet in
            packet.hasPrefix("m") ? .dribble("noise ") : answer(packet)
        }
        let options = RemoteOptions(
            replyTimeoutMilliseconds: hour,
            replyLimitMilliseconds: 200
        )
        let target = try RemoteTarget(stub.transport, options: options)
        let error = #expect(throws: TargetError.self) {
            try target.readMemory(at: TargetAddress(16), count: 4, in: ProcessID(1))
        }
        #expect(error?.code == .disconnected)
        #expect(error?.message.contains("not done within") == true)
    }

    @Test("A target that does not stop for Ctrl+C is given up when it is pressed again later")
    func deafTarget() throws {
        let stub = FakeStub { packet in
            packet.hasPrefix("vCont;") ? .silence : answer(packet)
        }
        let options = RemoteOptions(interruptGraceMilliseconds: 0)
        let target = try RemoteTarget(stub.transport, options: options)
        try target.resume([ResumeAction(.all, .run)])
        try target.interrupt()
        let error = #expect(throws: TargetError.self) { try target.interrupt() }
        #expect(error?.code == .disconnected)
        #expect(error?.message.contains("Ctrl+C") == true)
    }
}
