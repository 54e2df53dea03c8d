import DebugTarget
import Foundation
import PtraceBackend
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct NonStopTests {
    @Test("a thread at a breakpoint stands while the others run, and each is stopped by itself")
    func oneByOne() async throws {
        try await onTracerThread { target in
            try target.setNonStop(true)
            let progress = try Progress()
            let thread = try target.start("loop", [progress.path, "4"])
            let leaf = try target.address(of: "leaf", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: leaf), in: thread.process)
            try target.resume([ResumeAction(.all, .run)])
            #expect(try target.nextStop() == (thread, .breakpoint(leaf)))
            // The others go on, and the memory of the process can be looked at meanwhile.
            try target.serve(progress, until: progress[0] + 50)
            #expect(try target.readMemory(at: leaf, count: 1, in: thread.process) != [0xcc])
            #expect(try target.counter(of: thread) == leaf)
            let others = try target.threads(of: thread.process).map(\.thread).filter {
                $0 != thread
            }
            #expect(others.count == 3)
            #expect(throws: TargetError.self) { try target.registers(of: others[0]) }
            // Resuming what stands does not disturb what runs.
            try target.resume([ResumeAction(.thread(thread), .run)])
            #expect(try target.nextStop() == (thread, .breakpoint(leaf)))
            try target.halt(.all)
            var halted: Set<ThreadID> = []
            while halted.count < 3 {
                let (thread, reason) = try target.nextStop()
                #expect(reason == .halted)
                halted.insert(thread)
            }
            #expect(halted == Set(others))
            #expect(target.standing.count == 4)
            let stood = progress[0]
            try target.resume([ResumeAction(.thread(others[1]), .run)])
            try target.serve(progress, until: stood + 20)
            #expect(throws: TargetError.self) { try target.setNonStop(false) }
            try target.interrupt()
            #expect(try target.nextStop() == (others[1], .interrupted))
            try target.setNonStop(false)
            try target.removeBreakpoint(Breakpoint(.software, at: leaf), in: thread.process)
            try target.detach(from: thread.process)
            defer { kill(thread.process.rawValue, SIGKILL) }
            try progress.waitForMore(20)
        }
    }

    @Test(
        "no thread of many misses a breakpoint while the others are stopped and set going one by one"
    )
    func everyHit() async throws {
        try await onTracerThread { target in
            try target.setNonStop(true)
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "6", "60"])
            let place = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: place), in: thread.process)
            try target.resume([ResumeAction(.all, .run)])
            var hits = 0
            loop: while true {
                switch try #require(try target.waitForEvent()) {
                case .stopped(let thread, .breakpoint(place)):
                    hits += 1
                    let kind: ResumeAction.Kind = hits % 3 == 0 ? .step : .run
                    try target.resume([ResumeAction(.thread(thread), kind)])
                case .stopped(let thread, .stepped):
                    try target.resume([ResumeAction(.thread(thread), .run)])
                case .exited(_, let status):
                    #expect(status == 42)
                    break loop
                case let event:
                    Issue.record("\(event)")
                    break loop
                }
            }
            #expect(hits == 360)
        }
    }

    @Test("one process is attached to, watched and let go of while another runs")
    func besideAnother() async throws {
        let other = try RunningProgram("churn")
        let id = other.id
        let otherProgress = other.progress
        try await onTracerThread { target in
            try target.setNonStop(true)
            let progress = try Progress()
            let thread = try target.start("loop", [progress.path, "3"])
            try target.resume([ResumeAction(.all, .run)])
            try target.serve(progress, until: 20)
            let attached = try target.attach(to: id)
            #expect(attached.process == id)
            // What ran goes on.
            try target.serve(progress, until: progress[0] + 50)
            let watched = try target.address(of: "watched", in: thread.process)
            let watchpoint = Breakpoint(.watch(.write, length: 8), at: watched)
            try target.insertBreakpoint(watchpoint, in: thread.process)
            let (stopped, reason) = try target.nextStop()
            #expect(stopped == thread)
            #expect(reason == .watchpoint(.write, watched))
            try target.removeBreakpoint(watchpoint, in: thread.process)
            try target.resume([ResumeAction(.process(id), .run)])
            try target.serve(otherProgress, until: otherProgress[0] + 50)
            try target.detach(from: id)
            try target.kill(thread.process)
        }
        try other.expectUntouched()
    }
}

extension PtraceTarget {
    /// The next event, which has to be a stop.
    func nextStop() throws -> (ThreadID, StopReason) {
        let deadline = Date().addingTimeInterval(30)
        while Date() < deadline {
            switch try nextEvent() {
            case .stopped(let thread, let reason)?: return (thread, reason)
            case nil: continue
            case let event?: throw Progress.Stuck(description: "\(event) was reported")
            }
        }
        throw Progress.Stuck(description: "nothing has stopped in 30 s")
    }
}
