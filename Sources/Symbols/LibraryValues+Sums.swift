import CElfutils

// Types that hold one of several things, some things side by side, or the address of one.
extension LibraryValues {
    // MARK: optional, variant

    func optional(_ view: ValueView) -> VariableValue? {
        if let isSet = view["_M_payload._M_engaged"]?.number {
            guard isSet & 0xff != 0 else { return VariableValue(text: "nullopt", isSummary: true) }
            let payload = view["_M_payload._M_payload"]
            return inner(payload?["_M_value"] ?? payload)
        }
        guard let isSet = view["__engaged_"]?.number else { return nil }
        return isSet == 0 ? VariableValue(text: "nullopt", isSummary: true) : inner(view["__val_"])
    }

    func variant(_ view: ValueView) -> VariableValue? {
        let types = view.templateTypes
        guard let index = view["_M_index"] ?? view["__impl_.__index"] ?? view["__impl.__index"],
            let number = index.number,
            let storage = view["_M_u"] ?? view["__impl_.__data"] ?? view["__impl.__data"]
        else { return nil }
        let none = UInt64.max >> (64 - min(8, index.type.byteSize ?? 8) * 8)
        guard number != none else { return VariableValue(text: "valueless", isSummary: true) }
        // All alternatives begin where the union does.
        guard number < UInt64(types.count), let type = types[Int(number)] else { return nil }
        var value = formatter.value(type, storage.source, depth: depth + 1)
        value.text = "{ index=\(number) } \(value.text)"
        value.isSummary = true
        return value
    }

    // MARK: pair, tuple

    func pair(_ view: ValueView) -> VariableValue? {
        guard let first = view["first"], let second = view["second"] else { return nil }
        return parts([("first", first), ("second", second)])
    }

    func tuple(_ view: ValueView) -> VariableValue? {
        var found: [(UInt64, ValueView)] = []
        collectHeads(view, depth: 0, into: &found)
        found.sort { $0.0 < $1.0 }
        return parts(found.map { ("[\($0.0)]", $0.1) })
    }

    /// `(1, 2)` with the parts as children.
    private func parts(_ parts: [(name: String, view: ValueView)]) -> VariableValue? {
        let children = parts.map { child($0.name, $0.view) }
        let text = "(" + children.map(\.value.text).joined(separator: ", ") + ")"
        var value = VariableValue(text: text, isSummary: true)
        if formatter.isExpanded(depth) { value.children = children }
        return value
    }

    /// libstdc++ keeps each element in a base class `_Head_base<index, type>`; libc++ in
    /// `__tuple_leaf<index, type>`.
    private func collectHeads(
        _ view: ValueView,
        depth: Int,
        into found: inout [(UInt64, ValueView)]
    ) {
        guard depth < ValueFormatter.depthMax, found.count < Self.membersMax else { return }
        let name = view.type.name ?? ""
        if name.hasPrefix("_Head_base<") || name.hasPrefix("__tuple_leaf<") {
            guard let index = view.templateNumbers.first else { return }
            found.append((index, view["_M_head_impl"] ?? view["__value_"] ?? view))
            return
        }
        for base in view.bases { collectHeads(base, depth: depth + 1, into: &found) }
        if let inside = view["__base_"], view.bases.isEmpty {
            collectHeads(inside, depth: depth + 1, into: &found)
        }
    }

    // MARK: Smart pointers

    func uniquePointer(_ view: ValueView) -> VariableValue? {
        if let data = view["_M_t"] {
            let pointers = data["_M_t"] ?? data
            var heads: [(UInt64, ValueView)] = []
            collectHeads(pointers, depth: 0, into: &heads)
            return heads.first { $0.0 == 0 }.flatMap { pointer($0.1, note: "") }
        }
        return (view["__ptr_.__value_"] ?? view["__ptr_"]).flatMap { pointer($0, note: "") }
    }

    func sharedPointer(_ view: ValueView) -> VariableValue? {
        guard let target = view["_M_ptr"] ?? view["__ptr_"] else { return nil }
        guard let control = view["_M_refcount._M_pi"] ?? view["__cntrl_"],
            let block = control.number
        else { return nil }
        guard block != 0 else { return pointer(target, note: "") }
        if let counts = control.pointee, let uses = counts["_M_use_count"]?.number,
            let weak = counts["_M_weak_count"]?.number
        {
            // While anybody uses the object, all of them together count as one weak owner.
            let others = weak &- (uses == 0 ? 0 : 1)
            return pointer(target, note: " [\(uses) strong, \(others) weak]")
        }
        if let uses = control.pointee?["__shared_owners_"]?.number {
            return pointer(target, note: " [\(uses &+ 1) strong]")
        }
        // libc++ has the counts' class in its library, and its layout is a part of the ABI: behind the table of virtual
        // functions how many owners there are beside the first, and how many weak ones.
        let word = control.pointerSize
        func count(_ index: UInt64) -> UInt64? {
            formatter.number(ValueSource(.memory(block &+ index * word)), word)
        }
        guard view["__cntrl_"] != nil, let uses = count(1), let weak = count(2) else {
            return pointer(target, note: "")
        }
        let strong = word == 4 ? uses &+ 1 & 0xffff_ffff : uses &+ 1
        return pointer(target, note: " [\(strong) strong, \(weak) weak]")
    }

    /// What the pointer leads to is a child, so that it can be looked into.
    func pointer(_ view: ValueView, note: String) -> VariableValue? {
        guard let address = view.number else { return nil }
        if address == 0 { return VariableValue(text: "empty" + note, scalar: 0, isSummary: true) }
        var value = formatter.value(view.type, view.source, depth: depth + 1)
        value.text += note
        value.isSummary = true
        guard formatter.isExpanded(depth), let target = view.pointee else { return value }
        value.children = [child("*", target.type, target.source)]
        return value
    }
}
