internal import DebugEngine

let evaluationCommands: [Command] = [
    Command(
        names: ["?"],
        usage: "? [Expression]",
        summary: "evaluate an expression; without one, show help",
        details: """
            Numbers are hexadecimal unless they begin with 0n (decimal), 0t (octal) or 0y (binary).
            Registers: @rax. Symbols: main, module!name. Source lines: `file.c:12`. Memory: poi(A) or
            qwo(A), dwo(A), wo(A), by(A). Operators: + - * / % << >> & | ^ = == != < > <= >= and not.
            $scmp("a", "b"), $sicmp, $spat("text", "pattern"), $vvalid(Address, Count); @@c++( ) is an
            expression of C, .expr chooses the language.
            """,
        run: { call in
            guard !call.isAtEnd else { return try call.interpreter.run(".help") }
            let value = try call.expression()
            try call.requireEnd()
            let signed = Int64(bitPattern: value)
            call.output.line("Evaluate expression: \(signed) = \(Format.address(value))")
        }
    ),
    Command(
        names: [".formats"],
        usage: ".formats Expression",
        summary: "show a number in all formats",
        run: { call in
            let value = try call.expression()
            try call.requireEnd()
            formatLines(value).forEach { call.output.line($0) }
        }
    ),
    Command(
        names: ["n"],
        usage: "n [8|10|16]",
        summary: "show or set the radix of plain numbers",
        run: { call in
            switch call.word() {
            case nil: break
            case "8": call.session.radix = 8
            case "10": call.session.radix = 10
            case "16": call.session.radix = 16
            case let other?:
                throw EngineError.sentence("The radix is 8, 10 or 16, not \(other)")
            }
            try call.requireEnd()
            call.output.line("base is \(call.session.radix)")
        }
    ),
]

private func formatLines(_ value: UInt64) -> [String] {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    let binary = bytes.map { Format.leftPad(String($0, radix: 2), to: 8, with: "0") }
    let low = Float(bitPattern: UInt32(truncatingIfNeeded: value))
    let high = Float(bitPattern: UInt32(truncatingIfNeeded: value >> 32))
    var lines = [
        "Evaluate expression:",
        "  Hex:     \(Format.address(value))",
        "  Decimal: \(Int64(bitPattern: value))",
        "  Decimal (unsigned) : \(value)",
        "  Octal:   \(Format.leftPad(String(value, radix: 8), to: 22, with: "0"))",
        "  Binary:  \(binary.joined(separator: " "))",
        "  Chars:   \(String(bytes.map { Format.printable($0) }))",
    ]
    if value >> 63 == 0 { lines.removeAll { $0.contains("unsigned") } }
    if value < 1 << 32 {
        lines.append("  Time:    \(TimeText.date(Int64(value)))")
    }
    lines.append(
        "  Float:   low \(FloatText.general(Double(low), digits: 6))"
            + " high \(FloatText.general(Double(high), digits: 6))"
    )
    lines.append(
        "  Double:  \(FloatText.general(Double(bitPattern: value), digits: 6))"
    )
    return lines
}
