public import DebugTarget

// target.xml (the manual's "Target Descriptions"). Types that are not built in must be defined in the
// feature that uses them, before the registers; which ones a feature needs follows from the names the
// registers use.

extension TargetDescription {
    /// The document `qXfer:features:read:target.xml` serves.
    public var document: String {
        var text =
            "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
            + "<architecture>\(architecture.rawValue)</architecture>\n"
            + "<osabi>GNU/Linux</osabi>\n" + RegisterSet.definitions
        for feature in featureNames {
            text += "<feature name=\"\(XML.escaped(feature))\">\n"
            let members = registers.filter { $0.feature == feature }
            text += RegisterTypes.definitions(for: members)
            for register in members { text += register.element + "\n" }
            text += "</feature>\n"
        }
        return text + "</target>\n"
    }

    /// Features in the order of their first registers.
    private var featureNames: [String] {
        registers.reduce(into: []) { names, register in
            if !names.contains(register.feature) { names.append(register.feature) }
        }
    }
}

extension RegisterDescription {
    fileprivate var element: String {
        var text =
            "<reg name=\"\(XML.escaped(name))\" bitsize=\"\(bitSize)\""
            + " type=\"\(XML.escaped(type))\" regnum=\"\(number)\""
        if let group { text += " group=\"\(XML.escaped(group))\"" }
        if let dwarfNumber { text += " dwarf_regnum=\"\(dwarfNumber)\"" }
        if let role { text += " generic=\"\(role.rawValue)\"" }
        if let alias = RegisterSet.aliases[name] { text += " altname=\"\(alias)\"" }
        text += " group_id=\"\(RegisterSet(of: self).rawValue)\""
        return text + "/>"
    }
}

/// The sets that lldb shows registers in, with the names of its own stub; gdb passes over them.
private enum RegisterSet: Int, CaseIterable {
    case general = 1
    case floatingPoint = 2
    case advancedVector = 3

    /// Names that lldb's own stub gives registers.
    static let aliases = ["eflags": "rflags"]

    init(of register: RegisterDescription) {
        if register.feature.hasSuffix(".avx") || register.feature.hasSuffix(".avx512") {
            self = .advancedVector
        } else if register.feature.hasSuffix(".sse") || register.type == "i387_ext"
            || register.group == "float"
        {
            self = .floatingPoint
        } else {
            self = .general
        }
    }

    private var name: String {
        switch self {
        case .general: "General Purpose Registers"
        case .floatingPoint: "Floating Point Registers"
        case .advancedVector: "Advanced Vector Extensions"
        }
    }

    static var definitions: String {
        let groups = allCases.map { "<group id=\"\($0.rawValue)\" name=\"\($0.name)\"/>" }
        return "<groups>\(groups.joined())</groups>\n"
    }
}

/// The types registers may name that gdb does not have built in.
enum RegisterTypes {
    static func definitions(for registers: [RegisterDescription]) -> String {
        table.reduce(into: "") { text, entry in
            if registers.contains(where: { $0.type == entry.name }) { text += entry.definition }
        }
    }

    private static let table: [(name: String, definition: String)] = [
        ("i386_eflags", flags("i386_eflags", eflags)),
        ("i386_mxcsr", flags("i386_mxcsr", mxcsr)),
        ("vec128", vector(128)),
        ("vec256", vector(256)),
        ("vec512", vector(512)),
        ("v2ui128", "<vector id=\"v2ui128\" type=\"uint128\" count=\"2\"/>\n"),
    ]

    private static let eflags = [
        ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9),
        ("DF", 10), ("OF", 11), ("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19),
        ("VIP", 20), ("ID", 21),
    ]

    private static let mxcsr = [
        ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7),
        ("DM", 8), ("ZM", 9), ("OM", 10), ("UM", 11), ("PM", 12), ("FZ", 15),
    ]

    private static func flags(_ name: String, _ fields: [(name: String, bit: Int)]) -> String {
        let lines = fields.map { field in
            "<field name=\"\(field.name)\" start=\"\(field.bit)\" end=\"\(field.bit)\"/>\n"
        }
        return "<flags id=\"\(name)\" size=\"4\">\n\(lines.joined())</flags>\n"
    }

    /// A union over the ways to look at a vector register, as gdb's own descriptions have it.
    private static func vector(_ bits: Int) -> String {
        let elements: [(name: String, type: String, bits: Int)] = [
            ("bfloat16", "bfloat16", 16), ("half", "ieee_half", 16),
            ("float", "ieee_single", 32), ("double", "ieee_double", 64), ("int8", "int8", 8),
            ("int16", "int16", 16), ("int32", "int32", 32), ("int64", "int64", 64),
            ("int128", "uint128", 128),
        ]
        var vectors = ""
        var fields = ""
        for element in elements where element.bits < bits {
            let count = bits / element.bits
            let name = "v\(count)_\(element.name)"
            vectors += "<vector id=\"\(name)\" type=\"\(element.type)\" count=\"\(count)\"/>\n"
            fields += "<field name=\"\(name)\" type=\"\(name)\"/>\n"
        }
        if bits == 128 { fields += "<field name=\"uint128\" type=\"uint128\"/>\n" }
        return vectors + "<union id=\"vec\(bits)\">\n\(fields)</union>\n"
    }
}
