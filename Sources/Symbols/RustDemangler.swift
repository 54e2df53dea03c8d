/// Rust's own mangling, "v0" (RFC 2603): `_RNvCs1234_5crate4main` is `crate::main`.
///
/// Back references may make a short name long; what is written and how deep it nests is limited.
struct RustDemangler {
    /// How many bytes a demangled name has at the most.
    static let lengthMax = 8192
    static let depthMax = 96
    /// How many pieces are read, those behind back references each time.
    static let stepsMax = 20_000

    private let text: [UInt8]
    private var position = 0
    private var depth = 0
    private var steps = 0
    private var result = ""

    private init(_ text: [UInt8]) {
        self.text = text
    }

    /// The name that people wrote; nil for a name that is not mangled so.
    static func demangle(_ name: String) -> String? {
        guard name.hasPrefix("_R"), name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        var demangler = RustDemangler(Array(name.utf8.dropFirst(2)))
        guard demangler.path(inValue: true) else { return nil }
        return demangler.result
    }

    // MARK: Reading

    private var current: UInt8? { position < text.count ? text[position] : nil }

    private mutating func next() -> UInt8? {
        guard let byte = current else { return nil }
        position += 1
        return byte
    }

    private mutating func take(_ character: Character) -> Bool {
        guard let byte = character.asciiValue, current == byte else { return false }
        position += 1
        return true
    }

    private mutating func write(_ piece: String) -> Bool {
        result += piece
        return result.utf8.count <= Self.lengthMax
    }

    /// Goes one level deeper; false where that is too deep or has taken too long.
    private mutating func nested(_ body: (inout RustDemangler) -> Bool) -> Bool {
        depth += 1
        steps += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax, steps <= Self.stepsMax else { return false }
        return body(&self)
    }

    /// A number of base 62, with `_` at its end; `_` alone is 0.
    private mutating func number62() -> UInt64? {
        if take("_") { return 0 }
        var value: UInt64 = 0
        while let byte = next() {
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - 48)
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt64(byte - 97) + 10
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt64(byte - 65) + 36
            case UInt8(ascii: "_"): return value == UInt64.max ? nil : value + 1
            default: return nil
            }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 62)
            let (sum, overflows) = product.addingReportingOverflow(digit)
            guard !isTooLarge, !overflows else { return nil }
            value = sum
        }
        return nil
    }

    private mutating func optionalNumber(_ tag: Character) -> UInt64? {
        guard take(tag) else { return 0 }
        return number62().flatMap { $0 == UInt64.max ? nil : $0 + 1 }
    }

    private mutating func decimal() -> Int? {
        guard let first = current, (48...57).contains(first) else { return nil }
        if take("0") { return 0 }
        var value = 0
        while let byte = current, (48...57).contains(byte), value < 1 << 20 {
            value = value * 10 + Int(byte - 48)
            position += 1
        }
        return value
    }

    /// An identifier and the number that tells it from others of its name.
    private mutating func identifier() -> (name: String, number: UInt64)? {
        guard let number = optionalNumber("s"), let name = plainIdentifier() else { return nil }
        return (name, number)
    }

    private mutating func plainIdentifier() -> String? {
        let isUnicode = take("u")
        guard let count = decimal() else { return nil }
        _ = take("_")
        guard count <= text.count - position else { return nil }
        let bytes = text[position..<position + count]
        position += count
        let name = String(decoding: bytes, as: UTF8.self)
        // What Punycode stands for is not worth the code: it is shown as it is.
        return isUnicode ? "punycode{\(name)}" : name
    }

    /// Reads on at an earlier place, then goes on here.
    private mutating func backReference(_ body: (inout RustDemangler) -> Bool) -> Bool {
        let start = position - 1
        guard let place = number62(), place < UInt64(start) else { return false }
        let saved = position
        position = Int(place)
        let isGood = nested(body)
        position = saved
        return isGood
    }

    // MARK: Paths

    private mutating func path(inValue: Bool) -> Bool {
        nested { $0.pathInside(inValue: inValue) }
    }

    private mutating func pathInside(inValue: Bool) -> Bool {
        switch next().map({ Character(UnicodeScalar($0)) }) {
        case "C": return identifier().map { write($0.name) } ?? false
        case "M": return skipImplementation() && write("<") && type() && write(">")
        case "X":
            return skipImplementation() && write("<") && type() && write(" as ")
                && path(inValue: false) && write(">")
        case "Y":
            return write("<") && type() && write(" as ") && path(inValue: false) && write(">")
        case "N": return nestedPath(inValue: inValue)
        case "I":
            guard path(inValue: inValue), write(inValue ? "::<" : "<") else { return false }
            return list { $0.genericArgument() } && write(">")
        case "B": return backReference { $0.path(inValue: inValue) }
        default: return false
        }
    }

    private mutating func nestedPath(inValue: Bool) -> Bool {
        guard let space = next(), path(inValue: inValue), let (name, number) = identifier() else {
            return false
        }
        switch space {
        case UInt8(ascii: "C"): return write("::{closure#\(number)}")
        case UInt8(ascii: "S"): return write("::{shim:\(name)#\(number)}")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return write("::{\(name)#\(number)}")
        default: return name.isEmpty || write("::\(name)")
        }
    }

    /// Where an implementation stands says nothing to people.
    private mutating func skipImplementation() -> Bool {
        guard optionalNumber("s") != nil else { return false }
        let kept = result
        let isGood = path(inValue: false)
        result = kept
        return isGood
    }

    /// Items up to `E`, with commas between them.
    private mutating func list(_ item: (inout RustDemangler) -> Bool) -> Bool {
        var isFirst = true
        while !take("E") {
            guard current != nil, isFirst || write(", "), item(&self) else { return false }
            isFirst = false
        }
        return true
    }

    private mutating func genericArgument() -> Bool {
        if take("L") { return number62().map { write($0 == 0 ? "'_" : "'\($0)") } ?? false }
        if take("K") { return constant() }
        return type()
    }

    // MARK: Types

    private static let basics: [Character: String] = [
        "b": "bool", "c": "char", "e": "str", "u": "()", "a": "i8", "s": "i16", "l": "i32",
        "x": "i64",
        "n": "i128", "i": "isize", "h": "u8", "t": "u16", "m": "u32", "y": "u64", "o": "u128",
        "j": "usize", "f": "f32", "d": "f64", "z": "!", "p": "_", "v": "...",
    ]

    private mutating func type() -> Bool { nested { $0.typeInside() } }

    private mutating func typeInside() -> Bool {
        guard let byte = next() else { return false }
        let tag = Character(UnicodeScalar(byte))
        if let name = Self.basics[tag] { return write(name) }
        switch tag {
        case "A": return write("[") && type() && write("; ") && constant() && write("]")
        case "S": return write("[") && type() && write("]")
        case "T": return write("(") && list { $0.type() } && write(")")
        case "R": return write("&") && lifetime() && type()
        case "Q": return write("&mut ") && lifetime() && type()
        case "P": return write("*const ") && type()
        case "O": return write("*mut ") && type()
        case "F": return function()
        case "D": return dynamic()
        case "B": return backReference { $0.type() }
        default:
            position -= 1
            return path(inValue: false)
        }
    }

    private mutating func lifetime() -> Bool { !take("L") || number62() != nil }

    private mutating func function() -> Bool {
        guard optionalNumber("G") != nil else { return false }
        if take("U"), !write("unsafe ") { return false }
        if take("K") {
            let name = take("C") ? "C" : plainIdentifier()
            guard let name, write("extern \"\(name)\" ") else { return false }
        }
        guard write("fn("), list({ $0.type() }), write(")") else { return false }
        return take("u") || write(" -> ") && type()
    }

    private mutating func dynamic() -> Bool {
        guard write("dyn "), optionalNumber("G") != nil else { return false }
        var isFirst = true
        while !take("E") {
            guard current != nil, isFirst || write(" + "), path(inValue: false) else {
                return false
            }
            isFirst = false
            while take("p") {
                guard let name = plainIdentifier(), write("<\(name) = "), type(), write(">") else {
                    return false
                }
            }
        }
        return take("L") && number62() != nil
    }

    private mutating func constant() -> Bool { nested { $0.constantInside() } }

    private mutating func constantInside() -> Bool {
        if take("p") { return write("_") }
        if take("B") { return backReference { $0.constant() } }
        guard next() != nil else { return false }
        let sign = take("n") ? "-" : ""
        var digits = ""
        while let byte = next() {
            if byte == UInt8(ascii: "_") {
                let value = UInt64(digits, radix: 16)
                return write(sign + (digits.isEmpty ? "0" : value.map { "\($0)" } ?? "0x\(digits)"))
            }
            digits.append(Character(UnicodeScalar(byte)))
        }
        return false
    }
}
