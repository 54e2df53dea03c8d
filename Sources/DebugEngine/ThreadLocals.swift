internal import DebugTarget
internal import Symbols

extension DebugSession {
    /// Where a module's thread-local block begins for the thread whose registers a frame has.
    ///
    /// The thread's vector of blocks begins 8 bytes behind its control block (the System V ABI's "Thread
    /// Local Storage", variant II); modules are numbered from 1 in the order in which they were loaded.
    /// Nil where the thread has not used the block yet, and where the order is not known.
    func threadLocalBase(
        of module: Module,
        in process: ProcessState,
        _ frame: StackFrame
    ) -> UInt64? {
        guard module.loadedSymbols?.threadLocalSegment != nil,
            let thread = currentThread, thread.id.process == process.id,
            let block = value(ofRegister: "fs_base", of: thread), block != 0
        else { return nil }
        let memory = memoryReader(for: process)
        guard let number = threadLocalNumber(of: module, in: process),
            let head = memory.read(at: block &+ 8, count: 8)
        else { return nil }
        let place = LittleEndian.value(head) &+ number &* 16
        guard let entry = memory.read(at: place, count: 8) else { return nil }
        let address = LittleEndian.value(entry)
        // All ones: the block is made when the thread first uses it.
        return address == 0 || address == UInt64.max ? nil : address
    }

    private func threadLocalNumber(of module: Module, in process: ProcessState) -> UInt64? {
        var number: UInt64 = 0
        let ordered = process.modules.filter { $0.path != "[vdso]" }
        for other in ordered {
            guard let symbols = symbols(of: other, in: process) else { continue }
            if symbols.threadLocalSegment != nil { number += 1 }
            if other === module { return number }
        }
        return nil
    }
}
