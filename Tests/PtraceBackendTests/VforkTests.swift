import DebugTarget
import Foundation
import PtraceBackend
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct VforkTests {
    @Test("a program that spawns while its threads are born runs on with a breakpoint set")
    func spawning() async throws {
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            let thread = try target.start("spawner", [progress.path])
            let never = try target.address(of: "never", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: never), in: thread.process)
            try target.resume([ResumeAction(.all, .run)])
            for round in 1...8 {
                try target.serve(progress, until: round * 50)
                try target.serve(progress, until: round * 25, counter: 1)
            }
            try target.interrupt()
            guard case .stopped = try target.waitForEvent() else {
                Issue.record("it does not stop")
                return
            }
        }
    }

    @Test("another process of the session runs on while one spawns")
    func spawningBesideAnother() async throws {
        let program = try RunningProgram("churn")
        let id = program.id
        let other = program.progress
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            _ = try target.attach(to: id)
            let thread = try target.start("spawner", [progress.path])
            let never = try target.address(of: "never", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: never), in: thread.process)
            try target.resume([ResumeAction(.all, .run)])
            for round in 1...4 {
                try target.serve(progress, until: round * 25, counter: 1)
                try target.serve(other, until: other[0] + 50)
            }
            try target.detach(from: id)
        }
        try program.expectUntouched()
    }

    @Test("no thread misses a breakpoint while others wait for their vfork children")
    func hitsBesideVfork() async throws {
        let calls = 60
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            let thread = try target.start("vfork-hits", [progress.path, "\(calls)"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            var hits = 0
            var event = try target.goWithin()
            while case .stopped(_, .breakpoint(address)) = event {
                hits += 1
                event = try target.goWithin()
            }
            #expect(event == .exited(thread.process, status: 42))
            #expect(hits == calls)
        }
    }

    @Test("a followed child whose leader ends before its threads does not hold anything up")
    func followedLeaderEndsFirst() async throws {
        try await onTracerThread { target in
            target.reportedEvents = [.fork]
            let progress = try Progress()
            _ = try target.start("fork-leaderless", [progress.path])
            guard case .stopped(_, .forked(let child)) = try target.goWithin() else {
                Issue.record("the fork was not reported")
                return
            }
            try target.resume([ResumeAction(.all, .run)])
            try target.serve(progress, until: 10)
            try target.interrupt()
            _ = try target.waitForEvent()
            let left = try target.threads(of: child.process).map(\.thread)
            #expect(left.count == 1 && !left.contains(child))
        }
    }
}
