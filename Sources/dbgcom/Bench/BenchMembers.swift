import Glibc
import LinuxSystem
import Transports

/// Sends bytes to a server that counts them, and reads its count.
final class BulkOut: LoopMember {
    private let stream: ComChannelStream
    private var left: Int
    private var unwritten: ArraySlice<UInt8>
    private var answer: [UInt8] = []
    private var hasFinishedWriting = false
    private(set) var isFinished = false
    /// Payload bytes per second at the far end; nil while it is not known.
    private(set) var rate: Double?

    private var noise = Noise()

    init(_ stream: ComChannelStream, bytes: Int) {
        self.stream = stream
        left = bytes
        unwritten = Array("take\n".utf8)[...]
    }

    var requests: [PollRequest] {
        [
            PollRequest(
                stream.descriptor.number,
                read: hasFinishedWriting,
                write: !hasFinishedWriting
            )
        ]
    }

    func step(_ answers: ArraySlice<PollRequest>) throws {
        guard let ready = answers.first else { return }
        if ready.isWritable && !hasFinishedWriting { try write() }
        if ready.isReadable && hasFinishedWriting { try read() }
    }

    private func write() throws {
        if unwritten.isEmpty {
            unwritten = noise.bytes(left)
            left -= unwritten.count
        }
        if unwritten.isEmpty {
            stream.finishWriting()
            hasFinishedWriting = true
            return
        }
        unwritten = unwritten.dropFirst(try stream.descriptor.write(unwritten))
    }

    private func read() throws {
        guard let bytes = try stream.descriptor.read(maximum: 256) else { return }
        answer += bytes
        guard bytes.isEmpty else { return }
        isFinished = true
        let numbers = String(decoding: answer, as: UTF8.self).split { " \n".contains($0) }
            .compactMap { Double($0) }
        guard numbers.count == 2 else {
            throw CommandFailure("\(stream.peerName): \(stream.lastReason ?? "no count came").")
        }
        rate = numbers[0] * 1e6 / max(numbers[1], 1)
    }
}

/// Takes bytes that a server sends.
final class BulkIn: LoopMember {
    private let stream: ComChannelStream
    private var request: ArraySlice<UInt8>
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private let endsAt: UInt64?
    private(set) var count = 0
    private(set) var isFinished = false

    /// - Parameter endsAt: when to stop in any case, on the monotonic clock in nanoseconds.
    init(_ stream: ComChannelStream, bytes: Int, endsAt: UInt64? = nil) {
        self.stream = stream
        self.endsAt = endsAt
        request = Array("give \(bytes)\n".utf8)[...]
    }

    var deadline: UInt64? { endsAt }

    /// Payload bytes per second.
    var rate: Double {
        last > first ? Double(count) * 1e9 / Double(last - first) : 0
    }

    var requests: [PollRequest] {
        [PollRequest(stream.descriptor.number, read: request.isEmpty, write: !request.isEmpty)]
    }

    func step(_ answers: ArraySlice<PollRequest>) throws {
        if let endsAt, monotonicNanoseconds() >= endsAt { return finish() }
        guard let ready = answers.first else { return }
        if ready.isWritable && !request.isEmpty {
            request = request.dropFirst(try stream.descriptor.write(request))
        } else if ready.isReadable {
            guard let bytes = try stream.descriptor.read(maximum: 65_536) else { return }
            if bytes.isEmpty {
                if let reason = stream.lastReason {
                    throw CommandFailure("\(stream.peerName) broke: \(reason).")
                }
                return finish()
            }
            last = monotonicNanoseconds()
            if count == 0 { first = last }
            count += bytes.count
        }
    }

    private func finish() {
        isFinished = true
        stream.close()
    }
}

/// Sends eight bytes and waits for them to come back, again and again.
final class Pinger: LoopMember {
    private let stream: ComChannelStream
    private var unwritten: ArraySlice<UInt8> = Array("echo\n".utf8)[...]
    private var missing = 0
    private var sentAt: UInt64 = 0
    private var isReadyToSend = true
    private let isOver: (Pinger) -> Bool
    /// Microseconds of each round trip.
    private(set) var times: [Double] = []
    private(set) var isFinished = false

    static let bytes = 8

    /// - Parameter isOver: asked after each round trip.
    init(_ stream: ComChannelStream, isOver: @escaping (Pinger) -> Bool) {
        self.stream = stream
        self.isOver = isOver
    }

    var requests: [PollRequest] {
        [PollRequest(stream.descriptor.number, read: true, write: !unwritten.isEmpty)]
    }

    var isReady: Bool { isReadyToSend && unwritten.isEmpty }

    func step(_ answers: ArraySlice<PollRequest>) throws {
        if answers.first?.isReadable == true { try read() }
        if isFinished { return }
        if isReadyToSend && missing == 0 {
            unwritten += [UInt8](repeating: 0x24, count: Self.bytes)[...]
            missing = Self.bytes
            isReadyToSend = false
            sentAt = monotonicNanoseconds()
        }
        if !unwritten.isEmpty {
            unwritten = unwritten.dropFirst(try stream.descriptor.write(unwritten))
        }
    }

    private func read() throws {
        guard let bytes = try stream.descriptor.read(maximum: missing + 1) else { return }
        if bytes.isEmpty {
            throw CommandFailure("\(stream.peerName) broke: \(stream.lastReason ?? "it ended").")
        }
        missing -= bytes.count
        guard missing <= 0 else { return }
        missing = 0
        times.append(Double(monotonicNanoseconds() - sentAt) / 1000)
        isReadyToSend = true
        if isOver(self) {
            isFinished = true
            stream.close()
        }
    }

    /// The value that so many of a hundred do not pass, in milliseconds.
    func percentile(_ percent: Double) -> Double {
        guard !times.isEmpty else { return 0 }
        let sorted = times.sorted()
        let index = Int((Double(sorted.count - 1) * percent / 100).rounded())
        return sorted[index] / 1000
    }
}
