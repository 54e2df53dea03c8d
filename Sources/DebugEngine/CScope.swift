internal import Symbols

/// What names mean where the debugger stands: in the current frame, its function's scopes, its module, the
/// other modules.
final class CScope: CNameTable {
    private let session: DebugSession
    private let process: ProcessState?
    private let frame: StackFrame?
    /// The module of the frame's code.
    private let home: (module: Module, symbols: ModuleSymbols)?
    private lazy var prefixes = lookupPrefixes()
    private var knownTypes: [String: ValueType?] = [:]
    private var knownValues: [String: TypedValue?] = [:]

    init(_ session: DebugSession) {
        self.session = session
        process = session.currentProcess
        let thread = session.currentThread
        let frame = thread.flatMap { try? session.frame(session.currentFrame, of: $0) }
        self.frame = frame
        if let process, let frame {
            home = session.symbols(at: frame.registers.lookupAddress, in: process)
        } else {
            home = nil
        }
    }

    /// The frame's registers and memory; without a process there is neither.
    private(set) lazy var context: FrameContext = {
        if let home { return context(of: home.module) }
        guard let process else {
            return FrameContext(registers: UnwindRegisters(pc: 0), bias: 0, memory: NoMemory())
        }
        return FrameContext(
            registers: frame?.registers ?? UnwindRegisters(pc: 0),
            bias: 0,
            memory: session.memoryReader(for: process)
        )
    }()

    private func context(of module: Module) -> FrameContext {
        guard let process else { return context }
        if let frame { return session.context(frame, module, process) }
        return FrameContext(
            registers: UnwindRegisters(pc: 0),
            bias: module.bias,
            memory: session.memoryReader(for: process)
        )
    }

    /// The context that a value made from another one has.
    func context(of value: TypedValue) -> FrameContext { value.frameContext }

    private struct NoMemory: MemoryReader {
        func read(at address: UInt64, count: Int) -> [UInt8]? { nil }
    }

    // MARK: Types

    func isType(_ name: String) -> Bool { type(named: name) != nil }

    func type(_ scalar: CScalar) -> ValueType {
        let encoding: ScalarEncoding
        switch scalar.kind {
        case .boolean: encoding = .boolean
        case .floating: encoding = .floating
        case .signed:
            encoding =
                !scalar.isCharacter ? .signed : scalar.size == 1 ? .signedCharacter : .unicode
        case .unsigned:
            encoding =
                !scalar.isCharacter ? .unsigned : scalar.size == 1 ? .unsignedCharacter : .unicode
        }
        return .scalar(scalar.name, encoding, size: scalar.size)
    }

    func type(_ name: CTypeName, at column: Int) throws -> ValueType {
        var type: ValueType
        switch name.base {
        case .void: type = .void
        case .scalar(let scalar): type = self.type(scalar)
        case .named(let name):
            guard let found = self.type(named: name) else {
                throw CError("There is no type \(name)", column)
            }
            type = found
        }
        for derivation in name.derivations {
            switch derivation {
            case .pointer: type = type.pointer
            case .reference: type = type.reference
            case .array(let count): type = type.array(count: count)
            }
        }
        return type
    }

    func type(named name: String) -> ValueType? {
        if let known = knownTypes[name] { return known }
        let found = findType(name)
        knownTypes[name] = .some(found)
        return found
    }

    private func findType(_ name: String) -> ValueType? {
        let (moduleName, plain) = session.splitModule(name)
        for full in candidates(plain) {
            for (_, symbols) in modules(moduleName) {
                if let type = symbols.valueType(named: full) { return type }
            }
        }
        return nil
    }

    // MARK: Values

    func isValue(_ name: String) -> Bool { find(name) != nil }

    func value(named name: String, at column: Int) throws -> TypedValue {
        if let value = find(name) { return value }
        if isType(name) { throw CError("\(name) is a type, not a value", column) }
        throw CError("Couldn't resolve \(name)", column)
    }

    private func find(_ name: String) -> TypedValue? {
        if let known = knownValues[name] { return known }
        let found = findValue(name)
        knownValues[name] = .some(found)
        return found
    }

    private func findValue(_ name: String) -> TypedValue? {
        let (moduleName, plain) = session.splitModule(name)
        if moduleName == nil, !plain.hasPrefix("::"), let local = local(plain) { return local }
        for full in candidates(plain) {
            for (module, symbols) in modules(moduleName) {
                let context = context(of: module)
                if let global = symbols.globalValue(named: full, frame: context) { return global }
                if let constant = symbols.enumerator(named: full, frame: context) {
                    return constant
                }
            }
        }
        for full in candidates(plain) {
            for (module, symbols) in modules(moduleName) {
                guard let symbol = symbols.symbol(named: full) else { continue }
                return value(of: symbol, module, symbols)
            }
        }
        return nil
    }

    func isLocal(_ name: String) -> Bool { local(name) != nil }

    /// A local, a parameter, or a member of the object that the function belongs to.
    private func local(_ name: String) -> TypedValue? {
        guard let frame, let home else { return nil }
        let address = frame.registers.lookupAddress &- home.module.bias
        let depth = frame.inlined?.depth ?? 0
        func find(_ name: String) -> TypedValue? {
            home.symbols.localValue(
                named: name,
                at: address,
                frame: context,
                inlinedDepth: depth
            )
        }
        if let found = find(name) { return found }
        guard name != "this", let object = find("this")?.pointee() else { return nil }
        return object.member(name)
    }

    /// A symbol, with a type by DWARF where there is one, and by its size otherwise.
    private func value(
        of symbol: Symbol,
        _ module: Module,
        _ symbols: ModuleSymbols
    ) -> TypedValue? {
        let context = context(of: module)
        if let function = symbols.function(at: symbol.address, frame: context) { return function }
        let address = symbol.address &+ module.bias
        switch symbol.kind {
        case .function, .procedureLinkage:
            return TypedValue(type(CScalar.int).function, at: address, in: context)
        case .threadLocal: return nil
        case .data, .other:
            let sizes: [UInt64: CScalar] = [1: .char, 2: .short, 4: .int, 8: .long]
            let type =
                sizes[symbol.size].map { self.type($0) }
                ?? self.type(CScalar.unsignedChar).array(count: symbol.size)
            return TypedValue(type, at: address, in: context)
        }
    }

    /// All functions of a name, for calls to choose from.
    func functions(named name: String) -> [TypedValue] {
        let (moduleName, plain) = session.splitModule(name)
        for full in candidates(plain) {
            for (module, symbols) in modules(moduleName) {
                let found = symbols.symbols(named: full).filter { $0.kind == .function }
                    .compactMap { value(of: $0, module, symbols) }
                if !found.isEmpty { return found }
            }
        }
        return []
    }

    /// The function that the linker knows by a name.
    func function(linkage name: String) -> TypedValue? { functions(named: name).first }

    /// The function whose code begins at an address.
    func function(at address: UInt64) -> TypedValue? {
        guard let process, let (module, symbols) = session.symbols(at: address, in: process) else {
            return nil
        }
        return symbols.function(at: address &- module.bias, frame: context(of: module))
    }

    // MARK: Where to look

    /// The module of the frame first.
    private func modules(_ name: String?) -> [(Module, ModuleSymbols)] {
        guard let process else { return [] }
        var ordered = session.modules(named: name, in: process).filter { $0.path != "[vdso]" }
        if let home, let index = ordered.firstIndex(where: { $0 === home.module }) {
            ordered.insert(ordered.remove(at: index), at: 0)
        }
        return ordered.compactMap { module in
            session.symbols(of: module, in: process).map { (module, $0) }
        }
    }

    private func lookupPrefixes() -> [String] {
        guard let frame, let home else { return [""] }
        return home.symbols.lookupScopes(
            at: frame.registers.lookupAddress &- home.module.bias,
            inlinedDepth: frame.inlined?.depth ?? 0
        )
    }

    /// The full names that a name may stand for, the innermost scope first.
    private func candidates(_ name: String) -> [String] {
        if name.hasPrefix("::") { return [String(name.dropFirst(2))] }
        return prefixes.map { $0 + name }
    }
}
