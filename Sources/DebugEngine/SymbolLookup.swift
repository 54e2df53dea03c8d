internal import DebugTarget
public import Symbols

/// An address as a module's symbol and what lies between.
public struct SymbolicAddress: Equatable, Sendable {
    /// The module's name.
    public var module: String
    /// The symbol's name; nil when only the module is known.
    public var symbol: String?
    /// From the symbol, or the module's start, to the address.
    public var offset: UInt64

    /// `module!symbol+0x12`.
    public var text: String {
        let head = symbol.map { "\(module)!\($0)" } ?? module
        return offset == 0 ? head : "\(head)+0x\(Format.hex(offset))"
    }
}

/// A module's symbol with its place in memory.
public struct FoundSymbol {
    /// The module.
    public let module: Module
    /// The symbol as the file has it.
    public let symbol: Symbol
    /// Its run-time address.
    public var address: UInt64 { symbol.address &+ module.bias }
}

extension DebugSession {
    /// The module whose range covers an address.
    public func module(containing address: UInt64, in process: ProcessState) -> Module? {
        refreshModules(of: process)
        return process.modules.first { $0.range.contains(address) }
    }

    /// The module of an address with its symbols loaded.
    func symbols(
        at address: UInt64,
        in process: ProcessState
    ) -> (module: Module, symbols: ModuleSymbols)? {
        guard let module = module(containing: address, in: process),
            let symbols = symbols(of: module, in: process)
        else { return nil }
        return (module, symbols)
    }

    /// What an address is called, nil outside all modules.
    public func symbolicAddress(
        _ address: UInt64,
        in process: ProcessState
    ) -> SymbolicAddress? {
        guard let module = module(containing: address, in: process) else { return nil }
        if let symbols = symbols(of: module, in: process),
            let symbol = symbols.symbol(containing: address &- module.bias)
        {
            let offset = address &- module.bias &- symbol.address
            return SymbolicAddress(module: module.name, symbol: symbol.name, offset: offset)
        }
        let offset = address &- module.range.lowerBound
        return SymbolicAddress(module: module.name, symbol: nil, offset: offset)
    }

    /// `module!symbol+0x12` for an address of the current process, or nil.
    public func symbolText(_ address: UInt64) -> String? {
        currentProcess.flatMap { symbolicAddress(address, in: $0)?.text }
    }

    /// The source line of the code at an address.
    public func sourceLocation(
        _ address: UInt64,
        in process: ProcessState
    ) -> SourceLocation? {
        guard usesLines, let (module, symbols) = symbols(at: address, in: process) else {
            return nil
        }
        let location = symbols.sourceLocation(for: address &- module.bias)
        return location.flatMap { $0.line > 0 ? $0 : nil }
    }

    /// Splits `module!rest`.
    public func splitModule(_ text: String) -> (module: String?, name: String) {
        guard let bang = text.firstIndex(of: "!") else { return (nil, text) }
        return (String(text[..<bang]), String(text[text.index(after: bang)...]))
    }

    /// The modules that a name before `!` means, all of them for nil.
    public func modules(named name: String?, in process: ProcessState) -> [Module] {
        refreshModules(of: process)
        guard let name else { return process.modules }
        if WildcardPattern.hasWildcard(name) {
            let pattern = WildcardPattern(name)
            return process.modules.filter { pattern.matches($0.name) }
        }
        return process.modules.filter { $0.isNamed(name) }
    }

    /// The symbol that `name` or `module!name` means; the first module that has it wins.
    public func symbol(_ text: String, in process: ProcessState) -> FoundSymbol? {
        let (moduleName, name) = splitModule(text)
        guard !name.isEmpty else { return nil }
        for module in modules(named: moduleName, in: process) where module.path != "[vdso]" {
            if let symbol = symbols(of: module, in: process)?.symbol(named: name) {
                return FoundSymbol(module: module, symbol: symbol)
            }
        }
        return nil
    }

    /// All symbols whose names match.
    public func symbols(
        matching pattern: String,
        in process: ProcessState
    ) -> [FoundSymbol] {
        let (moduleName, glob) = splitModule(pattern)
        return modules(named: moduleName, in: process).flatMap { module in
            (symbols(of: module, in: process)?.symbols(matching: glob) ?? []).map {
                FoundSymbol(module: module, symbol: $0)
            }
        }
    }

    /// Where the code of a source line begins, in all modules.
    public func addresses(
        file: String,
        line: Int,
        in process: ProcessState
    ) -> [UInt64] {
        refreshModules(of: process)
        return process.modules.flatMap { module in
            (symbols(of: module, in: process)?.addresses(forFile: file, line: line) ?? []).map {
                $0 &+ module.bias
            }
        }
    }
}
