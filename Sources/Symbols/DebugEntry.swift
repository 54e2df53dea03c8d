import CElfutils

/// One debugging information entry (DIE); the fence around libdw's attribute functions.
///
/// Every way from one entry to others has a limit, since a damaged file may link them in a circle:
/// libdw checks that offsets lie inside the section, not that they lead anywhere.
struct DebugEntry {
    /// How far chains of references (typedef of const of typedef, origin of origin) are followed.
    static let chainMax = 64
    /// How many children of one entry are visited.
    static let childrenMax = 1 << 22

    private let die: Dwarf_Die
    /// The entry's kind, `DW_TAG_…`.
    let tag: Int

    /// How many bytes an address takes in the entry's unit.
    var addressByteCount: UInt64 {
        var copy = die
        var unit = Dwarf_Die()
        var size: UInt8 = 0
        var offsetSize: UInt8 = 0
        let isFound = dwarf_diecu(&copy, &unit, &size, &offsetSize) != nil
        return isFound && size == 4 ? 4 : 8
    }

    init(_ die: Dwarf_Die) {
        var copy = die
        tag = Int(dwarf_tag(&copy))
        // dwarf_tag has looked the abbreviation up and kept it in the copy.
        self.die = copy
    }

    init?(_ die: Dwarf_Die?) {
        guard let die, die.addr != nil else { return nil }
        self.init(die)
    }

    /// Calls libdw with a mutable copy of its structure.
    func withDie<Result>(_ body: (UnsafeMutablePointer<Dwarf_Die>) -> Result) -> Result {
        var copy = die
        return body(&copy)
    }

    /// What tells entries of one file apart, and their order in a unit.
    var identity: UInt { UInt(bitPattern: die.addr) }

    // MARK: Attributes

    /// An attribute of the entry itself.
    func attribute(_ name: Int) -> Dwarf_Attribute? {
        withDie { die in
            var attribute = Dwarf_Attribute()
            return dwarf_attr(die, UInt32(name), &attribute) == nil ? nil : attribute
        }
    }

    /// An attribute of the entry or of the one it completes (`abstract_origin`, `specification`).
    func inherited(_ name: Int) -> Dwarf_Attribute? {
        withDie { die in
            var attribute = Dwarf_Attribute()
            return dwarf_attr_integrate(die, UInt32(name), &attribute) == nil ? nil : attribute
        }
    }

    /// Whether the entry has the attribute itself.
    func has(_ name: Int) -> Bool { withDie { dwarf_hasattr($0, UInt32(name)) != 0 } }

    /// The name as written in the source, without scopes.
    var name: String? {
        withDie { dwarf_diename($0) }.map(String.init(cString:)).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The name the linker knows it by.
    var linkageName: String? {
        string(DW_AT_linkage_name) ?? string(DW_AT_MIPS_linkage_name)
    }

    /// A string, own or inherited.
    func string(_ name: Int) -> String? {
        guard var attribute = inherited(name), let text = dwarf_formstring(&attribute) else {
            return nil
        }
        return String(cString: text)
    }

    /// An unsigned constant, own or inherited.
    func unsigned(_ name: Int) -> UInt64? {
        guard var attribute = inherited(name) else { return nil }
        var value: Dwarf_Word = 0
        return dwarf_formudata(&attribute, &value) == 0 ? value : nil
    }

    /// A signed constant, own or inherited.
    func signed(_ name: Int) -> Int64? {
        guard var attribute = inherited(name) else { return nil }
        var value: Dwarf_Sword = 0
        return dwarf_formsdata(&attribute, &value) == 0 ? value : nil
    }

    /// An address of the entry itself.
    func address(_ name: Int) -> UInt64? {
        guard var attribute = attribute(name) else { return nil }
        var value: Dwarf_Addr = 0
        return dwarf_formaddr(&attribute, &value) == 0 ? value : nil
    }

    /// A flag, false when absent.
    func flag(_ name: Int) -> Bool {
        guard var attribute = inherited(name) else { return false }
        var value = false
        return dwarf_formflag(&attribute, &value) == 0 && value
    }

    /// The entry that an own or inherited attribute refers to.
    func reference(_ name: Int) -> DebugEntry? {
        guard var attribute = inherited(name) else { return nil }
        var target = Dwarf_Die()
        return dwarf_formref_die(&attribute, &target) == nil ? nil : DebugEntry(target)
    }

    /// Its type, before any alias is resolved; nil for `void`.
    var type: DebugEntry? { reference(DW_AT_type) }

    /// The entry that says what this copy is a copy of, or itself.
    var origin: DebugEntry {
        var entry = self
        for _ in 0..<Self.chainMax {
            guard entry.has(DW_AT_abstract_origin) || entry.has(DW_AT_specification),
                let next = entry.reference(
                    entry.has(DW_AT_abstract_origin) ? DW_AT_abstract_origin : DW_AT_specification
                )
            else { break }
            entry = next
        }
        return entry
    }

    // MARK: Relations

    /// The compilation unit's entry.
    var unit: DebugEntry? {
        withDie { die in
            var unit = Dwarf_Die()
            return dwarf_diecu(die, &unit, nil, nil) == nil ? nil : DebugEntry(unit)
        }
    }

    /// The entries right below, in order.
    var children: Children { Children(of: die) }

    /// The addresses the entry covers.
    var ranges: [Range<UInt64>] {
        withDie { die in
            var found: [Range<UInt64>] = []
            var (base, start, end): (Dwarf_Addr, Dwarf_Addr, Dwarf_Addr) = (0, 0, 0)
            var offset = dwarf_ranges(die, 0, &base, &start, &end)
            while offset > 0, found.count < ELFFile.entriesMax {
                if start < end { found.append(start..<end) }
                offset = dwarf_ranges(die, offset, &base, &start, &end)
            }
            return found
        }
    }

    /// Whether the entry covers an address.
    func covers(_ address: UInt64) -> Bool { withDie { dwarf_haspc($0, address) } == 1 }
}

/// The entries right below another; ends early where a damaged file leads backwards.
struct Children: Sequence, IteratorProtocol {
    private var parent: Dwarf_Die?
    private var current: Dwarf_Die?
    private var left = DebugEntry.childrenMax

    init(of parent: Dwarf_Die) {
        self.parent = parent
    }

    mutating func next() -> DebugEntry? {
        var next = Dwarf_Die()
        let previous: Dwarf_Die
        if var parent {
            guard dwarf_haschildren(&parent) == 1, dwarf_child(&parent, &next) == 0 else {
                return nil
            }
            previous = parent
            self.parent = nil
        } else {
            guard var current, dwarf_siblingof(&current, &next) == 0 else { return nil }
            previous = current
        }
        left -= 1
        guard let here = next.addr, let before = previous.addr, here > before, left > 0 else {
            current = nil
            return nil
        }
        current = next
        return DebugEntry(next)
    }
}
