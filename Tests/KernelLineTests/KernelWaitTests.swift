import ByteTransport
import Foundation
import Glibc
import LinuxSystem
import Testing
import Transports

@testable import KernelLine

/// The near end of a line whose far end the test plays, and which notes how it is halted.
private final class Line: KernelStream {
    let inner: DescriptorTransport
    let far: OwnedDescriptor
    var breakIns = 0
    var onBreakIn: () -> Void = {}

    init() throws {
        let (near, far) = try UnixSocket.makePair()
        inner = try DescriptorTransport(near, peerName: "cable", link: .serial(baudRate: 115_200))
        self.far = far
    }

    var descriptor: Int32 { inner.descriptor }
    var peerName: String { inner.peerName }
    var link: LinkKind { inner.link }
    func read(maximum: Int) -> ReadResult { inner.read(maximum: maximum) }
    func write(_ bytes: ArraySlice<UInt8>) -> Int? { inner.write(bytes) }
    func finishWriting() {}
    func close() { inner.close() }
    func breakIn() {
        breakIns += 1
        onBreakIn()
    }

    func say(_ text: String) {
        _ = try? far.write(Array(text.utf8)[...])
    }

    /// What the near end has sent so far.
    func heard() -> String {
        try? far.setNonBlocking()
        var text = ""
        while let bytes = try? far.read(maximum: 4096), !bytes.isEmpty {
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text
    }
}

@Suite("The wait for a kernel's stub")
struct KernelWaitTests {
    @Test("a stub that answers is acknowledged, with all it has to say, and only once")
    func answers() throws {
        let line = try Line()
        line.say("$T05thread:01;#07$S05#b8")
        var wait = KernelWait(line)
        let ending = try wait.run(interruptDescriptor: -1, takeInterrupt: { false }, say: { _ in })
        #expect(ending == .ready)
        #expect(line.heard() == "$?#3f++")
        #expect(line.breakIns == 0)
    }

    @Test("a kernel that runs is halted by Ctrl+C, and asked again")
    func halts() throws {
        let line = try Line()
        var said: [String] = []
        line.onBreakIn = { line.say("Entering kdb (current=0x1)\n[0]kdb> $T05#b9") }
        var isInterrupted = false
        var wait = KernelWait(line)
        let ending = try wait.run(
            interruptDescriptor: -1,
            takeInterrupt: {
                defer { isInterrupted = false }
                return isInterrupted
            },
            say: {
                said.append($0)
                isInterrupted = true
                line.say("login: ")
            }
        )
        #expect(ending == .ready)
        #expect(said.count == 1 && said[0].contains("Ctrl+C"), "\(said)")
        #expect(line.breakIns == 1)
        #expect(line.heard().hasPrefix("$?#3f$?#3f"))
    }

    @Test("a kernel that halts by itself is asked when its console says so")
    func console() throws {
        let line = try Line()
        var wait = KernelWait(line)
        let ending = try wait.run(
            interruptDescriptor: -1,
            takeInterrupt: { false },
            say: { _ in
                line.say("BUG: unable to handle\nEntering kdb (current=0x1)\n")
                line.say("$S05#b8")
            }
        )
        #expect(ending == .ready)
        #expect(line.heard().filter { $0 == "?" }.count >= 1)
    }

    @Test("a line that is gone ends the wait with words")
    func lost() throws {
        // As the programs do: a write tells.
        signal(SIGPIPE, SIG_IGN)
        let line = try Line()
        shutdown(line.far.number, Int32(SHUT_RDWR))
        var wait = KernelWait(line)
        let ending = try wait.run(interruptDescriptor: -1, takeInterrupt: { false }, say: { _ in })
        guard case .lost(let words) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(words.contains("cable"))
    }
}
