internal import DebugEngine
internal import DebugTarget

let memoryListCommands: [Command] = [
    Command(
        names: ["dps", "dqs", "dds"],
        usage: "dps [Range], dqs [Range], dds [Range]",
        summary: "display pointers (dds: double words) with the symbols they point to",
        run: { try displayPointers(&$0) }
    ),
    Command(
        names: ["dda", "ddu", "ddp", "dqa", "dqu", "dqp", "dpa", "dpu", "dpp"],
        usage: "d{d|q|p}{a|u|p} [Range]",
        summary:
            "display pointers and what they point to: a ASCII text, u UTF-16 text, p a pointer",
        run: { try displayReferences(&$0) }
    ),
    Command(
        names: ["dyb", "dyd"],
        usage: "dyb [Range], dyd [Range]",
        summary: "display memory in binary, by bytes or double words",
        run: { try displayBinary(&$0) }
    ),
    Command(
        names: ["dl", "dlb"],
        usage: "dl[b] Address [MaxCount [Size]]",
        summary: "follow a linked list: the first pointer of each node leads to the next",
        details: "dlb follows the second pointer. Size says how many pointers of a node are shown.",
        run: { try displayList(&$0) }
    ),
    Command(
        names: ["ds", "dS"],
        usage: "ds [Address], dS [Address]",
        summary:
            "display a counted string: two 16-bit lengths and a pointer to 8-bit (dS: 16-bit) text",
        run: { try displayCountedString(&$0) }
    ),
]

/// Where a list of pointers begins and how long it is.
private func pointerRange(_ call: inout CommandCall, size: Int) throws -> (UInt64, Int) {
    let defaultCount = 16
    if call.isAtEnd {
        return (try call.interpreter.dump.next ?? call.session.evaluate("$sp"), defaultCount)
    }
    let range = try AddressRange(&call, size: size, defaultCount: defaultCount)
    try call.requireEnd()
    return (range.start, range.count)
}

/// How wide the numbers are that a command shows: `dd…` four bytes, `dq…` eight, `dp…` an address.
private func pointerSize(_ call: CommandCall) -> Int {
    switch call.name.dropFirst().first {
    case "d": 4
    case "q": 8
    default: call.session.addressByteCount
    }
}

private func unknown(_ size: Int) -> String {
    size == 8 ? "????????`????????" : "????????"
}

private func digits(_ value: UInt64, _ size: Int) -> String {
    size == 8 ? Format.address(value) : Format.hex(value, width: size * 2)
}

/// Goes through the pointers of a range; what cannot be read is said, and the rest shown.
private func forEachPointer(
    _ call: inout CommandCall,
    size: Int,
    _ text: (UInt64) throws -> String
) throws {
    _ = try call.process()
    let (start, count) = try pointerRange(&call, size: size)
    call.interpreter.repeatText = call.name
    for index in 0..<count {
        try call.checkInterrupt()
        let address = start &+ UInt64(index * size)
        let bytes = try call.session.readMemory(at: address, count: size)
        let head = Format.address(address) + "  "
        guard bytes.count == size else {
            call.output.line(head + unknown(size))
            continue
        }
        let value = LittleEndian.value(bytes)
        let more = try text(value)
        call.output.line(head + digits(value, size) + (more.isEmpty ? "" : " " + more))
    }
    call.interpreter.dump.next = start &+ UInt64(count * size)
}

private func displayPointers(_ call: inout CommandCall) throws {
    let session = call.session
    try forEachPointer(&call, size: pointerSize(call)) { value in
        session.symbolText(value) ?? ""
    }
}

private func displayReferences(_ call: inout CommandCall) throws {
    let session = call.session
    let kind = call.name.last
    try forEachPointer(&call, size: pointerSize(call)) { value in
        switch kind {
        case "a", "u":
            guard let text = try? session.text(at: value, isWide: kind == "u") else { return "" }
            return "\"" + String(text.map { $0.isASCII && !$0.isNewline ? $0 : "." }) + "\""
        default:
            let size = session.addressByteCount
            let bytes = (try? session.readMemory(at: value, count: size)) ?? []
            guard bytes.count == size else { return unknown(size) }
            let inner = LittleEndian.value(bytes)
            return ([digits(inner, size)] + [session.symbolText(inner)].compactMap { $0 })
                .joined(separator: " ")
        }
    }
}

private func displayBinary(_ call: inout CommandCall) throws {
    _ = try call.process()
    let isWide = call.name == "dyd"
    let size = isWide ? 4 : 1
    let perRow = isWide ? 1 : 4
    var start = try call.interpreter.dump.next ?? call.session.evaluate("$ip")
    var count = isWide ? 8 : 32
    if !call.isAtEnd {
        let range = try AddressRange(&call, size: size, defaultCount: count)
        (start, count) = (range.start, range.count)
        try call.requireEnd()
    }
    call.interpreter.repeatText = call.name
    let margin = String(repeating: " ", count: 19)
    call.output.line(margin + Array(repeating: "76543210", count: 4).joined(separator: " "))
    call.output.line(margin + Array(repeating: "--------", count: 4).joined(separator: " "))
    for row in stride(from: 0, to: count, by: perRow) {
        try call.checkInterrupt()
        let address = start &+ UInt64(row * size)
        let wanted = min(perRow, count - row) * size
        let bytes = try call.session.readMemory(at: address, count: wanted)
        let shown: [UInt8?] = bytes.map { $0 } + Array(repeating: nil, count: wanted - bytes.count)
        let ordered = isWide ? shown.reversed() : shown
        let bits = ordered.map { byte in
            byte.map { Format.leftPad(String($0, radix: 2), to: 8, with: "0") } ?? "????????"
        }
        let hex = ordered.map { $0.map { Format.hex(UInt64($0), width: 2) } ?? "??" }
        let text = Format.pad(bits.joined(separator: " "), to: 35)
        call.output.line(
            "\(Format.address(address))  \(text)  \(hex.joined(separator: isWide ? "" : " "))"
        )
    }
    call.interpreter.dump.next = start &+ UInt64(count * size)
}

/// The most nodes of a list that are visited.
private let listNodesMax = 65_536

private func displayList(_ call: inout CommandCall) throws {
    _ = try call.process()
    var node = try call.expression()
    let maximum = call.isAtEnd ? 32 : min(Int(clamping: try call.expression()), listNodesMax)
    let size = call.isAtEnd ? 4 : min(max(Int(clamping: try call.expression()), 1), 64)
    try call.requireEnd()
    let linkOffset = call.name == "dlb" ? 1 : 0
    let format = DumpFormat.all["p"] ?? .bytes
    var visited: Set<UInt64> = []
    for _ in 0..<maximum {
        try call.checkInterrupt()
        guard node != 0, visited.insert(node).inserted else { return }
        var dump = MemoryDump(call: call, format: format)
        _ = try dump.numbers(at: node, count: max(size, linkOffset + 1))
        let bytes = try call.session.readMemory(at: node &+ UInt64(linkOffset * 8), count: 8)
        guard bytes.count == 8 else { return }
        node = LittleEndian.value(bytes)
    }
}

private func displayCountedString(_ call: inout CommandCall) throws {
    _ = try call.process()
    let address =
        call.isAtEnd
        ? try call.interpreter.dump.next ?? call.session.evaluate("$ip") : try call.expression()
    try call.requireEnd()
    let bytes = try call.session.readMemory(at: address, count: 16)
    guard bytes.count == 16 else { throw EngineError(.memoryAccess, Format.address(address)) }
    let length = Int(LittleEndian.value(bytes[..<2]))
    let buffer = LittleEndian.value(bytes[8...])
    let isWide = call.name == "dS"
    let text = try call.session.readMemory(at: buffer, count: length)
    let shown =
        isWide
        ? String(
            decoding: stride(from: 0, to: text.count - 1, by: 2).map {
                UInt16(LittleEndian.value(text[$0..<($0 + 2)]))
            },
            as: UTF16.self
        ) : String(text.map { Format.printable($0) })
    call.output.line("\(Format.address(buffer))  \"\(shown)\"")
    call.interpreter.dump.next = address &+ 16
}
