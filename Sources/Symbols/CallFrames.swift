import CElfutils
import Glibc

/// A module's call frame information: how to find each function's caller at each instruction.
final class CallFrames {
    private let file: ELFFile
    /// Keeps `.debug_frame` alive.
    private let debugData: DebugData?
    private let exceptionFrames: OpaquePointer?
    private let debugFrames: OpaquePointer?

    init(file: ELFFile, debugData: DebugData?) {
        self.file = file
        self.debugData = debugData
        exceptionFrames = dwarf_getcfi_elf(file.elf)
        debugFrames = debugData.flatMap { dwarf_getcfi($0.dwarf) }
    }

    deinit {
        if let exceptionFrames { dwarf_cfi_end(exceptionFrames) }
    }

    /// Calls `body` with the rules in force at an address; nil when there are none.
    func withRules<Result>(at address: UInt64, _ body: (FrameRules) -> Result?) -> Result? {
        for frames in [exceptionFrames, debugFrames] {
            var rules: OpaquePointer?
            guard let frames, dwarf_cfi_addrframe(frames, address, &rules) == 0, let rules else {
                continue
            }
            defer { free(UnsafeMutableRawPointer(rules)) }
            return body(FrameRules(rules: rules))
        }
        return nil
    }
}

/// The rules of the call frame information at one address.
struct FrameRules {
    /// How one register of the caller is found.
    enum Rule {
        /// It cannot be: a call destroys it.
        case undefined
        /// The function has not touched it.
        case unchanged
        /// A location description gives its place or its value.
        case expression(UnsafeBufferPointer<Dwarf_Op>)
    }

    fileprivate let rules: OpaquePointer

    /// The register that holds the caller's program counter, and whether this is a signal
    /// trampoline, whose caller stands at an exact address.
    var returnAddress: (register: Int, isSignalFrame: Bool)? {
        var isSignalFrame = false
        let register = dwarf_frame_info(rules, nil, nil, &isSignalFrame)
        return register < 0 ? nil : (Int(register), isSignalFrame)
    }

    /// The expression that gives the canonical frame address.
    var frameAddress: UnsafeBufferPointer<Dwarf_Op>? {
        var operations: UnsafeMutablePointer<Dwarf_Op>?
        var count = 0
        guard dwarf_frame_cfa(rules, &operations, &count) == 0, count > 0 else { return nil }
        return UnsafeBufferPointer(start: operations, count: count)
    }

    /// Calls `body` with the rule for a register; it is only valid during the call.
    func withRule<Result>(of register: Int, _ body: (Rule) -> Result?) -> Result? {
        withUnsafeTemporaryAllocation(of: Dwarf_Op.self, capacity: 3) { room in
            guard let place = room.baseAddress else { return nil }
            var operations: UnsafeMutablePointer<Dwarf_Op>?
            var count = 0
            guard dwarf_frame_register(rules, CInt(register), place, &operations, &count) == 0
            else {
                return nil
            }
            if count > 0 {
                return body(.expression(UnsafeBufferPointer(start: operations, count: count)))
            }
            return body(operations == place ? .undefined : .unchanged)
        }
    }
}
