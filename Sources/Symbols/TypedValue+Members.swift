import CElfutils

extension TypedValue {
    /// How many members and base classes a search for a name visits.
    private static let visitsMax = 100_000

    /// The member of that name, of the structure itself, of anonymous members, or of base classes;
    /// `Base::name` means the one of that base.
    public func member(_ name: String) -> TypedValue? {
        guard case .entry(_, let module) = type.form, let entry = type.resolvedEntry,
            entry.isStructure
        else { return nil }
        var visits = Self.visitsMax
        if let colons = name.range(ofLast: "::") {
            let base = String(name[..<colons.lowerBound])
            return baseClass(base, of: entry, source, module, depth: 0, &visits)?
                .member(String(name[colons.upperBound...]))
        }
        return find(name, in: entry, source, module, depth: 0, &visits)
    }

    private func evaluator(_ module: ModuleSymbols) -> FrameEvaluator {
        FrameEvaluator(
            module: module,
            frame: context,
            address: code?.address ?? 0,
            function: code?.function
        )
    }

    private func part(
        _ entry: DebugEntry,
        of source: ValueSource,
        _ module: ModuleSymbols
    ) -> TypedValue? {
        let place = MemberPlace(entry, object: source.address, evaluator(module))
        guard let place, let part = source.advanced(by: place.offset) else { return nil }
        return TypedValue(
            ValueType(entry.type, module),
            part,
            context,
            bits: place.bits,
            code: code
        )
    }

    private func find(
        _ name: String,
        in entry: DebugEntry,
        _ source: ValueSource,
        _ module: ModuleSymbols,
        depth: Int,
        _ visits: inout Int
    ) -> TypedValue? {
        guard depth < ValueFormatter.depthMax else { return nil }
        var inner: [DebugEntry] = []
        for child in entry.children {
            visits -= 1
            guard visits > 0 else { return nil }
            if child.isDataMember {
                if child.tag == DW_TAG_inheritance || child.name == nil {
                    inner.append(child)
                } else if child.name == name {
                    return part(child, of: source, module)
                }
            } else if child.name == name,
                child.tag == DW_TAG_member || child.tag == DW_TAG_variable,
                let found = staticMember(child, of: entry, module)
            {
                return found
            }
        }
        for child in inner {
            guard let object = part(child, of: source, module),
                let type = object.type.resolvedEntry, type.isStructure,
                let found = find(name, in: type, object.source, module, depth: depth + 1, &visits)
            else { continue }
            return found
        }
        return nil
    }

    private func staticMember(
        _ member: DebugEntry,
        of owner: DebugEntry,
        _ module: ModuleSymbols
    ) -> TypedValue? {
        let scopes = (module.debugData?.scopes(of: owner) ?? "") + (owner.name ?? "")
        if let name = member.name,
            let found = module.globalValue(named: "\(scopes)::\(name)", frame: context)
        {
            return found
        }
        return member.constantValue.map {
            TypedValue(ValueType(member.type, module), ValueSource($0), context)
        }
    }

    private func baseClass(
        _ name: String,
        of entry: DebugEntry,
        _ source: ValueSource,
        _ module: ModuleSymbols,
        depth: Int,
        _ visits: inout Int
    ) -> TypedValue? {
        guard depth < ValueFormatter.depthMax else { return nil }
        for child in entry.children where child.tag == DW_TAG_inheritance {
            visits -= 1
            guard visits > 0, let object = part(child, of: source, module),
                let type = object.type.resolvedEntry
            else { return nil }
            let scopes = module.debugData?.scopes(of: type) ?? ""
            if type.name == name || scopes + (type.name ?? "") == name { return object }
            let found = object.baseClass(
                name,
                of: type,
                object.source,
                module,
                depth: depth + 1,
                &visits
            )
            if let found { return found }
        }
        return nil
    }

    /// The names of the structure's own members, for an error that says what would be right.
    public var memberNames: [String] {
        type.resolvedEntry?.children.prefix(512).filter(\.isDataMember).compactMap(\.name) ?? []
    }

    /// A member function.
    public struct Method {
        /// The name the linker knows it by.
        public var linkageName: String
        /// Its place in the table of virtual functions; nil for a function that is not virtual.
        public var slot: UInt64?
        /// The object, or its base class, that declares it.
        public var object: TypedValue
    }

    /// The member functions of that name, those of base classes where the structure has none.
    public func methods(named name: String) -> [Method] {
        guard case .entry(_, let module) = type.form, let entry = type.resolvedEntry else {
            return []
        }
        var visits = Self.visitsMax
        return methods(name, in: entry, module, depth: 0, &visits)
    }

    private func methods(
        _ name: String,
        in entry: DebugEntry,
        _ module: ModuleSymbols,
        depth: Int,
        _ visits: inout Int
    ) -> [Method] {
        guard depth < ValueFormatter.depthMax else { return [] }
        var found: [Method] = []
        for child in entry.children {
            visits -= 1
            guard visits > 0 else { break }
            if child.tag == DW_TAG_subprogram, child.name == name,
                let linkage = child.linkageName
            {
                let slot = child.attribute(DW_AT_vtable_elem_location)
                    .flatMap { evaluator(module).value($0) }
                found.append(Method(linkageName: linkage, slot: slot, object: self))
            }
        }
        if !found.isEmpty { return found }
        for child in entry.children where child.tag == DW_TAG_inheritance {
            guard let base = part(child, of: source, module), let type = base.type.resolvedEntry
            else { continue }
            found = base.methods(name, in: type, module, depth: depth + 1, &visits)
            if !found.isEmpty { break }
        }
        return found
    }

    /// How far into an object of this type its base class lies; nil when it is none, or virtual.
    public func offset(ofBase base: ValueType) -> UInt64? {
        guard case .entry(_, let module) = type.form, let entry = type.resolvedEntry,
            let wanted = base.resolvedEntry?.name
        else { return nil }
        var visits = Self.visitsMax
        let found = baseClass(wanted, of: entry, source, module, depth: 0, &visits)
        guard let here = source.address, let there = found?.source.address else { return nil }
        return there &- here
    }
}

extension TypedValue {
    /// For each eight bytes of a structure, whether all that begins in them is floating-point numbers of at most eight
    /// bytes: how it goes in registers (the System V ABI for x86-64, 3.2.3).
    public var realWords: [Bool] {
        guard case .entry(_, let module) = type.form, let size = type.byteSize else { return [] }
        var found: [(offset: UInt64, isReal: Bool)] = []
        Self.collect(type, module, at: 0, depth: 0, into: &found)
        return (0..<(size + 7) / 8).map { word in
            let inside = found.filter { $0.offset / 8 == word }
            return !inside.isEmpty && inside.allSatisfy(\.isReal)
        }
    }

    private static func collect(
        _ type: ValueType,
        _ module: ModuleSymbols,
        at offset: UInt64,
        depth: Int,
        into found: inout [(offset: UInt64, isReal: Bool)]
    ) {
        guard depth < ValueFormatter.depthMax, found.count < 64 else { return }
        switch type.kind {
        case .scalar(let encoding):
            found.append((offset, encoding == .floating && type.byteSize ?? 16 <= 8))
        case .array:
            guard let element = type.target, let size = element.byteSize, size > 0 else { return }
            for place in stride(from: 0, to: min(type.byteSize ?? 0, 64), by: Int(size)) {
                collect(element, module, at: offset &+ place, depth: depth + 1, into: &found)
            }
        case .structure:
            for child in type.resolvedEntry?.children.prefix(64).filter(\.isDataMember) ?? [] {
                let bits = child.unsigned(DW_AT_data_bit_offset).map { $0 / 8 }
                let place = child.unsigned(DW_AT_data_member_location) ?? bits ?? 0
                collect(
                    ValueType(child.type, module),
                    module,
                    at: offset &+ place,
                    depth: depth + 1,
                    into: &found
                )
            }
        default: found.append((offset, false))
        }
    }
}
