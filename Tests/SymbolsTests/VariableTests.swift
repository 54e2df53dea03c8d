import Foundation
import Testing

@testable import Symbols

@Suite("Variables")
struct VariableTests {
    /// How many values agreed with gdb's, were missing, or were there where gdb has none.
    private struct Tally {
        var agreed = 0
        var missing: [String] = []
        var extra = 0
    }

    /// Compares the scalars of all frames of a snapshot with gdb's; a wrong value is an issue at
    /// once.
    private func compare(
        _ snapshot: Snapshot,
        _ program: String,
        _ cache: ModuleCache,
        _ tally: inout Tally
    ) throws {
        let memory = SnapshotMemory(snapshot)
        var frame: UnwindRegisters? = snapshot.innermost
        for expected in snapshot.frames {
            guard let current = frame, current.pc == expected.pc,
                let (module, bias) = try cache.module(at: current.pc, in: snapshot)
            else { return }
            let context = FrameContext(registers: current, bias: bias, memory: memory)
            let variables = module.variables(
                at: current.lookupAddress &- bias,
                frame: context,
                limits: ValueLimits(depth: 1)
            )
            // The memory that libraries' variables lie in is not all in the snapshot.
            let isOurs = module.path == program
            for (name, text) in expected.variables {
                guard let ours = variables.first(where: { $0.name == name }) else {
                    if isOurs, text != "<optimized out>" {
                        tally.missing.append("\(name) (not listed)")
                    }
                    continue
                }
                judge(ours, text, isOurs, &tally)
            }
            frame = module.unwind(current, bias: bias, memory: memory)
        }
    }

    private func judge(
        _ ours: Variable,
        _ expected: String,
        _ isOurs: Bool,
        _ tally: inout Tally
    ) {
        if expected == "<optimized out>" {
            // Of a structure some members may be left.
            if ours.value.scalar != nil { tally.extra += 1 }
        } else if !ours.value.isAvailable {
            if isOurs { tally.missing.append("\(ours.name) = \(expected)") }
        } else if let number = UInt64(expected), let scalar = ours.value.scalar {
            #expect(scalar == number, "\(ours)")
            tally.agreed += 1
        } else {
            #expect(Double(ours.value.text) == Double(expected), "\(ours)")
            tally.agreed += 1
        }
    }

    static let clangFlavours: [[String]] = [
        ["clang", "-O0", "-g"], ["clang", "-O2", "-g", "-gdwarf-4"], ["clang", "-O1", "-g"],
    ]

    @Test(
        "scalars of programs that clang compiled have gdb's values too",
        .enabled(if: Workshop.has("clang"), "clang is not installed"),
        arguments: clangFlavours
    )
    func clangScalars(flags: [String]) throws {
        try scalars(flags: flags)
    }

    static let flavours: [[String]] = [
        ["-O0", "-g", "-gdwarf-5"], ["-O0", "-g", "-gdwarf-4", "-static"], ["-O1", "-g"],
        ["-O2", "-g", "-gdwarf-5"], ["-O2", "-g", "-gdwarf-4", "-no-pie"], ["-Os", "-g"],
        ["-O2", "-g", "-gsplit-dwarf"], ["-O2", "-g", "-fno-omit-frame-pointer"],
    ]

    @Test("scalars in all frames have gdb's values at stops and at every step", arguments: flavours)
    func scalars(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let cache = ModuleCache()
        var tally = Tally()
        for (places, stops, next) in [
            (["compare", "leaf", "handler"], 8, "continue"), (["*recurse"], 120, "stepi"),
        ] {
            let taken = try Snapshot.take(
                of: program,
                in: workshop,
                at: places,
                stops: stops,
                next: next
            )
            try #require(taken.count > 5)
            for stop in taken { try compare(stop, program, cache, &tally) }
        }
        #expect(tally.agreed > 1000)
        #expect(tally.missing.isEmpty, "\(Set(tally.missing))")
        #expect(tally.extra == 0)
    }
}
