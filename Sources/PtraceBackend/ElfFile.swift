// The GNU build-id of an ELF file (elf(5)), by its program headers: the file may be anything, so everything is
// bounded.

/// A file that may be a 64-bit ELF file.
struct ElfFile {
    typealias Reader = (_ offset: UInt64, _ count: Int) -> [UInt8]?

    private static let headersMax = 256
    private static let noteBytesMax = 1 << 16
    private static let noteSegment: UInt64 = 4
    private static let entryByteCount = 56
    private let read: Reader

    init(read: @escaping Reader) {
        self.read = read
    }

    /// The build-id; empty where there is none.
    var buildID: [UInt8] {
        guard let header = read(0, 64), header.count == 64,
            header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2])
        else { return [] }
        let offset = LittleEndian.word(header, 32)
        let count = min(Int(LittleEndian.word(header, 56, 2)), ElfFile.headersMax)
        guard let entries = read(offset, count * ElfFile.entryByteCount) else { return [] }
        let size = ElfFile.entryByteCount
        for start in stride(from: 0, through: entries.count - size, by: size)
        where LittleEndian.word(entries, start, 4) == ElfFile.noteSegment {
            let bytes = min(LittleEndian.word(entries, start + 32), UInt64(ElfFile.noteBytesMax))
            if let notes = read(LittleEndian.word(entries, start + 8), Int(bytes)),
                let identifier = ElfNotes.buildID(in: notes)
            {
                return identifier
            }
        }
        return []
    }
}

/// Numbers of up to eight bytes, the lowest first.
enum LittleEndian {
    static func word(_ bytes: [UInt8], _ offset: Int, _ count: Int = 8) -> UInt64 {
        bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The notes of an ELF file or of a loaded module.
enum ElfNotes {
    /// The note of the type NT_GNU_BUILD_ID and the name GNU.
    static func buildID(in notes: [UInt8]) -> [UInt8]? {
        var offset = 0
        while offset + 12 <= notes.count {
            let nameCount = Int(LittleEndian.word(notes, offset, 4))
            let valueCount = Int(LittleEndian.word(notes, offset + 4, 4))
            let type = LittleEndian.word(notes, offset + 8, 4)
            let name = offset + 12
            let value = name + (nameCount + 3) / 4 * 4
            let end = value + (valueCount + 3) / 4 * 4
            guard value + valueCount <= notes.count else { return nil }
            let isGNU = nameCount == 4 && notes[name..<(name + 4)].elementsEqual("GNU\0".utf8)
            if isGNU, type == 3 { return Array(notes[value..<(value + valueCount)]) }
            offset = end
        }
        return nil
    }
}
