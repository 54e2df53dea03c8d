import LinuxSystem
import SerialPort
import Testing

extension HardwareTests {
    @Suite("A port with a loopback plug")
    struct LoopbackTests {
        @Test("gets back every byte that it sends, at every rate of the rig")
        func echo() throws {
            if Rig.lacks("loopback plug", { !$0.loopbacks.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for path in rig.loopbacks {
                for rate in rig.rates {
                    let port = try openPort(path, rate)
                    let bytes = (0..<max(256, rate / 20)).map {
                        UInt8(truncatingIfNeeded: $0 &* 37)
                    }
                    #expect(
                        try transfer(bytes, from: port, to: port) == bytes,
                        "\(path) at \(rate)"
                    )
                    port.close()
                }
            }
        }

        @Test("takes as long as the baud rate says, within a tenth")
        func duration() throws {
            if Rig.lacks("loopback plug", { !$0.loopbacks.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for path in rig.loopbacks {
                let port = try openPort(path, 9600)
                defer { port.close() }
                let start = monotonicNanoseconds()
                _ = try transfer([UInt8](repeating: 0x55, count: 960), from: port, to: port)
                let milliseconds = (monotonicNanoseconds() - start) / 1_000_000
                #expect(950...1150 ~= milliseconds, "\(path): 960 bytes took \(milliseconds) ms")
            }
        }
    }
}
