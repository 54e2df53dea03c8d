import DebugTarget
import Foundation
import Glibc
import PtraceBackend
import Testing

// Processes that share memory without being threads of one: one after the other, each is several processes.
@Suite(.serialized) struct SharedMemoryTests {
    private static let childSignal = [String(SIGCHLD), "0"]

    @Test(
        "a process that shares the memory and is not followed lives through the breakpoints",
        arguments: childSignal,
        [20, 3]
    )
    func unfollowed(signal: String, rounds: Int) async throws {
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            let thread = try target.start("shared-clone", [progress.path, "\(rounds)", signal])
            let place = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: place), in: thread.process)
            for _ in 0..<6 {
                #expect(try target.goWithin() == .stopped(thread, .breakpoint(place)))
                #expect(target.processes == [thread.process])
            }
            #expect(progress[1] == 1)
            #expect(try target.goWithin() == .exited(thread.process, status: 42))
            #expect(progress[0] == 6 + rounds)
        }
    }

    @Test(
        "one that is followed and let go of leaves the breakpoints to its parent",
        arguments: childSignal
    )
    func followed(signal: String) async throws {
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            target.reportedEvents = [.fork]
            let progress = try Progress()
            let thread = try target.start("shared-clone", [progress.path, "20", signal])
            let place = try target.address(of: "target", in: thread.process)
            let breakpoint = Breakpoint(.software, at: place)
            try target.insertBreakpoint(breakpoint, in: thread.process)
            guard case .stopped(thread, .forked(let child)) = try target.goWithin() else {
                Issue.record("no fork was reported")
                return
            }
            #expect(target.processes == [thread.process, child.process])
            // As gdb does before it lets go of a child.
            try target.removeBreakpoint(breakpoint, in: child.process)
            try target.detach(from: child.process)
            #expect(target.processes == [thread.process])
            for _ in 0..<6 {
                #expect(try target.goWithin() == .stopped(thread, .breakpoint(place)))
            }
            #expect(try target.goWithin() == .exited(thread.process, status: 42))
        }
    }

    @Test("both are followed: each has its own breakpoints in the same memory")
    func both() async throws {
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            target.reportedEvents = [.fork]
            let progress = try Progress()
            let thread = try target.start("shared-clone", [progress.path, "20", "0"])
            let place = try target.address(of: "target", in: thread.process)
            let breakpoint = Breakpoint(.software, at: place)
            try target.insertBreakpoint(breakpoint, in: thread.process)
            guard case .stopped(thread, .forked(let child)) = try target.goWithin() else {
                Issue.record("no fork was reported")
                return
            }
            try target.removeBreakpoint(breakpoint, in: thread.process)
            var hits = 0
            loop: while true {
                switch try target.goWithin() {
                case .stopped(child, .breakpoint(place)): hits += 1
                case .exited(child.process, status: 7): continue
                case .exited(thread.process, status: 42): break loop
                case let event:
                    Issue.record("\(event)")
                    break loop
                }
            }
            #expect(hits == 20)
        }
    }

    @Test("when the process that is debugged is let go of, the one beside it is free as well")
    func letGo() async throws {
        let program = try RunningProgram("shared-clone", ["100000", "17"])
        let id = program.id
        let children = try #require(
            try? String(contentsOfFile: "/proc/\(id)/task/\(id)/children", encoding: .utf8)
        )
        let child = ProcessID(try #require(Int32(children.split(separator: " ")[0])))
        defer { kill(child.rawValue, SIGKILL) }
        // It was there before, so it is a stranger; attached to as well, both are debugged.
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            let attached = try target.attach(to: child)
            #expect(target.processes == [id, child])
            try target.resume([ResumeAction(.all, .run)])
            try target.detach(from: attached.process)
            try target.detach(from: id)
        }
        #expect(program.status("TracerPid") == "0")
        #expect(processStatus(child, "TracerPid") == "0")
        try program.progress.waitForMore(20)
    }
}
