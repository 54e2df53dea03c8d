/// The name of a pipe, with up to two printf codes for the server's process and thread id.
public enum PipeName {
    /// Replaces the first code by the process id and the second by the thread id.
    ///
    /// Codes are `%d`, `%i`, `%u` (decimal), `%x`, `%X` (hexadecimal), with an optional width that is
    /// filled with zeros (a name has no spaces); `%%` is a percent sign.
    public static func expand(_ name: String, processID: Int32, threadID: Int32) -> String {
        var numbers = [UInt32(bitPattern: processID), UInt32(bitPattern: threadID)]
        return pieces(of: name).map { piece in
            switch piece {
            case .text(let text): text
            case .number(let format): format.render(numbers.isEmpty ? 0 : numbers.removeFirst())
            case .bad(let text): text
            }
        }.joined()
    }

    static func check(_ name: String, transport: String) throws(ConnectionStringError) {
        var codes = 0
        for piece in pieces(of: name) {
            switch piece {
            case .text:
                continue
            case .number:
                codes += 1
            case .bad(let text):
                throw ConnectionStringError(
                    "\(transport): pipe was '\(name)': '\(text)' is no format code;"
                        + " %d and %x stand for the process id and then the thread id"
                )
            }
        }
        if codes > 2 {
            throw ConnectionStringError(
                "\(transport): pipe was '\(name)': it has \(codes) format codes, but only the"
                    + " process id and the thread id can be put in"
            )
        }
    }

    struct NumberFormat {
        var width = 0
        var conversion: Character = "d"

        func render(_ value: UInt32) -> String {
            let isHexadecimal = conversion == "x" || conversion == "X"
            let digits = String(value, radix: isHexadecimal ? 16 : 10, uppercase: conversion == "X")
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }

    enum Piece {
        case text(String)
        case number(NumberFormat)
        case bad(String)
    }

    static func pieces(of name: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(name)
        while let percent = rest.firstIndex(of: "%") {
            if percent > rest.startIndex { pieces.append(.text(String(rest[..<percent]))) }
            rest = rest[percent...]
            pieces.append(takeCode(from: &rest))
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    /// Takes one code that starts with the percent sign at the front.
    private static func takeCode(from rest: inout Substring) -> Piece {
        var code = String(rest.removeFirst())
        var format = NumberFormat()
        while let digit = rest.first, digit.isASCII, let value = digit.wholeNumberValue {
            format.width = min(format.width * 10 + value, 20)
            code.append(rest.removeFirst())
        }
        guard let conversion = rest.first else { return .bad(code) }
        rest.removeFirst()
        code.append(conversion)
        if conversion == "%" && code == "%%" { return .text("%") }
        guard "diuxX".contains(conversion) else { return .bad(code) }
        format.conversion = conversion
        return .number(format)
    }
}
