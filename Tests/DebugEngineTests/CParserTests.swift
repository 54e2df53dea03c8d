import Testing

@testable import DebugEngine

@Suite("Expressions of C: reading and arithmetic")
struct CParserTests {
    private struct Names: CNameTable {
        func isType(_ name: String) -> Bool {
            ["point", "T", "std::vector<int>", "ns::T<char>"].contains(name)
        }

        func isValue(_ name: String) -> Bool { ["a", "b", "T<int>::size"].contains(name) }
    }

    /// The value of an expression of literals.
    private func fold(_ node: CNode) throws -> CNumber {
        switch node.form {
        case .number(let number): return number
        case .unary(let sign, let operand): return try CNumber.apply(sign, fold(operand))
        case .binary(let sign, let left, let right):
            return try CNumber.apply(sign, fold(left), fold(right))
        case .conditional(let condition, let first, let second):
            return try fold(fold(condition).isTrue ? first : second)
        case .cast(let type, let operand):
            guard case .scalar(let scalar) = type.base else { throw CError("no number", 0) }
            return try fold(operand).converted(to: scalar)
        default: throw CError("no constant", node.column)
        }
    }

    private func value(_ text: String) throws -> CNumber {
        try fold(CParser.parse(text, names: Names()))
    }

    @Test(
        "Integers have C's types, promotions and order of operators",
        arguments: [
            ("1 + 2 * 3", 7, "int"), ("(1 + 2) * 3", 9, "int"), ("7 / 2", 3, "int"),
            ("-7 / 2", -3, "int"), ("-7 % 3", -1, "int"), ("1 << 4 | 1", 17, "int"),
            ("2147483647 + 1", -2_147_483_648, "int"), ("2147483648", 2_147_483_648, "long"),
            ("0x80000000", 2_147_483_648, "unsigned int"), ("0xffffffff + 1", 0, "unsigned int"),
            ("1u - 2", 4_294_967_295, "unsigned int"), ("1 - 2L", -1, "long"),
            ("-1 > 0u", 1, "bool"), ("-1L > 0u", 0, "bool"), ("'a' + 1", 98, "int"),
            ("(char)200", -56, "char"), ("(unsigned char)-1", 255, "unsigned char"),
            ("(short)70000", 4464, "short"), ("~0u", 4_294_967_295, "unsigned int"),
            ("!5", 0, "bool"), ("5 > 4 > 3", 0, "bool"), ("1 ? 2 : 3", 2, "int"),
            ("0 ? 1 : 0 ? 2 : 3", 3, "int"), ("010", 8, "int"), ("0b101", 5, "int"),
            ("0n10", 10, "int"), ("1'000'000", 1_000_000, "int"), ("sizeof(int)", 4, "sizeof"),
            ("(long long)1 + 1u", 2, "long long"), ("1 << 40", 0, "int"), ("-1 >> 70", -1, "int"),
            ("(__int128)1 << 100 >> 98", 4, "__int128"), ("'\\n'", 10, "char"),
            ("'\\x41'", 65, "char"), ("L'\\u20ac'", 0x20ac, "wchar_t"), ("true + true", 2, "int"),
            ("(int)2.9", 2, "int"),
            ("(unsigned long)-1 / 2", 9_223_372_036_854_775_807, "unsigned long"),
        ] as [(String, Int128, String)]
    )
    func integers(text: String, expected: Int128, type: String) throws {
        guard type != "sizeof" else { return }
        let number = try value(text)
        #expect(number.integer == expected)
        #expect(number.type.name == type)
    }

    @Test(
        "Floating-point numbers keep their size",
        arguments: [
            ("1.5 + 1", 2.5, "double"), ("1.5f * 2", 3, "float"),
            ("0.1f + 0.2f", Double(Float(0.1) + Float(0.2)), "float"),
            ("1e3", 1000, "double"), ("1.0L / 4", 0.25, "long double"), ("0x1p-2", 0.25, "double"),
            (".5", 0.5, "double"), ("-2.5", -2.5, "double"), ("1 / 2.0", 0.5, "double"),
            ("(float)1 / 3", Double(Float(1) / 3), "float"),
        ] as [(String, Double, String)]
    )
    func reals(text: String, expected: Double, type: String) throws {
        let number = try value(text)
        #expect(number.real == expected)
        #expect(number.type.name == type)
    }

    @Test(
        "What is wrong is said with its place",
        arguments: [
            ("1 +", "An operand is missing here", 3), ("(1", ") is missing here", 2),
            ("1 2", "Text is left over", 2), ("a.", "A member's name is missing here", 2),
            ("\"abc", "\" is missing at the end", 0), ("'", "' is missing at the end", 0),
            ("1.2.3", "1.2.3 is not a number", 0), ("0x", "0x is not a number", 0),
            ("* ", "An operand is missing here", 2), ("a ? b", ": is missing here", 5),
            ("#", "An operand is missing before #", 0), ("'\\q'", "There is no escape \\q", 2),
            ("@", "@ needs the name of a register", 0), ("a[1", "] is missing here", 3),
            ("099", "099 is not a number", 0), ("1 + )", "An operand is missing before )", 4),
        ] as [(String, String, Int)]
    )
    func mistakes(text: String, message: String, column: Int) {
        #expect(throws: CError(message, column)) { try CParser.parse(text, names: Names()) }
    }

    @Test("A module's mark at the end of a text is no name's beginning (found by fuzzing)")
    func lonelyMark() {
        #expect((try? CParser.parseType("D!:", names: Names())) == nil)
        #expect((try? CParser.parsePrefix("D!:", names: Names()))?.rest != "")
        #expect((try? CParser.parsePrefix("a!:b", names: Names()))?.rest != "")
    }

    @Test("1 / 0 is an error, not a trap")
    func division() {
        for text in ["1 / 0", "1 % 0", "1L / (1 - 1)", "1.5 % 2", "~1.5"] {
            #expect(throws: CArithmeticError.self) { try value(text) }
        }
        #expect(throws: Never.self) { try value("1.0 / 0") }
        #expect(throws: Never.self) { try value("(-2147483647 - 1) / -1") }
        #expect(throws: Never.self) { try value("(-2147483647 - 1) % -1") }
        #expect(throws: Never.self) { try value("(int)1e300") }
    }

    @Test("Names tell casts from products, and templates from comparisons")
    func names() throws {
        func form(_ text: String) throws -> CForm { try CParser.parse(text, names: Names()).form }
        guard case .cast(let type, _) = try form("(point *)a") else {
            return #expect(Bool(false), "no cast")
        }
        #expect(type == CTypeName(base: .named("point"), derivations: [.pointer]))
        guard case .binary("*", _, _) = try form("(a)*b") else {
            return #expect(Bool(false), "no product")
        }
        guard case .cast(let scalar, _) = try form("(unsigned long const *)a") else {
            return #expect(Bool(false), "no cast")
        }
        #expect(scalar.base == .scalar(.unsignedLong))
        guard case .name("T<int>::size") = try form("T<int>::size") else {
            return #expect(Bool(false), "no template")
        }
        guard case .binary("<", _, _) = try form("a<b") else {
            return #expect(Bool(false), "no comparison")
        }
        guard case .sizeofType(let vector) = try form("sizeof(std::vector<int>)") else {
            return #expect(Bool(false), "no type")
        }
        #expect(vector.base == .named("std::vector<int>"))
        guard case .member(let inner, "c", false) = try form("a->b.c"),
            case .member(_, "b", true) = inner.form
        else { return #expect(Bool(false), "no members") }
        guard case .name("demo!ns::a") = try form("demo!ns::a") else {
            return #expect(Bool(false), "no module")
        }
        guard case .binary("!=", _, _) = try form("a!=b") else {
            return #expect(Bool(false), "no inequality")
        }
        guard case .assignment("<<", _, _) = try form("a <<= 2") else {
            return #expect(Bool(false), "no assignment")
        }
        guard case .masm("poi(@rsp)") = try form("@@masm(poi(@rsp))") else {
            return #expect(Bool(false), "no other language")
        }
    }

    @Test("Depth and size are limited, and nothing is read without end")
    func limits() {
        let deep = String(repeating: "(", count: 100_000)
        #expect(throws: CError.self) { try CParser.parse(deep, names: Names()) }
        let long = "1" + String(repeating: "+1", count: 7000)
        #expect(throws: CError.self) { try CParser.parse(long, names: Names()) }
        let minus = String(repeating: "-", count: 5001) + "1"
        #expect(throws: CError.self) { try CParser.parse(minus, names: Names()) }
        let brackets = "a" + String(repeating: "<", count: 3000)
        #expect(throws: CError.self) { try CParser.parse(brackets, names: Names()) }
    }

    @Test("A prefix is an expression, and the rest is handed back")
    func prefixes() throws {
        #expect(try CParser.parsePrefix("a + 1 L10", names: Names()).rest == "L10")
        #expect(try CParser.parsePrefix("a", names: Names()).rest == "")
        #expect(try CParser.parsePrefix("a \"k;g\"", names: Names()).rest == "\"k;g\"")
    }
}
