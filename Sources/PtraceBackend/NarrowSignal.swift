// `siginfo_t` of a process of 32 bits (sigaction(2), <asm-generic/siginfo.h>). Behind the number, the error and the code
// comes a union, at once with 32 bits and after 4 bytes of padding with 64; which member of it counts follows from the
// number and the code. Addresses, values and times are 4 bytes wide instead of 8.

enum NarrowSignal {
    /// A field: where it is with 64 and with 32 bits, and how wide there.
    private struct Field {
        var wide: Int
        var narrow: Int
        var wideCount = 4
        var narrowCount = 4
    }

    private static let sender = [Field(wide: 16, narrow: 12), Field(wide: 20, narrow: 16)]
    private static let value = Field(wide: 24, narrow: 20, wideCount: 8)
    private static let fault = [
        Field(wide: 16, narrow: 12, wideCount: 8),
        // si_addr_lsb
        Field(wide: 24, narrow: 16, wideCount: 2, narrowCount: 2),
    ]
    private static let child =
        sender + [
            Field(wide: 24, narrow: 20), Field(wide: 32, narrow: 24, wideCount: 8),
            Field(wide: 40, narrow: 28, wideCount: 8),
        ]
    private static let poll = [
        Field(wide: 16, narrow: 12, wideCount: 8), Field(wide: 24, narrow: 16),
    ]
    /// The call's address, number and architecture.
    private static let systemCall = [
        Field(wide: 16, narrow: 12, wideCount: 8), Field(wide: 24, narrow: 16),
        Field(wide: 28, narrow: 20),
    ]

    private static func fields(_ number: Int32, _ code: Int32) -> [Field] {
        let common = [0, 4, 8].map { Field(wide: $0, narrow: $0) }
        // From kill(2), sigqueue(3), a timer, and other codes that are not the kernel's.
        guard code > 0, code != 0x80 else { return common + sender + [value] }
        switch number {
        case 4, 5, 7, 8, 11: return common + fault
        case 17: return common + child
        case 29: return common + poll
        case 31: return common + systemCall
        default: return common + sender + [value]
        }
    }

    /// The layout of 32 bits, in 128 bytes.
    static func narrow(_ bytes: [UInt8]) -> [UInt8] {
        convert(bytes, SignalFields.number(bytes), SignalFields.code(bytes)) {
            (($0.wide, $0.wideCount), ($0.narrow, $0.narrowCount))
        }
    }

    /// The layout of 64 bits.
    static func widen(_ bytes: [UInt8]) -> [UInt8] {
        convert(bytes, SignalFields.number(bytes), SignalFields.code(bytes)) {
            (($0.narrow, $0.narrowCount), ($0.wide, $0.wideCount))
        }
    }

    private typealias Place = (offset: Int, count: Int)

    private static func convert(
        _ bytes: [UInt8],
        _ number: Int32,
        _ code: Int32,
        _ places: (Field) -> (from: Place, to: Place)
    ) -> [UInt8] {
        var converted = [UInt8](repeating: 0, count: bytes.count)
        for field in fields(number, code) {
            let (from, to) = places(field)
            for index in 0..<min(from.count, to.count) {
                converted[to.offset + index] = bytes[from.offset + index]
            }
        }
        return converted
    }
}
