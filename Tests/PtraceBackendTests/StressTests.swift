import DebugTarget
import Foundation
import PtraceBackend
import Testing

/// How often; `STRESS_ROUNDS` asks for more.
private func rounds(_ standard: Int) -> Int {
    ProcessInfo.processInfo.environment["STRESS_ROUNDS"].flatMap(Int.init) ?? standard
}

// One after the other: each is a storm.
@Suite(.serialized) struct StressTests {
    @Test(
        "attached to and let go of again and again, a program that forks, clones and takes signals lives on"
    )
    func attachAndDetach() async throws {
        let program = try RunningProgram("turmoil")
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let signals = [SIGUSR1, SIGUSR2, SIGCHLD].map { Signal($0) }
            for round in 0..<rounds(60) {
                target.passedSignals = round % 2 == 0 ? Set(signals) : []
                _ = try target.attach(to: id)
                let place = try target.address(of: "target", in: id)
                if round % 3 == 0 {
                    let breakpoint = Breakpoint(.software, at: place)
                    try target.insertBreakpoint(breakpoint, in: id)
                }
                if round % 4 > 0 {
                    let isReported = round % 3 == 0 || target.passedSignals.isEmpty
                    for _ in 0..<(isReported ? round % 5 : 0) { _ = try target.goWithin() }
                    try target.resume([ResumeAction(.all, .run)])
                    let goal = progress[2] + 1
                    let deadline = Date().addingTimeInterval(20)
                    while round % 4 == 2, progress[2] < goal, Date() < deadline {
                        guard try target.nextEvent() != nil else { continue }
                        try target.resume([ResumeAction(.all, .run)])
                    }
                }
                try target.detach(from: id)
                if round % 10 == 9 {
                    #expect(processStatus(id, "TracerPid") == "0")
                    // All of it still moves: threads, forks, signals, itself. What waited in vfork(2) at the detach
                    // is let go when it stops, and only a target that is served hears of that.
                    for counter in 0..<4 {
                        try target.serve(progress, until: progress[counter] + 2, counter: counter)
                    }
                }
            }
        }
        try program.expectUntouched()
        #expect(program.status("State")?.hasPrefix("T") == false)
    }

    @Test("a debuggee that fights back is followed to its end", arguments: [false, true])
    func fighting(isNonStop: Bool) async throws {
        for round in 0..<rounds(3) {
            try await onTracerThread { target in
                try target.setNonStop(isNonStop)
                target.passedSignals = Set([SIGCONT, SIGCHLD, SIGTRAP].map { Signal($0) })
                let progress = try Progress()
                let thread = try target.start("fighting", [progress.path, "300"])
                let place = try target.address(of: "target", in: thread.process)
                let breakpoint = Breakpoint(.software, at: place)
                try target.insertBreakpoint(breakpoint, in: thread.process)
                try target.resume([ResumeAction(.all, .run)])
                let deadline = Date().addingTimeInterval(60)
                var events = 0
                while true {
                    guard Date() < deadline else {
                        throw Progress.Stuck(description: "round \(round): \(events) events")
                    }
                    guard let event = try target.nextEvent() else { continue }
                    events += 1
                    if case .terminated(thread.process, let signal) = event {
                        #expect(signal == .kill)
                        break
                    }
                    guard case .stopped(let stopped, let reason) = event else {
                        Issue.record("\(event)")
                        break
                    }
                    // Its own stops are not made its fate: it would wait for the one who continues it.
                    var signal: Signal?
                    if case .signal(let own) = reason, own != .stop { signal = own }
                    let kind: ResumeAction.Kind = events % 7 == 0 ? .step : .run
                    let action = ResumeAction(.thread(stopped), kind, signal: signal)
                    try target.resume([action, ResumeAction(.all, .run)])
                }
                #expect(target.processes.isEmpty)
            }
        }
    }

    @Test(
        "a process of 1000 threads is attached to, listed, stopped, stepped and let go of in time"
    )
    func crowd() async throws {
        let program = try RunningProgram("crowd", ["1000"])
        let deadline = Date().addingTimeInterval(30)
        while program.status("Threads") != "1000", Date() < deadline {
            try program.progress.waitForMore(1)
        }
        let id = program.id
        let progress = program.progress
        try await onTracerThread { target in
            let clock = ContinuousClock()
            var thread = ThreadID(id, Int64(id.rawValue))
            let attach = try clock.measure { thread = try target.attach(to: id) }
            #expect(try target.threads(of: id).count == 1000)
            let place = try target.address(of: "target", in: id)
            try target.insertBreakpoint(Breakpoint(.software, at: place), in: id)
            var stops = Duration.zero
            for _ in 0..<5 {
                var event: TargetEvent?
                stops += try clock.measure { event = try target.goWithin() }
                #expect(event == .stopped(thread, .breakpoint(place)))
            }
            var registers = Duration.zero
            registers += try clock.measure {
                for thread in try target.threads(of: id) {
                    _ = try target.registers(of: thread.thread)
                }
            }
            let detach = try clock.measure { try target.detach(from: id) }
            print(
                "1000 threads: attach \(attach), five runs to a breakpoint \(stops), "
                    + "list and registers \(registers), detach \(detach)"
            )
            #expect(attach < .seconds(10))
            #expect(stops < .seconds(20))
            #expect(detach < .seconds(10))
            try progress.waitForMore(20)
        }
        try program.expectUntouched()
    }
}
