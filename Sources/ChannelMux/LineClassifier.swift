import WireCore

/// Guesses from bytes that are no frames what is on the other end; it only listens.
struct LineClassifier: Sendable {
    private static let silentNanoseconds: UInt64 = 2_500_000_000
    private static let verdictNanoseconds: UInt64 = 1_000_000_000
    private static let sampleBytesMax = 512
    private static let bytesMin = 8
    private static let noiseBytesMin = 24
    private static let frameBytesMin = 6
    private static let framesMin = 2

    private var sample: [UInt8] = []
    private var byteCount = 0
    private var openedAt: MonotonicInstant
    private var firstByteAt: MonotonicInstant?
    private(set) var verdict: LineVerdict?
    /// Pieces that are coded as our frames are, with the check sum of some other session.
    private var frameCount = 0
    /// Pieces between two zeros that nobody can have coded.
    private var damageCount = 0

    init(at now: MonotonicInstant) { openedAt = now }

    /// Begins again.
    mutating func restart(at now: MonotonicInstant) { self = LineClassifier(at: now) }

    /// Takes what came, frames included: whoever finds a frame in it calls `restart`.
    mutating func take(_ bytes: ArraySlice<UInt8>, at now: MonotonicInstant) {
        if firstByteAt == nil { firstByteAt = now }
        byteCount += bytes.count
        sample += bytes.suffix(Self.sampleBytesMax)
        if sample.count > Self.sampleBytesMax {
            sample.removeFirst(sample.count - Self.sampleBytesMax)
        }
    }

    /// Notes a well-coded piece between two zeros that is no frame of ours.
    ///
    /// Whoever sends those speaks our language to somebody who was here before, whatever text is in them.
    mutating func noteFrame(bytes count: Int) {
        if count >= Self.frameBytesMin { frameCount += 1 }
    }

    /// Notes a piece that is not coded as a frame is; of noise, one in many looks well coded by chance.
    mutating func noteDamage() {
        damageCount += 1
    }

    /// When to judge next.
    var deadline: MonotonicInstant? {
        if let firstByteAt {
            guard verdict == nil || verdict == .silent else { return nil }
            return firstByteAt.advanced(byNanoseconds: Self.verdictNanoseconds)
        }
        return verdict == nil ? openedAt.advanced(byNanoseconds: Self.silentNanoseconds) : nil
    }

    /// Takes a verdict of others; answers whether it is a new one.
    mutating func note(_ found: LineVerdict) -> Bool {
        defer { verdict = found }
        return found != verdict
    }

    /// A new verdict, if there is one.
    mutating func judge(at now: MonotonicInstant) -> LineVerdict? {
        guard let deadline, deadline <= now else { return nil }
        let found = firstByteAt == nil ? .silent : kind
        guard let found else {
            // Too little to tell: listen on.
            firstByteAt = now
            return nil
        }
        guard found != verdict else { return nil }
        verdict = found
        return found
    }

    private var kind: LineVerdict? {
        if frameCount >= Self.framesMin && frameCount > damageCount { return nil }
        if hasPacket { return .rawRSP }
        if hasKernelDebuggerLeader { return .kernelDebugger }
        if hasMultiplexerFrames { return .otherMultiplexer }
        guard sample.count >= Self.bytesMin else { return nil }
        let printable = sample.count {
            (0x20...0x7E).contains($0) || (0x07...0x0D).contains($0) || $0 == 0x1B
        }
        if printable * 10 >= sample.count * 9 { return .console }
        return byteCount >= Self.noiseBytesMin ? .noise : nil
    }

    /// `$…#hh` with the right sum.
    private var hasPacket: Bool {
        var sum: UInt8?
        for (index, byte) in sample.enumerated() {
            if byte == UInt8(ascii: "$") {
                sum = 0
            } else if byte == UInt8(ascii: "#"), let total = sum {
                if index + 2 < sample.count,
                    let high = Self.hexDigit(sample[index + 1]),
                    let low = Self.hexDigit(sample[index + 2]), high << 4 | low == total
                {
                    return true
                }
                sum = nil
            } else if let total = sum {
                sum = total &+ byte
            }
        }
        return false
    }

    private static func hexDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x61 + 10
        case 0x41...0x46: character - 0x41 + 10
        default: nil
        }
    }

    /// Four times 0 or four times i, the leaders of KDCOM's data and control packets, then a packet type.
    private var hasKernelDebuggerLeader: Bool {
        guard sample.count >= 8 else { return false }
        for start in 0...(sample.count - 6) {
            let leader = sample[start]
            guard leader == 0x30 || leader == 0x69,
                sample[start..<(start + 4)].allSatisfy({ $0 == leader })
            else { continue }
            if (1...12).contains(sample[start + 4]) && sample[start + 5] == 0 { return true }
        }
        return false
    }

    /// Two frames of PPP, or one of GSM 07.10 with the right sum over its header.
    private var hasMultiplexerFrames: Bool {
        let ppp: [UInt8] = [0x7E, 0xFF, 0x7D, 0x23]
        var pppCount = 0
        for start in sample.indices where start + 4 < sample.count {
            if sample[start..<(start + 4)].elementsEqual(ppp) { pppCount += 1 }
            if sample[start] == 0xF9 && Self.isCMUX(sample[(start + 1)...]) { return true }
        }
        return pppCount >= 2
    }

    /// Address, control, a length of one byte, so much data, the check sum and the closing flag.
    private static func isCMUX(_ bytes: ArraySlice<UInt8>) -> Bool {
        let header = Array(bytes.prefix(3))
        guard header.count == 3, header[2] & 1 == 1 else { return false }
        let sumAt = bytes.startIndex + 3 + Int(header[2] >> 1)
        guard sumAt + 1 < bytes.endIndex, bytes[sumAt + 1] == 0xF9 else { return false }
        var sum: UInt8 = 0xFF
        for byte in header {
            sum ^= byte
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xE0 : sum >> 1 }
        }
        return 0xFF - sum == bytes[sumAt]
    }
}
