import Foundation
import Testing

@testable import Symbols

@Suite("Unwinding")
struct UnwindTests {
    /// Unwinds a snapshot and compares each frame with gdb's; gives how many agreed.
    @discardableResult
    private func compare(_ snapshot: Snapshot, _ cache: ModuleCache) throws -> Int {
        let memory = SnapshotMemory(snapshot)
        var frame: UnwindRegisters? = snapshot.innermost
        var agreed = 0
        for expected in snapshot.frames {
            guard let current = frame else {
                let inner = snapshot.frames.prefix(agreed).map { String($0.pc, radix: 16) }
                Issue.record(
                    "frame \(agreed) of \(snapshot.frames.count) is missing after \(inner)"
                )
                return agreed
            }
            let where_ =
                "frame \(agreed) of the stop at \(String(snapshot.frames[0].pc, radix: 16))"
            #expect(current.pc == expected.pc, "\(where_)")
            #expect(current[7] == expected.sp, "\(where_)")
            guard current.pc == expected.pc,
                let (module, bias) = try cache.module(at: current.pc, in: snapshot)
            else { return agreed }
            let isSignal = module.isSignalTrampoline(at: current.lookupAddress &- bias)
            #expect(isSignal == expected.isSignal, "\(where_)")
            frame = module.unwind(current, bias: bias, memory: memory)
            agreed += 1
        }
        #expect(frame == nil, "gdb has no more frames")
        return agreed
    }

    static let flavours: [[String]] = [
        ["-O0", "-g"], ["-O2", "-g"], ["-O2", "-fomit-frame-pointer", "-static"],
        ["-O2", "-fno-omit-frame-pointer"], ["-Os", "-no-pie"],
        ["-O1", "-fno-asynchronous-unwind-tables", "-g", "-static"],
    ]

    @Test("a stack through recursion, qsort and a signal handler is gdb's", arguments: flavours)
    func deep(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let stops = try Snapshot.take(
            of: program,
            in: workshop,
            at: ["compare", "leaf", "handler"],
            stops: 8,
            next: "continue"
        )
        try #require(stops.count >= 6)
        let cache = ModuleCache()
        for stop in stops { try compare(stop, cache) }
        #expect(stops.contains { $0.frames.contains(where: \.isSignal) })
        #expect(stops.map(\.frames.count).max() ?? 0 >= 8)
    }

    @Test(
        "and so it is in what clang compiled",
        .enabled(if: Workshop.has("clang"), "clang is not installed"),
        arguments: [["clang", "-O0", "-g"], ["clang", "-O2"], ["clang", "-Os", "-static"]]
    )
    func clang(flags: [String]) throws {
        try deep(flags: flags)
    }

    @Test(
        "at every instruction, through prologues, epilogues and the linkage table, the stack is gdb's",
        arguments: [
            ["-O0", "-g"], ["-O2", "-fomit-frame-pointer"], ["-O2", "-no-pie", "-Wl,-z,lazy"],
        ]
    )
    func everyInstruction(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let cache = ModuleCache()
        let stops = try Snapshot.take(
            of: program,
            in: workshop,
            at: ["*recurse"],
            stops: 400,
            next: "stepi",
            stackBytes: 24_576
        )
        try #require(stops.count == 400)
        for stop in stops { try compare(stop, cache) }
    }

    @Test("memory that cannot be read, and code without rules, end the stack")
    func ends() throws {
        struct NoMemory: MemoryReader {
            func read(at address: UInt64, count: Int) -> [UInt8]? { nil }
        }
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let module = try ModuleSymbols(
            path: try workshop.compile("deep.c", ["-g"]),
            debugPaths: []
        )
        let main = try #require(module.symbol(named: "main"))
        var frame = UnwindRegisters(pc: 0x1000 + main.address)
        frame[7] = 0x7fff_0000
        #expect(module.unwind(frame, bias: 0x1000, memory: NoMemory()) == nil)
        frame.pc = 0
        #expect(module.unwind(frame, bias: 0x1000, memory: NoMemory()) == nil)
        frame.pc = UInt64.max
        #expect(module.unwind(frame, bias: 0, memory: NoMemory()) == nil)
    }
}
