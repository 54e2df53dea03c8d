import CElfutils

/// The functions of a unit by address.
struct FunctionMap {
    /// How deep namespaces, classes and nested functions are followed.
    static let depthMax = 64
    /// How many entries of a unit are visited.
    static let visitsMax = 1 << 23

    private let map: AddressMap<DebugEntry>

    init(unit: DebugEntry) {
        var found: [(Range<UInt64>, DebugEntry)] = []
        var visits = Self.visitsMax
        Self.collect(below: unit, depth: 0, &visits, into: &found)
        map = AddressMap(found)
    }

    /// The function whose code begins last before an address and contains it.
    func function(at address: UInt64) -> DebugEntry? { map.values(at: address).first }

    private static let containers: Set<Int> = [
        DW_TAG_namespace, DW_TAG_module, DW_TAG_structure_type, DW_TAG_class_type,
        DW_TAG_union_type, DW_TAG_enumeration_type, DW_TAG_interface_type, DW_TAG_lexical_block,
    ]

    private static func collect(
        below parent: DebugEntry,
        depth: Int,
        _ visits: inout Int,
        into found: inout [(Range<UInt64>, DebugEntry)]
    ) {
        guard depth < depthMax else { return }
        for child in parent.children {
            visits -= 1
            guard visits > 0 else { return }
            if child.tag == DW_TAG_subprogram {
                let ranges = child.ranges
                found += ranges.map { ($0, child) }
                // Nested functions lie in the one around them.
                if !ranges.isEmpty {
                    collect(below: child, depth: depth + 1, &visits, into: &found)
                }
            } else if containers.contains(child.tag) {
                collect(below: child, depth: depth + 1, &visits, into: &found)
            }
        }
    }
}

/// The scopes around an address in a function: the function itself, then blocks and inlined calls
/// inwards.
struct ScopeChain {
    /// The scopes, the outermost first.
    let entries: [DebugEntry]

    init(function: DebugEntry, address: UInt64) {
        var chain = [function]
        while let last = chain.last, chain.count < FunctionMap.depthMax,
            let inner = Self.scope(in: last, covering: address)
        {
            chain.append(inner)
        }
        entries = chain
    }

    private static let scopes: Set<Int> = [
        DW_TAG_lexical_block, DW_TAG_inlined_subroutine, DW_TAG_try_block, DW_TAG_catch_block,
        DW_TAG_with_stmt,
    ]

    private static func scope(in parent: DebugEntry, covering address: UInt64) -> DebugEntry? {
        parent.children.first { scopes.contains($0.tag) && $0.covers(address) }
    }

    /// The inlined calls, the innermost first.
    var inlined: [DebugEntry] {
        entries.filter { $0.tag == DW_TAG_inlined_subroutine }.reversed()
    }

    /// The innermost function or inlined call.
    var innermostFunction: DebugEntry? { inlined.first ?? entries.first }
}
