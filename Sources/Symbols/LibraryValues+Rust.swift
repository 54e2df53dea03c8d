import CElfutils

// What rustc's DWARF says of Rust's own types. Their members change from release to release; what stays
// is that a collection has a pointer somewhere inside of its buffer, and a length.
extension LibraryValues {
    func rust(_ plain: String, _ full: String, _ view: ValueView) -> VariableValue? {
        if let value = rustEnumeration(view) { return value }
        switch plain {
        case "alloc::string::String": return view["vec"].flatMap { rustText($0) }
        case "alloc::vec::Vec": return rustVector(view)
        case "alloc::boxed::Box", "alloc::rc::Rc", "alloc::sync::Arc":
            return rustPointer(plain, view)
        default: break
        }
        guard full.hasPrefix("&") || full.contains("Box<str") || full.contains("Box<["),
            let start = view["data_ptr"], let length = view["length"]?.number,
            let address = start.number
        else { return nil }
        return full.contains("[")
            ? elements(start.type.type, at: address, count: length)
            : text(at: address, count: length)
    }

    private func rustText(_ vector: ValueView) -> VariableValue? {
        guard let length = vector["len"]?.number,
            let address = vector["buf"]?.firstPointer()?.number
        else { return nil }
        return text(at: address, count: length)
    }

    private func rustVector(_ view: ValueView) -> VariableValue? {
        guard let length = view["len"]?.number,
            let start = view["buf"]?.firstPointer()?.number,
            let element = view.templateTypes.first ?? nil
        else { return nil }
        return elements(element, at: start, count: length)
    }

    private func rustPointer(_ plain: String, _ view: ValueView) -> VariableValue? {
        guard let pointer = view.firstPointer(), let target = pointer.pointee else { return nil }
        guard plain != "alloc::boxed::Box" else { return self.pointer(pointer, note: "") }
        let strong = target["strong.v.value"]?.number ?? target["strong.value.value"]?.number
        guard let value = target["value"] ?? target["data"] else { return nil }
        var shown = formatter.value(value.type, value.source, depth: depth + 1)
        shown.text += strong.map { " [\($0) strong]" } ?? ""
        shown.isSummary = true
        return shown
    }

    /// Enumerations with contents: a discriminant that says which of the variants is there.
    private func rustEnumeration(_ view: ValueView) -> VariableValue? {
        guard
            let part = view.type.children.prefix(4).first(where: { $0.tag == DW_TAG_variant_part })
        else { return nil }
        let discriminant = part.reference(DW_AT_discr).flatMap(view.part)?.number
        var fallback: DebugEntry?
        var chosen: DebugEntry?
        for variant in part.children.prefix(Self.membersMax) where variant.tag == DW_TAG_variant {
            guard let value = variant.unsigned(DW_AT_discr_value) else {
                fallback = variant
                continue
            }
            if value == discriminant { chosen = variant }
        }
        guard let variant = chosen ?? fallback,
            let member = variant.children.first(where: { $0.tag == DW_TAG_member }),
            let content = view.part(member)
        else { return nil }
        return variantValue(member.name ?? "", content)
    }

    /// `Some(5)`, `None`, `Point` with its members as children.
    private func variantValue(_ name: String, _ content: ValueView) -> VariableValue {
        let members = content.type.children.prefix(Self.membersMax).filter(\.isDataMember)
        guard !members.isEmpty else { return VariableValue(text: name, isSummary: true) }
        let children = members.compactMap { member -> Variable? in
            content.part(member).map { child(member.name ?? "", $0) }
        }
        let isTuple = members.allSatisfy { $0.name?.hasPrefix("__") ?? true }
        let texts = children.map { isTuple ? $0.value.text : "\($0.name): \($0.value.text)" }
        let (open, close) = isTuple ? ("(", ")") : (" { ", " }")
        var value = VariableValue(
            text: name + open + texts.joined(separator: ", ") + close,
            isSummary: true
        )
        if isTuple, let only = children.first, children.count == 1 {
            value.children = only.value.children
        } else if formatter.isExpanded(depth) {
            value.children = children
        }
        return value
    }
}
