internal import DebugEngine
internal import DebugTarget

let memoryEditCommands: [Command] = [
    Command(
        names: ["e", "eb", "ew", "ed", "eq", "ep", "ef", "eD"],
        usage: "e{b|w|d|q|p|f|D} Address [Value ...]",
        summary:
            "enter bytes, words, double words, quad words, pointers, or floating-point numbers",
        details: """
            Without values it shows what is there and asks for what is to be there, place by place: a value and
            Enter, a space and Enter to leave a place as it is, Enter alone to end. e alone is the e of the last time.
            """,
        run: { try enterValues(&$0) }
    ),
    Command(
        names: ["ea", "eza", "eu", "ezu"],
        usage: "e{a|za|u|zu} Address \"Text\"",
        summary: "enter text: ASCII or UTF-16, with a NUL at the end in the z forms",
        run: { try enterText(&$0) }
    ),
    Command(
        names: ["f"],
        usage: "f Range Pattern",
        summary: "fill memory with bytes or a text, repeated as often as it fits",
        run: { try fill(&$0) }
    ),
    Command(
        names: ["s"],
        usage: "s [-[Flags]b|w|d|q|a|u] Range Pattern, s -[lN]sa|su Range, s -v Range Object",
        summary:
            "search memory for values or a text; -sa and -su find all texts, -v objects of a class",
        details: """
            Flags in brackets: 1 prints the addresses alone, w looks at memory that can be written only,
            n at memory that cannot, lN (with -sa, -su) sets the least length, 3 by default. -v finds what
            has the same virtual table as the object at that address.
            """,
        run: { try search(&$0) }
    ),
    Command(
        names: ["c"],
        usage: "c Range Address",
        summary: "compare two pieces of memory",
        run: { try compare(&$0) }
    ),
    Command(
        names: ["m"],
        usage: "m Range Address",
        summary: "move (copy) memory",
        run: { try move(&$0) }
    ),
]

/// Bytes that are read or written at a time.
private let chunkBytes = 16_384

private func enterValues(_ call: inout CommandCall) throws {
    let process = try call.process()
    if call.name == "e" {
        let name = call.interpreter.lastEntry
        call = CommandCall(interpreter: call.interpreter, name: name, suffix: "", rest: call.rest)
        if EnteredValues.isText(name) { return try enterText(&call) }
    }
    call.interpreter.lastEntry = call.name
    let address = try call.expression()
    let isNarrow =
        try call.session.target.targetDescription(of: process.id).architecture == .i386
    let sizes: [Character: Int] = [
        "b": 1, "w": 2, "d": 4, "q": 8, "p": isNarrow ? 4 : 8, "f": 4, "D": 8,
    ]
    let size = call.name.last.flatMap { sizes[$0] } ?? 1
    let isFloat = call.name == "ef" || call.name == "eD"
    if call.isAtEnd {
        return try PlaceByPlace(size: size, isFloat: isFloat).begin(at: address, call)
    }
    let bytes = try EnteredValues.read(&call, size: size, isFloat: isFloat)
    try call.session.writeMemory(bytes, at: address)
}

/// Values as the user writes them, up to the end of the line.
enum EnteredValues {
    /// Whether a command takes a text.
    static func isText(_ name: String) -> Bool { ["ea", "eza", "eu", "ezu"].contains(name) }

    static func read(_ call: inout CommandCall, size: Int, isFloat: Bool) throws -> [UInt8] {
        isFloat ? try floats(&call, isDouble: size == 8) : try values(&call, size: size)
    }
}

/// Decimal numbers up to the end, as floating-point ones.
private func floats(_ call: inout CommandCall, isDouble: Bool) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let word = call.word() {
        guard let number = Double(word) else { throw EngineError(.syntax, word) }
        bytes +=
            isDouble
            ? LittleEndian.bytes(number.bitPattern, count: 8)
            : LittleEndian.bytes(UInt64(Float(number).bitPattern), count: 4)
    }
    return bytes
}

/// Expressions and texts up to the end, as objects of a size.
private func values(_ call: inout CommandCall, size: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while !call.isAtEnd {
        if let text = try call.quoted() ?? call.apostrophed() {
            bytes += text.utf8.flatMap { LittleEndian.bytes(UInt64($0), count: size) }
            continue
        }
        let value = try call.expression()
        let isNegative = Int64(bitPattern: value) < 0 && Int64(bitPattern: value) >= -(1 << 31)
        guard size == 8 || value >> (UInt64(size) * 8) == 0 || isNegative else {
            throw EngineError.sentence(
                "The value 0x\(Format.hex(value)) does not fit into \(size) bytes"
            )
        }
        bytes += LittleEndian.bytes(value, count: size)
    }
    return bytes
}

extension CommandCall {
    /// Characters in single quotes, `'H'`.
    mutating func apostrophed() -> String? {
        skipSpaces()
        guard rest.first == "'", let end = rest.dropFirst().firstIndex(of: "'") else { return nil }
        let text = String(rest[rest.index(after: rest.startIndex)..<end])
        rest = String(rest[rest.index(after: end)...])
        return text
    }
}

private func enterText(_ call: inout CommandCall) throws {
    call.interpreter.lastEntry = call.name
    _ = try call.process()
    let address = try call.expression()
    guard let text = try call.quoted() else {
        throw EngineError.sentence("\(call.name) needs a text in double quotes: \(call.usage)")
    }
    try call.requireEnd()
    var bytes =
        call.name.hasSuffix("u")
        ? text.utf16.flatMap { LittleEndian.bytes(UInt64($0), count: 2) } : Array(text.utf8)
    if call.name.contains("z") { bytes += call.name.hasSuffix("u") ? [0, 0] : [0] }
    try call.session.writeMemory(bytes, at: address)
}

private func fill(_ call: inout CommandCall) throws {
    _ = try call.process()
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    guard range.isExplicit else {
        throw EngineError.sentence("f needs a range with a length: \(call.usage)")
    }
    let pattern = try values(&call, size: 1)
    guard !pattern.isEmpty else { throw EngineError.sentence("f needs a pattern: \(call.usage)") }
    let repeats = max(1, chunkBytes / pattern.count)
    let block = Array(repeatElement(pattern, count: repeats).joined())
    var offset = 0
    while offset < range.count {
        try call.checkInterrupt()
        let portion = Array(block.prefix(range.count - offset))
        try call.session.writeMemory(portion, at: range.start &+ UInt64(offset))
        offset += portion.count
    }
    call.output.line("Filled 0x\(Format.hex(UInt64(range.count))) bytes")
}

private func search(_ call: inout CommandCall) throws {
    _ = try call.process()
    let option = try SearchOption(&call)
    if !option.isPattern { return try searchSpecial(&call, option) }
    let letter = option.letter
    let sizes: [Character: Int] = ["b": 1, "a": 1, "w": 2, "u": 2, "d": 4, "q": 8]
    let size = sizes[letter] ?? 1
    let range = try AddressRange(&call, size: size, defaultCount: 0)
    guard range.isExplicit else {
        throw EngineError.sentence("s needs a range with a length: \(call.usage)")
    }
    let pattern = try values(&call, size: size)
    guard !pattern.isEmpty else { throw EngineError.sentence("s needs a pattern: \(call.usage)") }
    let shown: [Character: Character] = ["a": "b", "u": "w", "d": "c"]
    let format = DumpFormat.all[shown[letter] ?? letter] ?? .bytes
    let regions = option.wantsWritable == nil ? [] : call.regions()
    try find(pattern, from: range.start, count: range.count * size, step: size, call) { address in
        guard option.allows(address, regions) else { return }
        if option.showsAddressOnly {
            return call.output.line("0x" + Format.hex(address, width: 16))
        }
        var dump = MemoryDump(call: call, format: format)
        _ = try dump.numbers(at: address, count: format.columns)
    }
}

func find(
    _ pattern: [UInt8],
    from start: UInt64,
    count: Int,
    step: Int,
    _ call: CommandCall,
    _ found: (UInt64) throws -> Void
) throws {
    var offset = 0
    while offset < count {
        try call.checkInterrupt()
        // Portions overlap by the pattern, so that one across their border is found.
        let wanted = min(chunkBytes, count - offset) + pattern.count - 1
        let address = start &+ UInt64(offset)
        let bytes = try call.session.readMemory(at: address, count: wanted)
        if bytes.count >= pattern.count {
            let last = min(bytes.count - pattern.count, chunkBytes - 1)
            for index in stride(from: 0, through: last, by: step)
            where bytes[index] == pattern[0]
                && Array(bytes[index..<(index + pattern.count)]) == pattern
            {
                try found(address &+ UInt64(index))
            }
        }
        offset += chunkBytes
    }
}

private func compare(_ call: inout CommandCall) throws {
    _ = try call.process()
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    let other = try call.expression()
    try call.requireEnd()
    var offset = 0
    while offset < range.count {
        try call.checkInterrupt()
        let count = min(chunkBytes, range.count - offset)
        let first = range.start &+ UInt64(offset)
        let second = other &+ UInt64(offset)
        let left = try call.session.readMemory(at: first, count: count)
        let right = try call.session.readMemory(at: second, count: count)
        guard left.count == count, right.count == count else {
            let short =
                left.count < count ? first &+ UInt64(left.count) : second &+ UInt64(right.count)
            throw EngineError(.memoryAccess, Format.address(short))
        }
        for index in 0..<count where left[index] != right[index] {
            let byte = UInt64(index)
            call.output.line(
                "\(Format.address(first &+ byte))  \(Format.hex(UInt64(left[index]), width: 2))"
                    + " - \(Format.address(second &+ byte))"
                    + "  \(Format.hex(UInt64(right[index]), width: 2))"
            )
        }
        offset += count
    }
}

private func move(_ call: inout CommandCall) throws {
    _ = try call.process()
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    let destination = try call.expression()
    try call.requireEnd()
    let bytes = try call.session.readMemory(at: range.start, count: range.count)
    guard bytes.count == range.count else {
        throw EngineError(.memoryAccess, Format.address(range.start &+ UInt64(bytes.count)))
    }
    try call.session.writeMemory(bytes, at: destination)
}
