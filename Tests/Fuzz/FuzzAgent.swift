import DebugTarget
import GDBRemoteProtocol

// Agent expressions and the options of breakpoints: any bytes end soon, with a value or a failure, and what is written
// has a limit.

private struct Memory: AgentContext {
    let bytes: [UInt8]

    func register(_ number: Int) -> UInt64? {
        number < 32 ? UInt64(number) << 56 | UInt64(number) : nil
    }

    func memory(at address: TargetAddress, count: Int) -> [UInt8] {
        guard address.rawValue < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(address.rawValue)...].prefix(count))
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAgent(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let result = try? AgentExpression(bytes).evaluate(in: Memory(bytes: bytes)) {
        precondition(result.output.count <= AgentExpression.outputBytesMax, "too much text")
    }
    if let options = BreakpointOptions(parsing: bytes) {
        precondition(
            BreakpointOptions(parsing: options.bytes) == options,
            "a breakpoint's options are not stable"
        )
    }
    if let request = CatchRequest(payload: bytes) {
        precondition(CatchRequest(payload: request.payload) == request, "not stable")
    }
    return 0
}
