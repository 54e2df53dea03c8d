/// The few facts of an ELF file that tell which file a loaded module is: its segments and its
/// build-id.
///
/// It is read either from a file or from the memory that the file is mapped to, so that a module
/// can be matched with a local copy by reading some forty bytes over the line.
struct ElfImage {
    /// Where the bytes come from: positions are file offsets, or addresses without the load bias.
    enum Layout {
        case file
        case memory
    }

    /// More program headers than any real file has are taken for damage.
    static let programHeaderCountMax = 256
    /// A module that claims more addresses than user programs have on any Linux (56 bits) is damaged.
    static let addressBytesMax: UInt64 = 1 << 56
    /// Notes longer than this are not looked into.
    static let noteByteCountMax = 4096

    private(set) var isPositionIndependent = false
    private(set) var entry: UInt64 = 0
    /// From the lowest to past the highest address of the load segments, in whole pages.
    private(set) var addresses: Range<UInt64> = 0..<0
    /// The dynamic linker's path.
    private(set) var interpreter: String?
    private(set) var buildID: [UInt8] = []
    /// Where the build-id note lies, without the load bias; nil when there is none.
    private(set) var buildIDNoteAddress: UInt64?
    /// The address of the program headers, without the load bias.
    private(set) var programHeaders: UInt64 = 0

    private let layout: Layout
    private let read: (UInt64, Int) -> [UInt8]?

    /// How many bytes an address takes.
    private(set) var wordBytes = 8

    /// Reads the headers; nil when the bytes are not a little-endian ELF image of 64 or 32 bits.
    init?(layout: Layout, read: @escaping (_ position: UInt64, _ count: Int) -> [UInt8]?) {
        self.layout = layout
        self.read = read
        guard let header = read(0, 64), header.count == 64,
            Array(header[0..<4]) == [0x7f, 0x45, 0x4c, 0x46], header[5] == 1,
            header[4] == 1 || header[4] == 2
        else { return nil }
        let isNarrow = header[4] == 1
        wordBytes = isNarrow ? 4 : 8
        func number(_ place: Int, _ count: Int) -> UInt64 {
            LittleEndian.value(header[place..<(place + count)])
        }
        isPositionIndependent = number(16, 2) == 3
        entry = number(24, wordBytes)
        let offset = number(isNarrow ? 28 : 32, wordBytes)
        let size = Int(number(isNarrow ? 42 : 54, 2))
        let count = Int(number(isNarrow ? 44 : 56, 2))
        guard size == (isNarrow ? 32 : 56), count > 0, count <= Self.programHeaderCountMax,
            let table = read(offset, size * count), table.count == size * count
        else { return nil }
        programHeaders = offset
        let entries = (0..<count).map {
            ProgramHeader(table[($0 * size)..<(($0 + 1) * size)], isNarrow: isNarrow)
        }
        takeSegments(entries)
        entries.filter { $0.kind == .note }.forEach { takeNotes($0) }
        takeInterpreter(entries)
    }

    private struct ProgramHeader {
        enum Kind: UInt64 {
            case load = 1
            case interpreter = 3
            case note = 4
        }

        let kind: Kind?
        let fileOffset: UInt64
        let address: UInt64
        let fileSize: UInt64
        let memorySize: UInt64

        init(_ bytes: ArraySlice<UInt8>, isNarrow: Bool) {
            let start = bytes.startIndex
            func word(_ offset: Int, _ count: Int) -> UInt64 {
                LittleEndian.value(bytes[(start + offset)..<(start + offset + count)])
            }
            kind = Kind(rawValue: word(0, 4))
            let size = isNarrow ? 4 : 8
            // In 64 bits the flags stand behind the kind, in 32 at the end.
            let first = isNarrow ? 4 : 8
            fileOffset = word(first, size)
            address = word(first + size, size)
            fileSize = word(first + 3 * size, size)
            memorySize = word(first + 4 * size, size)
        }
    }

    private mutating func takeSegments(_ entries: [ProgramHeader]) {
        var loads = entries.filter { $0.kind == .load && $0.memorySize > 0 }
        // A kernel is at the top of the address space; its data for each processor is counted from 0.
        let kernel = loads.filter { $0.address >> 63 == 1 }
        if !kernel.isEmpty { loads = kernel }
        guard let low = loads.map(\.address).min(),
            let high = loads.map({ $0.address &+ $0.memorySize }).max(), high > low,
            high < UInt64.max - 0xfff, high - low <= Self.addressBytesMax
        else { return }
        addresses = (low & ~0xfff)..<((high + 0xfff) & ~0xfff)
        if let first = loads.first(where: { $0.fileOffset == 0 }) {
            programHeaders = programHeaders &+ first.address
        }
    }

    private func contents(_ entry: ProgramHeader) -> [UInt8]? {
        guard entry.fileSize <= UInt64(Self.noteByteCountMax) else { return nil }
        let position = layout == .file ? entry.fileOffset : entry.address
        return read(position, Int(entry.fileSize))
    }

    private mutating func takeInterpreter(_ entries: [ProgramHeader]) {
        guard let entry = entries.first(where: { $0.kind == .interpreter }),
            let bytes = contents(entry)
        else { return }
        interpreter = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private mutating func takeNotes(_ entry: ProgramHeader) {
        guard buildID.isEmpty, let notes = contents(entry) else { return }
        var position = 0
        while position + 12 <= notes.count {
            let nameSize = Int(LittleEndian.value(notes[position..<(position + 4)]))
            let size = Int(LittleEndian.value(notes[(position + 4)..<(position + 8)]))
            let kind = LittleEndian.value(notes[(position + 8)..<(position + 12)])
            let name = position + 12
            let descriptor = name + (nameSize + 3) & ~3
            guard descriptor + size <= notes.count else { return }
            if kind == 3, nameSize == 4, Array(notes[name..<(name + 4)]) == Array("GNU\0".utf8) {
                buildID = Array(notes[descriptor..<(descriptor + size)])
                buildIDNoteAddress = entry.address &+ UInt64(descriptor)
                return
            }
            position = descriptor + (size + 3) & ~3
        }
    }
}
