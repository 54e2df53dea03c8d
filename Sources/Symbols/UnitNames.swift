import CElfutils

/// The types, variables and inlined functions of a unit by their qualified names.
struct UnitNames {
    /// Variables of file, namespace and class scope that have a place or a value.
    private(set) var variables: [(name: String, entry: DebugEntry)] = []
    /// Named types that are complete.
    private(set) var types: [(name: String, entry: DebugEntry)] = []

    private var variableIndices: [String: Int] = [:]
    private var typeIndices: [String: Int] = [:]
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
    func type(named name: String) -> DebugEntry? { typeIndices[name].map { types[$0].entry } }

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
                    variables.append((scopes + name, child))
                }
            case DW_TAG_namespace, DW_TAG_module:
                let inner = prefix + (child.name.map { $0 + "::" } ?? "(anonymous namespace)::")
                collect(below: child, prefix: inner, depth: depth + 1, &visits)
            case let tag where Self.typeTags.contains(tag):
                guard let name = child.name else { continue }
                if !prefix.isEmpty { typeScopes[child.identity] = prefix }
                if child.flag(DW_AT_declaration) { continue }
                if child.tag != DW_TAG_typedef || typeIndices[prefix + name] == nil {
                    typeIndices[prefix + name] = types.count
                }
                types.append((prefix + name, child))
                collect(below: child, prefix: prefix + name + "::", depth: depth + 1, &visits)
            default: break
            }
        }
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
