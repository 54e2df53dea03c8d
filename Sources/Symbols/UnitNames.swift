import CElfutils

/// The types, variables and inlined functions of a unit by their qualified names.
struct UnitNames {
    /// Variables of file, namespace and class scope that have a place or a value.
    private(set) var variables: [(name: String, entry: DebugEntry)] = []
    /// Named types that are complete.
    private(set) var types: [(name: String, entry: DebugEntry)] = []

    private var variableIndices: [String: Int] = [:]
    private var typeIndices: [String: Int] = [:]
    /// Constants of enumerations: the enumeration and the enumerator.
    private var enumerators: [String: (type: DebugEntry, entry: DebugEntry)] = [:]
    /// Class templates by their names without arguments, with the indices of their instances.
    private var templates: [String: [Int]] = [:]
    private var typeScopes: [UInt: String] = [:]

    init(unit: DebugEntry) {
        var visits = FunctionMap.visitsMax
        collect(below: unit, prefix: "", depth: 0, &visits)
    }

    /// The variable of that name.
    func variable(named name: String) -> DebugEntry? {
        variableIndices[name].map { variables[$0].entry }
    }

    /// The type of that name; a definition wins over a typedef.
    ///
    /// Template arguments may be spaced in any way, and those at the end may be left out.
    func type(named name: String) -> DebugEntry? {
        if let index = typeIndices[name] { return types[index].entry }
        guard name.hasSuffix(">"), let open = name.firstIndex(of: "<") else { return nil }
        let instances = templates[String(name[..<open])] ?? []
        let wanted = Self.withoutSpaces(name)
        let found = instances.first { Self.withoutSpaces(types[$0].name) == wanted }
        if let found { return types[found].entry }
        let shortened = wanted.dropLast() + ","
        return instances.filter { Self.withoutSpaces(types[$0].name).hasPrefix(shortened) }
            .min { types[$0].name.utf8.count < types[$1].name.utf8.count }
            .map { types[$0].entry }
    }

    /// The constant of that name.
    func enumerator(named name: String) -> (type: DebugEntry, entry: DebugEntry)? {
        enumerators[name]
    }

    private static func withoutSpaces(_ name: String) -> String { name.filter { $0 != " " } }

    /// The scopes that a type of the unit is in.
    func scopes(of type: DebugEntry) -> String { typeScopes[type.identity] ?? "" }

    private static let typeTags: Set<Int> = [
        DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_union_type, DW_TAG_enumeration_type,
        DW_TAG_typedef, DW_TAG_base_type, DW_TAG_interface_type,
    ]

    private mutating func collect(
        below parent: DebugEntry,
        prefix: String,
        depth: Int,
        _ visits: inout Int
    ) {
        guard depth < FunctionMap.depthMax else { return }
        for child in parent.children {
            visits -= 1
            guard visits > 0 else { return }
            switch child.tag {
            case DW_TAG_variable:
                if let name = child.name, child.has(DW_AT_location) || child.has(DW_AT_const_value)
                {
                    let scopes = child.has(DW_AT_specification) ? Self.scopes(of: child) : prefix
                    variableIndices[scopes + name] = variables.count
                    for shorter in Self.aliases(of: scopes)
                    where variableIndices[shorter + name] == nil {
                        variableIndices[shorter + name] = variables.count
                    }
                    variables.append((scopes + name, child))
                }
            case DW_TAG_subprogram where !prefix.isEmpty && !child.has(DW_AT_linkage_name):
                typeScopes[child.identity] = prefix
            case DW_TAG_namespace, DW_TAG_module:
                let inner = prefix + (child.name.map { $0 + "::" } ?? "(anonymous namespace)::")
                collect(below: child, prefix: inner, depth: depth + 1, &visits)
            case let tag where Self.typeTags.contains(tag):
                if tag == DW_TAG_enumeration_type { addEnumerators(of: child, prefix) }
                guard let name = child.name else { continue }
                if !prefix.isEmpty { typeScopes[child.identity] = prefix }
                if child.flag(DW_AT_declaration) { continue }
                addType(child, name, prefix)
                collect(below: child, prefix: prefix + name + "::", depth: depth + 1, &visits)
            default: break
            }
        }
    }

    private mutating func addType(_ entry: DebugEntry, _ name: String, _ prefix: String) {
        for scopes in [prefix] + Self.aliases(of: prefix) {
            if entry.tag != DW_TAG_typedef || typeIndices[scopes + name] == nil {
                typeIndices[scopes + name] = types.count
            }
            if let open = name.firstIndex(of: "<") {
                templates[scopes + name[..<open], default: []].append(types.count)
            }
        }
        types.append((prefix + name, entry))
    }

    private mutating func addEnumerators(of type: DebugEntry, _ prefix: String) {
        let isScoped = type.flag(DW_AT_enum_class)
        let scopes = prefix + (type.name.map { $0 + "::" } ?? "")
        for child in type.children where child.tag == DW_TAG_enumerator {
            guard let name = child.name else { continue }
            for place in [scopes] + (isScoped ? [] : [prefix]) {
                for full in [place] + Self.aliases(of: place) where enumerators[full + name] == nil
                {
                    enumerators[full + name] = (type, child)
                }
            }
        }
    }

    /// The scopes as they are written without those that nobody has to write.
    private static func aliases(of scopes: String) -> [String] {
        var shorter = scopes
        for name in ["(anonymous namespace)::", "__cxx11::", "__1::"] {
            shorter = shorter.replacing(name, with: "")
        }
        return shorter == scopes ? [] : [shorter]
    }

    /// The scopes of a definition that stands outside its class or namespace come from the linkage
    /// name.
    private static func scopes(of entry: DebugEntry) -> String {
        guard let name = entry.name, let linkage = entry.linkageName,
            let full = Demangler.demangle(linkage), full.hasSuffix(name)
        else { return "" }
        return String(full.dropLast(name.count))
    }
}
