import WireCore

// Who is on the other end, and since when.
//
// An epoch names what one process holds of one session: whoever forgets a session takes a new epoch, so the
// same two epochs always mean that both still know where they were. There are no roles; both ends run this:
//
//     alone ──HELLO──▶ candidate ──HELLO that names our epoch and echoes our nonce──▶ session, up
//                                                                                      │    ▲
//                                                                              silence ▼    │ same epochs
//     candidate ◀──HELLO of another epoch that echoes our nonce── session, down ────────────┘
//
// A nonce lives until it has been echoed, so a HELLO that has been lying in some buffer since an earlier
// handshake can neither begin a session nor end one.

/// What is known of the peer.
struct Peer: Sendable, Equatable {
    var epoch: UInt32
    var identity: String
    var windowFramesMax: Int
    var bodyBytesMax: Int
    var receiveBytesMax: Int
    var features: Hello.Features

    /// - Parameters:
    ///   - ours: what this end can do.
    ///   - wantsFlowControlSafe: whether this end's line needs the second coding stage.
    init(_ hello: Hello, ours: Hello.Features, wantsFlowControlSafe: Bool) {
        epoch = hello.epoch
        identity = hello.identity
        windowFramesMax = min(Int(hello.windowFramesMax), Wire.windowFramesMax)
        bodyBytesMax = min(Int(hello.bodyBytesMax), Wire.bodyBytesMax)
        receiveBytesMax = max(Int(hello.receiveKibibytesMax), 1) * 1024
        var common = hello.features.intersection(ours)
        if !hello.wantsFlowControlSafe && !wantsFlowControlSafe { common.remove(.flowControlSafe) }
        features = common
    }
}

/// The state of the introduction.
struct Handshake: Sendable {
    enum Standing: Sendable, Equatable {
        /// Nobody has been heard.
        case alone
        /// Somebody has been heard who may not have heard us.
        case candidate(Peer)
        /// Both have heard each other; the link may be up or silent.
        case session(Peer, isUp: Bool)
    }

    /// What a HELLO means.
    enum Outcome: Sendable, Equatable {
        /// Nothing new.
        case nothing
        /// It was ours.
        case loopback
        /// No version in common.
        case otherVersion(lowest: Int, highest: Int)
        /// The peer has to hear of us.
        case answer
        /// A session begins.
        case began(answers: Bool)
        /// The session goes on; the peer has everything before that sequence number.
        case resumed(receiveNext: UInt8, answers: Bool)
        /// Another process is there in the peer's place: forget the session, then answer.
        case replaced(by: Peer)
    }

    private(set) var epoch: UInt32
    /// What we can do.
    private let features: Hello.Features
    private let wantsFlowControlSafe: Bool
    private(set) var standing = Standing.alone
    private var nonce: UInt32
    private var formerNonce: UInt32
    private var heardNonce: UInt32 = 0

    init(_ configuration: MuxConfiguration, using generator: inout SeededGenerator) {
        epoch = configuration.epoch
        features = configuration.features
        wantsFlowControlSafe = configuration.avoidsFlowControlBytes
        nonce = UInt32.random(in: 1...UInt32.max, using: &generator)
        formerNonce = nonce
    }

    /// The peer of the session or the one that may become it.
    var peer: Peer? {
        switch standing {
        case .alone: nil
        case .candidate(let peer), .session(let peer, isUp: _): peer
        }
    }

    /// The peer of the session.
    var sessionPeer: Peer? {
        guard case .session(let peer, isUp: _) = standing else { return nil }
        return peer
    }

    var isUp: Bool {
        guard case .session(_, isUp: true) = standing else { return false }
        return true
    }

    /// What we say of ourselves.
    func hello(identity: String, receiveNext: UInt8) -> Hello {
        var hello = Hello(epoch: epoch, nonce: nonce, identity: identity)
        hello.isUp = isUp
        hello.peerEpoch = peer?.epoch ?? 0
        hello.echo = heardNonce
        hello.receiveNext = receiveNext
        hello.features = features
        hello.wantsFlowControlSafe = wantsFlowControlSafe
        return hello
    }

    private func newPeer(_ hello: Hello) -> Peer {
        Peer(hello, ours: features, wantsFlowControlSafe: wantsFlowControlSafe)
    }

    /// Takes another nonce: what is on the way with the old one counts no more.
    mutating func renewNonce(using generator: inout SeededGenerator) {
        formerNonce = nonce
        nonce = UInt32.random(in: 1...UInt32.max, using: &generator)
    }

    /// Forgets the session and takes another epoch.
    mutating func forget(candidate: Peer?, using generator: inout SeededGenerator) {
        epoch = UInt32.random(in: 1...UInt32.max, using: &generator)
        renewNonce(using: &generator)
        standing = candidate.map(Standing.candidate) ?? .alone
        if candidate == nil { heardNonce = 0 }
    }

    /// The peer has fallen silent.
    mutating func wentDown() {
        if case .session(let peer, isUp: true) = standing { standing = .session(peer, isUp: false) }
    }

    /// A frame of this session has arrived: the peer knows us.
    mutating func heardFrame(using generator: inout SeededGenerator) {
        guard let peer else { return }
        standing = .session(peer, isUp: true)
        renewNonce(using: &generator)
    }

    /// Takes a HELLO.
    mutating func receive(_ hello: Hello, using generator: inout SeededGenerator) -> Outcome {
        guard hello.isCompatible else {
            return .otherVersion(lowest: hello.lowestVersion, highest: hello.highestVersion)
        }
        if hello.epoch == epoch { return receiveOwnEpoch(hello, using: &generator) }
        heardNonce = hello.nonce
        let knowsUs = hello.peerEpoch == epoch && hello.echo == nonce
        guard case .session(let peer, let isUp) = standing else {
            return receiveFirst(hello, knowsUs: knowsUs, using: &generator)
        }
        if hello.epoch != peer.epoch {
            return knowsUs ? .replaced(by: newPeer(hello)) : .answer
        }
        guard hello.peerEpoch == epoch else { return .answer }
        if isUp {
            let isLate = !hello.isUp
            return isLate ? .resumed(receiveNext: hello.receiveNext, answers: true) : .nothing
        }
        guard knowsUs else { return .answer }
        standing = .session(newPeer(hello), isUp: true)
        renewNonce(using: &generator)
        return .resumed(receiveNext: hello.receiveNext, answers: !hello.isUp)
    }

    private mutating func receiveFirst(
        _ hello: Hello,
        knowsUs: Bool,
        using generator: inout SeededGenerator
    ) -> Outcome {
        guard knowsUs else {
            standing = .candidate(newPeer(hello))
            return .answer
        }
        standing = .session(newPeer(hello), isUp: true)
        renewNonce(using: &generator)
        return .began(answers: !hello.isUp)
    }

    /// Our own HELLO, or that of somebody who drew the same number.
    private mutating func receiveOwnEpoch(
        _ hello: Hello,
        using generator: inout SeededGenerator
    ) -> Outcome {
        if hello.nonce == nonce || hello.nonce == formerNonce { return .loopback }
        guard sessionPeer == nil else { return .nothing }
        forget(candidate: nil, using: &generator)
        return .answer
    }
}

/// When HELLOs go out.
struct Greeter: Sendable {
    private static let firstMilliseconds: [UInt64] = [50, 100, 200]
    /// The interval for the next five seconds or so, and the one after that.
    private static let secondMilliseconds: UInt64 = 250
    private static let secondCount = 18
    private static let lastMilliseconds: UInt64 = 1000
    /// Answers beyond four at once are kept 50 ms apart.
    private static let answerNanoseconds: UInt64 = 50_000_000
    private static let answersAtOnce: UInt64 = 4

    /// When the next HELLO goes out.
    private(set) var due: MonotonicInstant?
    private var isRepeating = false
    private var sentCount = 0
    private var answersUntil: MonotonicInstant?

    /// Sends one now and repeats it until `stop`.
    mutating func start(at now: MonotonicInstant) {
        isRepeating = true
        sentCount = 0
        due = now
    }

    /// Repeats what is sent next until `stop`.
    mutating func goOn() {
        guard !isRepeating else { return }
        isRepeating = true
        sentCount = 0
    }

    mutating func stop() {
        isRepeating = false
        due = nil
    }

    /// Sends one as soon as the rate allows.
    mutating func answer(at now: MonotonicInstant) {
        let paid = max(answersUntil ?? now, now)
        let credit = Self.answersAtOnce * Self.answerNanoseconds
        let earliest = MonotonicInstant(
            nanoseconds: paid.nanoseconds - min(paid.nanoseconds, credit)
        )
        answersUntil = paid.advanced(byNanoseconds: Self.answerNanoseconds)
        let when = max(now, earliest)
        due = min(due ?? when, when)
    }

    /// One went out, and left the wire at `wireEnd`.
    mutating func sent(wireEnd: MonotonicInstant, using generator: inout SeededGenerator) {
        guard isRepeating else {
            due = nil
            return
        }
        var interval = Self.lastMilliseconds
        if sentCount < Self.firstMilliseconds.count {
            interval = Self.firstMilliseconds[sentCount]
        } else if sentCount < Self.firstMilliseconds.count + Self.secondCount {
            interval = Self.secondMilliseconds
        }
        sentCount += 1
        let jitter = UInt64.random(in: 800_000...1_200_000, using: &generator)
        due = wireEnd.advanced(byNanoseconds: interval * jitter)
    }
}
