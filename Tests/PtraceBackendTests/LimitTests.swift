import DebugTarget
import Foundation
import LinuxSystem
import TestPrograms
import Testing

@testable import PtraceBackend

// One after the other: each test waits for a limit.
@Suite(.serialized) struct LimitTests {
    @Test("a process that waits for its vfork child is refused in time and left as it was")
    func attachToVforkParent() async throws {
        let waiting = try RunningProgram("vfork-wait")
        let beside = try RunningProgram("loop", ["2"])
        let (id, other) = (waiting.id, beside.id)
        let trap = try await onTracerThread { target -> TargetAddress in
            _ = try target.attach(to: other)
            let leaf = try target.address(of: "leaf", in: other)
            try target.insertBreakpoint(Breakpoint(.software, at: leaf), in: other)
            let error = #expect(throws: TargetError.self) { _ = try target.attach(to: id) }
            #expect(error?.message.contains("process \(id) (vfork-wait) does not stop") == true)
            #expect(error?.message.contains("its child") == true)
            #expect(target.processes == [other])
            // The session goes on.
            guard case .stopped(_, .breakpoint(leaf)) = try target.goWithin() else {
                Issue.record("the breakpoint was not reported")
                return leaf
            }
            try target.detach(from: other)
            return leaf
        }
        try beside.expectUntouched()
        #expect(try rawMemory(other, trap, 1) != [0xcc])
        #expect(waiting.status("TracerPid") == "0")
        waiting.progress[1] = 1
        try waiting.expectUntouched()
    }

    @Test("a thread that stops only after it was given up is let go of then")
    func lateStop() async throws {
        let program = try RunningProgram("vfork-wait")
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            // As after a wait that began between the look at /proc and the interrupt.
            let error = #expect(throws: TargetError.self) {
                try target.seizeAndAdopt(id, until: monotonicNanoseconds() + 50_000_000)
            }
            #expect(error?.message.contains("does not stop") == true)
            progress[1] = 1
            let goal = progress[0] + 5
            try target.serve(progress, until: goal)
            #expect(processStatus(id, "TracerPid") == "0")
        }
    }

    @Test("a launch whose redirection blocks is given up in time, and nothing is left of it")
    func launchBlocked() async throws {
        let fifo = "\(Programs.folder)/fifo.\(UUID().uuidString)"
        try #require(mkfifo(fifo, 0o600) == 0)
        // Should it not be given up, the test fails instead of hanging.
        let (opener, _) = try spawn(["/bin/sh", "-c", "sleep 20; : >\(fifo)"])
        try await onTracerThread { target in
            let request = LaunchRequest(arguments: ["cat", "<\(fifo)"], usesShell: true)
            let error = #expect(throws: TargetError.self) { _ = try target.launch(request) }
            #expect(error?.code == .cannotRun)
            #expect(error?.message.contains("redirection") == true)
            #expect(target.processes.isEmpty)
        }
        let left = try run("/usr/bin/pgrep", ["-f", "exec '/usr/bin/cat' <'\(fifo)'"])
        #expect(left.isEmpty)
        kill(opener, SIGKILL)
        waitpid(opener, nil, 0)
    }

    @Test("a process whose end is waiting to be reported is sent nothing: its number may be reused")
    func killAfterEnd() async throws {
        let program = try RunningProgram("loop", ["1"])
        let id = program.id
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            // From here on the number stands for somebody else's process.
            target.traced[0].ending = .exited(0)
            try target.kill(id)
            #expect(target.processes.isEmpty)
        }
        // The kernel lets go of it when the tracer's thread has ended.
        while program.status("TracerPid") != "0" { usleep(1000) }
        try program.expectUntouched()
    }
}
