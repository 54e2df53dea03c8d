internal import DebugEngine
internal import DebugTarget

// glibc's malloc as it lies in memory (malloc/malloc.c): a heap is a row of chunks, each with the size of the one
// before it where that is free, and its own size whose low bits say: 1 the chunk before is in use, 2 mapped by itself,
// 4 of another arena than the main one. What is in a thread's cache or a fast bin counts as in use.

/// One piece of a heap.
struct HeapChunk {
    /// Where its header begins.
    var address: UInt64
    /// With its header, in bytes.
    var size: UInt64
    /// Whether the program has it, or a cache of the allocator.
    var isInUse: Bool
    /// Whether it is the rest at the end that has not been given out yet.
    var isTop: Bool
}

/// A heap in memory, read chunk by chunk.
enum GlibcHeap {
    /// Heaps of other arenas than the main one begin at multiples of this (HEAP_MAX_SIZE).
    static let arenaAlignment: UInt64 = 64 << 20
    /// The most chunks that are visited.
    static let chunksMax = 1 << 20
    private static let leastChunk: UInt64 = 32

    /// The chunks from an address on; the last may be nil where the sizes make no sense any more.
    static func chunks(
        from start: UInt64,
        to end: UInt64,
        read: (UInt64, Int) throws -> [UInt8],
        visit: (HeapChunk) throws -> Bool
    ) throws -> UInt64? {
        var window: (start: UInt64, bytes: [UInt8]) = (0, [])
        func word(_ address: UInt64) throws -> UInt64? {
            if address < window.start || address &+ 8 > window.start &+ UInt64(window.bytes.count) {
                window = (address, try read(address, Int(min(65_536, end - address))))
            }
            let offset = Int(address - window.start)
            guard offset + 8 <= window.bytes.count else { return nil }
            return LittleEndian.value(window.bytes[offset..<(offset + 8)])
        }
        var address = start
        var count = 0
        while address < end, end - address >= 16, count < chunksMax {
            count += 1
            guard let field = try word(address + 8) else { return address }
            let size = field & ~7
            guard size >= leastChunk, size % 16 == 0, size <= end - address else { return address }
            let next = address + size
            let isTop = end - next < 16
            let following = isTop ? nil : try word(next + 8)
            let chunk = HeapChunk(
                address: address,
                size: size,
                isInUse: following.map { $0 & 1 == 1 } ?? false,
                isTop: isTop
            )
            guard try visit(chunk) else { return nil }
            address = next
        }
        return nil
    }
}

/// A heap's place: where its first chunk is.
struct HeapPlace {
    var name: String
    var range: Range<UInt64>
    var firstChunk: UInt64
}

extension DebugSession {
    /// The heaps of a process: the main one, and those of threads' arenas.
    func heaps(of process: ProcessState) throws -> [HeapPlace] {
        guard let details = target.processDetails else {
            throw EngineError.sentence("This target does not tell of its memory map")
        }
        var heaps: [HeapPlace] = []
        for region in try details.memoryRegions(of: process.id) where region.isWritable {
            let range = region.range.lowerBound.rawValue..<region.range.upperBound.rawValue
            if region.name == "[heap]" {
                heaps.append(
                    HeapPlace(name: "main arena", range: range, firstChunk: range.lowerBound)
                )
            } else if region.name.isEmpty, range.lowerBound % GlibcHeap.arenaAlignment == 0,
                let first = arenaStart(range)
            {
                heaps.append(HeapPlace(name: "thread arena", range: range, firstChunk: first))
            }
        }
        return heaps
    }

    /// Behind the heap's header (four words: arena, previous heap, sizes) and, in an arena's first
    /// heap, the arena itself.
    private func arenaStart(_ range: Range<UInt64>) -> UInt64? {
        guard let bytes = try? readMemory(at: range.lowerBound, count: 48), bytes.count == 48 else {
            return nil
        }
        let arena = LittleEndian.value(bytes[..<8])
        guard arena >= range.lowerBound, arena < range.lowerBound + 64 else { return nil }
        // The arena's size differs by version; the first chunk says that nothing is before it.
        for offset in stride(from: UInt64(0x880), through: 0x900, by: 16) {
            let place = arena + offset
            guard place < range.upperBound else { return nil }
            guard let header = try? readMemory(at: place, count: 16), header.count == 16 else {
                return nil
            }
            let size = LittleEndian.value(header[8...])
            let isSensible =
                size & 7 == 5 && size & ~7 >= 32 && size & ~7 < range.upperBound - place
            if isSensible, LittleEndian.value(header[..<8]) == 0 { return place }
        }
        return nil
    }

    /// The allocation around an address of a heap, in words.
    func heapChunk(at address: UInt64, in process: ProcessState) -> String? {
        guard let heap = try? heaps(of: process).first(where: { $0.range.contains(address) }) else {
            return nil
        }
        var found: HeapChunk?
        _ = try? GlibcHeap.chunks(from: heap.firstChunk, to: heap.range.upperBound) {
            place,
            count in
            try readMemory(at: place, count: count)
        } visit: { chunk in
            guard address >= chunk.address + chunk.size else {
                found = chunk
                return false
            }
            return true
        }
        guard let found else { return nil }
        let user = found.address + 16
        let state = found.isTop ? "not given out yet" : found.isInUse ? "in use" : "free"
        let offset =
            address >= user
            ? "0x\(Format.hex(address - user)) into" : "in the header of"
        return
            "\(offset) the block at \(Format.address(user)), 0x\(Format.hex(found.size - 8)) bytes, \(state)"
    }
}

let heapCommands: [Command] = [
    Command(
        names: ["!heap"],
        usage: "!heap [-a] [-x Address]",
        summary:
            "summarise the heaps of glibc's malloc; -a lists all blocks, -x finds the block of an address",
        details: """
            Blocks in a thread's cache (tcache) or a fast bin count as in use, as they do in memory. A heap
            whose sizes make no sense is corrupt, and where that begins is said.
            """,
        run: { try showHeaps(&$0) }
    )
]

private func showHeaps(_ call: inout CommandCall) throws {
    let process = try call.process()
    let session = call.session
    if call.take("-x") {
        let address = try call.expression()
        try call.requireEnd()
        guard let text = session.heapChunk(at: address, in: process) else {
            throw EngineError.sentence("\(Format.address(address)) is in no heap of malloc's")
        }
        return call.output.line("\(Format.address(address)) is \(text)")
    }
    let listsAll = call.take("-a")
    try call.requireEnd()
    let heaps = try session.heaps(of: process)
    if heaps.isEmpty { return call.output.line("The process has no heap of glibc's malloc (yet)") }
    for heap in heaps { try show(heap, listsAll, call) }
}

private func show(_ heap: HeapPlace, _ listsAll: Bool, _ call: CommandCall) throws {
    let session = call.session
    let size = heap.range.upperBound - heap.range.lowerBound
    call.output.line(
        "Heap \(Format.address(heap.range.lowerBound)) (\(heap.name)), \(Format.size(size))"
    )
    var used = (count: 0, bytes: UInt64(0))
    var free = (count: 0, bytes: UInt64(0))
    var top: UInt64 = 0
    var sizes: [UInt64: Int] = [:]
    let corrupt = try GlibcHeap.chunks(from: heap.firstChunk, to: heap.range.upperBound) {
        place,
        count in
        try session.readMemory(at: place, count: count)
    } visit: { chunk in
        try call.checkInterrupt()
        if chunk.isTop {
            top = chunk.size
        } else if chunk.isInUse {
            used = (used.count + 1, used.bytes + chunk.size)
            sizes[chunk.size, default: 0] += 1
        } else {
            free = (free.count + 1, free.bytes + chunk.size)
        }
        if listsAll {
            let state = chunk.isTop ? "top" : chunk.isInUse ? "busy" : "free"
            call.output.line(
                "  \(Format.address(chunk.address + 16)) \(Format.leftPad(Format.hex(chunk.size - 8), to: 10)) \(state)"
            )
        }
        return true
    }
    call.output.line(
        "  busy \(used.count) blocks, \(Format.size(used.bytes)); free \(free.count) blocks, "
            + "\(Format.size(free.bytes)); \(Format.size(top)) not given out yet"
    )
    for (size, count) in sizes.sorted(by: { $0.key * UInt64($0.value) > $1.key * UInt64($1.value) })
        .prefix(5)
    {
        call.output.line(
            "    \(Format.leftPad(String(count), to: 8)) blocks of 0x\(Format.hex(size)) bytes"
        )
    }
    if let corrupt {
        call.output.line(
            "  CORRUPT: the block at \(Format.address(corrupt + 16)) has a size that makes no sense;"
                + " something wrote over its header, probably the block before it",
            .error
        )
    }
}
