/// Where the dynamic linker keeps what debuggers read to find the modules (<link.h>): the program's headers and dynamic
/// section, `struct r_debug`, each `struct link_map` and its name.
///
/// All of it is the debuggee's memory, which may be nonsense: everything is bounded.
struct LinkerWalk {
    private static let modulesMax = 4096
    private static let entriesMax = 256
    private static let nameByteCountMax: UInt64 = 4096
    private static let headersKey: UInt64 = 3
    private static let headerCountKey: UInt64 = 5
    private static let dynamicSegment: UInt64 = 2
    private static let headersSegment: UInt64 = 6
    private static let debugTag: UInt64 = 21

    /// Some bytes that are worth keeping.
    struct Place: Equatable {
        var address: UInt64
        var byteCount: UInt64
    }

    private let read: (_ address: UInt64, _ count: Int) -> [UInt8]
    private let word: Int
    private var headers: UInt64 = 0
    private var headerCount = 0

    init(
        auxiliaryVector: [UInt8],
        isNarrow: Bool,
        read: @escaping (_ address: UInt64, _ count: Int) -> [UInt8]
    ) {
        self.read = read
        word = isNarrow ? 4 : 8
        for offset in stride(from: 0, through: auxiliaryVector.count - 2 * word, by: 2 * word) {
            let value = number(auxiliaryVector, offset + word)
            switch number(auxiliaryVector, offset) {
            case Self.headersKey: headers = value
            case Self.headerCountKey: headerCount = Int(min(value, UInt64(Self.entriesMax)))
            default: break
            }
        }
    }

    private func number(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        LittleEndian.value(bytes.dropFirst(offset).prefix(word))
    }

    private func pointer(at address: UInt64) -> UInt64? {
        let bytes = read(address, word)
        return bytes.count == word ? number(bytes, 0) : nil
    }

    /// All of them, as far as they can be reached.
    func places() -> [Place] {
        guard let dynamic = dynamicSection() else { return [] }
        var places = [dynamic]
        guard let debug = debugStructure(in: dynamic), debug != 0 else { return places }
        places.append(Place(address: debug, byteCount: UInt64(5 * word)))
        var next = pointer(at: debug &+ UInt64(word)) ?? 0
        var seen: Set<UInt64> = []
        while next != 0, seen.count < Self.modulesMax, seen.insert(next).inserted {
            let entry = read(next, 5 * word)
            guard entry.count == 5 * word else { break }
            // glibc's own part of the structure is longer, and its namespaces look at it.
            places.append(Place(address: next, byteCount: 1200))
            places.append(Place(address: number(entry, word), byteCount: Self.nameByteCountMax / 8))
            next = number(entry, 3 * word)
        }
        return places
    }

    private func dynamicSection() -> Place? {
        let size = word == 4 ? 32 : 56
        let table = read(headers, headerCount * size)
        guard headerCount > 0, table.count == headerCount * size else { return nil }
        var bias: UInt64 = 0
        var dynamic: Place?
        for start in stride(from: 0, to: table.count, by: size) {
            let type = LittleEndian.value(table[start..<(start + 4)])
            let address = number(table, start + (word == 4 ? 8 : 16))
            if type == Self.headersSegment { bias = headers &- address }
            if type == Self.dynamicSegment {
                let count = number(table, start + (word == 4 ? 16 : 32))
                let most = UInt64(2 * word * Self.entriesMax)
                dynamic = Place(address: address, byteCount: min(count, most))
            }
        }
        return dynamic.map { Place(address: $0.address &+ bias, byteCount: $0.byteCount) }
    }

    private func debugStructure(in dynamic: Place) -> UInt64? {
        let bytes = read(dynamic.address, Int(dynamic.byteCount))
        for start in stride(from: 0, through: bytes.count - 2 * word, by: 2 * word)
        where number(bytes, start) == Self.debugTag {
            return number(bytes, start + word)
        }
        return nil
    }
}
