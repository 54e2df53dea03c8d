internal import DebugEngine

/// Memory as it was when `.holdmem` saved it.
struct HeldMemory {
    /// How much is kept in all, in bytes.
    static let bytesMax = 64 << 20

    var start: UInt64
    var bytes: [UInt8]

    var range: Range<UInt64> { start..<(start &+ UInt64(bytes.count)) }
    var text: String {
        "\(Format.address(start)) - \(Format.address(start &+ UInt64(bytes.count) &- 1))"
            + " (\(Format.hex(UInt64(bytes.count))) bytes)"
    }
}

let memoryHoldCommands: [Command] = [
    Command(
        names: [".holdmem"],
        usage: ".holdmem -a Range | -c Range | -o | -d {Range|Address} | -D",
        summary: "save memory (-a) and compare it later with a range (-c)",
        details: """
            -o lists what is kept, -d lets go of what a range or address touches, -D of all. -c compares byte by byte
            with everything that is kept, whatever its address.
            """,
        run: { try holdMemory(&$0) }
    )
]

private func holdMemory(_ call: inout CommandCall) throws {
    let interpreter = call.interpreter
    switch call.word() {
    case "-a":
        let held = try takeHeld(&call)
        let kept = interpreter.heldMemory.reduce(0) { $0 + $1.bytes.count }
        guard kept + held.bytes.count <= HeldMemory.bytesMax else {
            throw EngineError.sentence(
                ".holdmem keeps no more than \(HeldMemory.bytesMax >> 20) MB in all"
            )
        }
        interpreter.heldMemory.append(held)
    case "-c": try compare(try takeHeld(&call), &call)
    case "-o":
        try call.requireEnd()
        if interpreter.heldMemory.isEmpty { call.output.line("No memory is held") }
        for held in interpreter.heldMemory { call.output.line(held.text) }
    case "-d":
        let range = try AddressRange(&call, size: 1, defaultCount: 1)
        try call.requireEnd()
        let (end, isOver) = range.start.addingReportingOverflow(UInt64(max(range.count, 1)))
        let wanted = range.start..<(isOver ? .max : end)
        interpreter.heldMemory.removeAll { $0.range.overlaps(wanted) }
    case "-D":
        try call.requireEnd()
        interpreter.heldMemory = []
    default: throw EngineError.sentence("How it is written: \(call.usage)")
    }
}

/// The range that comes next, with what is in it.
private func takeHeld(_ call: inout CommandCall) throws -> HeldMemory {
    _ = try call.process()
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    try call.requireEnd()
    guard range.isExplicit, range.count > 0 else {
        throw EngineError.sentence(".holdmem needs a range with a length: \(call.usage)")
    }
    guard range.count <= HeldMemory.bytesMax,
        range.start.addingReportingOverflow(UInt64(range.count)).overflow == false
    else { throw EngineError(.range, "L\(Format.hex(UInt64(range.count)))") }
    let bytes = try call.session.readMemory(at: range.start, count: range.count)
    guard bytes.count == range.count else {
        throw EngineError(.memoryAccess, Format.address(range.start &+ UInt64(bytes.count)))
    }
    return HeldMemory(start: range.start, bytes: bytes)
}

private func compare(_ now: HeldMemory, _ call: inout CommandCall) throws {
    if call.interpreter.heldMemory.isEmpty { call.output.line("No memory is held") }
    for held in call.interpreter.heldMemory {
        let count = min(held.bytes.count, now.bytes.count)
        let different = (0..<count).filter { held.bytes[$0] != now.bytes[$0] }
        if different.isEmpty {
            let rest =
                held.bytes.count == now.bytes.count
                ? "" : " in its first \(Format.hex(UInt64(count))) bytes"
            call.output.line("\(held.text) is the same\(rest)")
            continue
        }
        call.output.line("\(held.text) differs in \(Format.hex(UInt64(different.count))) bytes")
        for index in different {
            try call.checkInterrupt()
            let byte = UInt64(index)
            call.output.line(
                "\(Format.address(held.start &+ byte))  \(Format.hex(UInt64(held.bytes[index]), width: 2))"
                    + " - \(Format.address(now.start &+ byte))"
                    + "  \(Format.hex(UInt64(now.bytes[index]), width: 2))"
            )
        }
    }
}
