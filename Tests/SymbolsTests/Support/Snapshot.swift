import DebugTarget
import Foundation
import Testing

@testable import Symbols

/// A program that gdb stopped: registers, stack and mappings, and what gdb makes of them.
struct Snapshot: Decodable {
    /// A frame as gdb unwound it; inlined and tail calls, which have none of their own, are left
    /// out.
    struct Frame: Decodable {
        var pc: UInt64
        var sp: UInt64
        var isSignal: Bool
        /// The frame's variables that gdb can print as numbers, by name; the innermost of each
        /// name.
        var variables: [String: String]
    }

    struct Mapping: Decodable {
        var start: UInt64
        var end: UInt64
        var offset: UInt64
        var path: String
    }

    var registers: [String: UInt64]
    var stack: UInt64
    var bytes: String
    var frames: [Frame]
    var mappings: [Mapping]
}

extension Snapshot {
    /// The script for gdb's Python that stops a program at each of the places it is told, and
    /// prints one snapshot on a line of its own for each stop.
    private static let script = #"""
        import gdb, json

        NAMES = ['rax', 'rdx', 'rcx', 'rbx', 'rsi', 'rdi', 'rbp', 'rsp'] + ['r%d' % n for n in range(8, 16)]

        def scalars(frame):
            found = {}
            try:
                block = frame.block()
            except RuntimeError:
                return found
            while block is not None:
                for symbol in block:
                    if not (symbol.is_variable or symbol.is_argument) or symbol.name in found:
                        continue
                    if symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                        continue
                    try:
                        value = symbol.value(frame)
                        kind = value.type.strip_typedefs().code
                        if value.is_optimized_out:
                            found[symbol.name] = '<optimized out>'
                        elif kind in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL,
                                      gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ENUM):
                            found[symbol.name] = str(int(value) & ((1 << 64) - 1))
                        elif kind == gdb.TYPE_CODE_FLT:
                            found[symbol.name] = repr(float(value))
                    except gdb.error:
                        pass
                if block.function is not None:
                    break
                block = block.superblock
            return found

        def snapshot():
            frame = gdb.newest_frame()
            registers = {n: int(frame.read_register(n)) & ((1 << 64) - 1) for n in NAMES}
            registers['rip'] = frame.pc()
            xmm = frame.read_register('xmm0')['v2_int64'][0]
            registers['xmm0'] = int(xmm) & ((1 << 64) - 1)
            mappings = []
            top = 0
            for line in open('/proc/%d/maps' % gdb.selected_inferior().pid):
                words = line.split(None, 5)
                start, end = [int(x, 16) for x in words[0].split('-')]
                path = words[5].strip() if len(words) > 5 else ''
                if path.startswith('/') or path == '[vdso]':
                    mappings.append(dict(start=start, end=end, offset=int(words[2], 16), path=path))
                if start <= registers['rsp'] < end:
                    top = end
            low = registers['rsp'] - 256
            data = gdb.selected_inferior().read_memory(low, min(top - low, LIMIT)).tobytes()
            frames = []
            names = {}
            while frame is not None and len(frames) < 40:
                for name, value in scalars(frame).items():
                    names.setdefault(name, value)
                if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                    sp = int(frame.read_register('rsp')) & ((1 << 64) - 1)
                    frames.append(dict(pc=frame.pc(), sp=sp, variables=names,
                                       isSignal=frame.type() == gdb.SIGTRAMP_FRAME))
                if frame.type() != gdb.INLINE_FRAME:
                    names = {}
                try:
                    frame = frame.older()
                except gdb.error:
                    frame = None
            print('\nSNAPSHOT ' + json.dumps(dict(registers=registers, stack=low, bytes=data.hex(),
                                                 frames=frames, mappings=mappings)))

        gdb.execute('set confirm off')
        gdb.execute('set pagination off')
        gdb.execute('set width 0')
        gdb.execute('set backtrace past-main on')
        gdb.execute('handle SIGUSR1 nostop noprint pass')
        for place in PLACES:
            gdb.execute('break ' + place)
        gdb.execute('run > /dev/null')
        count = 0
        while gdb.selected_inferior().pid != 0 and count < STOPS:
            snapshot()
            count += 1
            try:
                gdb.execute(NEXT)
            except gdb.error:
                break
        gdb.execute('kill')
        """#

    /// Runs a program under gdb to the first of `places`, and takes up to `stops` snapshots, going
    /// on by the gdb command `next` after each.
    static func take(
        of program: String,
        in workshop: Workshop,
        at places: [String],
        stops: Int,
        next: String,
        stackBytes: Int = 1 << 16
    ) throws -> [Snapshot] {
        let list = places.map { "'\($0)'" }.joined(separator: ", ")
        let constants =
            "PLACES = [\(list)]\nSTOPS = \(stops)\nNEXT = '\(next)'\nLIMIT = \(stackBytes)\n"
        let name = "snapshot-\(UUID().uuidString).py"
        try workshop.write(constants + script, to: name)
        let lines = try workshop.lines(["gdb", "-nx", "-batch", "-ex", "source \(name)", program])
        return try lines.filter { $0.hasPrefix("SNAPSHOT ") }.map { line in
            try JSONDecoder().decode(Snapshot.self, from: Data(line.dropFirst(9).utf8))
        }
    }

    /// The innermost frame's registers.
    var innermost: UnwindRegisters {
        var frame = UnwindRegisters(pc: registers["rip"] ?? 0)
        let names =
            ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"] + (8...15).map { "r\($0)" }
            + ["rip", "xmm0"]
        for (number, name) in names.enumerated() { frame[number] = registers[name] }
        return frame
    }
}

/// The stack of a snapshot, and what the file of one module says of its memory.
final class SnapshotMemory: MemoryReader {
    private let stack: UInt64
    private let bytes: [UInt8]
    private let module: ModuleSymbols?
    private let bias: UInt64
    private let file: [UInt8]

    init(_ snapshot: Snapshot, module: ModuleSymbols? = nil, bias: UInt64 = 0) {
        stack = snapshot.stack
        let digits = Array(snapshot.bytes.utf8)
        bytes = stride(from: 0, to: digits.count - 1, by: 2).map { index in
            UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
        }
        self.module = module
        self.bias = bias
        let contents = module.flatMap { FileManager.default.contents(atPath: $0.path) }
        file = contents.map(Array.init) ?? []
    }

    func read(at address: UInt64, count: Int) -> [UInt8]? {
        if address >= stack, address - stack <= UInt64(bytes.count),
            count <= bytes.count - Int(address - stack)
        {
            let start = Int(address - stack)
            return Array(bytes[start..<start + count])
        }
        return fileBytes(at: address &- bias, count)
    }

    private func fileBytes(at address: UInt64, _ count: Int) -> [UInt8]? {
        let segment = module?.segments.first { segment in
            address >= segment.address && address - segment.address < segment.fileSize
        }
        guard let segment else { return nil }
        let start = Int(address - segment.address + segment.fileOffset)
        guard count <= file.count - start else { return nil }
        return Array(file[start..<start + count])
    }
}

/// The modules of snapshots, opened once.
final class ModuleCache {
    private var modules: [String: ModuleSymbols] = [:]

    /// The module whose code lies at an address, and its load bias.
    func module(at pc: UInt64, in snapshot: Snapshot) throws -> (ModuleSymbols, UInt64)? {
        guard let mapping = snapshot.mappings.first(where: { $0.start <= pc && pc < $0.end }),
            mapping.path.hasPrefix("/")
        else { return nil }
        let module =
            try modules[mapping.path] ?? ModuleSymbols(path: mapping.path, debugPaths: [])
        modules[mapping.path] = module
        let segment = try #require(
            module.segments.first { segment in
                let end = (segment.fileOffset + segment.fileSize + 4095) & ~4095
                return segment.isExecutable && segment.fileOffset & ~4095 <= mapping.offset
                    && mapping.offset < end
            }
        )
        let bias = mapping.start &- mapping.offset &- (segment.address &- segment.fileOffset)
        return (module, bias)
    }
}
