import DebugTarget
import Foundation
import PtraceBackend
import TestPrograms
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct AttachTests {
    @Test("attaching stops all threads, and detaching lets all of them run on")
    func attachAndDetach() async throws {
        let program = try RunningProgram("loop", ["20"])
        let id = program.id
        while program.status("Threads") != "20" { usleep(1000) }
        let progress = program.progress
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            #expect(thread == ThreadID(id, Int64(id.rawValue)))
            #expect(try target.threads(of: id).count == 20)
            let before = progress[0]
            for summary in try target.threads(of: id) {
                #expect(try target.counter(of: summary.thread).rawValue != 0)
            }
            #expect(progress[0] == before)
            try target.detach(from: id)
            #expect(target.processes.isEmpty)
        }
        try program.expectUntouched()
    }

    @Test("a running program is let go of as well as a standing one")
    func detachWhileRunning() async throws {
        let program = try RunningProgram("loop", ["5"])
        let id = program.id
        let traps = try await onTracerThread { target -> TargetAddress in
            _ = try target.attach(to: id)
            let leaf = try target.address(of: "leaf", in: id)
            try target.insertBreakpoint(Breakpoint(.hardware, at: leaf), in: id)
            try target.insertBreakpoint(Breakpoint(.software, at: leaf + 4), in: id)
            try target.resume([ResumeAction(.all, .run)])
            try target.detach(from: id)
            return leaf
        }
        try program.expectUntouched()
        #expect(try rawMemory(id, traps, 8).contains(0xcc) == false)
    }

    @Test("a tracer that ends while the program stands leaves it running")
    func tracerEnds() async throws {
        let program = try RunningProgram("loop", ["3"])
        let id = program.id
        try await onTracerThread { target in _ = try target.attach(to: id) }
        while program.status("TracerPid") != "0" { usleep(1000) }
        try program.expectUntouched()
    }

    @Test("threads that are born and die all the time do not disturb attaching and detaching")
    func churn() async throws {
        let program = try RunningProgram("churn")
        let id = program.id
        try await onTracerThread { target in
            for _ in 0..<20 {
                _ = try target.attach(to: id)
                #expect(untraced(threadsOf: id) == [])
                #expect(try target.go([ResumeAction(.all, .run)], orInterruptAfter: 2) != nil)
                try target.detach(from: id)
            }
        }
        try program.expectUntouched()
        #expect(program.status("Threads").flatMap { Int($0) } ?? 0 > 0)
    }

    /// The threads of a process that nobody traces and that have not ended.
    private func untraced(threadsOf process: ProcessID) -> [String] {
        let folder = "/proc/\(process)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.filter { thread in
            let status = try? String(contentsOfFile: "\(folder)/\(thread)/status", encoding: .utf8)
            guard let status, !status.contains("State:\tZ"), !status.contains("State:\tX") else {
                return false
            }
            return status.contains("TracerPid:\t0\n")
        }
    }

    @Test("a process in a group stop stays in it, through attach, run and detach")
    func groupStop() async throws {
        let program = try RunningProgram("loop", ["3"])
        let id = program.id
        program.signal(SIGSTOP)
        while program.status("State") != "T (stopped)" { usleep(1000) }
        let before = program.progress[0]
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            _ = try target.go([ResumeAction(.all, .run)], orInterruptAfter: 2)
            try target.detach(from: id)
        }
        #expect(program.status("TracerPid") == "0")
        while program.status("State") != "T (stopped)" { usleep(1000) }
        #expect(program.progress[0] == before)
        program.signal(SIGCONT)
        try program.expectUntouched()
    }

    @Test("a process that has gone, a thread's id, a kernel thread and ourselves are refused")
    func refusals() async throws {
        let program = try RunningProgram("loop", ["2"])
        let id = program.id
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")
        let thread = try #require(tasks.compactMap { Int32($0) }.first { $0 != id.rawValue })
        try await onTracerThread { target in
            func refusal(_ id: Int32) -> TargetError? {
                #expect(throws: TargetError.self) { _ = try target.attach(to: ProcessID(id)) }
            }
            #expect(refusal(4_194_303)?.message == "there is no process 4194303")
            #expect(refusal(0)?.code == .noSuchProcess)
            #expect(refusal(-5)?.code == .noSuchProcess)
            #expect(
                refusal(thread)?.message
                    == "\(thread) is a thread of process \(id): attach to \(id) instead"
            )
            #expect(refusal(2)?.message.contains("is a thread of the kernel") == true)
            #expect(refusal(getpid())?.message.contains("the debug server itself") == true)
            _ = try target.attach(to: id)
            #expect(refusal(id.rawValue)?.message.contains("already") == true)
        }
        try program.expectUntouched()
    }

    @Test("the tracer that has a process already is named")
    func otherTracer() async throws {
        let program = try RunningProgram("loop", ["2"])
        let id = program.id
        // What waits ends with the gdb that it waits in.
        let wait = "shell while kill -0 $PPID 2>/dev/null; do sleep 0.2; done"
        let (tracer, _) = try spawn(["gdb", "-nx", "-batch", "-p", "\(id)", "-ex", wait])
        while program.status("State") != "t (tracing stop)" { usleep(1000) }
        let other = try #require(program.status("TracerPid"))
        try await onTracerThread { target in
            let error = #expect(throws: TargetError.self) { _ = try target.attach(to: id) }
            #expect(error?.code == .alreadyTraced)
            #expect(
                error?.message
                    == "process \(id) is being traced already by process \(other) (gdb): "
                    + "detach that one first"
            )
        }
        kill(tracer, SIGKILL)
        waitpid(tracer, nil, 0)
        // gdb attaches by SIGSTOP, and killed it may leave one behind.
        program.signal(SIGCONT)
        try program.expectUntouched()
    }

    @Test("a process whose leader has ended is attached to and followed to its end")
    func leaderless() async throws {
        let program = try RunningProgram("leaderless")
        let id = program.id
        while program.status("State") != "Z (zombie)" { usleep(1000) }
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            #expect(thread.number != Int64(id.rawValue))
            #expect(
                try target.readMemory(at: try target.counter(of: thread), count: 4, in: id).count
                    == 4
            )
            guard case .exited(id, _) = try target.go() else {
                Issue.record("its end was not reported")
                return
            }
        }
    }

    @Test("a signal that came in before detaching is not lost")
    func pendingSignal() async throws {
        let program = try RunningProgram("signals")
        let id = program.id
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            kill(id.rawValue, SIGUSR1)
            #expect(try target.go() == .stopped(thread, .signal(Signal(SIGUSR1))))
            try target.detach(from: id)
        }
        try program.progress.waitUntil(1, counter: 1)
        try program.expectUntouched()
    }
}

extension PtraceTarget {
    /// Lets the program run until it reports something, or for some rounds of waiting, then stops it.
    func go(_ actions: [ResumeAction], orInterruptAfter rounds: Int) throws -> TargetEvent? {
        try resume(actions)
        for _ in 0..<rounds {
            if let event = try nextEvent() { return event }
            usleep(1000)
        }
        try interrupt()
        return try waitForEvent()
    }
}
