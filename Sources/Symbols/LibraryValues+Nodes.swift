import CElfutils

// Containers of nodes: trees, hash tables, lists. A node's links and its value come with one read.
extension LibraryValues {
    /// How many bytes of a node are read with its links.
    private static let nodeBytesMax: UInt64 = 1024

    /// A node's first bytes; a value larger than that is read when it is formatted.
    private func node(at address: UInt64, _ offset: UInt64, _ type: DebugEntry) -> ValueSource {
        let size = offset &+ (type.byteSize ?? 0)
        let whole = ValueSource(.memory(address))
        return size <= Self.nodeBytesMax ? formatter.fetched(whole, size) : whole
    }

    /// How many bytes a link takes.
    private var word: UInt64 { UInt64(formatter.evaluator.module.wordBytes) }

    private func link(_ node: ValueSource, at offset: UInt64) -> UInt64? {
        node.advanced(by: offset).flatMap { formatter.number($0, word) }
    }

    /// An element; one of a map under its key where that is short.
    private func element(_ index: UInt64, _ type: DebugEntry, _ source: ValueSource) -> Variable {
        guard let pair = ValueView(type, source, formatter),
            let first = pair["first"], let second = pair["second"],
            Self.plain(pair.qualifiedName) == "std::pair"
        else { return child("[\(index)]", type, source) }
        let key = formatter.value(first.type, first.source, depth: depth + 1)
        guard key.children.isEmpty, key.text.utf8.count <= 40 else {
            return child("[\(index)]", type, source)
        }
        let text = key.text.hasPrefix("0n") ? String(key.text.dropFirst(2)) : key.text
        return child("[\(text)]", second)
    }

    // MARK: map, set

    func tree(_ view: ValueView) -> VariableValue? {
        guard let inside = view["_M_t"] else { return otherTree(view) }
        guard let count = inside["_M_impl._M_node_count"]?.number,
            let root = inside["_M_impl._M_header._M_parent"]?.number,
            inside.templateTypes.count > 1, let type = inside.templateTypes[1]
        else { return nil }
        // Colour, parent, left, right; then the value.
        return walk(root, count: count, type, value: 4 * word, left: 2 * word, right: 3 * word)
    }

    /// libc++'s: left, right, parent, colour; then the value.
    private func otherTree(_ view: ValueView) -> VariableValue? {
        guard let inside = view["__tree_"], let type = inside.templateTypes.first ?? nil,
            let count = (inside["__pair3_.__value_"] ?? inside["__size_"])?.number,
            let root = inside["__pair1_.__value_.__left_"] ?? inside["__end_node_.__left_"]
        else { return nil }
        let element = unwrapped(type)
        let offset = aligned(3 * word + 1, to: element.alignment())
        return root.number.flatMap {
            walk($0, count: count, element, value: offset, left: 0, right: word)
        }
    }

    /// libc++ wraps the pairs of maps in `__value_type`.
    private func unwrapped(_ type: DebugEntry) -> DebugEntry {
        guard let resolved = type.resolvedType, resolved.name?.hasPrefix("__value_type<") ?? false,
            let pair = resolved.children.first(where: \.isDataMember)?.type
        else { return type }
        return pair
    }

    private func aligned(_ offset: UInt64, to alignment: UInt64) -> UInt64 {
        (offset + alignment - 1) / alignment * alignment
    }

    /// In order, with the way down on a stack of our own.
    private func walk(
        _ root: UInt64,
        count: UInt64,
        _ type: DebugEntry,
        value: UInt64,
        left: UInt64,
        right: UInt64
    ) -> VariableValue? {
        var way: [ValueSource] = []
        var next = root
        return list(count: count) { index in
            while next != 0 {
                guard way.count < Self.treeDepthMax else { return nil }
                let here = node(at: next, value, type)
                guard let child = link(here, at: left) else { return nil }
                way.append(here)
                next = child
            }
            guard let here = way.popLast(), let other = link(here, at: right),
                let place = here.advanced(by: value)
            else { return nil }
            next = other
            return element(index, type, place)
        }
    }

    // MARK: unordered_map, unordered_set

    func hashTable(_ view: ValueView) -> VariableValue? {
        if let inside = view["_M_h"] {
            guard let count = inside["_M_element_count"]?.number,
                let first = inside["_M_before_begin._M_nxt"]?.number,
                inside.templateTypes.count > 1, let type = inside.templateTypes[1]
            else { return nil }
            return chain(first, count: count, type, value: aligned(word, to: type.alignment()))
        }
        guard let inside = view["__table_"], let type = inside.templateTypes.first ?? nil,
            let count = (inside["__p2_.__value_"] ?? inside["__size_"])?.number,
            let first = inside["__p1_.__value_.__next_"] ?? inside["__first_node_.__next_"]
        else { return nil }
        let element = hashElement(type)
        let offset = aligned(2 * word, to: element.alignment())
        return first.number.flatMap { chain($0, count: count, element, value: offset) }
    }

    private func hashElement(_ type: DebugEntry) -> DebugEntry {
        guard let resolved = type.resolvedType,
            resolved.name?.hasPrefix("__hash_value_type<") ?? false,
            let pair = resolved.children.first(where: \.isDataMember)?.type
        else { return type }
        return pair
    }

    /// Nodes with the link to the next at their beginning.
    private func chain(
        _ first: UInt64,
        count: UInt64,
        _ type: DebugEntry,
        value: UInt64
    ) -> VariableValue? {
        var next = first
        return list(count: count) { index in
            guard next != 0 else { return nil }
            let here = node(at: next, value, type)
            guard let after = link(here, at: 0), let place = here.advanced(by: value) else {
                return nil
            }
            next = after
            return element(index, type, place)
        }
    }

    // MARK: list, forward_list

    func list(_ view: ValueView) -> VariableValue? {
        guard let type = view.templateTypes.first ?? nil,
            let head = view["_M_impl._M_node"] ?? view["__end_"], let end = head.source.address,
            let first = (head["_M_next"] ?? head["__next_"])?.number
        else { return nil }
        let size =
            head["_M_size"] ?? head["_M_storage"] ?? view["__size_alloc_.__value_"]
            ?? view["__size_"]
        let offset = aligned(2 * word, to: type.alignment())
        // The ABI before C++11 does not count.
        guard let count = size?.number ?? counted(first, end: end) else { return nil }
        let link = head["__next_"] == nil ? UInt64(0) : word
        return linked(first, count: count, type, value: offset, next: link)
    }

    func forwardList(_ view: ValueView) -> VariableValue? {
        guard let type = view.templateTypes.first ?? nil,
            let first =
                (view["_M_impl._M_head._M_next"] ?? view["__before_begin_.__value_.__next_"])?
                .number,
            let count = counted(first, end: 0)
        else { return nil }
        return chain(first, count: count, type, value: aligned(word, to: type.alignment()))
    }

    private func linked(
        _ first: UInt64,
        count: UInt64,
        _ type: DebugEntry,
        value: UInt64,
        next offset: UInt64
    ) -> VariableValue? {
        var next = first
        return list(count: count) { index in
            let here = node(at: next, value, type)
            guard let after = link(here, at: offset), let place = here.advanced(by: value) else {
                return nil
            }
            next = after
            return element(index, type, place)
        }
    }

    /// How many nodes follow each other, up to a few more than are shown.
    private func counted(_ first: UInt64, end: UInt64) -> UInt64? {
        var next = first
        var count: UInt64 = 0
        while next != end, next != 0, count < UInt64(max(0, formatter.limits.elements)) + 1 {
            guard let after = formatter.number(ValueSource(.memory(next)), word) else { return nil }
            count += 1
            next = after
        }
        return count
    }
}
