import DebugTarget
import Foundation
import LinuxSystem
import PtraceBackend
import Testing

// What gdb's own test suite has shown to be expected of a stub, beyond what its manual says.
@Suite(.serialized) struct ClientViewTests {
    @Test("a thread that the client has put onto a breakpoint meets it at once")
    func movedOntoBreakpoint() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "1", "3"]).process
            let address = try target.address(of: "target", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: process)
            guard case .stopped(let thread, .breakpoint(address)) = try target.go() else {
                Issue.record("no stop")
                return
            }
            // Behind `push %rbp`, as a client goes past an instruction that it does not want executed.
            let next = address + 4
            try target.insertBreakpoint(Breakpoint(.software, at: next), in: process)
            let description = try target.targetDescription(of: process)
            let counter = try #require(description.register(playing: .programCounter))
            var registers = try target.registers(of: thread)
            registers.set(next.rawValue, of: counter)
            try target.setRegisters(registers, of: thread)
            #expect(try target.go() == .stopped(thread, .breakpoint(next)))
            #expect(try target.counter(of: thread) == next)
            try target.kill(process)
        }
    }

    @Test("a thread that stands at a breakpoint goes on from it whatever else was changed")
    func otherRegisters() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "1", "2"]).process
            let address = try target.address(of: "target", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: process)
            guard case .stopped(let thread, .breakpoint(address)) = try target.go() else {
                Issue.record("no stop")
                return
            }
            let description = try target.targetDescription(of: process)
            let register = try #require(description.register(named: "r11"))
            var registers = try target.registers(of: thread)
            registers.set(77, of: register)
            try target.setRegisters(registers, of: thread)
            #expect(try target.go() == .stopped(thread, .breakpoint(address)))
            #expect(try target.go() == .exited(process, status: 42))
        }
    }

    @Test("removing a breakpoint from memory that is gone fails, and it is forgotten all the same")
    func unmappedMeanwhile() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "1", "1"]).process
            let address = try target.address(of: "target", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: process)
            guard case .stopped(let thread, .breakpoint(address)) = try target.go() else {
                Issue.record("no stop")
                return
            }
            let allocation = try #require(target.memoryAllocation)
            let page = try allocation.allocate(4096, [.read, .write], by: thread)
            let breakpoint = Breakpoint(.software, at: page)
            try target.insertBreakpoint(breakpoint, in: process)
            try allocation.release(page, by: thread)
            #expect(throws: TargetError.self) {
                try target.removeBreakpoint(breakpoint, in: process)
            }
            try target.removeBreakpoint(breakpoint, in: process)
            try target.kill(process)
        }
    }

    @Test("of two threads that meet a breakpoint again and again, both are reported")
    func fairness() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "2", "1000000"]).process
            let address = try target.address(of: "target", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: process)
            var counts: [ThreadID: Int] = [:]
            for _ in 0..<60 {
                guard case .stopped(let thread, .breakpoint(address)) = try target.go() else {
                    Issue.record("no stop")
                    return
                }
                counts[thread, default: 0] += 1
            }
            #expect(counts.values.allSatisfy { $0 >= 20 }, "\(counts)")
            try target.kill(process)
        }
    }

    @Test("a signal that needs no stop is reported to a client that steps, and to no other")
    func signalWhileStepping() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "1", "1000000"]).process
            let address = try target.address(of: "target", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: process)
            guard case .stopped(let thread, .breakpoint(address)) = try target.go() else {
                Issue.record("no stop")
                return
            }
            // SIGWINCH does nothing to a program that has no handler for it.
            target.passedSignals = [Signal(28)]
            let number = Int32(truncatingIfNeeded: thread.number)
            // Off the breakpoint first: what comes while a thread is led over one waits for the end of that.
            #expect(
                try target.go([ResumeAction(.thread(thread), .step)]) == .stopped(thread, .stepped)
            )
            try signalThread(process: process.rawValue, thread: number, 28)
            let stepped = try target.go([ResumeAction(.thread(thread), .step)])
            #expect(stepped == .stopped(thread, .signal(Signal(28))))
            try signalThread(process: process.rawValue, thread: number, 28)
            #expect(try target.go() == .stopped(thread, .breakpoint(address)))
            try target.kill(process)
        }
    }

    @Test("a breakpoint is planted anew where the memory under it was replaced")
    func replacedMemory() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let process = try target.start("hits", [progress.path, "1", "2"]).process
            let address = try target.address(of: "target", in: process)
            let original = try target.readMemory(at: address, count: 1, in: process)
            let breakpoint = Breakpoint(.software, at: address)
            try target.insertBreakpoint(breakpoint, in: process)
            // What the kernel does when a file is mapped there again.
            let memory = try #require(
                FileHandle(forUpdatingAtPath: "/proc/\(process.rawValue)/mem")
            )
            try memory.seek(toOffset: address.rawValue)
            try memory.write(contentsOf: Data(original))
            try target.insertBreakpoint(breakpoint, in: process)
            #expect(try rawMemory(process, address, 1) == [0xcc])
            #expect(try target.readMemory(at: address, count: 1, in: process) == original)
            try target.kill(process)
        }
    }
}
