import LinuxSystem
import SerialPort
import Testing

extension HardwareTests {
    @Suite("Two ports joined by a null-modem cable")
    struct NullModemTests {
        @Test("carry bytes unchanged in both directions, at every rate of the rig")
        func bothWays() throws {
            if Rig.lacks("null-modem cable", { !$0.pairs.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for (first, second) in rig.pairs {
                for rate in rig.rates {
                    let one = try openPort(first, rate)
                    let two = try openPort(second, rate)
                    let bytes = (0..<max(256, rate / 20)).map {
                        UInt8(truncatingIfNeeded: $0 &* 101)
                    }
                    #expect(try transfer(bytes, from: one, to: two) == bytes, "\(first) at \(rate)")
                    #expect(
                        try transfer(bytes, from: two, to: one) == bytes,
                        "\(second) at \(rate)"
                    )
                    one.close()
                    two.close()
                }
            }
        }

        @Test("count damaged bytes when their rates differ, where the driver counts")
        func mismatch() throws {
            if Rig.lacks("null-modem cable", { !$0.pairs.isEmpty }) { return }
            let rig = try #require(Rig.current)
            for (first, second) in rig.pairs {
                let one = try openPort(first, 9600)
                let two = try openPort(second, 115_200)
                defer {
                    one.close()
                    two.close()
                }
                let before = two.descriptor.lineCounters
                let sent = [UInt8](repeating: 0x00, count: 200)
                #expect(try transfer(sent, from: one, to: two) != sent)
                guard let before, let after = two.descriptor.lineCounters else {
                    print("\(second): the driver does not count errors")
                    continue
                }
                #expect(after.frameErrors + after.breaks > before.frameErrors + before.breaks)
            }
        }
    }
}
