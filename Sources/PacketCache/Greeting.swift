internal import GDBRemoteProtocol

/// The first packets of a connection, by which the two sides are known.
///
/// All bytes go on as they are but two packets: the debugger's `qSupported` asks for what helps here, and the reply of
/// a server that has it is the debugger's without.
struct Greeting: Sendable {
    /// What becomes of a byte.
    struct Outcome {
        /// What goes on.
        var bytes: [UInt8] = []
        /// The two are to be left alone.
        var isOver = false
        /// What the server has, when it is one of ours.
        var features: FeatureList?
    }

    /// The longest packet that is held until it is complete; what is longer is none of a greeting.
    private static let packetBytesMax = 16_384
    private static let offered = ["stop-snapshot", "shared-ranges"]

    private let lineBytes: Int
    private var requests = PacketParser(payloadBytesMax: Self.packetBytesMax)
    private var replies = PacketParser(
        payloadBytesMax: Self.packetBytesMax,
        expandsRunLengths: true
    )
    /// What has not gone on, of a packet that is not complete.
    private(set) var heldRequest: [UInt8] = []
    private(set) var heldReply: [UInt8] = []
    private var last: [UInt8] = []
    private var hasBegun = false
    /// The debugger ends acknowledgements before it says what it can, as lldb does.
    private(set) var isLLDB = false
    private(set) var acknowledges = true

    init(lineBytes: Int) {
        self.lineBytes = lineBytes
    }

    mutating func request(_ byte: UInt8) -> Outcome {
        if !hasBegun, !"$+-\u{3}".utf8.contains(byte) {
            return Outcome(bytes: [byte], isOver: true)
        }
        hasBegun = true
        heldRequest.append(byte)
        requests.append([byte])
        guard let item = requests.next() else {
            let isTooLong = heldRequest.count > Self.packetBytesMax
            return isTooLong ? releaseRequest(isOver: true) : Outcome()
        }
        guard case .packet(let payload) = item else {
            return releaseRequest(isOver: item.isDamaged)
        }
        if last.isEmpty, payload == Array("QStartNoAckMode".utf8) { isLLDB = true }
        last = payload
        guard var features = FeatureList(request: payload) else { return releaseRequest() }
        // Who asks for it itself needs no help.
        guard features.value(of: "stop-snapshot") == nil else {
            return releaseRequest(isOver: true)
        }
        features.add("stop-snapshot", value: Hex.text(UInt64(lineBytes)))
        features.add("shared-ranges")
        heldRequest = []
        return Outcome(bytes: PacketEncoder.packet(features.request))
    }

    mutating func reply(_ byte: UInt8) -> Outcome {
        heldReply.append(byte)
        replies.append([byte])
        guard let item = replies.next() else {
            let isTooLong = heldReply.count > Self.packetBytesMax
            return isTooLong ? releaseReply(isOver: true) : Outcome()
        }
        guard case .packet(let payload) = item else {
            return releaseReply(isOver: item.isDamaged)
        }
        if last == Array("QStartNoAckMode".utf8), payload == PlainReply.ok { acknowledges = false }
        guard FeatureList(request: last) != nil else { return releaseReply() }
        let features = FeatureList(parsing: payload)
        guard Self.offered.allSatisfy({ features.supports($0) }) else {
            return releaseReply(isOver: true)
        }
        var shown = features
        shown.features.removeAll { Self.offered.contains($0.name) }
        heldReply = []
        return Outcome(
            bytes: PacketEncoder.packet(Array(shown.text.utf8)),
            features: features
        )
    }

    private mutating func releaseRequest(isOver: Bool = false) -> Outcome {
        defer { heldRequest = [] }
        return Outcome(bytes: heldRequest, isOver: isOver)
    }

    private mutating func releaseReply(isOver: Bool = false) -> Outcome {
        defer { heldReply = [] }
        return Outcome(bytes: heldReply, isOver: isOver)
    }
}

extension WireItem {
    fileprivate var isDamaged: Bool {
        if case .damaged = self { return true }
        return false
    }
}
