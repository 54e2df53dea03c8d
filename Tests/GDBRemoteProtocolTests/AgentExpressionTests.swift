import DebugTarget
import GDBRemoteProtocol
import Testing

/// Two registers and 256 bytes of memory from 0x1000 on, each byte its own low address.
private struct Context: AgentContext {
    func register(_ number: Int) -> UInt64? {
        switch number {
        case 0: 0x1010
        case 0x102: UInt64.max
        default: nil
        }
    }

    func memory(at address: TargetAddress, count: Int) -> [UInt8] {
        guard (0x1000..<0x1100).contains(address.rawValue) else { return [] }
        let start = Int(address.rawValue - 0x1000)
        return (start..<min(start + count, 256)).map { UInt8($0) }
    }
}

private func value(_ bytes: [UInt8]) throws -> UInt64 {
    try AgentExpression(bytes).evaluate(in: Context()).value
}

private func failure(_ bytes: [UInt8]) -> AgentFailure? {
    do throws(AgentFailure) {
        _ = try AgentExpression(bytes).evaluate(in: Context())
        return nil
    } catch {
        return error
    }
}

/// const8 a, const8 b, the instruction, end.
private func binary(_ opcode: UInt8, _ left: UInt8, _ right: UInt8) throws -> UInt64 {
    try value([0x22, left, 0x22, right, opcode, 0x27])
}

/// -n as the expressions have it: 0 - n.
private func negative(_ number: UInt8) -> [UInt8] { [0x22, 0, 0x22, number, 0x03] }

@Suite struct AgentExpressionTests {
    @Test("arithmetic, signed and unsigned")
    func arithmetic() throws {
        #expect(try binary(0x02, 200, 100) == 300)
        #expect(try binary(0x03, 1, 2) == .max)
        #expect(try binary(0x04, 20, 20) == 400)
        #expect(try binary(0x06, 200, 7) == 28)
        #expect(try binary(0x08, 200, 7) == 4)
        let minusSeven = negative(7)
        #expect(try value(minusSeven + [0x22, 2, 0x05, 0x27]) == UInt64(bitPattern: -3))
        #expect(try value(minusSeven + [0x22, 2, 0x07, 0x27]) == UInt64(bitPattern: -1))
        #expect(try value(minusSeven + [0x22, 2, 0x06, 0x27]) == (UInt64.max - 6) / 2)
        let least: [UInt8] = [0x25, 0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(try value(least + negative(1) + [0x05, 0x27]) == 1 << 63)
        #expect(try value(least + negative(1) + [0x07, 0x27]) == 0)
    }

    @Test(
        "division by zero is a failure, not a trap",
        arguments: [0x05, 0x06, 0x07, 0x08] as [UInt8]
    )
    func divisionByZero(opcode: UInt8) {
        #expect(failure([0x22, 5, 0x22, 0, opcode, 0x27]) == .divisionByZero)
    }

    @Test("bits, shifts by more than there are, and comparisons")
    func bits() throws {
        #expect(try binary(0x09, 1, 63) == 1 << 63)
        #expect(try binary(0x09, 1, 64) == 0)
        #expect(try value(negative(8) + [0x22, 1, 0x0a, 0x27]) == UInt64(bitPattern: -4))
        #expect(try value(negative(8) + [0x22, 200, 0x0a, 0x27]) == .max)
        #expect(try value(negative(1) + [0x22, 60, 0x0b, 0x27]) == 15)
        #expect(try value(negative(1) + [0x22, 64, 0x0b, 0x27]) == 0)
        #expect(try binary(0x0f, 0b1100, 0b1010) == 0b1000)
        #expect(try binary(0x10, 0b1100, 0b1010) == 0b1110)
        #expect(try binary(0x11, 0b1100, 0b1010) == 0b0110)
        #expect(try value([0x22, 0, 0x12, 0x27]) == .max)
        #expect(try value([0x22, 0, 0x0e, 0x27]) == 1)
        #expect(try value([0x22, 9, 0x0e, 0x27]) == 0)
        #expect(try binary(0x13, 4, 4) == 1)
        #expect(try value(negative(1) + [0x22, 1, 0x14, 0x27]) == 1)
        #expect(try value(negative(1) + [0x22, 1, 0x15, 0x27]) == 0)
    }

    @Test("constants are big-endian, memory little-endian, and extensions cut")
    func widths() throws {
        #expect(try value([0x23, 0x12, 0x34, 0x27]) == 0x1234)
        #expect(try value([0x24, 1, 2, 3, 4, 0x27]) == 0x0102_0304)
        #expect(try value([0x25, 1, 2, 3, 4, 5, 6, 7, 8, 0x27]) == 0x0102_0304_0506_0708)
        #expect(try value([0x23, 0x10, 0x10, 0x17, 0x27]) == 0x10)
        #expect(try value([0x23, 0x10, 0x10, 0x18, 0x27]) == 0x1110)
        #expect(try value([0x23, 0x10, 0x10, 0x19, 0x27]) == 0x1312_1110)
        #expect(try value([0x26, 0, 0, 0x1a, 0x27]) == 0x1716_1514_1312_1110)
        #expect(try value([0x22, 0xff, 0x16, 8, 0x27]) == .max)
        #expect(try value([0x22, 0x7f, 0x16, 8, 0x27]) == 0x7f)
        #expect(try value(negative(1) + [0x2a, 16, 0x27]) == 0xffff)
        #expect(try value(negative(1) + [0x2a, 64, 0x27]) == .max)
        #expect(try value([0x26, 1, 2, 0x27]) == .max)
    }

    @Test("the stack: dup, pop, swap, pick, rot")
    func stack() throws {
        #expect(try value([0x22, 3, 0x28, 0x04, 0x27]) == 9)
        #expect(try value([0x22, 3, 0x22, 4, 0x29, 0x27]) == 3)
        #expect(try value([0x22, 3, 0x22, 4, 0x2b, 0x03, 0x27]) == 1)
        #expect(try value([0x22, 3, 0x22, 4, 0x32, 1, 0x27]) == 3)
        // a b c becomes c a b: b is on top, a below it, c below that.
        let rotated: [UInt8] = [0x22, 1, 0x22, 2, 0x22, 3, 0x33]
        #expect(try value(rotated + [0x27]) == 2)
        #expect(try value(rotated + [0x29, 0x27]) == 1)
        #expect(try value(rotated + [0x29, 0x29, 0x27]) == 3)
        #expect(try value([0x27]) == 0)
    }

    @Test("jumps choose, and a program that does not end is ended")
    func jumps() throws {
        let choice: [UInt8] = [0x20, 0, 8, 0x22, 2, 0x21, 0, 10]
        // A condition in front moves the goals by two.
        let moved: (UInt8) -> [UInt8] = {
            [0x22, $0] + [0x20, 0, 10, 0x22, 2, 0x21, 0, 12, 0x22, 1, 0x27]
        }
        #expect(choice.count == 8)
        #expect(try value(moved(1)) == 1)
        #expect(try value(moved(0)) == 2)
        #expect(failure([0x21, 0, 0]) == .tooLong)
        #expect(failure([0x22, 1, 0x21, 0, 0]) == .stackOverflow)
        #expect(failure([0x21, 0, 99]) == .outOfBounds)
    }

    @Test("what is not there is a failure")
    func failures() {
        #expect(failure([]) == .outOfBounds)
        #expect(failure([0x24, 1]) == .outOfBounds)
        #expect(failure([0x02]) == .stackUnderflow)
        #expect(failure([0x33]) == .stackUnderflow)
        #expect(failure([0x32, 0]) == .stackUnderflow)
        #expect(failure([0x22, 1, 0x17]) == .unreadable(TargetAddress(1)))
        #expect(failure([0x26, 0, 9]) == .noRegister(9))
        #expect(failure([0x01]) == .unsupported(1))
        #expect(failure([0x2c, 0, 1]) == .unsupported(0x2c))
        #expect(failure([0xff]) == .unsupported(0xff))
    }

    @Test("instructions that record for tracepoints take their operands and do nothing")
    func tracing() throws {
        #expect(try value([0x22, 7, 0x22, 1, 0x22, 2, 0x0c, 0x0d, 4, 0x30, 0, 4, 0x27]) == 7)
    }

    private func text(_ format: String, _ arguments: [UInt64] = []) throws -> String {
        var bytes: [UInt8] = []
        for argument in arguments.reversed() {
            bytes.append(0x25)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: argument >> (56 - 8 * $0)) }
        }
        // Channel and function.
        bytes += [0x22, 0, 0x22, 0]
        let count = format.utf8.count + 1
        bytes += [0x34, UInt8(arguments.count), UInt8(count >> 8), UInt8(count & 255)]
        bytes += Array(format.utf8) + [0, 0x27]
        let output = try AgentExpression(bytes).evaluate(in: Context()).output
        return String(decoding: output, as: UTF8.self)
    }

    @Test("printf writes numbers, characters and strings as C does")
    func printing() throws {
        #expect(try text("plain %% text\n") == "plain % text\n")
        #expect(try text("%d|%5d|%-5d|%05d|%+d", [1, 2, 3, 4, 5]) == "1|    2|3    |00004|+5")
        let minusOne = UInt64.max
        #expect(
            try text("%d %ld %u %hhd", [minusOne, minusOne, minusOne, 0x1ff])
                == "-1 -1 4294967295 -1"
        )
        #expect(try text("%05d", [UInt64(bitPattern: -42)]) == "-0042")
        #expect(try text("%x %X %#x %o %p", [255, 255, 255, 8, 0x1234]) == "ff FF 0xff 10 0x1234")
        #expect(try text("%.3d %lx", [7, 0x1_0000_0000]) == "007 100000000")
        #expect(try text("%c%c", [65, 66]) == "AB")
        #expect(try text("[%s] [%.3s] [%5.1s]", [0x1041, 0x1041, 0x1041]).hasPrefix("[ABCDEFGH"))
        #expect(try text("[%.3s] [%5.1s]", [0x1041, 0x1041]) == "[ABC] [    A]")
        #expect(try text("%s", [0]) == "(null)")
    }

    @Test("a format that is none is a failure, and a width has a limit")
    func badFormats() {
        for (format, arguments) in [
            ("%", []), ("%q", [1]), ("%d", []), ("%999999999d", [1]), ("%f", [1]),
        ] as [(String, [UInt64])] {
            #expect(throws: AgentFailure.badFormat, "\(format)") { try text(format, arguments) }
        }
        #expect(failure([0x22, 0, 0x22, 0, 0x34, 0, 0, 1, 0x41, 0x27]) == .badFormat)
        #expect(failure([0x22, 0, 0x22, 0, 0x34, 0, 0, 9, 0x41]) == .outOfBounds)
        #expect(throws: AgentFailure.unreadable(TargetAddress(1))) { try text("%s", [1]) }
    }

    @Test("any bytes give a value or a failure")
    func anyBytes() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in
                // Most bytes are instructions.
                UInt8.random(in: 0...(Bool.random() ? 0x36 : 0xff), using: &generator)
            }
            let result = try? AgentExpression(bytes).evaluate(in: Context())
            #expect(result.map { $0.output.count <= AgentExpression.outputBytesMax } ?? true)
        }
    }
}

@Suite struct BreakpointOptionsTests {
    @Test("conditions and commands are read and written")
    func roundTrip() throws {
        let text = "X3,220127X1,27;cmds:1,X2,2227X1,27"
        let options = try #require(BreakpointOptions(parsing: Array(text.utf8)))
        #expect(options.conditions.map(\.bytes) == [[0x22, 1, 0x27], [0x27]])
        #expect(options.commands.map(\.bytes) == [[0x22, 0x27], [0x27]])
        #expect(options.persists)
        let again = try #require(BreakpointOptions(parsing: options.bytes))
        #expect(again == options)
        #expect(BreakpointOptions(parsing: []) == BreakpointOptions())
    }

    @Test(
        "what is cut short or lies about its length is malformed",
        arguments: [
            "X", "X3", "X3,", "X3,2201", "Xffffffffffffffff,22", "Y1,22", "cmds", "cmds:2,X1,22",
            "cmds:0", "X1,2", "X1,22x", "X1,22;;",
        ]
    )
    func malformed(text: String) {
        #expect(BreakpointOptions(parsing: Array(text.utf8)) == nil)
    }

    @Test("there is a limit to the number of expressions")
    func limit() {
        let many = String(repeating: "X1,27", count: BreakpointOptions.expressionsMax + 1)
        #expect(BreakpointOptions(parsing: Array(many.utf8)) == nil)
    }
}

@Suite struct CatchRequestTests {
    @Test("none, all, and some by number")
    func roundTrip() {
        for (text, selection) in [
            ("QCatchSyscalls:0", .none), ("QCatchSyscalls:1", .all),
            ("QCatchSyscalls:1;3b;e7", .numbers([0x3b, 0xe7])),
        ] as [(String, SystemCallSelection)] {
            let request = CatchRequest(payload: Array(text.utf8))
            #expect(request?.selection == selection)
            #expect(request?.payload == Array(text.utf8))
        }
        for text in [
            "QCatchSyscalls:", "QCatchSyscalls:2", "QCatchSyscalls:0;1", "QCatchSyscalls:1;g",
        ] {
            #expect(CatchRequest(payload: Array(text.utf8)) == nil, "\(text)")
        }
    }
}
