import Glibc
import LinuxSystem
import Transports

// What a measurement says on its channel. The client's first line is one of
//
//     echo            the server sends back what comes
//     take            the server counts what comes until its end, and answers "BYTES MICROSECONDS"
//     give BYTES      the server sends so many bytes and ends
//
// and MICROSECONDS are those from the first byte to the last.

/// One connection of a client that measures.
final class BenchResponder: LoopMember {
    private enum Mode {
        case unknown
        case echo
        case take
        case give(left: Int)
        case answer
    }

    private let stream: ComChannelStream
    private var mode = Mode.unknown
    private var line: [UInt8] = []
    private var unwritten: ArraySlice<UInt8> = []
    private var count = 0
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private(set) var isFinished = false

    static let lineBytesMax = 64
    private var noise = Noise()

    init(_ stream: ComChannelStream) {
        self.stream = stream
    }

    private var wantsInput: Bool {
        switch mode {
        case .unknown, .take: true
        case .echo: unwritten.isEmpty
        case .give, .answer: false
        }
    }

    var requests: [PollRequest] {
        [
            PollRequest(
                stream.descriptor.number,
                read: wantsInput,
                write: !unwritten.isEmpty
            )
        ]
    }

    func step(_ answers: ArraySlice<PollRequest>) {
        guard let answer = answers.first, answer.isReadable || answer.isWritable else { return }
        do {
            if wantsInput && answer.isReadable { try read() }
            if answer.isWritable && !unwritten.isEmpty { try write() }
        } catch {
            stop()
        }
    }

    private func read() throws {
        guard let bytes = try stream.descriptor.read(maximum: 65_536) else { return }
        if bytes.isEmpty { return inputEnded() }
        switch mode {
        case .unknown: begin(bytes)
        default: take(bytes[...])
        }
    }

    private func begin(_ bytes: [UInt8]) {
        line += bytes
        guard let end = line.firstIndex(of: 0x0A) else {
            if line.count > Self.lineBytesMax { stop() }
            return
        }
        let words = String(decoding: line[..<end], as: UTF8.self).split(separator: " ")
        let rest = line[(end + 1)...]
        switch (words.first, words.count) {
        case ("echo", 1): mode = .echo
        case ("take", 1): mode = .take
        case ("give", 2):
            mode = .give(left: max(0, Int(words[1]) ?? 0))
            fill()
        default: return stop()
        }
        if !rest.isEmpty { take(rest) }
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        switch mode {
        case .echo: unwritten = bytes
        case .take:
            last = monotonicNanoseconds()
            if count == 0 { first = last }
            count += bytes.count
        case .unknown, .give, .answer: break
        }
    }

    private func fill() {
        guard case .give(let left) = mode else { return }
        unwritten = noise.bytes(left)
        mode = .give(left: left - unwritten.count)
        if unwritten.isEmpty { stop() }
    }

    private func inputEnded() {
        guard case .take = mode else { return stop() }
        unwritten = Array("\(count) \((last - first) / 1000)\n".utf8)[...]
        mode = .answer
    }

    private func write() throws {
        unwritten = unwritten.dropFirst(try stream.descriptor.write(unwritten))
        guard unwritten.isEmpty else { return }
        switch mode {
        case .give: fill()
        case .answer: stop()
        case .unknown, .echo, .take: break
        }
    }

    func stop() {
        isFinished = true
        stream.close()
    }
}

/// Bytes that no compression makes fewer, so that the line is measured and nothing else.
struct Noise {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The next of them, a chunk at the most.
    mutating func bytes(_ count: Int) -> ArraySlice<UInt8> {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Relay.chunkBytes)
        for _ in 0..<min(max(count, 0), Relay.chunkBytes) { bytes.append(next()) }
        return bytes[...]
    }

    /// xorshift64 (Marsaglia), of whose words the middle is taken.
    private mutating func next() -> UInt8 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}
