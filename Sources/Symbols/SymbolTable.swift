import CElfutils
import Glibc

/// The ELF symbols of a module, sorted by address.
///
/// Names stay in the mapped string tables until somebody asks: a large program has a million of
/// them.
struct SymbolTable {
    /// One entry of `.symtab` or `.dynsym`, or a made-up one of the procedure linkage table.
    struct Entry {
        var address: UInt64
        var size: UInt64
        var name: UnsafeRawBufferPointer
        var kind: Symbol.Kind
        var isGlobal: Bool
        /// Past the last byte it can cover: the end of its section.
        var limit: UInt64
    }

    /// Longer names are cut; no assembler makes them.
    static let nameBytesMax = 1 << 16

    private(set) var entries: [Entry] = []
    private var threadLocals: [Entry] = []
    /// The largest end address of all entries up to each one: where a search backwards can stop.
    private var reach: [UInt64] = []

    /// Reads the tables of the files; of the same name at the same address one entry is kept.
    init(files: [ELFFile]) {
        var found: [Entry] = []
        for file in files {
            for section in file.sections
            where section.header.sh_type == UInt32(SHT_SYMTAB)
                || section.header.sh_type == UInt32(SHT_DYNSYM)
            {
                Self.read(section, of: file, into: &found)
            }
        }
        if let main = files.first { found += LinkageTable.entries(of: main) }
        adopt(found)
    }

    private mutating func adopt(_ found: [Entry]) {
        threadLocals = found.filter { $0.kind == .threadLocal }
        entries = found.filter { $0.kind != .threadLocal }
        entries.sort(by: Self.isOrdered)
        var last: Entry?
        entries.removeAll { entry in
            defer { last = entry }
            guard let last, last.address == entry.address else { return false }
            return Self.isSameName(last.name, entry.name)
        }
        var highest: UInt64 = 0
        reach = entries.map { entry in
            let (end, overflow) = entry.address.addingReportingOverflow(entry.size)
            highest = max(highest, overflow ? UInt64.max : end)
            return highest
        }
    }

    /// By address; of several at one address the one to show comes last.
    private static func isOrdered(_ left: Entry, _ right: Entry) -> Bool {
        if left.address != right.address { return left.address < right.address }
        let (leftRank, rightRank) = (rank(left), rank(right))
        if leftRank != rightRank { return leftRank < rightRank }
        if left.name.count != right.name.count { return left.name.count > right.name.count }
        return right.name.lexicographicallyPrecedes(left.name)
    }

    private static func rank(_ entry: Entry) -> Int {
        (entry.kind == .other ? 0 : 4) + (entry.size == 0 ? 0 : 2) + (entry.isGlobal ? 1 : 0)
    }

    private static func isSameName(
        _ left: UnsafeRawBufferPointer,
        _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard left.count == right.count else { return false }
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return memcmp(first, second, left.count) == 0
    }

    /// The entry that covers an address: one with a size that contains it, or else the nearest one
    /// without a size, which reaches to the next entry.
    func entry(containing address: UInt64) -> Entry? {
        let nearest = upperBound(address) - 1
        guard nearest >= 0 else { return nil }
        var index = nearest
        while index >= 0, reach[index] > address {
            if address - entries[index].address < entries[index].size { return entries[index] }
            index -= 1
        }
        let entry = entries[nearest]
        let next = nearest + 1 < entries.count ? entries[nearest + 1].address : UInt64.max
        return entry.size == 0 && address < min(next, entry.limit) ? entry : nil
    }

    /// The entries at an address, the one to show first.
    func entries(at address: UInt64) -> [Entry] {
        let end = upperBound(address)
        var start = end
        while start > 0, entries[start - 1].address == address { start -= 1 }
        return entries[start..<end].reversed()
    }

    /// The first entry of code or data behind an address.
    func entry(after address: UInt64) -> Entry? {
        let start = upperBound(address)
        guard start < entries.count else { return nil }
        return entries(at: entries[start].address).first
    }

    /// How many entries begin at or before an address.
    private func upperBound(_ address: UInt64) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// All entries, thread-local ones last.
    var all: [Entry] { entries + threadLocals }
}

// MARK: - Reading

extension SymbolTable {
    private static func read(
        _ section: ELFFile.Section,
        of file: ELFFile,
        into found: inout [Entry]
    ) {
        guard section.header.sh_entsize > 0, let data = file.data(of: section),
            let names = strings(of: section, in: file)
        else { return }
        let limits = sectionLimits(of: file)
        let count = data.pointee.d_size / Int(clamping: section.header.sh_entsize)
        for index in 0..<min(count, Int(Int32.max)) {
            var symbol = GElf_Sym()
            guard gelf_getsym(data, CInt(index), &symbol) != nil else { return }
            guard let kind = kind(of: symbol), Int(symbol.st_name) < names.count,
                let limit = limits[Int(symbol.st_shndx)] ?? absoluteLimit(symbol)
            else { continue }
            let name = withoutVersion(string(at: Int(symbol.st_name), in: names))
            guard !name.isEmpty, !isMappingSymbol(name) else { continue }
            found.append(
                Entry(
                    address: symbol.st_value,
                    size: symbol.st_size,
                    name: name,
                    kind: kind,
                    isGlobal: symbol.st_info >> 4 != UInt8(STB_LOCAL),
                    limit: limit
                )
            )
        }
    }

    private static func strings(
        of section: ELFFile.Section,
        in file: ELFFile
    ) -> UnsafeRawBufferPointer? {
        file.sections.first { $0.index == Int(section.header.sh_link) }.flatMap(file.bytes(of:))
    }

    static func string(
        at offset: Int,
        in strings: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        let rest = UnsafeRawBufferPointer(rebasing: strings[offset...].prefix(nameBytesMax))
        guard let start = rest.baseAddress, let end = memchr(start, 0, rest.count) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: UnsafeRawPointer(end) - start)
    }

    /// Cuts the version that linkers append (`memcpy@@GLIBC_2.14`).
    private static func withoutVersion(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let start = name.baseAddress, let at = memchr(start, 0x40, name.count),
            UnsafeRawPointer(at) > start
        else { return name }
        return UnsafeRawBufferPointer(start: start, count: UnsafeRawPointer(at) - start)
    }

    private static func sectionLimits(of file: ELFFile) -> [Int: UInt64] {
        var limits: [Int: UInt64] = [:]
        for section in file.sections where section.header.sh_flags & UInt64(SHF_ALLOC) != 0 {
            limits[section.index] = section.header.sh_addr &+ section.header.sh_size
        }
        return limits
    }

    /// Absolute symbols are addresses in a kernel and mere numbers elsewhere; only sized ones are
    /// kept.
    private static func absoluteLimit(_ symbol: GElf_Sym) -> UInt64? {
        guard symbol.st_shndx == UInt16(SHN_ABS), symbol.st_size > 0 else { return nil }
        return symbol.st_value &+ symbol.st_size
    }

    private static func kind(of symbol: GElf_Sym) -> Symbol.Kind? {
        switch Int32(symbol.st_info & 0xF) {
        case STT_FUNC, STT_GNU_IFUNC: .function
        case STT_OBJECT, STT_COMMON: .data
        case STT_TLS: .threadLocal
        case STT_NOTYPE: .other
        default: nil
        }
    }

    /// Arm's `$x` and `$d` mark code and data, they name nothing.
    private static func isMappingSymbol(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count > 1, name[0] == UInt8(ascii: "$") else { return false }
        return (name[1] == UInt8(ascii: "x") || name[1] == UInt8(ascii: "d"))
            && (name.count == 2 || name[2] == UInt8(ascii: "."))
    }
}

extension SymbolTable.Entry {
    /// The name in the table.
    var linkageName: String { String(decoding: name, as: UTF8.self) }

    /// The entry with its name demangled.
    var symbol: Symbol {
        let linkage = linkageName
        let signature = Demangler.demangle(linkage) ?? linkage
        let suffix = kind == .procedureLinkage ? "@plt" : ""
        let name = signature == linkage ? linkage : Demangler.withoutParameters(signature)
        return Symbol(
            name: name + suffix,
            signature: signature + suffix,
            linkageName: linkage + suffix,
            address: address,
            size: size,
            kind: kind,
            isGlobal: isGlobal
        )
    }
}
