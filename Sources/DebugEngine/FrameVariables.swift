public import Symbols

extension DebugSession {
    /// The parameters and locals of a frame, innermost scope first; none where there is no DWARF.
    public func variables(
        in frame: StackFrame,
        of thread: ThreadState,
        limits: ValueLimits = ValueLimits()
    ) -> [Variable] {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: frame.registers.lookupAddress, in: process)
        else { return [] }
        let all = symbols.variables(
            at: frame.registers.lookupAddress &- module.bias,
            frame: context(frame, module, process),
            limits: limits
        )
        return all.filter { $0.inlinedDepth == frame.inlined?.depth ?? 0 }
    }

    /// The file that would tell of a frame's variables and is not at its place.
    public func missingDebugFile(of frame: StackFrame, _ thread: ThreadState) -> String? {
        guard let process = process(of: thread),
            let (module, symbols) = symbols(at: frame.registers.lookupAddress, in: process)
        else { return nil }
        return symbols.missingDebugFile(at: frame.registers.lookupAddress &- module.bias)
    }

    /// A global variable of a module that the frame's code can see.
    public func globalVariable(
        _ name: String,
        in frame: StackFrame,
        of thread: ThreadState,
        limits: ValueLimits
    ) -> Variable? {
        guard let process = process(of: thread) else { return nil }
        let (moduleName, plain) = splitModule(name)
        for module in modules(named: moduleName, in: process) where module.path != "[vdso]" {
            guard let symbols = symbols(of: module, in: process) else { continue }
            let found = symbols.globalVariable(
                named: plain,
                frame: context(frame, module, process),
                limits: limits
            )
            if let found { return found }
        }
        return nil
    }

    /// The memory at an address read as a type.
    public func value(
        ofType name: String,
        at address: UInt64,
        in frame: StackFrame,
        of thread: ThreadState,
        limits: ValueLimits
    ) -> VariableValue? {
        guard let process = process(of: thread) else { return nil }
        let (moduleName, plain) = splitModule(name)
        for module in modules(named: moduleName, in: process) where module.path != "[vdso]" {
            guard let symbols = symbols(of: module, in: process) else { continue }
            let found = symbols.value(
                ofType: plain,
                at: address,
                frame: context(frame, module, process),
                limits: limits
            )
            if let found { return found }
        }
        return nil
    }

    /// The layout of a type, from the first module that has it.
    public func typeLayout(_ name: String, in process: ProcessState) -> TypeLayout? {
        let (moduleName, plain) = splitModule(name)
        for module in modules(named: moduleName, in: process) where module.path != "[vdso]" {
            if let found = symbols(of: module, in: process)?.typeLayout(named: plain) {
                return found
            }
        }
        return nil
    }

    func context(
        _ frame: StackFrame,
        _ module: Module,
        _ process: ProcessState
    ) -> FrameContext {
        FrameContext(
            registers: frame.registers,
            bias: module.bias,
            memory: memoryReader(for: process),
            threadLocalBase: threadLocalBase(of: module, in: process, frame),
            symbolText: { [weak self] in self?.symbolicAddress($0, in: process)?.text },
            module: { [weak self] address in
                self?.symbols(at: address, in: process).map { ($0.symbols, $0.module.bias) }
            }
        )
    }
}
