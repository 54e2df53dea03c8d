import DebugTarget
import Foundation
import PtraceBackend
import Testing

// One after the other: each test is several busy threads.
@Suite(.serialized) struct RunControlTests {
    @Test("single steps follow the program, and a range is left only at its end or into a call")
    func stepping() async throws {
        try await onTracerThread { target in
            let thread = try target.start("steps")
            let process = thread.process
            let looping = try target.address(of: "looping", in: process)
            let callee = try target.address(of: "callee", in: process)
            let breakpoint = Breakpoint(.software, at: looping)
            try target.insertBreakpoint(breakpoint, in: process)
            #expect(try target.go() == .stopped(thread, .breakpoint(looping)))
            // Over the breakpoint, one instruction (endbr64 or push) further.
            #expect(try target.go([ResumeAction(.all, .step)]) == .stopped(thread, .stepped))
            let next = try target.counter(of: thread)
            #expect(next.rawValue > looping.rawValue && next.rawValue < looping.rawValue + 8)
            let range = looping..<(looping + 200)
            #expect(
                try target.go([ResumeAction(.all, .stepRange(range))]) == .stopped(thread, .stepped)
            )
            let entered = try target.counter(of: thread)
            #expect(entered == callee || !range.contains(entered))
            #expect(try target.go() == .exited(process, status: 55))
        }
    }

    @Test(
        "stepping onto a breakpoint reports the step, and going on from there does not hit it again"
    )
    func stepOntoBreakpoint() async throws {
        try await onTracerThread { target in
            let thread = try target.start("steps")
            let process = thread.process
            let looping = try target.address(of: "looping", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: looping), in: process)
            _ = try target.go()
            _ = try target.go([ResumeAction(.all, .step)])
            _ = try target.go([ResumeAction(.all, .step)])
            let here = try target.counter(of: thread)
            try target.insertBreakpoint(Breakpoint(.software, at: here), in: process)
            #expect(try target.go() == .exited(process, status: 55))
        }
    }

    @Test("registers can be read and written, floating point and vectors included")
    func registers() async throws {
        try await onTracerThread { target in
            let thread = try target.start("steps")
            let description = try target.targetDescription(of: thread.process)
            var block = try target.registers(of: thread)
            #expect(block.bytes.count == description.blockByteCount)
            let changed =
                ["rbx", "st0", "xmm3", "mxcsr", "fctrl", "fs_base"]
                + (description.register(named: "ymm5h") == nil ? [] : ["ymm5h"])
            for name in changed {
                let register = try #require(description.register(named: name))
                switch name {
                case "mxcsr": block.set(0x1fa0, of: register)
                case "fctrl": block.set(0x027f, of: register)
                case "fs_base": block.set(0x7fff_1000, of: register)
                default:
                    for index in 0..<register.byteCount {
                        block.bytes[register.offset + index] = UInt8(index + 1)
                    }
                }
            }
            // A register in use, so that its value counts.
            if let tags = description.register(named: "ftag") { block.set(0x0000, of: tags) }
            try target.setRegisters(block, of: thread)
            let read = try target.registers(of: thread)
            for name in changed {
                let register = try #require(description.register(named: name))
                #expect(read.bytes(of: register) == block.bytes(of: register), "\(name)")
            }
        }
    }

    @Test("an interrupt stops all threads without a signal, and the program does not notice")
    func interrupt() async throws {
        let program = try RunningProgram("loop", ["6"])
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            for _ in 0..<10 {
                try target.resume([ResumeAction(.all, .run)])
                try progress.waitForMore(2)
                try target.interrupt()
                #expect(try target.waitForEvent() == .stopped(thread, .interrupted))
                let before = progress[0]
                for summary in try target.threads(of: id) {
                    _ = try target.registers(of: summary.thread)
                }
                #expect(progress[0] == before)
            }
            try target.detach(from: id)
        }
        try program.expectUntouched()
    }

    @Test("threads that no action names stay stopped")
    func oneThreadOnly() async throws {
        let program = try RunningProgram("hits-forever", [])
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            let before = progress[1]
            try target.resume([ResumeAction(.thread(thread), .run)])
            try progress.waitForMore(5)
            try target.interrupt()
            #expect(try target.waitForEvent() == .stopped(thread, .interrupted))
            #expect(progress[1] == before)
        }
    }

    @Test("a signal is reported before it is delivered, and passed, dropped or replaced as told")
    func signals() async throws {
        let program = try RunningProgram("signals")
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            let user = Signal(SIGUSR1)
            kill(id.rawValue, SIGUSR1)
            #expect(try target.go() == .stopped(thread, .signal(user)))
            let information = try target.signalInformation(of: thread)
            #expect(information.count == 128 && information[0] == UInt8(SIGUSR1))
            #expect(progress[1] == 0)
            try target.resume([ResumeAction(.all, .run, signal: user)])
            try progress.waitUntil(1, counter: 1)

            kill(id.rawValue, SIGUSR1)
            #expect(try target.waitForEvent() == .stopped(thread, .signal(user)))
            try target.resume([ResumeAction(.all, .run)])
            try progress.waitForMore()
            #expect(progress[1] == 1)
            try target.interrupt()
            _ = try target.waitForEvent()

            target.passedSignals = [user]
            try target.resume([ResumeAction(.all, .run)])
            kill(id.rawValue, SIGUSR1)
            // The target has to be asked for its events for a passed signal to be passed on.
            while progress[1] < 2 { #expect(try target.nextEvent() == nil) }

            kill(id.rawValue, SIGTERM)
            #expect(try target.waitForEvent() == .stopped(thread, .signal(Signal(SIGTERM))))
            #expect(
                try target.go([ResumeAction(.all, .run, signal: Signal(SIGTERM))])
                    == .terminated(id, Signal(SIGTERM))
            )
            #expect(target.processes.isEmpty)
        }
    }

    @Test("signals that wait to be reported when they become passed ones go to the program")
    func passedMeanwhile() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            _ = try target.start("raising", [progress.path])
            let user = Signal(SIGUSR1)
            for _ in 0..<5 {
                target.passedSignals = []
                guard case .stopped(_, .signal(user)) = try target.goWithin() else {
                    Issue.record("the signal was not reported")
                    return
                }
                target.passedSignals = [user]
                try target.resume([ResumeAction(.all, .run)])
                try target.serve(progress, until: progress[0] + 10)
                try target.interrupt()
                guard case .stopped(_, .interrupted) = try target.waitForEvent() else {
                    Issue.record("something else was reported")
                    return
                }
            }
        }
    }

    @Test("SIGSTOP that is passed on stops the program for others until SIGCONT")
    func jobControl() async throws {
        let program = try RunningProgram("signals")
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            kill(id.rawValue, SIGSTOP)
            #expect(try target.go() == .stopped(thread, .signal(.stop)))
            try target.resume([ResumeAction(.all, .run, signal: .stop)])
            for _ in 0..<5 { #expect(try target.nextEvent() == nil) }
            let before = progress[0]
            usleep(20000)
            #expect(progress[0] == before)
            kill(id.rawValue, SIGCONT)
            #expect(try target.waitForEvent() == .stopped(thread, .signal(Signal(SIGCONT))))
            try target.resume([ResumeAction(.all, .run, signal: Signal(SIGCONT))])
            try progress.waitForMore()
        }
    }

    @Test(
        "a child that is not followed runs through the breakpoints untouched",
        arguments: [false, true]
    )
    func unfollowedFork(usesVfork: Bool) async throws {
        try await onTracerThread { target in
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            let thread = try target.start("fork", [progress.path, usesVfork ? "1" : "0"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            for _ in 0..<4 {
                #expect(try target.go() == .stopped(thread, .breakpoint(address)))
            }
            #expect(try target.go() == .exited(thread.process, status: 33))
            #expect(progress[0] == 7)
        }
    }

    @Test("a child that is followed is a process of its own, breakpoints included")
    func followedFork() async throws {
        try await onTracerThread { target in
            target.reportedEvents = [.fork]
            let progress = try Progress()
            let thread = try target.start("fork", [progress.path, "0"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            #expect(try target.go() == .stopped(thread, .breakpoint(address)))
            guard case .stopped(thread, .forked(let child)) = try target.go() else {
                Issue.record("the fork was not reported")
                return
            }
            #expect(target.processes == [thread.process, child.process])
            #expect(target.wasLaunched(child.process))
            // Follow the child, hold the parent.
            let onlyChild = [ResumeAction(.process(child.process), .run)]
            #expect(try target.go(onlyChild) == .stopped(child, .breakpoint(address)))
            #expect(try target.go(onlyChild) == .exited(child.process, status: 0))
            #expect(target.processes == [thread.process])
            // Now the parent, whose next children are let go of.
            target.reportedEvents = []
            try target.removeBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            var event = try target.go()
            while case .stopped(_, .signal(let signal)) = event {
                event = try target.go([ResumeAction(.all, .run, signal: signal)])
            }
            #expect(event == .exited(thread.process, status: 33))
        }
    }

    @Test("a vfork that is followed reports the child, its exec and the end of the sharing")
    func followedVfork() async throws {
        try await onTracerThread { target in
            target.reportedEvents = [.vfork]
            target.passedSignals = [Signal(SIGCHLD)]
            let progress = try Progress()
            let thread = try target.start("fork", [progress.path, "1"])
            let address = try target.address(of: "target", in: thread.process)
            guard case .stopped(thread, .vforked(let child)) = try target.go() else {
                Issue.record("the vfork was not reported")
                return
            }
            // As gdb does: the child is let go of, the parent's breakpoints must not reach it.
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            try target.detach(from: child.process)
            #expect(try target.go() == .stopped(thread, .vforkDone))
            #expect(try target.go() == .stopped(thread, .breakpoint(address)))
        }
    }

    @Test("an exec by a thread that is not the leader leaves one thread in the new program")
    func exec() async throws {
        try await onTracerThread { target in
            let thread = try target.start("exec", ["/bin/sh"])
            let process = thread.process
            let main = try target.address(of: "run", in: process)
            try target.insertBreakpoint(Breakpoint(.software, at: main), in: process)
            try target.insertBreakpoint(Breakpoint(.hardware, at: main), in: process)
            guard case .stopped(let other, _) = try target.go() else { return }
            #expect(other != thread)
            try target.removeBreakpoint(Breakpoint(.hardware, at: main), in: process)
            guard case .stopped(thread, .executed(let path)) = try target.go() else {
                Issue.record("the exec was not reported")
                return
            }
            #expect(path.hasSuffix("sh"))
            #expect(try target.threads(of: process).map(\.thread) == [thread])
            #expect(try target.go() == .exited(process, status: 5))
        }
    }

    @Test("a leader that ends before its threads does not hold anything up")
    func leaderEndsFirst() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("leaderless", [progress.path])
            try target.resume([ResumeAction(.all, .run)])
            while progress[0] < 10 { #expect(try target.nextEvent() == nil) }
            try target.interrupt()
            guard case .stopped(let other, .interrupted) = try target.waitForEvent() else {
                Issue.record("it was not stopped")
                return
            }
            #expect(other != thread)
            #expect(try target.threads(of: thread.process).map(\.thread) == [other])
            #expect(try target.go() == .exited(thread.process, status: 21))
        }
    }

    @Test("when the only resumed thread ends while others stand, that is said")
    func noneResumed() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let thread = try target.start("hits", [progress.path, "2", "1"])
            let address = try target.address(of: "target", in: thread.process)
            try target.insertBreakpoint(Breakpoint(.software, at: address), in: thread.process)
            guard case .stopped(let other, _) = try target.go() else { return }
            #expect(try target.go([ResumeAction(.thread(other), .run)]) == .noneResumed)
        }
    }

    @Test("a program killed from outside is reported at the next resume, standing or running")
    func killedOutside() async throws {
        try await onTracerThread { target in
            let progress = try Progress()
            let first = try target.start("loop", [progress.path, "4"])
            kill(first.process.rawValue, SIGKILL)
            #expect(try target.go() == .terminated(first.process, .kill))
            let second = try target.start("loop", [progress.path, "4"])
            try target.resume([ResumeAction(.all, .run)])
            while progress[0] < 10 { #expect(try target.nextEvent() == nil) }
            kill(second.process.rawValue, SIGKILL)
            #expect(try target.waitForEvent() == .terminated(second.process, .kill))
        }
    }

    @Test("two processes are stopped together, and one ends while the other stands")
    func twoProcesses() async throws {
        let program = try RunningProgram("loop", ["3"])
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            let other = try target.start("steps")
            #expect(try target.go() == .exited(other.process, status: 55))
            let before = progress[0]
            #expect(try target.threads(of: id).count == 3)
            #expect(progress[0] == before)
            try target.detach(from: id)
        }
        try program.expectUntouched()
    }

    @Test("modules are listed with the build-ids of their files")
    func modules() async throws {
        let program = try RunningProgram("loop", ["1"])
        let id = program.id
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            let modules = try target.modules(of: id)
            #expect(modules.first?.path == (try target.executablePath(of: id)))
            let libc = try #require(modules.first { $0.path.contains("libc.so") })
            for module in [modules[0], libc] {
                let notes = try run("/usr/bin/readelf", ["-n", module.path])
                let digits = module.buildID.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                #expect(module.buildID.count == 20)
                #expect(notes.contains("Build ID: " + digits.joined()))
            }
            #expect(try target.auxiliaryVector(of: id).count > 100)
        }
    }

    @Test("a hundred times: threads hit a breakpoint, step, are interrupted and detached from")
    func everyState() async throws {
        let program = try RunningProgram("churn")
        let id = program.id
        try await onTracerThread { target in
            for round in 0..<100 {
                _ = try target.attach(to: id)
                let brief = try target.address(of: "brief", in: id)
                switch round % 4 {
                case 0: break
                case 1:
                    try target.insertBreakpoint(Breakpoint(.software, at: brief), in: id)
                    for _ in 0..<3 { _ = try target.go() }
                case 2:
                    try target.insertBreakpoint(Breakpoint(.software, at: brief), in: id)
                    guard case .stopped(let thread, _) = try target.go() else { return }
                    _ = try target.go([
                        ResumeAction(.thread(thread), .step), ResumeAction(.all, .run),
                    ])
                default:
                    try target.insertBreakpoint(Breakpoint(.hardware, at: brief), in: id)
                    try target.resume([ResumeAction(.all, .run)])
                }
                try target.detach(from: id)
                #expect(processStatus(id, "TracerPid") == "0", "round \(round)")
            }
        }
        try program.expectUntouched()
    }
}
