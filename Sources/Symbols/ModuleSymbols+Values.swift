import CElfutils

extension ModuleSymbols {
    /// The local or parameter of that name that code at an address sees, the innermost first.
    ///
    /// - Parameter inlinedDepth: how many inlined calls lie around the function that is meant; 0
    ///   for the function itself.
    public func localValue(
        named name: String,
        at address: UInt64,
        frame: FrameContext,
        inlinedDepth: Int
    ) -> TypedValue? {
        guard let (_, function) = debugData?.function(at: address) else { return nil }
        for scope in ScopeChain(function: function, address: address).scopes(at: inlinedDepth) {
            let found = scope.children.first { $0.isVariable && $0.name == name }
            if let found { return value(of: found, frame, code: (address, function)) }
        }
        return nil
    }

    /// A variable of file, class or namespace scope.
    public func globalValue(named name: String, frame: FrameContext) -> TypedValue? {
        for unit in debugData?.namedUnits ?? [] {
            if let entry = unit.names.variable(named: name) {
                return value(of: entry, frame, code: nil)
            }
        }
        return nil
    }

    private func value(
        of entry: DebugEntry,
        _ frame: FrameContext,
        code: (address: UInt64, function: DebugEntry)?
    ) -> TypedValue {
        let evaluator = FrameEvaluator(
            module: self,
            frame: frame,
            address: code?.address ?? 0,
            function: code?.function
        )
        let place = location(of: entry, evaluator)
        return TypedValue(ValueType(entry.type, self), ValueSource(place), frame, code: code)
    }

    /// The constant of an enumeration, by its name with its scopes.
    public func enumerator(named name: String, frame: FrameContext) -> TypedValue? {
        for unit in debugData?.namedUnits ?? [] {
            guard let (type, entry) = unit.names.enumerator(named: name),
                let value = entry.signed(DW_AT_const_value)
                    ?? entry.unsigned(DW_AT_const_value)
                    .map({ Int64(bitPattern: $0) })
            else { continue }
            let size = Int(min(8, type.byteSize ?? 4))
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
            return TypedValue(ValueType(type, self), bytes: bytes, in: frame)
        }
        return nil
    }

    /// The type of that name, with its scopes.
    public func valueType(named name: String) -> ValueType? {
        type(named: name).map { ValueType($0, self) }
    }

    /// The function whose code begins at an address.
    public func function(at address: UInt64, frame: FrameContext) -> TypedValue? {
        guard let (_, entry) = debugData?.function(at: address), entry.lowestAddress == address
        else { return nil }
        return TypedValue(ValueType(entry, self), at: address &+ frame.bias, in: frame)
    }

    /// The file with the debug information of the code at an address, where it is not at its place
    /// (`-gsplit-dwarf`).
    public func missingDebugFile(at address: UInt64) -> String? {
        debugData?.units(at: address).lazy.compactMap(\.missingFile).first
    }

    /// The scopes that names are looked up in from code at an address, the innermost first:
    /// `ns::Class::`, `ns::`, and the outermost, which is empty.
    public func lookupScopes(at address: UInt64, inlinedDepth: Int) -> [String] {
        guard let (_, function) = debugData?.function(at: address) else { return [""] }
        let chain = ScopeChain(function: function, address: address)
        let owner = chain.scopes(at: inlinedDepth).last ?? function
        var scopes = [""]
        for part in NameScopes.split(owner.functionName ?? "").dropLast() {
            scopes.append((scopes.last ?? "") + part + "::")
        }
        return scopes.reversed()
    }
}

extension DebugEntry {
    /// Whether it is a parameter or a variable of its own, not one that the compiler made up.
    var isVariable: Bool {
        (tag == DW_TAG_formal_parameter || tag == DW_TAG_variable)
            && !flag(DW_AT_declaration)
            // What lambdas captured counts as made up too; the compiler's own names begin with `__`.
            && (!flag(DW_AT_artificial) || !(name?.hasPrefix("__") ?? true))
    }
}

extension ScopeChain {
    /// The scopes of the function itself (0) or of an inlined call in it, the innermost first.
    func scopes(at inlinedDepth: Int) -> [DebugEntry] {
        var depth = 0
        var found: [DebugEntry] = []
        for entry in entries {
            if entry.tag == DW_TAG_inlined_subroutine { depth += 1 }
            if depth == inlinedDepth { found.append(entry) }
        }
        return found.reversed()
    }
}

/// The parts of a qualified name.
enum NameScopes {
    /// Splits at `::` outside brackets.
    static func split(_ name: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        var previous: Character = " "
        for character in name {
            if "<([{".contains(character) { depth += 1 }
            if ")]}".contains(character) || character == ">" && previous != "-" { depth -= 1 }
            if character == ":", previous == ":", depth == 0 {
                part.removeLast()
                parts.append(part)
                part = ""
                previous = " "
                continue
            }
            part.append(character)
            previous = character
        }
        return parts + [part]
    }
}
