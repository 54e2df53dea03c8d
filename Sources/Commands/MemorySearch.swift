internal import DebugEngine
internal import DebugTarget

/// What `s` is to look for, as its first word says.
struct SearchOption {
    /// The kinds of search.
    enum Kind {
        /// Values or a text.
        case pattern
        /// Anything that looks like a text of that many bytes a character.
        case texts(bytesPerCharacter: Int)
        /// Objects with a certain virtual table.
        case objects
    }

    /// The shortest text that counts, where nothing is said.
    static let leastLengthDefault = 3

    private(set) var kind = Kind.pattern
    /// The type of the pattern's values.
    private(set) var letter: Character = "b"
    private(set) var showsAddressOnly = false
    /// Whether only memory that can be written counts, or only memory that cannot; nil for all.
    private(set) var wantsWritable: Bool?
    private(set) var leastLength = SearchOption.leastLengthDefault

    /// Reads `-[flags]type`, where that comes next.
    init(_ call: inout CommandCall) throws {
        call.skipSpaces()
        guard call.rest.first == "-", var text = call.word()?.dropFirst() else { return }
        let written = text
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw EngineError(.syntax, "-\(written)")
            }
            try takeFlags(text[text.index(after: text.startIndex)..<end])
            text = text[text.index(after: end)...]
        }
        switch text {
        case "sa": kind = .texts(bytesPerCharacter: 1)
        case "su": kind = .texts(bytesPerCharacter: 2)
        case "v": kind = .objects
        case "b", "w", "d", "q", "a", "u": letter = text.first ?? "b"
        case "": break
        default: throw EngineError(.syntax, "-\(written)")
        }
    }

    private mutating func takeFlags(_ flags: Substring) throws {
        var rest = flags
        while let flag = rest.popFirst() {
            switch flag {
            case "1": showsAddressOnly = true
            case "w": wantsWritable = true
            case "n": wantsWritable = false
            case "l":
                let digits = rest.prefix { $0.isNumber }
                rest = rest.dropFirst(digits.count)
                guard let length = Int(digits), length > 0 else {
                    throw EngineError(.syntax, "[\(flags)]")
                }
                leastLength = length
            case "s", "r", ",", " ": break
            default: throw EngineError(.syntax, "[\(flags)]")
            }
        }
    }

    /// Whether it is values or a text that is looked for.
    var isPattern: Bool {
        if case .pattern = kind { true } else { false }
    }

    /// Whether a place counts, by the memory it is in.
    func allows(_ address: UInt64, _ regions: [MemoryRegion]) -> Bool {
        guard let wantsWritable else { return true }
        let region = regions.first { $0.range.contains(TargetAddress(address)) }
        return region?.isWritable == wantsWritable
    }
}

extension CommandCall {
    /// The mappings of the current process; none where the target does not tell.
    func regions() -> [MemoryRegion] {
        guard let process = session.currentProcess else { return [] }
        return (try? session.target.processDetails?.memoryRegions(of: process.id)) ?? []
    }
}

/// `s -sa`, `s -su`, `s -v`.
func searchSpecial(_ call: inout CommandCall, _ option: SearchOption) throws {
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    guard range.isExplicit else {
        throw EngineError.sentence("s needs a range with a length: \(call.usage)")
    }
    if case .texts(let width) = option.kind {
        try call.requireEnd()
        return try findTexts(call, range, width, option)
    }
    let object = try call.expression()
    try call.requireEnd()
    let table = try call.session.readMemory(at: object, count: 8)
    guard table.count == 8 else { throw EngineError(.memoryAccess, Format.address(object)) }
    let output = call.output
    let name = call.session.symbolText(LittleEndian.value(table)) ?? ""
    try find(table, from: range.start, count: range.count, step: 8, call) { address in
        output.line(
            "\(Format.address(address))  \(Format.address(LittleEndian.value(table))) \(name)"
        )
    }
}

/// Bytes that are looked at at a time.
private let portionBytes = 16_384
/// How much of a text is held while its end is looked for.
private let heldCharactersMax = 65_536
/// The longest text that is shown of one found.
private let shownCharactersMax = 256

private func findTexts(
    _ call: CommandCall,
    _ range: AddressRange,
    _ width: Int,
    _ option: SearchOption
) throws {
    let regions = option.wantsWritable == nil ? [] : call.regions()
    var text = ""
    var start = range.start
    func end() {
        defer { text = "" }
        guard text.count >= option.leastLength, option.allows(start, regions) else { return }
        let address = Format.address(start)
        call.output.line(
            option.showsAddressOnly
                ? "0x" + Format.hex(start, width: 16)
                : "\(address)  \"\(text.prefix(shownCharactersMax))\""
        )
    }
    var offset = 0
    while offset < range.count {
        try call.checkInterrupt()
        let count = min(portionBytes, range.count - offset)
        let address = range.start &+ UInt64(offset)
        let bytes = try call.session.readMemory(at: address, count: count)
        for index in stride(from: 0, to: bytes.count - width + 1, by: width) {
            let isCharacter =
                (0x20...0x7e).contains(bytes[index]) && (width == 1 || bytes[index + 1] == 0)
            guard isCharacter else {
                end()
                continue
            }
            if text.isEmpty { start = address &+ UInt64(index) }
            if text.utf8.count < heldCharactersMax {
                text.append(Character(UnicodeScalar(bytes[index])))
            }
        }
        if bytes.count < count { end() }
        offset += count
    }
    end()
}
