internal import DebugEngine
internal import DebugTarget

let memoryFileCommands: [Command] = [
    Command(
        names: [".writemem"],
        usage: ".writemem File Range",
        summary: "write memory to a file on this machine",
        run: { try writeMemoryFile(&$0) }
    ),
    Command(
        names: [".readmem"],
        usage: ".readmem File Range",
        summary: "fill memory from a file on this machine",
        run: { try readMemoryFile(&$0) }
    ),
    Command(
        names: [".dvalloc"],
        usage: ".dvalloc Size",
        summary: "map memory into the current process",
        run: { call in
            call.skipSpaces()
            let size = try call.expression()
            try call.requireEnd()
            let thread = try call.thread()
            guard let ability = call.session.target.memoryAllocation else {
                throw EngineError.sentence("This target cannot map memory into processes")
            }
            let address = try ability.allocate(size, [.read, .write, .execute], by: thread.id)
            let bytes = (max(size, 1) &+ 0xfff) & ~0xfff
            call.output.line(
                "Allocated \(Format.hex(bytes)) bytes starting at \(Format.address(address))"
            )
        }
    ),
    Command(
        names: [".dvfree"],
        usage: ".dvfree Address [Size]",
        summary: "unmap memory that .dvalloc mapped",
        run: { call in
            let address = try call.expression()
            if !call.isAtEnd { _ = try call.expression() }
            try call.requireEnd()
            let thread = try call.thread()
            guard let ability = call.session.target.memoryAllocation else {
                throw EngineError.sentence("This target cannot unmap memory of processes")
            }
            try ability.release(TargetAddress(address), by: thread.id)
            call.output.line("Freed memory starting at \(Format.address(address))")
        }
    ),
]

/// Bytes that are read or written at a time.
private let portionBytes = 65_536

/// What `.writemem` and `.readmem` are about: a file, and a range of memory whose length was said.
private func fileAndRange(_ call: inout CommandCall) throws -> (path: String, range: AddressRange) {
    _ = try call.process()
    guard let path = try call.quoted() ?? call.word() else { throw EngineError(.operand, "") }
    let range = try AddressRange(&call, size: 1, defaultCount: 0)
    try call.requireEnd()
    guard range.isExplicit else {
        throw EngineError.sentence(
            "\(call.name) needs a range with a length: \(call.usage)"
        )
    }
    return (path, range)
}

/// Moves the bytes of a range, portion by portion.
///
/// - Parameter move: moves up to `count` bytes at `offset` and gives their number.
private func moveInPortions(
    _ range: AddressRange,
    _ call: CommandCall,
    _ move: (_ offset: Int, _ count: Int) throws -> Int
) throws {
    var offset = 0
    while offset < range.count {
        try call.checkInterrupt()
        offset += try move(offset, min(portionBytes, range.count - offset))
    }
}

private func writeMemoryFile(_ call: inout CommandCall) throws {
    let (path, range) = try fileAndRange(&call)
    call.output.line("Writing \(Format.hex(UInt64(range.count))) bytes")
    let (session, environment) = (call.session, call.interpreter.environment)
    try moveInPortions(range, call) { offset, count in
        let address = range.start &+ UInt64(offset)
        let bytes = try session.readMemory(at: address, count: count)
        guard !bytes.isEmpty else { throw EngineError(.memoryAccess, Format.address(address)) }
        try environment.writeFile(path, bytes, appending: offset > 0)
        return bytes.count
    }
}

private func readMemoryFile(_ call: inout CommandCall) throws {
    let (path, range) = try fileAndRange(&call)
    call.output.line("Reading \(Format.hex(UInt64(range.count))) bytes")
    let session = call.session
    try moveInPortions(range, call) { offset, count in
        guard let bytes = session.host.files.read(path, at: UInt64(offset), count: count) else {
            throw EngineError.sentence("File \(path) cannot be read")
        }
        guard !bytes.isEmpty else {
            throw EngineError.sentence(
                "File \(path) has only 0x\(Format.hex(UInt64(offset))) bytes, which have been read"
            )
        }
        try session.writeMemory(bytes, at: range.start &+ UInt64(offset))
        return bytes.count
    }
}
