import ChannelMux
import Deflate
import Foundation
import WireCore

/// How fast the engine codes and decodes frames, on one processor.
enum Speed {
    /// The processor's time, so that whatever else runs counts little.
    private static func processorNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// - Returns: megabytes of payload per second through check sum and COBS, there and back.
    static func megabytesPerSecond(payload: Int, text: Bool, flowControlSafe: Bool) -> Double {
        var generator = SeededGenerator(seed: 1)
        let bytes = (0..<payload).map { _ in
            text
                ? UInt8.random(in: 0x30...0x39, using: &generator)
                : UInt8.random(in: 0...255, using: &generator)
        }
        let bench = CodingBench(payload: bytes, flowControlSafe: flowControlSafe)
        var frames = 0
        let start = processorNanoseconds()
        var elapsed: UInt64 = 0
        while elapsed < 1_000_000_000 {
            for _ in 0..<100 where !bench.codeAndDecode() { fatalError("a frame came out damaged") }
            frames += 100
            elapsed = processorNanoseconds() - start
        }
        return Double(frames * payload) * 1000 / Double(elapsed)
    }

    private static func microseconds(_ body: () -> Void) -> Double {
        let count = 2000
        let start = processorNanoseconds()
        for _ in 0..<count { body() }
        return Double(processorNanoseconds() - start) / 1000 / Double(count)
    }

    /// What compression adds to a chunk's way, with a full history.
    private static func printCompression() {
        var generator = SeededGenerator(seed: 2)
        let digits = Array("0000123456789abcdef".utf8)
        func text(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in digits.randomElement(using: &generator) ?? 0 }
        }
        let history = text(4096)
        for count in [20, 240, 2048] {
            let bytes = Array(history.suffix(count / 2)) + text(count - count / 2)
            let coded = Deflate.compress(bytes[...], history: history[...]) ?? []
            let there = microseconds { _ = Deflate.compress(bytes[...], history: history[...]) }
            let back = microseconds {
                _ = Deflate.expand(coded[...], history: history[...], countMax: count)
            }
            let words = "\(Int(there)) µs to compress, \(Int(back)) µs to expand"
            print("\(count) bytes of text in \(coded.count): \(words)")
        }
    }

    static func run() {
        print(
            "payload through check sum and COBS, coded and decoded, MB per second of one processor"
        )
        for payload in [64, 240, 656, 2048] {
            let random = megabytesPerSecond(payload: payload, text: false, flowControlSafe: false)
            let text = megabytesPerSecond(payload: payload, text: true, flowControlSafe: false)
            let safe = megabytesPerSecond(payload: payload, text: false, flowControlSafe: true)
            let words = "random \(Int(random)), text \(Int(text)), XON/XOFF-safe \(Int(safe))"
            print("\(payload) bytes: \(words)")
        }
        printCompression()
    }
}
