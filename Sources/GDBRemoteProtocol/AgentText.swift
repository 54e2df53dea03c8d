internal import DebugTarget

// What `printf` of an agent expression writes: the directives of C's printf for whole numbers, characters, addresses
// and strings. Arguments are 64 bits wide; the length modifier says how many of them count.

enum AgentText {
    /// The widest field and the longest string that are written.
    private static let widthMax = 512

    static func render(
        _ format: [UInt8],
        _ arguments: [UInt64],
        in context: some AgentContext
    ) throws(AgentFailure) -> [UInt8] {
        var text: [UInt8] = []
        var rest = arguments[...]
        var reader = format[...]
        while let byte = reader.popFirst() {
            guard text.count < AgentExpression.outputBytesMax else { break }
            guard byte == UInt8(ascii: "%") else {
                text.append(byte)
                continue
            }
            let directive = try Directive(reading: &reader)
            if directive.conversion == UInt8(ascii: "%") {
                text.append(byte)
                continue
            }
            guard let argument = rest.popFirst() else { throw .badFormat }
            text += try directive.text(of: argument, in: context)
        }
        return text
    }

    /// `%`, flags, width, precision, length, conversion.
    private struct Directive {
        var isLeft = false
        var isZeroPadded = false
        var isAlternate = false
        var sign: UInt8?
        var width = 0
        var precision: Int?
        /// How many bits of the argument count.
        var bits = 32
        var conversion: UInt8 = 0

        init(reading reader: inout ArraySlice<UInt8>) throws(AgentFailure) {
            flags: while let flag = reader.first {
                switch flag {
                case UInt8(ascii: "-"): isLeft = true
                case UInt8(ascii: "0"): isZeroPadded = true
                case UInt8(ascii: "#"): isAlternate = true
                case UInt8(ascii: "+"): sign = flag
                case UInt8(ascii: " "): sign = sign ?? flag
                case UInt8(ascii: "'"): break
                default: break flags
                }
                reader.removeFirst()
            }
            width = try Directive.number(&reader)
            if reader.first == UInt8(ascii: ".") {
                reader.removeFirst()
                precision = try Directive.number(&reader)
            }
            length: while let modifier = reader.first {
                switch modifier {
                case UInt8(ascii: "h"): bits = bits == 16 ? 8 : 16
                case UInt8(ascii: "l"), UInt8(ascii: "z"), UInt8(ascii: "j"), UInt8(ascii: "t"):
                    bits = 64
                default: break length
                }
                reader.removeFirst()
            }
            guard let last = reader.popFirst() else { throw .badFormat }
            conversion = last
        }

        private static func number(
            _ reader: inout ArraySlice<UInt8>
        ) throws(AgentFailure) -> Int {
            var number = 0
            while let digit = reader.first, (0x30...0x39).contains(digit) {
                number = number * 10 + Int(digit - 0x30)
                guard number <= AgentText.widthMax else { throw .badFormat }
                reader.removeFirst()
            }
            return number
        }

        func text(
            of argument: UInt64,
            in context: some AgentContext
        ) throws(AgentFailure) -> [UInt8] {
            let value = bits == 64 ? argument : argument & (1 << UInt64(bits) - 1)
            switch conversion {
            case UInt8(ascii: "d"), UInt8(ascii: "i"): return padded(signed(value))
            case UInt8(ascii: "u"): return padded(digits(value, radix: 10))
            case UInt8(ascii: "x"): return padded(prefix("0x", value) + digits(value, radix: 16))
            case UInt8(ascii: "X"):
                let upper = String(value, radix: 16, uppercase: true)
                return padded(prefix("0X", value) + lengthened(Array(upper.utf8)))
            case UInt8(ascii: "o"): return padded(prefix("0", value) + digits(value, radix: 8))
            case UInt8(ascii: "p"): return padded(Array("0x".utf8) + digits(argument, radix: 16))
            case UInt8(ascii: "c"): return padded([UInt8(truncatingIfNeeded: value)])
            case UInt8(ascii: "s"): return padded(try string(at: argument, in: context))
            default: throw .badFormat
            }
        }

        private func signed(_ value: UInt64) -> [UInt8] {
            let shift = Int64(64 - bits)
            let number = (Int64(bitPattern: value) << shift) >> shift
            let head: [UInt8] =
                number < 0 ? [UInt8(ascii: "-")] : sign.map { [$0] } ?? []
            return head + digits(number.magnitude, radix: 10)
        }

        private func prefix(_ text: String, _ value: UInt64) -> [UInt8] {
            isAlternate && value != 0 ? Array(text.utf8) : []
        }

        private func digits(_ value: UInt64, radix: Int) -> [UInt8] {
            lengthened(Array(String(value, radix: radix).utf8))
        }

        private func lengthened(_ digits: [UInt8]) -> [UInt8] {
            let missing = max((precision ?? 0) - digits.count, 0)
            return [UInt8](repeating: 0x30, count: missing) + digits
        }

        private func padded(_ text: [UInt8]) -> [UInt8] {
            let missing = width - text.count
            guard missing > 0 else { return text }
            let isNumber = ![UInt8(ascii: "s"), UInt8(ascii: "c")].contains(conversion)
            if isLeft { return text + [UInt8](repeating: 0x20, count: missing) }
            guard isZeroPadded, isNumber, precision == nil else {
                return [UInt8](repeating: 0x20, count: missing) + text
            }
            // Zeros stand behind a sign.
            let head = text.first.map { "+- ".utf8.contains($0) } == true ? 1 : 0
            return Array(text.prefix(head)) + [UInt8](repeating: 0x30, count: missing)
                + text.dropFirst(head)
        }

        private func string(
            at address: UInt64,
            in context: some AgentContext
        ) throws(AgentFailure) -> [UInt8] {
            guard address != 0 else { return Array("(null)".utf8) }
            let limit = min(precision ?? AgentText.widthMax, AgentText.widthMax)
            let bytes = context.memory(at: TargetAddress(address), count: limit)
            guard !bytes.isEmpty || limit == 0 else { throw .unreadable(TargetAddress(address)) }
            return Array(bytes.prefix { $0 != 0 })
        }
    }
}
