import DebugTarget
import Foundation
import PtraceBackend
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct BreakpointTests {
    @Test("a breakpoint stops at its address, is hidden in reads and survives writes")
    func hidden() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "1", "3"])
            let process = thread.process
            let address = try target.address(of: "target", in: process)
            let original = try target.readMemory(at: address, count: 16, in: process)
            let breakpoint = Breakpoint(.software, at: address + 4)
            try target.insertBreakpoint(breakpoint, in: process)
            try target.insertBreakpoint(breakpoint, in: process)
            #expect(try target.readMemory(at: address, count: 16, in: process) == original)
            #expect(try rawMemory(process, address, 16)[4] == 0xcc)

            try target.writeMemory(original, at: address, in: process)
            #expect(try rawMemory(process, address, 16)[4] == 0xcc)

            for _ in 0..<3 {
                guard case .stopped(let hit, let reason) = try target.go() else {
                    Issue.record("no stop")
                    return
                }
                #expect(reason == .breakpoint(address + 4))
                #expect(try target.counter(of: hit) == address + 4)
            }
            try target.removeBreakpoint(breakpoint, in: process)
            #expect(try rawMemory(process, address, 16) == original)
            #expect(try target.go() == .exited(process, status: 42))
        }
    }

    @Test("no thread of many misses a breakpoint that all of them run through", arguments: [2, 8])
    func manyThreads(threads: Int) async throws {
        let rounds = 40
        let hits = try await onTracerThread { target -> Int in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "\(threads)", "\(rounds)"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            var hits = 0
            while case .stopped(let hit, .breakpoint(address)) = try target.go() {
                #expect(try target.counter(of: hit) == address)
                hits += 1
            }
            #expect(progress[0] == threads * rounds)
            return hits
        }
        #expect(hits == threads * rounds)
    }

    @Test("events that are kept back are dropped when their breakpoint is removed")
    func removedMeanwhile() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "8", "1000000000"])
            let address = try target.address(of: "target", in: thread.process)
            let breakpoint = Breakpoint(.software, at: address)
            for _ in 0..<10 {
                try target.insertBreakpoint(breakpoint, in: thread.process)
                guard case .stopped(_, .breakpoint(address)) = try target.go() else {
                    Issue.record("the breakpoint was not reported")
                    return
                }
                try target.removeBreakpoint(breakpoint, in: thread.process)
                // Others stood at the breakpoint too; with it gone they must execute what is there.
                let event = try target.go([ResumeAction(.all, .run)], orInterruptAfter: 1)
                guard case .stopped(_, .interrupted)? = event else {
                    Issue.record("\(String(describing: event))")
                    return
                }
            }
        }
    }

    @Test(
        "a step over a breakpoint at a blocking system call lets the other threads run",
        arguments: [[], ["starved of processor time"]]
    )
    func systemCall(options: [String]) async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("futex", [progress.path] + options)
            let address = try target.address(of: "waiting", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            for _ in 0..<3 {
                #expect(try target.go() == .stopped(thread, .breakpoint(address)))
            }
            #expect(try target.go() == .exited(thread.process, status: 17))
        }
    }

    @Test("a hardware breakpoint stops every thread at its address and changes no memory")
    func hardware() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "4", "5"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.hardware, at: address), in: thread.process)
            #expect(try rawMemory(thread.process, address, 1) != [0xcc])
            var seen: [ThreadID: Int] = [:]
            while case .stopped(let hit, let reason) = try target.go() {
                #expect(reason == .hardwareBreakpoint(address))
                #expect(try target.counter(of: hit) == address)
                seen[hit, default: 0] += 1
                // Without this the instruction would be caught again at once.
                #expect(
                    try target.go([ResumeAction(.thread(hit), .step)]) == .stopped(hit, .stepped)
                )
            }
            #expect(seen.count == 4 && seen.values.allSatisfy { $0 == 5 })
        }
    }

    @Test("a watchpoint sees stores of threads, aligned or not")
    func watchpoints() async throws {
        let program = try RunningProgram("loop", ["4"])
        let id = program.id
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            let watched = try target.address(of: "watched", in: id)
            let odd = try target.address(of: "odd", in: id) + 1
            let first = Breakpoint(.watch(.write, length: 8), at: watched)
            try target.insertBreakpoint(first, in: id)
            for _ in 0..<3 {
                guard case .stopped(_, .watchpoint(.write, watched)) = try target.go() else {
                    Issue.record("the store was not seen")
                    return
                }
            }
            try target.removeBreakpoint(first, in: id)
            // 8 bytes at an odd address: 1, 2, 4 and 1.
            try #require(odd.rawValue % 2 == 1)
            let unaligned = Breakpoint(.watch(.access, length: 8), at: odd)
            try target.insertBreakpoint(unaligned, in: id)
            guard case .stopped(_, .watchpoint(.access, let where_)) = try target.go() else {
                Issue.record("the unaligned store was not seen")
                return
            }
            #expect((odd..<(odd + 8)).contains(where_))
            let tooMany = Breakpoint(.hardware, at: watched)
            let error = #expect(throws: TargetError.self) {
                try target.insertBreakpoint(tooMany, in: id)
            }
            #expect(error?.code == .noHardwareLeft)
            let readOnly = Breakpoint(.watch(.read, length: 8), at: watched)
            let unsupported = #expect(throws: TargetError.self) {
                try target.insertBreakpoint(readOnly, in: id)
            }
            #expect(unsupported?.code == .unsupported)
            try target.detach(from: id)
        }
        try program.expectUntouched()
    }

    @Test("a watchpoint that the kernel refuses is an error, and the others stay in force")
    func refusedWatchpoint() async throws {
        let program = try RunningProgram("loop", ["4"])
        let id = program.id
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            let watched = try target.address(of: "watched", in: id)
            let kernel = TargetAddress(0xffff_ffff_8100_0000)
            let good = Breakpoint(.watch(.write, length: 8), at: watched)
            let bad = Breakpoint(.watch(.write, length: 8), at: kernel)
            try target.insertBreakpoint(good, in: id)
            for _ in 0..<2 {
                let error = #expect(throws: TargetError.self) {
                    try target.insertBreakpoint(bad, in: id)
                }
                #expect(error?.message.contains("\(kernel)") == true)
                guard case .stopped(_, .watchpoint(.write, watched)) = try target.goWithin() else {
                    Issue.record("the store was not seen")
                    return
                }
            }
            // The place it would have taken is free.
            for offset in 1...3 {
                let more = Breakpoint(.hardware, at: watched + UInt64(8 * offset))
                try target.insertBreakpoint(more, in: id)
            }
            try target.detach(from: id)
        }
        try program.expectUntouched()
    }

    @Test("a watchpoint set before threads exist is inherited by them")
    func inheritedWatchpoint() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "3", "2"])
            // The counter lies in memory that is mapped later; the pointer to it is a variable.
            let pointer = try target.address(of: "progress", in: thread.process)
            let entry = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: entry), in: thread.process)
            guard case .stopped = try target.go() else { return }
            try target.removeBreakpoint(Breakpoint(.software, at: entry), in: thread.process)
            let bytes = try target.readMemory(at: pointer, count: 8, in: thread.process)
            let counter = TargetAddress(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
            let watch = Breakpoint(.watch(.write, length: 8), at: counter)
            try target.insertBreakpoint(watch, in: thread.process)
            var seen: Set<ThreadID> = []
            while case .stopped(let hit, .watchpoint) = try target.go() { seen.insert(hit) }
            #expect(seen.count == 3)
        }
    }

    @Test("memory reads end where the mapping does, and unmapped memory is an error")
    func partialReads() async throws {
        try await onTracerThread { target in
            let thread = try target.start("steps")
            let process = thread.process
            let regions = try target.memoryRegions(of: process)
            let stack = try #require(regions.first { $0.name == "[stack]" })
            let end = stack.range.upperBound
            #expect(try target.readMemory(at: end - 10, count: 100, in: process).count == 10)
            let error = #expect(throws: TargetError.self) {
                _ = try target.readMemory(at: TargetAddress(16), count: 4, in: process)
            }
            #expect(error?.code == .badAddress)
            #expect(error?.message.contains("0x10") == true)
            #expect(throws: TargetError.self) {
                try target.writeMemory([1], at: TargetAddress(16), in: process)
            }
            #expect(throws: TargetError.self) {
                let breakpoint = Breakpoint(.software, at: TargetAddress(16))
                try target.insertBreakpoint(breakpoint, in: process)
            }
        }
    }
}
