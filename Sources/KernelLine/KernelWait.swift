public import ByteTransport
public import LinuxSystem

/// The wait for a kernel's stub to say something.
///
/// A kernel that runs does not answer (kgdb), and says nothing of its own accord the first time it halts: so the stub is
/// asked once at the start, and again after each attempt to halt the kernel and whenever something that looks like a
/// halt has come over the line.
public struct KernelWait {
    /// How long the answer to the question may take, in milliseconds.
    static let answerMilliseconds = 1_000
    /// How long nothing may come until the stub is taken to have said all, in milliseconds.
    ///
    /// One that halts the kernel for our question tells of the halt, too.
    static let settlingMilliseconds = 250
    /// How many packets are taken then, at most.
    static let settlingPacketsMax = 64
    /// How many bytes of console text are kept to look for an answer in.
    static let keptBytesMax = 65_536
    /// Asks why the target stands.
    private static let question = Array("$?#3f".utf8)
    private static let acknowledgement = Array("+".utf8)
    /// What kgdb's console says when a kernel halts.
    private static let halted = Array("Entering kdb".utf8)

    private let stream: any ByteTransport
    private var received: [UInt8] = []

    /// Waits on a fresh line.
    public init(_ stream: any ByteTransport) {
        self.stream = stream
    }

    /// How a wait ended.
    public enum Ending: Sendable, Equatable {
        /// The stub has answered: the target stands.
        case ready
        /// The line is gone; words for the user.
        case lost(String)
    }

    /// Waits until the stub has answered.
    ///
    /// - Parameters:
    ///   - interruptDescriptor: shows readable when `takeInterrupt` may have something.
    ///   - takeInterrupt: whether the user wants the kernel halted.
    ///   - say: what the user is told.
    public mutating func run(
        interruptDescriptor: Int32,
        takeInterrupt: () -> Bool,
        say: (String) -> Void
    ) throws(SystemError) -> Ending {
        var hasAsked = ask()
        var hasSaid = false
        while true {
            var requests = [PollRequest(stream.descriptor), PollRequest(interruptDescriptor)]
            let isAwake = try pollDescriptors(
                &requests,
                timeoutMilliseconds: hasAsked ? Self.answerMilliseconds : nil
            )
            if takeInterrupt() {
                breakIn()
                hasAsked = ask()
                continue
            }
            if !isAwake {
                if !hasSaid { say("Waiting for the kernel to halt (Ctrl+C halts it)...") }
                hasSaid = true
                hasAsked = false
                continue
            }
            switch stream.read(maximum: 4096) {
            case .wouldBlock: continue
            case .ended(.closed): return .lost("\(stream.peerName) was closed")
            case .ended(.failed(let words)): return .lost("\(stream.peerName): \(words)")
            case .bytes(let bytes):
                received += bytes
                if takePacket() { return try settle() }
                if tellsOfHalt { hasAsked = ask() }
                received = Array(received.suffix(Self.keptBytesMax))
            }
        }
    }

    /// Takes what else the stub has to say, so that it is not taken for answers to what is asked next.
    private mutating func settle() throws(SystemError) -> Ending {
        for _ in 0..<Self.settlingPacketsMax {
            while takePacket() {}
            var requests = [PollRequest(stream.descriptor)]
            guard
                try pollDescriptors(&requests, timeoutMilliseconds: Self.settlingMilliseconds),
                case .bytes(let bytes) = stream.read(maximum: 4096)
            else { break }
            received += bytes
        }
        return .ready
    }

    private mutating func ask() -> Bool {
        received = []
        _ = stream.write(Self.question[...])
        stream.flush()
        return true
    }

    private func breakIn() {
        if let kernel = stream as? any KernelStream { return kernel.breakIn() }
        _ = stream.write([0x03])
    }

    /// Takes a packet, if one has come, and acknowledges it, so that the stub has done with it.
    private mutating func takePacket() -> Bool {
        guard let start = received.firstIndex(of: UInt8(ascii: "$")),
            let end = received[start...].firstIndex(of: UInt8(ascii: "#")),
            end + 2 < received.count
        else { return false }
        received.removeFirst(end + 3)
        _ = stream.write(Self.acknowledgement[...])
        return true
    }

    private var tellsOfHalt: Bool {
        received.indices.contains { received[$0...].starts(with: Self.halted) }
    }
}
