import CElfutils

extension ModuleSymbols {
    /// How many variables of one frame are given.
    static let variablesMax = 4096

    /// The parameters and locals of all scopes around an address, innermost scope first.
    public func variables(
        at address: UInt64,
        frame: FrameContext,
        limits: ValueLimits = ValueLimits()
    ) -> [Variable] {
        guard let (_, function) = debugData?.function(at: address) else { return [] }
        let evaluator = FrameEvaluator(
            module: self,
            frame: frame,
            address: address,
            function: function
        )
        let formatter = ValueFormatter(evaluator: evaluator, namer: namer, limits: limits)
        var found: [Variable] = []
        var inlined: String?
        var inlinedDepth = 0
        var depth = 0
        var scopes: [[Variable]] = []
        for scope in ScopeChain(function: function, address: address).entries {
            if scope.tag == DW_TAG_inlined_subroutine {
                inlined = scope.functionName
                inlinedDepth += 1
                depth = 0
            } else if scope.tag != DW_TAG_subprogram {
                depth += 1
            }
            scopes.append(
                variables(of: scope, formatter).map { variable in
                    var variable = variable
                    variable.scopeDepth = depth
                    variable.inlinedFunction = inlined
                    variable.inlinedDepth = inlinedDepth
                    return variable
                }
            )
        }
        for scope in scopes.reversed() { found += scope }
        return Array(found.prefix(Self.variablesMax))
    }

    private func variables(of scope: DebugEntry, _ formatter: ValueFormatter) -> [Variable] {
        scope.children.filter(\.isVariable).prefix(Self.variablesMax)
            .compactMap { variable($0, formatter) }
    }

    private func variable(_ entry: DebugEntry, _ formatter: ValueFormatter) -> Variable? {
        guard let name = entry.name else { return nil }
        let location = location(of: entry, formatter.evaluator)
        var variable = Variable(
            name: name,
            typeName: namer.name(of: entry.type),
            isParameter: entry.tag == DW_TAG_formal_parameter,
            value: formatter.value(entry.type, ValueSource(location))
        )
        variable.size = entry.type?.byteSize
        switch location {
        case .memory(let address): variable.address = address
        case .register(let number): variable.register = registerLayout?.name(of: number)
        default: break
        }
        return variable
    }

    /// Where a variable is, or its constant value.
    func location(of entry: DebugEntry, _ evaluator: FrameEvaluator) -> Location {
        if let attribute = entry.inherited(DW_AT_location) {
            return evaluator.location(attribute) ?? .unavailable
        }
        return entry.constantValue ?? .unavailable
    }

    /// A variable of file, class or namespace scope; `ns::name` where it has scopes.
    ///
    /// Only the frame's memory, bias and thread-local base matter.
    public func globalVariable(
        named name: String,
        frame: FrameContext,
        limits: ValueLimits = ValueLimits()
    ) -> Variable? {
        for unit in debugData?.namedUnits ?? [] {
            guard let entry = unit.names.variable(named: name) else { continue }
            var variable = variable(entry, formatter(frame, limits))
            variable?.name = name
            return variable
        }
        return nil
    }

    private func formatter(_ frame: FrameContext, _ limits: ValueLimits) -> ValueFormatter {
        let evaluator = FrameEvaluator(module: self, frame: frame, address: 0, function: nil)
        return ValueFormatter(evaluator: evaluator, namer: namer, limits: limits)
    }

    /// The memory at a run-time address read as a type; nil when there is no such type.
    public func value(
        ofType name: String,
        at address: UInt64,
        frame: FrameContext,
        limits: ValueLimits = ValueLimits(depth: 1)
    ) -> VariableValue? {
        type(named: name).map { type in
            formatter(frame, limits).value(type, ValueSource(.memory(address)))
        }
    }

    /// Writes the names of types, with their scopes as far as the units have been read for them.
    var namer: TypeNamer {
        TypeNamer { [weak self] type in self?.debugData?.scopes(of: type) ?? "" }
    }
}

extension DebugEntry {
    /// The value of a variable that is always the same.
    var constantValue: Location? {
        guard var attribute = inherited(DW_AT_const_value) else { return nil }
        var block = Dwarf_Block()
        if dwarf_formblock(&attribute, &block) == 0 {
            guard let data = block.data, block.length <= UInt64(LocationReader.bytesMax) else {
                return nil
            }
            return .bytes(Array(UnsafeBufferPointer(start: data, count: Int(block.length))))
        }
        if let text = dwarf_formstring(&attribute) {
            return .bytes(Array(String(cString: text).utf8) + [0])
        }
        return signed(DW_AT_const_value).map { .value(UInt64(bitPattern: $0)) }
    }
}
