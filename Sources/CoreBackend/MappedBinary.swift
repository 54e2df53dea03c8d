internal import DebugTarget

// What tells one binary from another: the build-id, and where its segments lie. Both sides may be damaged, so
// everything is bounded; only little-endian files of either width are looked at.

/// A binary's facts, out of a file or out of memory.
struct BinaryFacts: Equatable {
    private static let headersMax = 256
    private static let noteByteCountMax: UInt64 = 1 << 16

    /// The GNU build-id; empty where there is none, or where it cannot be read.
    private(set) var buildID: [UInt8] = []
    /// The lowest address that the binary wants, in whole pages.
    private(set) var lowestAddress: UInt64 = 0
    /// Whether it can be loaded anywhere (ET_DYN).
    private(set) var isPositionIndependent = false
    /// Whether there is an address at all that it wants to be loaded at.
    private(set) var hasSegments = false

    /// Reads the headers; nil when there is no ELF header.
    ///
    /// - Parameters:
    ///   - isMemory: whether positions are addresses from the lowest one on.
    ///   - read: bytes at a position, fewer where there are no more.
    init?(isMemory: Bool, _ read: (_ position: UInt64, _ count: Int) -> [UInt8]) {
        let header = read(0, 64)
        guard header.count >= 52, header.starts(with: [0x7f, 0x45, 0x4c, 0x46]), header[5] == 1
        else { return nil }
        let isNarrow = header[4] == 1
        func word(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
            bytes.dropFirst(offset).prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        isPositionIndependent = word(header, 16, 2) == 3
        let start = word(header, isNarrow ? 28 : 32, isNarrow ? 4 : 8)
        let size = isNarrow ? 32 : 56
        let count = min(Int(word(header, isNarrow ? 44 : 56, 2)), Self.headersMax)
        let table = read(start, count * size)
        let pointer = isNarrow ? 4 : 8
        var lowest = UInt64.max
        var notes: [(offset: UInt64, address: UInt64, count: UInt64)] = []
        for offset in stride(from: 0, through: table.count - size, by: size) {
            let type = word(table, offset, 4)
            let address = word(table, offset + (isNarrow ? 8 : 16), pointer)
            if type == 1 { lowest = min(lowest, address & ~0xfff) }
            if type == 4 {
                let place = word(table, offset + (isNarrow ? 4 : 8), pointer)
                notes.append((place, address, word(table, offset + (isNarrow ? 16 : 32), pointer)))
            }
        }
        hasSegments = lowest != .max
        lowestAddress = hasSegments ? lowest : 0
        for note in notes where buildID.isEmpty {
            let position = isMemory ? note.address &- lowestAddress : note.offset
            let bytes = read(position, Int(min(note.count, Self.noteByteCountMax)))
            buildID = Self.buildID(in: bytes)
        }
    }

    /// The note of the type NT_GNU_BUILD_ID and the name GNU.
    private static func buildID(in notes: [UInt8]) -> [UInt8] {
        var position = 0
        func number(_ offset: Int) -> Int {
            notes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        while position + 12 <= notes.count {
            let start = position + 12 + (number(position) + 3) & ~3
            let count = number(position + 4)
            guard start + count <= notes.count else { return [] }
            if number(position + 8) == 3, number(position) == 4,
                notes[(position + 12)..<(position + 16)].elementsEqual("GNU\0".utf8)
            {
                return Array(notes[start..<(start + count)])
            }
            position = start + (count + 3) & ~3
        }
        return []
    }
}
