import DebugEngine
import Testing

private struct Context: ExpressionContext {
    var radix = 16

    func registerValue(_ name: String) -> UInt64? {
        ["rax": 0x10, "rsp": 0x1000, "ab": 7][name]
    }

    func pseudoRegisterValue(_ name: String) -> UInt64? { name == "$ip" ? 0x4000 : nil }

    func symbolValue(_ name: String) -> UInt64? {
        ["main": 0x5000, "demo!main": 0x5000, "add": 0x5100, "Foo::bar": 0x5200, "~odd": 1][name]
    }

    func sourceLineValue(file: String, line: Int) -> UInt64? {
        file == "demo.c" && line == 12 ? 0x5010 : nil
    }

    func expressionMemory(at address: UInt64, count: Int) throws -> [UInt8] {
        guard address == 0x1000 else { throw EngineError(.memoryAccess, "\(address)") }
        return Array([UInt8](1...8).prefix(count))
    }

    func embeddedValue(_ text: String) throws -> UInt64 { UInt64(text.utf8.count) }
}

@Suite("ExpressionEvaluator")
struct ExpressionEvaluatorTests {
    @Test(
        "Numbers, operators and their order",
        arguments: [
            ("10", 0x10), ("0n10", 10), ("0x1f", 0x1f), ("0t17", 15), ("0y101", 5), ("1fh", 0x1f),
            ("00007ff6`12345678", 0x7ff6_1234_5678), ("1+2*3", 7), ("(1+2)*3", 9),
            ("-1", UInt64.max),
            ("10-1", 0xf), ("7 & 3 | 8", 0xb), ("1 << 4", 0x10), ("10 >> 4", 1), ("not 0", 1),
            ("5 = 5", 1), ("5 == 6", 0), ("5 != 6", 1), ("3 < 4", 1), ("ff / 10", 0xf),
            ("ff % 10", 0xf), ("ff mod 10", 0xf), ("6 xor 3", 5), ("~0", UInt64.max),
            ("ffffffffffffffff + 2", 1), ("hi(12345678)", 0x1234), ("low(12345678)", 0x5678),
            ("8000000000000000 >>> 3f", UInt64.max), ("1 << 40", 0),
        ] as [(String, UInt64)]
    )
    func arithmetic(text: String, value: UInt64) throws {
        #expect(try ExpressionEvaluator.evaluate(text, in: Context()) == value)
    }

    @Test(
        "Registers, symbols, source lines and memory",
        arguments: [
            ("@rax", 0x10), ("rax+1", 0x11), ("@$ip", 0x4000), ("$ip", 0x4000), (".", 0x4000),
            ("main", 0x5000), ("demo!main+4", 0x5004), ("Foo::bar", 0x5200),
            ("`demo.c:12`", 0x5010), ("poi(rsp)", 0x0807_0605_0403_0201),
            ("dwo(@rsp)", 0x0403_0201),
            ("wo(rsp)", 0x201), ("by(rsp)", 1), ("qwo rsp", 0x0807_0605_0403_0201),
            ("@!\"~odd\"", 1), ("@@c++(a.b(1)) + 1", 7), ("@@masm(10)", 0x10), ("@@(1+1)*2", 4),
            ("$scmp(\"a\", \"a\")", 0), ("$scmp(\"a\", \"b\")", UInt64.max),
            ("$sicmp(\"A\", \"a\")", 0), ("$spat(\"demo.so\", \"*.so\")", 1),
            ("$vvalid(1000, 4)", 1), ("$vvalid(2000, 4)", 0),
        ] as [(String, UInt64)]
    )
    func names(text: String, value: UInt64) throws {
        #expect(try ExpressionEvaluator.evaluate(text, in: Context()) == value)
    }

    @Test("A word of hexadecimal letters is a symbol when there is one, or a number")
    func ambiguousWords() throws {
        #expect(try ExpressionEvaluator.evaluate("add", in: Context()) == 0x5100)
        #expect(try ExpressionEvaluator.evaluate("face", in: Context()) == 0xface)
        #expect(try ExpressionEvaluator.evaluate("ab", in: Context()) == 0xab)
        #expect(try ExpressionEvaluator.evaluate("@ab", in: Context()) == 7)
        #expect(try ExpressionEvaluator.evaluate("10", in: Context(radix: 10)) == 10)
    }

    @Test("An expression ends where another begins")
    func prefixes() throws {
        let (value, rest) = try ExpressionEvaluator.evaluatePrefix("rsp L10", in: Context())
        #expect(value == 0x1000 && rest == " L10")
        let (first, tail) = try ExpressionEvaluator.evaluatePrefix("1 2 3", in: Context())
        #expect(first == 1 && tail == " 2 3")
        let (_, quoted) = try ExpressionEvaluator.evaluatePrefix("main \"k;g\"", in: Context())
        #expect(quoted == " \"k;g\"")
    }

    @Test(
        "What is wrong is named",
        arguments: [
            ("nosuch", .unresolved), ("@nosuch", .badRegister), ("(1", .syntax), ("1+", .syntax),
            ("`demo.c`", .syntax), ("poi(0)", .memoryAccess), ("1 2", .extraCharacters),
            ("1/0", .sentence), ("`demo.c:99`", .unresolved), (")", .syntax),
        ] as [(String, EngineError.Kind)]
    )
    func errors(text: String, kind: EngineError.Kind) {
        let error = #expect(throws: EngineError.self) {
            try ExpressionEvaluator.evaluate(text, in: Context())
        }
        #expect(error?.kind == kind)
    }

    @Test("Nesting has a limit, and no text traps")
    func hostileTexts() {
        let deep = String(repeating: "(", count: 100_000)
        #expect(throws: EngineError.self) {
            try ExpressionEvaluator.evaluate(deep, in: Context())
        }
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("09afx`@$.!()+-*/<>=&|^~ Lnpoi\"mod:;[]")
        for _ in 0..<5000 {
            let text = String(
                (0..<12).map { _ in alphabet.randomElement(using: &generator) ?? " " }
            )
            _ = try? ExpressionEvaluator.evaluate(text, in: Context())
        }
    }
}
