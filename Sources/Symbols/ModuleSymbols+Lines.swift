import CElfutils

extension ModuleSymbols {
    /// The line of the code at an address; nil for code that belongs to none.
    public func sourceLocation(for address: UInt64) -> SourceLocation? {
        lookUp(at: address) { unit in
            guard let row = unit.lines.row(at: address), row.line > 0 else { return nil }
            return unit.lines.location(of: row)
        }
    }

    /// The line of the code at an address and the code around it that belongs to the same line.
    public func lineRange(containing address: UInt64) -> LineRange? {
        lookUp(at: address) { $0.lines.range(containing: address) }
    }

    private func lookUp<Result>(
        at address: UInt64,
        _ body: (DebugUnit) -> Result?
    ) -> Result? {
        for unit in debugData?.units(at: address) ?? [] {
            if let result = body(unit) { return result }
        }
        return nil
    }

    /// Where to stop for a source line: one address in each function or inlined copy that has code
    /// for it.
    ///
    /// A function's first line means the place after its prologue.
    ///
    /// - Parameter file: a path, or its last components.
    /// - Parameter line: the line; when it has no code the next one that does is taken.
    public func addresses(forFile file: String, line: Int) -> [UInt64] {
        guard let wanted = Int32(exactly: line), let debugData else { return [] }
        var best = Int32.max
        var found: [UInt64] = []
        for unit in debugData.units {
            let lines = unit.lines
            let files = lines.files(matching: file)
            guard !files.isEmpty else { continue }
            for row in lines.statements
            where row.line >= wanted && row.line <= best && files.contains(row.file)
                && isCode(row.address)
            {
                if row.line < best { found = [] }
                best = row.line
                found.append(row.address)
            }
        }
        return firstOfEachFunction(found)
    }

    /// Keeps the lowest address of each function or inlined copy, moved past the prologue where it
    /// is the function's first.
    private func firstOfEachFunction(_ addresses: [UInt64]) -> [UInt64] {
        var seen: Set<UInt> = []
        var kept: [UInt64] = []
        for address in addresses.sorted() {
            guard let (unit, function) = debugData?.function(at: address) else {
                if kept.last != address { kept.append(address) }
                continue
            }
            let scopes = ScopeChain(function: function, address: address)
            let owner = scopes.innermostFunction ?? function
            guard seen.insert(owner.identity).inserted else { continue }
            let isEntry = owner.tag == DW_TAG_subprogram && function.lowestAddress == address
            kept.append(isEntry ? prologueEnd(of: function, in: unit) : address)
        }
        return kept
    }

    /// Where to stop in a function: past its prologue, so that parameters can be read.
    public func breakpointAddress(forFunction name: String) -> UInt64? {
        breakpointAddresses(forFunction: name).first
    }

    /// Where to stop in all functions of that name.
    public func breakpointAddresses(forFunction name: String) -> [UInt64] {
        var found: [UInt64] = []
        for symbol in symbols(named: name)
        where symbol.kind != .data && symbol.kind != .threadLocal && isCode(symbol.address) {
            let address = breakpointAddress(forFunctionAt: symbol.address)
            if !found.contains(address) { found.append(address) }
        }
        return found
    }

    /// Where to stop in the function that begins at an address.
    public func breakpointAddress(forFunctionAt address: UInt64) -> UInt64 {
        guard let (unit, function) = debugData?.function(at: address),
            function.lowestAddress == address
        else { return address }
        return prologueEnd(of: function, in: unit)
    }

    /// The end of a function's prologue.
    ///
    /// It is where the compiler marks it (clang), or else the second row of the line table in code
    /// that is not optimised (gcc). Optimised code has no prologue to speak of: its parameters can
    /// be read at the first instruction, and a second row may lie in a branch.
    private func prologueEnd(of function: DebugEntry, in unit: DebugUnit) -> UInt64 {
        guard let entry = function.lowestAddress,
            let range = function.ranges.first(where: { $0.contains(entry) })
        else { return function.lowestAddress ?? 0 }
        let lines = unit.lines
        if let marked = lines.prologueEnds.filter(range.contains).min() { return marked }
        guard !unit.isOptimized else { return entry }
        let next = lines.statements.first { $0.address > entry }
        return next.map(\.address).flatMap { range.contains($0) ? $0 : nil } ?? entry
    }

    /// The inlined calls that the code at an address is in, innermost first.
    public func inlinedCalls(at address: UInt64) -> [InlinedCall] {
        guard let (unit, function) = debugData?.function(at: address) else { return [] }
        let calls = ScopeChain(function: function, address: address).inlined
        return calls.enumerated().map { index, entry in
            InlinedCall(
                function: functionName(of: entry),
                callSite: callSite(of: entry, in: unit),
                entry: entry.lowestAddress ?? address,
                depth: calls.count - index
            )
        }
    }

    /// The name of a function or an inlined call, with its scopes.
    private func functionName(of entry: DebugEntry) -> String {
        let origin = entry.origin
        guard origin.linkageName == nil, let name = origin.name else {
            return entry.functionName ?? ""
        }
        return (debugData?.scopes(of: origin) ?? "") + name
    }

    private func callSite(of entry: DebugEntry, in unit: DebugUnit) -> SourceLocation? {
        guard let number = entry.unsigned(DW_AT_call_file), let file = unit.file(number),
            let line = entry.unsigned(DW_AT_call_line)
        else { return nil }
        return SourceLocation(
            file: file,
            line: Int(clamping: line),
            column: Int(clamping: entry.unsigned(DW_AT_call_column) ?? 0)
        )
    }
}

extension DebugEntry {
    /// Where execution enters a function: its entry point, or the first address of its first range.
    var lowestAddress: UInt64? {
        address(DW_AT_entry_pc) ?? address(DW_AT_low_pc) ?? ranges.first?.lowerBound
    }

    /// A function's name with its scopes and without parameters.
    var functionName: String? {
        let origin = origin
        if let linkage = origin.linkageName, let full = Demangler.demangle(linkage) {
            return Demangler.withoutParameters(full)
        }
        return origin.name ?? name
    }
}

extension DebugUnit {
    /// Whether the compiler was told to optimise, as far as it says so.
    var isOptimized: Bool {
        guard let producer = entry.string(DW_AT_producer) else { return false }
        let level = producer.split(separator: " ").last { $0.hasPrefix("-O") }
        return level.map { $0 != "-O0" } ?? false
    }
}
