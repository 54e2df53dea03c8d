import ChannelMux
import LineSimulator
import Testing
import WireCore

@testable import LinkTrials

/// Small questions and answers on one connection, timed.
final class Pings {
    let cable: Cable
    private(set) var roundTrips: [UInt64] = []
    private let id: ConnectionID
    private let size: Int
    private var askedAt: MonotonicInstant?

    /// Opens a connection whose far end answers every question with as many bytes.
    init(on cable: Cable, channel: Int, size: Int = 8) throws {
        self.cable = cable
        self.size = size
        try cable.right.link.listen(on: .number(channel), at: cable.now)
        id = try cable.left.link.connect(to: .number(channel), waiting: false, at: cable.now)
        let id = id
        cable.run { cable.left.opened.contains(id) }
        let peer = try #require(cable.right.incoming.last)
        var received = 0
        cable.right.onEvent = chain(cable.right.onEvent) { end, event, now in
            guard case .received(peer, let bytes) = event else { return }
            received += bytes.count
            guard received >= size else { return }
            received -= size
            end.write(pattern(size), on: peer, at: now)
        }
        var answered = 0
        cable.left.onEvent = chain(cable.left.onEvent) { [unowned self] _, event, now in
            guard case .received(id, let bytes) = event else { return }
            answered += bytes.count
            guard answered >= size, let askedAt else { return }
            answered -= size
            roundTrips.append(now.nanoseconds(since: askedAt))
            self.askedAt = nil
        }
    }

    private func chain(
        _ first: ((Endpoint, MuxEvent, MonotonicInstant) -> Void)?,
        _ second: @escaping (Endpoint, MuxEvent, MonotonicInstant) -> Void
    ) -> (Endpoint, MuxEvent, MonotonicInstant) -> Void {
        { end, event, now in
            first?(end, event, now)
            second(end, event, now)
        }
    }

    /// Asks that many times, with pauses of changing length between.
    func ask(_ count: Int, pauseMilliseconds: ClosedRange<Double>, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<count {
            cable.run(milliseconds: Double.random(in: pauseMilliseconds, using: &generator))
            let goal = roundTrips.count + 1
            askedAt = cable.now
            cable.left.write(pattern(size, seed: 3), on: id, at: cable.now)
            cable.run(milliseconds: 5000) { roundTrips.count == goal }
        }
    }

    /// The round trip that this share of all does not exceed, in milliseconds.
    func percentile(_ share: Double) -> Double {
        let sorted = roundTrips.sorted()
        guard !sorted.isEmpty else { return .infinity }
        let index = min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - 1)
        return Double(sorted[max(0, index)]) / 1e6
    }
}
