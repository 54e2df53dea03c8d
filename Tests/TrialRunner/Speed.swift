import ChannelMux
import Dispatch
import WireCore

/// How fast the engine codes and decodes frames, on one processor.
enum Speed {
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
        let start = DispatchTime.now().uptimeNanoseconds
        var elapsed: UInt64 = 0
        while elapsed < 1_000_000_000 {
            for _ in 0..<100 where !bench.codeAndDecode() { fatalError("a frame came out damaged") }
            frames += 100
            elapsed = DispatchTime.now().uptimeNanoseconds - start
        }
        return Double(frames * payload) * 1000 / Double(elapsed)
    }

    static func run() {
        print("payload through check sum and COBS, coded and decoded, MB/s on one processor")
        for payload in [64, 240, 656, 2048] {
            let random = megabytesPerSecond(payload: payload, text: false, flowControlSafe: false)
            let text = megabytesPerSecond(payload: payload, text: true, flowControlSafe: false)
            let safe = megabytesPerSecond(payload: payload, text: false, flowControlSafe: true)
            let words = "random \(Int(random)), text \(Int(text)), XON/XOFF-safe \(Int(safe))"
            print("\(payload) bytes: \(words)")
        }
    }
}
