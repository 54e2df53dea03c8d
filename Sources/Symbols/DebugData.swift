import CElfutils

/// The DWARF of a module: its units and which addresses each covers.
final class DebugData {
    /// How many units of one file are looked at.
    static let unitsMax = 1 << 20

    let dwarf: OpaquePointer
    private let file: ELFFile
    private(set) lazy var units = readUnits(of: dwarf)
    /// What `dwz` moved to a file that several share; keeps that file alive.
    private let shared: (file: ELFFile, dwarf: OpaquePointer)?
    /// The units that types and variables are looked up in: with those of the shared file.
    private(set) lazy var namedUnits = units + readUnits(of: dwarf, ofTypes: true) + sharedUnits
    private var sharedUnits: [DebugUnit] { dwarf_getalt(dwarf).map { readUnits(of: $0) } ?? [] }
    private lazy var map = AddressMap(
        units.enumerated().flatMap { index, unit in unit.entry.ranges.map { ($0, index) } }
    )

    /// The units by the identities of their entries.
    private(set) lazy var unitsByEntry = Dictionary(
        namedUnits.flatMap { [($0.entry.identity, $0), ($0.contents.identity, $0)] },
        uniquingKeysWith: { first, _ in first }
    )

    /// Nil when the file has no DWARF that libdw can read.
    ///
    /// - Parameter folders: where a file that it shares with others may lie, besides its own place.
    init?(file: ELFFile, folders: [String] = []) {
        guard let handle = dwarf_begin_elf(file.elf, DWARF_C_READ, nil) else { return nil }
        dwarf = handle
        self.file = file
        shared = DebugFileSearch.sharedFile(of: handle, beside: file.path, in: folders).flatMap {
            file in
            dwarf_begin_elf(file.elf, DWARF_C_READ, nil).map { (file, $0) }
        }
        if let shared { dwarf_setalt(handle, shared.dwarf) }
    }

    deinit {
        dwarf_end(dwarf)
        if let shared { dwarf_end(shared.dwarf) }
    }

    /// - Parameter isForTypes: whether the units of single types are wanted (`-fdebug-types-section`)
    ///   instead of those with code.
    private func readUnits(of dwarf: OpaquePointer, ofTypes isForTypes: Bool = false) -> [DebugUnit]
    {
        var found: [DebugUnit] = []
        var unit: OpaquePointer?
        var type: UInt8 = 0
        var entry = Dwarf_Die()
        while found.count < Self.unitsMax {
            var next: OpaquePointer?
            guard dwarf_get_units(dwarf, unit, &next, nil, &type, &entry, nil) == 0, let next,
                next != unit
            else { break }
            let isTypes = Int(type) == DW_UT_type || Int(type) == DW_UT_split_type
            if isTypes == isForTypes, entry.addr != nil {
                found.append(DebugUnit(DebugEntry(entry), handle: next))
            }
            unit = next
        }
        return found
    }

    /// The units that have code at an address; more than one only where a linker left stale ranges.
    func units(at address: UInt64) -> [DebugUnit] {
        map.values(at: address).map { units[$0] }
    }

    /// The innermost function with code at an address, with its unit.
    func function(at address: UInt64) -> (unit: DebugUnit, entry: DebugEntry)? {
        for unit in units(at: address) {
            if let entry = unit.function(at: address) { return (unit, entry) }
        }
        return nil
    }
}

/// One compilation unit, with what has been read of it so far.
final class DebugUnit {
    /// Its entry; with split DWARF the skeleton's, which has the addresses and lines.
    let entry: DebugEntry
    private let handle: OpaquePointer
    /// The file that the unit's contents are in, where there is none at that place.
    var missingFile: String? {
        guard let name = entry.string(DW_AT_GNU_dwo_name) ?? entry.string(DW_AT_dwo_name),
            contents.identity == entry.identity
        else { return nil }
        return LineTable.absolute(name, in: entry.string(DW_AT_comp_dir))
    }
    private(set) lazy var lines = LineTable(unit: entry)
    private lazy var functions = FunctionMap(unit: contents)
    private(set) lazy var names = UnitNames(unit: contents)

    init(_ entry: DebugEntry, handle: OpaquePointer) {
        self.entry = entry
        self.handle = handle
    }

    /// The entry to look below for functions, variables and types.
    private(set) lazy var contents: DebugEntry = {
        var split = Dwarf_Die()
        guard entry.tag == DW_TAG_skeleton_unit || entry.has(DW_AT_GNU_dwo_name),
            dwarf_cu_info(handle, nil, nil, nil, &split, nil, nil, nil) == 0, split.addr != nil
        else { return entry }
        return DebugEntry(split)
    }()

    /// The innermost function with code at an address.
    func function(at address: UInt64) -> DebugEntry? { functions.function(at: address) }

    /// The name of a file by its number in the unit's line table.
    func file(_ number: UInt64) -> String? {
        entry.withDie { die in
            var files: OpaquePointer?
            var count = 0
            guard dwarf_getsrcfiles(die, &files, &count) == 0, number < UInt64(count) else {
                return nil
            }
            return dwarf_filesrc(files, Int(number), nil, nil).map { path in
                LineTable.absolute(String(cString: path), in: entry.string(DW_AT_comp_dir))
            }
        }
    }
}

/// Which values' ranges contain an address, for ranges that seldom overlap.
struct AddressMap<Value> {
    private var ranges: [(range: Range<UInt64>, value: Value)]
    /// The highest end up to each range: where a search backwards can stop.
    private var reach: [UInt64] = []

    init(_ entries: [(Range<UInt64>, Value)]) {
        ranges = entries.map { (range: $0.0, value: $0.1) }
        ranges.sort { $0.range.lowerBound < $1.range.lowerBound }
        var highest: UInt64 = 0
        reach = ranges.map { entry in
            highest = max(highest, entry.range.upperBound)
            return highest
        }
    }

    /// The values whose ranges contain the address, the range that begins last first.
    func values(at address: UInt64) -> [Value] {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].range.lowerBound <= address {
                low = middle + 1
            } else {
                high = middle
            }
        }
        var found: [Value] = []
        var index = low - 1
        while index >= 0, reach[index] > address {
            if ranges[index].range.contains(address) { found.append(ranges[index].value) }
            index -= 1
        }
        return found
    }
}
