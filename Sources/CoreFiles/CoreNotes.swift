internal import DebugTarget

// The notes of core files (elf(5), "Notes"; fs/binfmt_elf.c and gdb's gcore write them): a 12-byte head, the owner's
// name, what is noted, both filled up to four bytes.

/// One note.
struct CoreNote {
    /// What notes are about, by owner's name and number.
    enum Kind {
        case status
        case process
        case legacyRegisters
        case narrowLegacyRegisters
        case extendedRegisters
        case extendedLayout
        case signal
        case auxiliaryVector
        case files
        /// Of our own: what `.dump` adds.
        case remarks

        static let ownOwner = "dbgsrv"

        var number: UInt64 {
            switch self {
            case .status: 1
            case .legacyRegisters: 2
            case .process: 3
            case .auxiliaryVector: 6
            case .narrowLegacyRegisters: 0x46e6_2b7f
            case .extendedRegisters: 0x202
            case .extendedLayout: 0x205
            case .signal: 0x5349_4749
            case .files: 0x4649_4c45
            case .remarks: 1
            }
        }

        var owner: String {
            switch self {
            case .narrowLegacyRegisters, .extendedRegisters, .extendedLayout: "LINUX"
            case .remarks: Self.ownOwner
            default: "CORE"
            }
        }

        init?(owner: String, number: UInt64) {
            let all: [Kind] = [
                .status, .process, .legacyRegisters, .narrowLegacyRegisters, .extendedRegisters,
                .extendedLayout, .signal, .auxiliaryVector, .files, .remarks,
            ]
            guard let found = all.first(where: { $0.owner == owner && $0.number == number })
            else { return nil }
            self = found
        }
    }

    let kind: Kind
    let contents: ArraySlice<UInt8>

    /// Those of a note segment that are known, in their order; what is behind damage is left out.
    static func list(_ bytes: [UInt8]) -> [CoreNote] {
        var notes: [CoreNote] = []
        var position = 0
        let fields = CoreFields(bytes)
        while let nameCount = fields.number(position, 4),
            let count = fields.number(position + 4, 4), let number = fields.number(position + 8, 4)
        {
            let name = position + 12
            let start = name + (Int(nameCount) + 3) & ~3
            let end = start + Int(count)
            guard end <= bytes.count else { break }
            let owner = fields.text(name, Int(nameCount))
            if let kind = Kind(owner: owner, number: number) {
                notes.append(CoreNote(kind: kind, contents: bytes[start..<end]))
            }
            position = start + (Int(count) + 3) & ~3
        }
        return notes
    }

    /// A note as it stands in a file.
    static func bytes(_ kind: Kind, _ contents: [UInt8]) -> [UInt8] {
        let owner = Array(kind.owner.utf8) + [0]
        var head = CoreFieldWriter(count: 12)
        head.put(UInt64(owner.count), 0, 4)
        head.put(UInt64(contents.count), 4, 4)
        head.put(kind.number, 8, 4)
        func filled(_ bytes: [UInt8]) -> [UInt8] {
            bytes + repeatElement(0, count: (4 - bytes.count % 4) % 4)
        }
        return head.bytes + filled(owner) + filled(contents)
    }
}
