internal import DebugEngine

let memoryCommands: [Command] = [
    Command(
        names: ["d", "da", "db", "dc", "dd", "dD", "df", "dp", "dq", "du", "dw", "dW"],
        usage: "d[a|b|c|d|D|f|p|q|u|w|W] [/c Columns] [Range]",
        summary: "display memory",
        details: """
            a ASCII text, u UTF-16 text, b bytes, w words, W words and characters, d double words,
            c double words and characters, q quad words, p pointers, f and D floating point. A range
            is Start End, or Start L Count. d alone goes on with the last form.
            """,
        run: { try display(&$0) }
    )
]

/// Where `d` without an address goes on, and in which form.
struct DumpState {
    var format = DumpFormat.bytes
    var next: UInt64?

    mutating func forgetPosition() {
        next = nil
    }
}

/// A form of `d`.
struct DumpFormat: Sendable {
    enum Kind: Sendable {
        case numbers
        case float
        case text
    }

    var letter: Character
    var size: Int
    var columns: Int
    var count: Int
    var showsText = false
    var kind = Kind.numbers

    /// The widest row (`/c`).
    static let columnsMax: UInt64 = 256

    static let bytes = DumpFormat(letter: "b", size: 1, columns: 16, count: 128, showsText: true)

    /// By the letter behind `d`.
    static let all: [Character: DumpFormat] = [
        "b": bytes,
        "w": DumpFormat(letter: "w", size: 2, columns: 8, count: 64),
        "W": DumpFormat(letter: "W", size: 2, columns: 8, count: 64, showsText: true),
        "d": DumpFormat(letter: "d", size: 4, columns: 4, count: 32),
        "c": DumpFormat(letter: "c", size: 4, columns: 4, count: 32, showsText: true),
        "q": DumpFormat(letter: "q", size: 8, columns: 2, count: 16),
        "p": DumpFormat(letter: "p", size: 8, columns: 2, count: 16),
        "f": DumpFormat(letter: "f", size: 4, columns: 4, count: 16, kind: .float),
        "D": DumpFormat(letter: "D", size: 8, columns: 2, count: 15, kind: .float),
        "a": DumpFormat(letter: "a", size: 1, columns: 48, count: 384, kind: .text),
        "u": DumpFormat(letter: "u", size: 2, columns: 48, count: 192, kind: .text),
    ]
}

private func display(_ call: inout CommandCall) throws {
    _ = try call.process()
    let interpreter = call.interpreter
    if let letter = call.name.dropFirst().first, let format = DumpFormat.all[letter] {
        interpreter.dump.format = format
    }
    var format = interpreter.dump.format
    if format.letter == "p", call.session.addressByteCount == 4 {
        (format.size, format.columns) = (4, 4)
    }
    if call.take("/c") {
        let columns = try call.expression()
        guard columns <= DumpFormat.columnsMax else {
            throw EngineError(.range, "/c \(Format.hex(columns))")
        }
        format.columns = max(1, Int(columns))
    }
    let start: UInt64
    var count = format.count
    var isExplicit = false
    if call.isAtEnd {
        start = try interpreter.dump.next ?? call.session.evaluate("$ip")
    } else {
        let range = try AddressRange(&call, size: format.size, defaultCount: format.count)
        (start, count, isExplicit) = (range.start, range.count, range.isExplicit)
        try call.requireEnd()
    }
    interpreter.repeatText = call.name
    var dump = MemoryDump(call: call, format: format)
    if format.kind == .text {
        interpreter.dump.next = try dump.text(at: start, count: count, untilEnd: !isExplicit)
    } else {
        interpreter.dump.next = try dump.numbers(at: start, count: count)
    }
}

/// Prints memory in rows; a row is read only when its turn comes, so that Ctrl+C saves the rest.
struct MemoryDump {
    /// How many bytes are read at a time.
    static let chunkBytes = 2048

    let call: CommandCall
    let format: DumpFormat
    private var chunk: (start: UInt64, bytes: [UInt8])?

    init(call: CommandCall, format: DumpFormat) {
        self.call = call
        self.format = format
    }

    /// Bytes with nil for those that cannot be read.
    private mutating func read(_ address: UInt64, _ count: Int, upTo end: UInt64) throws -> [UInt8?]
    {
        if let chunk, address >= chunk.start,
            address &- chunk.start &+ UInt64(count) <= UInt64(chunk.bytes.count)
        {
            let offset = Int(address &- chunk.start)
            return chunk.bytes[offset..<(offset + count)].map { $0 }
        }
        let wanted = max(count, min(Self.chunkBytes, Int(clamping: end &- address)))
        let bytes = try call.session.readMemory(at: address, count: wanted)
        if bytes.count >= count {
            chunk = (address, bytes)
            return bytes.prefix(count).map { $0 }
        }
        return bytes.map { $0 } + Array(repeating: nil, count: count - bytes.count)
    }

    /// Prints rows of numbers and gives the address behind them.
    mutating func numbers(at start: UInt64, count: Int) throws -> UInt64 {
        var address = start
        var left = count
        let end = start &+ UInt64(count * format.size)
        while left > 0 {
            try call.checkInterrupt()
            let items = min(left, format.columns)
            let bytes = try read(address, items * format.size, upTo: end)
            call.output.line(row(address, bytes))
            address &+= UInt64(items * format.size)
            left -= items
        }
        return address
    }

    private func row(_ address: UInt64, _ bytes: [UInt8?]) -> String {
        let cells = stride(from: 0, to: bytes.count, by: format.size).map { index in
            cell(Array(bytes[index..<min(index + format.size, bytes.count)]))
        }
        var text = ""
        for (index, cell) in cells.enumerated() {
            let isMiddle = format.size == 1 && index == 8 && format.columns == 16
            if index > 0 { text += isMiddle ? "-" : " " }
            text += cell
        }
        let head = Format.address(address) + "  "
        guard format.showsText else { return head + text }
        let width = format.columns * (format.size * 2 + 1) - 1
        let characters = String(bytes.map { $0.map { Format.printable($0) } ?? "?" })
        return head + Format.pad(text, to: width) + "  " + characters
    }

    private func cell(_ bytes: [UInt8?]) -> String {
        let known = bytes.compactMap { $0 }
        let width = format.size * 2
        guard known.count == format.size else {
            if format.size == 8 && format.kind == .numbers { return "????????`????????" }
            return String(repeating: "?", count: width)
        }
        let value = LittleEndian.value(known)
        if format.kind == .float { return FloatText.cell(value, size: format.size) }
        return format.size == 8 ? Format.address(value) : Format.hex(value, width: width)
    }

    /// Prints text up to its NUL and gives the address behind it.
    mutating func text(at start: UInt64, count: Int, untilEnd: Bool) throws -> UInt64 {
        var address = start
        var left = count
        let end = start &+ UInt64(count * format.size)
        while left > 0 {
            try call.checkInterrupt()
            let items = min(left, format.columns)
            let bytes = try read(address, items * format.size, upTo: end)
            var line = ""
            var isEnd = false
            for index in stride(from: 0, to: bytes.count, by: format.size) {
                let unit = bytes[index..<min(index + format.size, bytes.count)].compactMap { $0 }
                guard unit.count == format.size else {
                    if index == 0 { line = "????" }
                    isEnd = true
                    break
                }
                let value = LittleEndian.value(unit)
                if value == 0 {
                    isEnd = true
                    break
                }
                line.append(value < 0x80 ? Format.printable(UInt8(value)) : ".")
                address &+= UInt64(format.size)
            }
            call.output.line(
                "\(Format.address(address &- UInt64(line.count * format.size)))  \"\(line)\""
            )
            if isEnd { return address &+ UInt64(format.size) }
            left -= items
        }
        return address
    }
}
