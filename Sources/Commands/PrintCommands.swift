internal import DebugEngine

/// How soon `.sleep` notices Ctrl+C, in milliseconds.
private let sleepSliceMilliseconds: UInt64 = 100

let printCommands: [Command] = [
    Command(
        names: [".echo"],
        usage: ".echo Text, .echo \"Text\"",
        summary: "print a text",
        run: { call in
            let text = try call.quoted()
            call.output.line((text ?? "") + call.remainder())
        }
    ),
    Command(
        names: [".sleep"],
        usage: ".sleep Milliseconds",
        summary: "wait; Ctrl+C ends it",
        run: { call in
            var left = try call.expression()
            try call.requireEnd()
            while left > 0 {
                try call.checkInterrupt()
                let slice = min(left, sleepSliceMilliseconds)
                call.interpreter.environment.pause(milliseconds: Int(slice))
                left -= slice
            }
        }
    ),
    Command(
        names: [".printf"],
        usage: ".printf \"Format\" [, Value ...]",
        summary: "print values as a format has it",
        details: """
            Like C's printf without a newline of its own: %d %i %u %x %X %o %c %p %e %f %g %%, with flags,
            width and precision; numbers are 64 bits wide, with h, hh or l of 16, 8 and 32. In addition
            %ma and %mu the text (8 or 16 bits a character) at an address, %msa and %msu the same of a
            counted one, %s as %ma, %N an address without its `, %y a symbol with its offset, %ly with its
            source line, %t a time in seconds since 1970.
            """,
        run: { try printFormatted(&$0) }
    ),
    Command(
        names: [".echotime"],
        usage: ".echotime",
        summary: "print the time",
        run: { call in
            try call.requireEnd()
            call.output.line(
                "Debugger (not debuggee) time: \(call.interpreter.environment.timeText)"
            )
        }
    ),
    Command(
        names: [".echotimestamps"],
        usage: ".echotimestamps [0|1]",
        summary: "whether events are printed with their time",
        run: { call in
            let session = call.session
            session.showsEventTimes =
                call.isAtEnd
                ? !session.showsEventTimes : try call.expression() != 0
            try call.requireEnd()
            call.output.line(
                "Event timestamps are now \(session.showsEventTimes ? "enabled" : "disabled")"
            )
        }
    ),
]

private func printFormatted(_ call: inout CommandCall) throws {
    while call.take("/D") || call.take("/o") || call.take("/oi") {}
    guard let format = try call.quoted() else {
        throw EngineError.sentence(".printf needs a format in double quotes: \(call.usage)")
    }
    var text = ""
    var rest = format[...]
    while let character = rest.popFirst() {
        guard character == "%" else {
            text.append(character)
            continue
        }
        guard let conversion = PrintfConversion(&rest) else {
            throw EngineError.sentence(".printf does not know the conversion at '%\(rest)'")
        }
        text += try converted(conversion, &call)
    }
    call.skipSpaces()
    if call.rest.first == "," { throw EngineError(.extraCharacters, call.rest) }
    try call.requireEnd()
    call.output.write(text, .normal)
}

private func nextValue(_ call: inout CommandCall) throws -> UInt64 {
    call.skipSpaces()
    guard call.rest.first == "," else {
        throw EngineError.sentence(".printf has fewer values than its format wants")
    }
    call.rest.removeFirst()
    return try call.expression()
}

private func converted(_ conversion: PrintfConversion, _ call: inout CommandCall) throws -> String {
    var conversion = conversion
    if conversion.kind == "%" { return "%" }
    if conversion.takesWidth { conversion.width = Int(clamping: try nextValue(&call)) }
    if conversion.takesPrecision { conversion.precision = Int(clamping: try nextValue(&call)) }
    // A width is for columns of a screen.
    conversion.width = min(conversion.width, PrintfConversion.widthMax)
    let value = try nextValue(&call)
    let session = call.session
    switch conversion.kind {
    case "a", "s": return conversion.padded(try session.text(at: value, isWide: false))
    case "U", "S": return conversion.padded(try session.text(at: value, isWide: true))
    case "y":
        let name = session.symbolText(value) ?? Format.address(value)
        let line =
            conversion.isLong
            ? session.currentProcess.map { session.sourceSuffix(value, in: $0) } : nil
        return conversion.padded(name + (line ?? ""))
    case "t": return conversion.padded(TimeText.date(Int64(clamping: value)))
    default: return conversion.number(value)
    }
}

/// One conversion of a format.
struct PrintfConversion {
    /// The widest field.
    static let widthMax = 1024

    /// The letter; `a` for %ma, `U` for %mu.
    var kind: Character = "%"
    var width = 0
    var precision: Int?
    var takesWidth = false
    var takesPrecision = false
    var isLong = false
    private var flags: Set<Character> = []
    private var size = 8

    /// Reads what follows a `%`; nil when it is none.
    init?(_ rest: inout Substring) {
        while let flag = rest.first, "-+ #0".contains(flag) {
            flags.insert(flag)
            rest.removeFirst()
        }
        if rest.first == "*" {
            takesWidth = true
            rest.removeFirst()
        } else {
            width = Self.number(&rest) ?? 0
        }
        if rest.first == "." {
            rest.removeFirst()
            if rest.first == "*" {
                takesPrecision = true
                rest.removeFirst()
            } else {
                precision = Self.number(&rest) ?? 0
            }
        }
        guard takeSize(&rest), let letter = rest.popFirst(),
            "%diuxXocpNefgGEsSyatU".contains(letter)
        else { return nil }
        kind = letter
    }

    private static func number(_ rest: inout Substring) -> Int? {
        let digits = rest.prefix { $0.isNumber }
        rest = rest.dropFirst(digits.count)
        return Int(digits)
    }

    private mutating func takeSize(_ rest: inout Substring) -> Bool {
        if rest.hasPrefix("msa") || rest.hasPrefix("msu") || rest.hasPrefix("ma")
            || rest.hasPrefix("mu")
        {
            rest = rest.dropFirst(rest.hasPrefix("ms") ? 2 : 1)
            let isWide = rest.first == "u"
            rest = (isWide ? "U" : "a") + rest.dropFirst()
            return true
        }
        for (text, bytes) in [("I64", 8), ("ll", 8), ("hh", 1), ("h", 2), ("l", 4), ("w", 8)]
        where rest.hasPrefix(text) {
            rest = rest.dropFirst(text.count)
            isLong = text == "l"
            size = bytes
            return true
        }
        return true
    }

    /// The text in its field.
    func padded(_ text: String) -> String {
        let cut = precision.map { String(text.prefix($0)) } ?? text
        return flags.contains("-") ? Format.pad(cut, to: width) : Format.leftPad(cut, to: width)
    }

    /// A number in its field.
    func number(_ value: UInt64) -> String {
        let mask = size == 8 ? UInt64.max : (1 << UInt64(size * 8)) - 1
        let unsigned = value & mask
        switch kind {
        case "d", "i":
            let shift = UInt64(64 - size * 8)
            return signed(Int64(bitPattern: unsigned << shift) >> Int64(shift))
        case "u": return field(String(unsigned), sign: "")
        case "x": return field(String(unsigned, radix: 16), sign: flags.contains("#") ? "0x" : "")
        case "X":
            let text = String(unsigned, radix: 16, uppercase: true)
            return field(text, sign: flags.contains("#") ? "0X" : "")
        case "o": return field(String(unsigned, radix: 8), sign: flags.contains("#") ? "0" : "")
        case "c":
            let scalar = UnicodeScalar(UInt32(truncatingIfNeeded: unsigned)) ?? " "
            return padded(String(Character(scalar)))
        case "p": return padded(Format.address(value))
        case "N": return padded(Format.hex(value, width: 16))
        default:
            let number = Double(bitPattern: value)
            return padded(FloatText.general(number, digits: max(1, precision ?? 6)))
        }
    }

    private func signed(_ value: Int64) -> String {
        let sign = value < 0 ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : ""
        return field(String(value.magnitude), sign: sign)
    }

    private func field(_ digits: String, sign: String) -> String {
        let wanted = Format.leftPad(digits, to: min(precision ?? 0, Self.widthMax), with: "0")
        if flags.contains("-") { return Format.pad(sign + wanted, to: width) }
        if flags.contains("0"), precision == nil {
            return sign + Format.leftPad(wanted, to: width - sign.count, with: "0")
        }
        return Format.leftPad(sign + wanted, to: width)
    }
}
