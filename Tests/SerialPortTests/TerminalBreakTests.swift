import LinuxSystem
import Testing

@testable import dbgcom

@Suite("BREAK on a terminal")
struct TerminalBreakTests {
    @Test(
        "marks are told from bytes wherever the reads are cut",
        arguments: [
            ([0x61, 0xFF, 0, 0, 0x62], [.bytes([0x61]), .lineBreak, .bytes([0x62])]),
            ([0xFF, 0xFF, 0x61], [.bytes([0xFF, 0x61])]),
            ([0xFF, 0, 0, 0xFF, 0, 0], [.lineBreak, .lineBreak]),
            ([0xFF, 0, 0x41, 0x42], [.bytes([0x41, 0x42])]),
            ([0, 0, 1], [.bytes([0, 0, 1])]),
        ] as [([UInt8], [BreakMarks.Element])]
    )
    func marks(read: [UInt8], expected: [BreakMarks.Element]) {
        for cut in 0...read.count {
            var marks = BreakMarks()
            let elements = marks.take(Array(read[..<cut])) + marks.take(Array(read[cut...]))
            #expect(joined(elements) == expected, "cut at \(cut)")
        }
    }

    private func joined(_ elements: [BreakMarks.Element]) -> [BreakMarks.Element] {
        elements.reduce(into: []) { result, element in
            if case .bytes(let more) = element, case .bytes(let before) = result.last {
                result[result.count - 1] = .bytes(before + more)
            } else {
                result.append(element)
            }
        }
    }

    @Test("means what the terminal's settings say (termios(3))")
    func meaning() throws {
        let terminal = try PseudoTerminal()
        let slave = try terminal.openSlave()
        var settings = try TerminalSettings(of: slave)
        settings.makeRaw()
        #expect(settings.breakMeaning == .zeroByte)
        settings.makeBreakInterrupt()
        #expect(settings.breakMeaning == .interrupt)
        settings.inputFlags |= 1
        #expect(settings.breakMeaning == .ignored)
    }

    @Test("is read as one zero byte on a raw pseudo-terminal")
    func zeroByte() throws {
        let terminal = try PseudoTerminal()
        let slave = try terminal.openSlave()
        var settings = try TerminalSettings(of: slave)
        settings.makeRaw()
        try settings.apply(to: slave)
        terminal.receiveBreak()
        #expect(try slave.read(maximum: 10) == [0])
    }
}

@Suite("Keys that are meant for dbgcom")
struct EscapeKeysTests {
    @Test(
        "Ctrl-] and one key more, wherever the typing is cut",
        arguments: [
            ("ls\r", [.keys(Array("ls\r".utf8))]),
            ("a\u{1D}qb", [.keys([0x61]), .leave, .keys([0x62])]),
            ("\u{1D}.", [.leave]),
            ("a\u{1D}bb", [.keys([0x61]), .sendBreak, .keys([0x62])]),
            ("a\u{1D}\u{1D}b", [.keys([0x61, 0x1D, 0x62])]),
            ("\u{1D}x", [.explain]),
            ("\u{1D}", []),
        ] as [(String, [EscapeKeys.Element])]
    )
    func escapes(typed: String, expected: [EscapeKeys.Element]) {
        let bytes = Array(typed.utf8)
        for cut in 0...bytes.count {
            var keys = EscapeKeys()
            let elements = keys.take(Array(bytes[..<cut])) + keys.take(Array(bytes[cut...]))
            #expect(joined(elements) == expected, "cut at \(cut)")
        }
    }

    private func joined(_ elements: [EscapeKeys.Element]) -> [EscapeKeys.Element] {
        elements.reduce(into: []) { result, element in
            if case .keys(let more) = element, case .keys(let before) = result.last {
                result[result.count - 1] = .keys(before + more)
            } else {
                result.append(element)
            }
        }
    }
}
