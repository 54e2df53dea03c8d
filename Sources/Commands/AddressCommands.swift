internal import DebugEngine
internal import DebugTarget

let addressCommands: [Command] = [
    Command(
        names: ["!address"],
        usage: "!address [Address | -summary | -f:Usage]",
        summary: "show the memory map, what an address belongs to, or how much there is of what",
        details: """
            Usages: Image, Heap, Stack, MappedFile, Anonymous, System. -f:Stack lists only those.
            """,
        run: { try showAddresses(&$0) }
    )
]

/// What a piece of memory is used for.
struct MemoryUsage {
    /// The kind: Image, Heap, Stack, MappedFile, Anonymous, System.
    var kind: String
    /// The file, the module or the thread.
    var detail: String
}

extension DebugSession {
    /// What the mappings of a process are used for, in their order.
    func memoryUsages(of process: ProcessState) throws -> [(
        region: MemoryRegion, usage: MemoryUsage
    )] {
        guard let details = target.processDetails else {
            throw EngineError.sentence("This target does not tell of its memory map")
        }
        let regions = try details.memoryRegions(of: process.id)
        let stacks = process.threads.compactMap { thread in
            ((try? pseudoValue("sp", of: thread)) ?? nil).map { (thread.number, $0) }
        }
        return regions.map { ($0, usage(of: $0, in: process, stacks)) }
    }

    private func usage(
        of region: MemoryRegion,
        in process: ProcessState,
        _ stacks: [(number: Int, pointer: UInt64)]
    ) -> MemoryUsage {
        let range = region.range.lowerBound.rawValue..<region.range.upperBound.rawValue
        if let stack = stacks.first(where: { range.contains($0.pointer) }) {
            return MemoryUsage(kind: "Stack", detail: "[~\(stack.number)]")
        }
        switch region.name {
        case "[heap]": return MemoryUsage(kind: "Heap", detail: "[main arena]")
        case "[stack]": return MemoryUsage(kind: "Stack", detail: "[main]")
        case "":
            let module = process.modules.first {
                $0.path != "[vdso]" && $0.range.overlaps(range)
            }
            if let module { return MemoryUsage(kind: "Image", detail: module.name + " (bss)") }
            if isArena(range) { return MemoryUsage(kind: "Heap", detail: "[thread arena]") }
            return MemoryUsage(kind: "Anonymous", detail: "")
        case let name where name.hasPrefix("["):
            return MemoryUsage(kind: "System", detail: name)
        case let name:
            let isModule = process.modules.contains { $0.path == name || $0.range.overlaps(range) }
            return MemoryUsage(kind: isModule ? "Image" : "MappedFile", detail: name)
        }
    }

    /// glibc's arenas of threads begin where an address is a multiple of 64 MB.
    private func isArena(_ range: Range<UInt64>) -> Bool {
        range.lowerBound % GlibcHeap.arenaAlignment == 0 && range.lowerBound != 0
            && range.upperBound - range.lowerBound <= GlibcHeap.arenaAlignment
    }
}

/// `rw-`.
private func protection(_ region: MemoryRegion) -> String {
    (region.isReadable ? "r" : "-") + (region.isWritable ? "w" : "-")
        + (region.isExecutable ? "x" : "-")
}

private func showAddresses(_ call: inout CommandCall) throws {
    let process = try call.process()
    let all = try call.session.memoryUsages(of: process)
    if call.isAtEnd { return try listRegions(all, call) }
    if call.take("-summary") || call.take("/s") || call.take("-s") {
        try call.requireEnd()
        return summarize(all).forEach { call.output.line($0) }
    }
    call.skipSpaces()
    if call.rest.hasPrefix("-f:") {
        let wanted = call.remainder().dropFirst(3).lowercased()
        return try listRegions(
            all.filter {
                $0.usage.kind.lowercased() == wanted || protection($0.region) == wanted
            },
            call
        )
    }
    let address = try call.expression()
    try call.requireEnd()
    describe(address, all, call.session, process).forEach { call.output.line($0) }
}

private func listRegions(
    _ all: [(region: MemoryRegion, usage: MemoryUsage)],
    _ call: CommandCall
) throws {
    call.output.line("      BaseAddress      EndAddress+1     RegionSize    Protect  Usage")
    call.output.line(String(repeating: "-", count: 96))
    for (region, usage) in all {
        try call.checkInterrupt()
        let start = region.range.lowerBound
        let size = Format.hex(region.range.upperBound - start)
        call.output.line(
            "  \(Format.address(start)) \(Format.address(region.range.upperBound))"
                + " \(Format.leftPad(size, to: 14))    \(protection(region))    "
                + Format.pad(usage.kind, to: 11) + usage.detail
        )
    }
}

private func summarize(_ all: [(region: MemoryRegion, usage: MemoryUsage)]) -> [String] {
    var counts: [String: (regions: Int, bytes: UInt64)] = [:]
    var protections: [String: (regions: Int, bytes: UInt64)] = [:]
    for (region, usage) in all {
        let size = region.range.upperBound - region.range.lowerBound
        let old = counts[usage.kind] ?? (0, 0)
        counts[usage.kind] = (old.regions + 1, old.bytes &+ size)
        let same = protections[protection(region)] ?? (0, 0)
        protections[protection(region)] = (same.regions + 1, same.bytes &+ size)
    }
    let total = max(counts.values.reduce(0) { $0 &+ $1.bytes }, 10_000)
    func table(_ title: String, _ rows: [String: (regions: Int, bytes: UInt64)]) -> [String] {
        var lines = [
            "",
            "--- \(Format.pad(title, to: 20)) RgnCount ----------- Total Size -------- %ofBusy",
        ]
        for (name, row) in rows.sorted(by: { ($1.value.bytes, $0.key) < ($0.value.bytes, $1.key) })
        {
            let percent = row.bytes / (total / 10_000)
            let share =
                "\(percent / 100).\(Format.leftPad(String(percent % 100), to: 2, with: "0"))%"
            lines.append(
                Format.pad(name, to: 24) + Format.leftPad(String(row.regions), to: 9)
                    + "  " + Format.leftPad(Format.hex(row.bytes), to: 17) + " ("
                    + Format.leftPad(Format.size(row.bytes), to: 12) + ")"
                    + Format.leftPad(share, to: 10)
            )
        }
        return lines
    }
    return table("Usage Summary", counts) + table("Protect Summary", protections)
}

/// What an address belongs to, or lies between.
private func describe(
    _ address: UInt64,
    _ all: [(region: MemoryRegion, usage: MemoryUsage)],
    _ session: DebugSession,
    _ process: ProcessState
) -> [String] {
    let wanted = TargetAddress(address)
    guard let found = all.first(where: { $0.region.range.contains(wanted) }) else {
        return ["", "Address \(Format.address(address)) is not mapped."]
            + session.neighbours(of: address, in: all.map(\.region)).map { "  " + $0 }
    }
    let (region, usage) = found
    var lines = [
        "",
        "Usage:                  \(usage.kind)",
        "Base Address:           \(Format.address(region.range.lowerBound))",
        "End Address:            \(Format.address(region.range.upperBound))",
        "Region Size:            "
            + Format.address(region.range.upperBound - region.range.lowerBound)
            + " (\(Format.size(region.range.upperBound - region.range.lowerBound)))",
        "Protect:                \(protection(region))",
    ]
    if !region.name.isEmpty {
        lines.append("Mapped file:            \(region.name)")
        if region.fileOffset != 0 {
            lines.append("File offset:            \(Format.hex(region.fileOffset))")
        }
    }
    if usage.kind == "Stack" { lines.append("More info:              \(usage.detail) k") }
    if let symbol = session.symbolicAddress(address, in: process)?.text {
        lines.append("Symbol:                 \(symbol)")
    }
    if usage.kind == "Heap", let chunk = session.heapChunk(at: address, in: process) {
        lines.append("Allocation:             \(chunk)")
    }
    return lines
}

extension DebugSession {
    /// What lies below and above an address that is not mapped.
    func neighbours(of address: UInt64, in regions: [MemoryRegion]) -> [String] {
        var lines: [String] = []
        func text(_ region: MemoryRegion) -> String {
            let name = region.name.isEmpty ? "anonymous memory" : region.name
            return "\(Format.address(region.range.lowerBound)) - "
                + "\(Format.address(region.range.upperBound)) \(name)"
        }
        if let below = regions.last(where: { $0.range.upperBound.rawValue <= address }) {
            let distance = address - below.range.upperBound.rawValue
            lines.append("0x\(Format.hex(distance)) bytes above \(text(below))")
        }
        if let above = regions.first(where: { $0.range.lowerBound.rawValue > address }) {
            let distance = above.range.lowerBound.rawValue - address
            lines.append("0x\(Format.hex(distance)) bytes below \(text(above))")
        }
        return lines
    }
}
