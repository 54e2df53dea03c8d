/// Where a value is, or what it is: the result of a DWARF location description.
indirect enum Location {
    /// In memory, at a run-time address.
    case memory(UInt64)
    /// In a register, by its DWARF number.
    case register(Int)
    /// Nowhere, but it is known: a scalar of at most eight bytes.
    case value(UInt64)
    /// Nowhere, but it is known.
    case bytes([UInt8])
    /// In parts, lowest address first.
    case pieces([Piece])
    /// Optimised away.
    case unavailable

    /// A part of a value.
    struct Piece {
        var location: Location
        /// How many bits it contributes.
        var bitSize: Int
        /// Where they begin in what the location holds.
        var bitOffset: Int
    }
}

/// Gets the bytes of a value from wherever it is.
struct LocationReader {
    /// How many bytes are fetched at once.
    static let bytesMax = 1 << 16

    let registers: UnwindRegisters
    let memory: any MemoryReader

    /// `count` bytes from `offset` in the value on; nil when they are not to be had.
    func bytes(_ location: Location, offset: Int = 0, count: Int) -> [UInt8]? {
        guard count >= 0, offset >= 0, count <= Self.bytesMax else { return nil }
        switch location {
        case .memory(let address):
            let bytes = memory.read(at: address &+ UInt64(offset), count: count)
            return bytes?.count == count ? bytes : nil
        case .register(let number):
            return registers[number].flatMap { slice(little($0), offset, count) }
        case .value(let value):
            return slice(little(value), offset, count)
        case .bytes(let bytes):
            return slice(bytes, offset, count)
        case .pieces(let pieces):
            return gather(pieces, offset, count)
        case .unavailable:
            return nil
        }
    }

    private func little(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func slice(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> [UInt8]? {
        guard offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return Array(bytes[offset..<offset + count])
    }

    private func gather(_ pieces: [Location.Piece], _ offset: Int, _ count: Int) -> [UInt8]? {
        var bits = 0
        var result = [UInt8](repeating: 0, count: count)
        let wanted = offset * 8..<(offset + count) * 8
        for piece in pieces {
            let here = bits..<bits + piece.bitSize
            bits = here.upperBound
            let shared = here.clamped(to: wanted)
            guard !shared.isEmpty else { continue }
            let first = shared.lowerBound - here.lowerBound + piece.bitOffset
            let last = first + shared.count
            guard
                let bytes = self.bytes(
                    piece.location,
                    offset: first / 8,
                    count: (last + 7) / 8 - first / 8
                )
            else { return nil }
            for bit in 0..<shared.count {
                let source = first % 8 + bit
                guard bytes[source / 8] >> (source % 8) & 1 == 1 else { continue }
                let target = shared.lowerBound - wanted.lowerBound + bit
                result[target / 8] |= 1 << (target % 8)
            }
        }
        return bits >= wanted.upperBound ? result : nil
    }
}
