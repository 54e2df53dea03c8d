import WireCore

@testable import ChannelMux

/// A link whose peer is the fuzzer.
struct FuzzedLink {
    static let peerEpoch: UInt32 = 0x0101_0101
    var link: MuxLink
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// What the link said of itself last.
    private(set) var lastHello: Hello?
    private(set) var framesOut = 0
    /// Whether a frame with a right check sum was made for it.
    var wasForged = false
    private(set) var known: [ConnectionID] = []
    private var assembler = FrameAssembler(frameBytesMax: 8192)

    init(compresses: Bool, flowControlSafe: Bool) {
        var configuration = MuxConfiguration(
            baudRate: 115_200,
            epoch: 0x2222_2222,
            seed: 1,
            identity: "fuzzed"
        )
        configuration.compresses = compresses
        configuration.avoidsFlowControlBytes = flowControlSafe
        configuration.receiveWindowBytes = 4096
        configuration.connectionsMax = 16
        link = MuxLink(configuration, at: now)
        link.lineOpened(at: now)
        settle()
    }

    /// Takes what the link has to say; it must come to an end.
    mutating func settle() {
        var rounds = 0
        while let wire = link.nextTransmit(at: now) {
            rounds += 1
            precondition(rounds < 2000, "it goes on sending")
            framesOut += 1
            var input = wire[...]
            while let piece = assembler.next(from: &input) {
                guard case .whole(let bytes) = piece, let hello = Hello(body: bytes) else {
                    continue
                }
                lastHello = hello
            }
        }
        while let event = link.nextEvent() { note(event) }
        let memory = link.memory
        precondition(memory.isWithinLimits(window: 4096), "\(memory)")
        precondition(memory.connections <= 16 && memory.framesInFlight <= 127, "\(memory)")
    }

    private mutating func note(_ event: MuxEvent) {
        switch event {
        case .incoming(let id, _):
            precondition(wasForged, "a connection out of nothing")
            known.append(id)
        case .received(_, let bytes):
            precondition(wasForged, "bytes without a check sum")
            precondition(bytes.count <= 8 * 8192)
        case .closed(let id), .reset(let id, _), .refused(let id, _):
            known.removeAll { $0 == id }
        case .opened, .peerFinished, .breakReceived, .modemLines:
            precondition(wasForged, "an answer out of nothing")
        case .linkUp, .linkDown, .lineVerdict, .writable: break
        }
    }

    mutating func pass(milliseconds: UInt64) {
        now = now.advanced(byNanoseconds: milliseconds * 1_000_000)
        link.expireTimers(at: now)
        settle()
    }

    mutating func receive(_ bytes: [UInt8]) {
        link.receive(bytes[...], at: now)
        settle()
    }

    /// Introduces the peer as a peer that keeps the rules does.
    mutating func greet() {
        guard let heard = lastHello else { return }
        var hello = Hello(epoch: Self.peerEpoch, nonce: 77, identity: "fuzzer")
        hello.peerEpoch = heard.epoch
        hello.echo = heard.nonce
        hello.isUp = true
        hello.features = heard.features
        receive(hello.wire)
    }

    /// A frame with a right check sum.
    mutating func receiveForged(_ body: [UInt8]) {
        let isSafe = link.session?.peer.features.contains(.flowControlSafe) == true
        let check = FrameCheck(
            sender: Self.peerEpoch,
            receiver: link.statistics.epoch,
            isFlowControlSafe: isSafe
        )
        wasForged = true
        receive(check.wire(body, leadingZero: true))
    }

    mutating func connect(_ number: UInt8, waiting: Bool) {
        guard let channel = ChannelNumber(Int(number)),
            let id = try? link.connect(to: channel, waiting: waiting, at: now)
        else { return }
        known.append(id)
        settle()
    }
}
