/// Takes the first line off a stream, when it may be a greeting.
struct GreetingReader: Sendable {
    enum Outcome {
        /// Not enough bytes to tell.
        case undecided
        /// The first byte is not a greeting's; all bytes so far.
        case somethingElse([UInt8])
        /// No line end where one must have come.
        case tooLong
        /// The line without its end, and what came behind it.
        case line(String, rest: [UInt8])
    }

    private var received: [UInt8]

    /// - Parameter received: bytes that have come already.
    init(_ received: [UInt8] = []) {
        self.received = received
    }

    mutating func receive(_ bytes: [UInt8]) -> Outcome {
        received += bytes
        guard let first = received.first else { return .undecided }
        guard first == Greeting.magic.utf8.first else { return .somethingElse(received) }
        guard let end = received.firstIndex(of: 0x0a) else {
            return received.count < Greeting.lineBytesMax ? .undecided : .tooLong
        }
        guard end < Greeting.lineBytesMax else { return .tooLong }
        let text = String(decoding: received[..<end], as: UTF8.self)
        return .line(text, rest: Array(received[(end + 1)...]))
    }
}
