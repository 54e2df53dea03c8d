extension ModuleSymbols {
    /// The symbol whose code or data contains the address.
    public func symbol(containing address: UInt64) -> Symbol? {
        table.entry(containing: address)?.symbol
    }

    /// All names of an address, the one to show first.
    public func symbols(at address: UInt64) -> [Symbol] { table.entries(at: address).map(\.symbol) }

    /// The next symbol behind an address.
    public func symbol(after address: UInt64) -> Symbol? { table.entry(after: address)?.symbol }

    /// The symbols whose name matches CDB's wildcards (`*`, `?`), without regard to case, by
    /// address.
    ///
    /// C++ names match without their parameters; names of C++ and others match as the linker has
    /// them too.
    public func symbols(matching glob: String) -> [Symbol] {
        let pattern = Glob(glob)
        return table.all.compactMap { entry in
            if pattern.matches(entry.name), !entry.isMangled { return entry.symbol }
            guard entry.isMangled || entry.kind == .procedureLinkage,
                pattern.mayMatch(mangled: entry.name)
            else { return nil }
            let symbol = entry.symbol
            let isMatch =
                pattern.matches(symbol.name.utf8) || pattern.matches(symbol.linkageName.utf8)
            return isMatch ? symbol : nil
        }
    }

    /// The symbol of that name, functions before data: the linkage name, the demangled name without
    /// parameters, or the whole demangled name.
    public func symbol(named name: String) -> Symbol? {
        symbols(named: name).first
    }

    /// All symbols of that name: overloads, and static functions of several files.
    ///
    /// Names as the linker has them come first; only when there is none are names demangled.
    public func symbols(named name: String) -> [Symbol] {
        let wanted = Array(name.utf8)
        let exact = table.all.filter { entry in
            entry.kind != .procedureLinkage && entry.name.elementsEqual(wanted)
        }
        let found = exact.isEmpty ? demangledSymbols(named: name) : exact.map(\.symbol)
        return found.filter { $0.kind == .function } + found.filter { $0.kind != .function }
    }

    private func demangledSymbols(named name: String) -> [Symbol] {
        let pattern = Glob(name)
        let isLinkage = name.hasSuffix("@plt")
        return table.all.filter { entry in
            if entry.kind == .procedureLinkage { return isLinkage }
            return entry.isMangled && pattern.mayMatch(mangled: entry.name)
        }.map(\.symbol).filter {
            $0.name == name || $0.signature == name || $0.linkageName == name
        }
    }
}

extension SymbolTable.Entry {
    /// Whether the name has to be demangled to be read.
    var isMangled: Bool {
        name.starts(with: "_Z".utf8) || name.starts(with: "_R".utf8)
            || name.starts(with: "$s".utf8) || name.starts(with: "$S".utf8)
    }
}

extension Glob {
    /// Whether a mangled name may match once it is demangled.
    ///
    /// Identifiers stand in it unchanged, so the longest one of the pattern must occur. It saves
    /// demangling all names of a large program. Swift writes numbers for words that occurred
    /// before.
    func mayMatch(mangled name: UnsafeRawBufferPointer) -> Bool {
        name.first == UInt8(ascii: "$") || name.containsIgnoringCase(longestIdentifier)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether lower-case bytes occur anywhere in whatever case.
    func containsIgnoringCase(_ piece: [UInt8]) -> Bool {
        guard let first = piece.first else { return true }
        guard count >= piece.count else { return false }
        return (0...(count - piece.count)).contains { start in
            Glob.lowercase(self[start]) == first
                && piece.indices.allSatisfy { Glob.lowercase(self[start + $0]) == piece[$0] }
        }
    }
}
