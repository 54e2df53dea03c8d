import DebugTarget
import Foundation
import Testing

@testable import RemoteClient

/// A connection to a real gdbserver.
private struct Session {
    let server: RealGDBServer
    let target: RemoteTarget

    init() throws {
        server = try RealGDBServer()
        target = try RemoteTarget(try TestTransport.connect(port: server.port))
    }

    /// Waits for the next event other than output.
    func event() throws -> TargetEvent {
        while true {
            if let event = try target.nextEvent() {
                if case .output = event { continue }
                return event
            }
            var request = pollfd(fd: target.eventDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 30_000) > 0 else { throw TestFailure("no event came") }
        }
    }

    func launch(_ arguments: [String] = []) throws -> ThreadID {
        try target.launch(LaunchRequest(arguments: [TestProgram.plain] + arguments))
    }

    func programCounter(_ thread: ThreadID) throws -> UInt64 {
        let description = try target.targetDescription(of: thread.process)
        let register = try #require(description.register(playing: .programCounter))
        return try #require(try target.registers(of: thread).value(of: register))
    }

    /// The run-time address of a symbol of the program.
    func address(of symbol: String, _ thread: ThreadID) throws -> TargetAddress {
        let tool = Process()
        tool.executableURL = URL(fileURLWithPath: "/usr/bin/nm")
        tool.arguments = [TestProgram.plain]
        let pipe = Pipe()
        tool.standardOutput = pipe
        try tool.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasSuffix(" \(symbol)") })
        let offset = try #require(UInt64(line.prefix(16), radix: 16))
        let regions = try target.memoryRegions(of: thread.process)
        let path = try target.executablePath(of: thread.process)
        let base = try #require(regions.first { $0.name == path })
        return base.range.lowerBound + offset
    }
}

@Suite("RemoteTarget over a real gdbserver")
struct RemoteTargetTests {
    @Test("A launched program stands at its first instruction and gives its exit status")
    func launchAndExit() throws {
        let session = try Session()
        let thread = try session.launch(["exit"])
        #expect(session.target.processes == [thread.process])
        #expect(session.target.wasLaunched(thread.process))
        #expect(try session.programCounter(thread) != 0)
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.event() == .exited(thread.process, status: 7))
        #expect(session.target.processes.isEmpty)
    }

    @Test("Arguments and environment changes arrive exactly")
    func argumentsAndEnvironment() throws {
        let session = try Session()
        let request = LaunchRequest(
            arguments: [TestProgram.plain, "environment", "x;y#z"],
            environment: [
                EnvironmentChange(name: "REMOTE_TEST", value: "a b"),
                EnvironmentChange(name: "HOME", value: nil),
            ],
            workingDirectory: "/"
        )
        let thread = try session.target.launch(request)
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.event() == .exited(thread.process, status: 42))
    }

    @Test("A signal stops the program, and delivering it ends it")
    func fatalSignal() throws {
        let session = try Session()
        let thread = try session.launch(["abort"])
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.event() == .stopped(thread, .signal(Signal(6))))
        let information = try #require(session.target.signalInformation)
        #expect(try information.signalInformation(of: thread).first == 6)
        try session.target.resume([ResumeAction(.thread(thread), .run, signal: Signal(6))])
        #expect(try session.event() == .terminated(thread.process, Signal(6)))
    }

    @Test("A program that does not exist is an error")
    func missingProgram() throws {
        let session = try Session()
        let error = #expect(throws: TargetError.self) {
            try session.target.launch(LaunchRequest(arguments: ["/nonexistent/program"]))
        }
        #expect(error?.code == .cannotRun)
        #expect(error?.message.contains("/nonexistent/program") == true)
        #expect(session.target.processes.isEmpty)
    }

    @Test("A killed program is forgotten, and another can be started")
    func killAndRelaunch() throws {
        let session = try Session()
        let first = try session.launch()
        try session.target.kill(first.process)
        #expect(session.target.processes.isEmpty)
        let second = try session.launch(["exit"])
        #expect(second.process != first.process)
        #expect(session.target.processes == [second.process])
    }

    @Test("Breakpoints stop at their address; reads do not show them")
    func breakpoints() throws {
        let session = try Session()
        let thread = try session.launch()
        let address = try session.address(of: "add", thread)
        let before = try session.target.readMemory(at: address, count: 16, in: thread.process)
        let breakpoint = Breakpoint(.software, at: address)
        try session.target.insertBreakpoint(breakpoint, in: thread.process)
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.event() == .stopped(thread, .breakpoint(address)))
        #expect(try session.programCounter(thread) == address.rawValue)
        let after = try session.target.readMemory(at: address, count: 16, in: thread.process)
        #expect(after == before)
        try session.target.removeBreakpoint(breakpoint, in: thread.process)
        try session.target.resume([ResumeAction(.thread(thread), .step)])
        #expect(try session.event() == .stopped(thread, .stepped))
        #expect(try session.programCounter(thread) > address.rawValue)
    }

    @Test("A watchpoint names the address that was written")
    func watchpoint() throws {
        let session = try Session()
        let thread = try session.launch()
        let address = try session.address(of: "counter", thread)
        let breakpoint = Breakpoint(.watch(.write, length: 4), at: address)
        try session.target.insertBreakpoint(breakpoint, in: thread.process)
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.event() == .stopped(thread, .watchpoint(.write, address)))
    }

    @Test("Memory and registers that are written read back")
    func writing() throws {
        let session = try Session()
        let thread = try session.launch()
        let address = try session.address(of: "marker", thread)
        let bytes = Array("pin\u{0}}#$*".utf8)
        try session.target.writeMemory(bytes, at: address, in: thread.process)
        #expect(
            try session.target.readMemory(at: address, count: bytes.count, in: thread.process)
                == bytes
        )
        let description = try session.target.targetDescription(of: thread.process)
        let register = try #require(description.register(named: "rbx"))
        var block = try session.target.registers(of: thread)
        block.set(0x1122_3344_5566_7788, of: register)
        try session.target.setRegisters(block, of: thread)
        #expect(
            try session.target.registers(of: thread).value(of: register) == 0x1122_3344_5566_7788
        )
    }

    @Test("A read that runs into unmapped memory is short, one that starts there an error")
    func unmappedMemory() throws {
        let session = try Session()
        let thread = try session.launch()
        let regions = try session.target.memoryRegions(of: thread.process)
        let stack = try #require(regions.first { $0.name == "[stack]" })
        let start = stack.range.upperBound - 16
        #expect(
            try session.target.readMemory(at: start, count: 64, in: thread.process).count == 16
        )
        let error = #expect(throws: TargetError.self) {
            try session.target.readMemory(at: TargetAddress(0), count: 4, in: thread.process)
        }
        #expect(error?.code == .badAddress)
    }

    @Test("Attaching stops every thread; detaching lets the program run on")
    func attachAndDetach() throws {
        let program = try RunningProgram(TestProgram.plain)
        try waitForThreads(of: program.id, count: 3)
        let session = try Session()
        let thread = try session.target.attach(to: ProcessID(program.id))
        let threads = try session.target.threads(of: thread.process)
        #expect(threads.count == 3)
        #expect(threads.allSatisfy { $0.name == "plain" })
        #expect(!session.target.wasLaunched(thread.process))
        #expect(program.state == "t")
        try session.target.detach(from: thread.process)
        #expect(session.target.processes.isEmpty)
        // gdbserver answers before the kernel has set every thread going.
        let deadline = Date().addingTimeInterval(30)
        while program.state == "t", Date() < deadline { sched_yield() }
        #expect(program.state == "S" || program.state == "R")
    }

    private func waitForThreads(of process: Int32, count: Int) throws {
        let deadline = Date().addingTimeInterval(30)
        while Date() < deadline {
            let tasks = try? FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(process)/task"
            )
            if (tasks ?? []).count == count { return }
            sched_yield()
        }
        throw TestFailure("the program does not start its threads")
    }

    @Test("An interrupt stops a running program")
    func interrupt() throws {
        let session = try Session()
        let thread = try session.launch()
        try session.target.resume([ResumeAction(.all, .run)])
        #expect(try session.target.nextEvent() == nil)
        try session.target.interrupt()
        guard case .stopped(let stopped, .interrupted) = try session.event() else {
            Issue.record("no interrupt was reported")
            return
        }
        #expect(stopped.process == thread.process)
    }

    @Test("Range steps stay inside the range until they leave it")
    func rangeStep() throws {
        let session = try Session()
        let thread = try session.launch()
        let address = try session.address(of: "add", thread)
        let breakpoint = Breakpoint(.software, at: address)
        try session.target.insertBreakpoint(breakpoint, in: thread.process)
        try session.target.resume([ResumeAction(.all, .run)])
        _ = try session.event()
        try session.target.removeBreakpoint(breakpoint, in: thread.process)
        let range = address..<(address + 8)
        try session.target.resume([ResumeAction(.thread(thread), .stepRange(range))])
        #expect(try session.event() == .stopped(thread, .stepped))
        #expect(try session.programCounter(thread) >= range.upperBound.rawValue)
    }

    @Test("Registers that came with the stop are known without asking")
    func stopRegisters() throws {
        let session = try Session()
        let thread = try session.launch()
        let description = try session.target.targetDescription(of: thread.process)
        let register = try #require(description.register(playing: .programCounter))
        let early = session.target.stopRegister(register, of: thread)
        #expect(early != nil)
        #expect(try session.target.registers(of: thread).value(of: register) == early)
    }

    @Test("The dynamic linker's modules are listed, the executable first")
    func modules() throws {
        let session = try Session()
        let thread = try session.launch()
        let breakpoint = Breakpoint(.software, at: try session.address(of: "add", thread))
        try session.target.insertBreakpoint(breakpoint, in: thread.process)
        try session.target.resume([ResumeAction(.all, .run)])
        _ = try session.event()
        let modules = try session.target.modules(of: thread.process)
        #expect(modules.first?.path == TestProgram.plain)
        #expect(modules.contains { $0.path.hasSuffix("libc.so.6") && $0.loadBias != 0 })
        let vector = try session.target.auxiliaryVector(of: thread.process)
        #expect(vector.count % 16 == 0 && vector.count > 100)
    }

    @Test("Files of the target's machine are read, and errors carry their number")
    func files() throws {
        let session = try Session()
        let files = try #require(session.target.files)
        let file = try files.open(TestProgram.plain + ".c", flags: [], mode: 0)
        let bytes = try files.read(file, count: 18, at: 0)
        #expect(String(decoding: bytes, as: UTF8.self) == "#include <pthread.")
        #expect(try files.status(of: file).size > 500)
        try files.close(file)
        let error = #expect(throws: TargetError.self) {
            try files.open("/nonexistent", flags: [], mode: 0)
        }
        #expect(error?.code == .system(2))
    }

    @Test("The list of processes holds this test")
    func processList() throws {
        let session = try Session()
        let listing = try #require(session.target.processListing)
        let processes = try listing.listProcesses()
        let own = try #require(processes.first { $0.process.rawValue == getpid() })
        #expect(!own.commandLine.isEmpty)
        #expect(processes.map(\.process) == processes.map(\.process).sorted())
    }

    @Test("A server that goes away is reported as the loss of the connection")
    func lostServer() throws {
        var session: Session? = try Session()
        let target = try #require(session?.target)
        let thread = try #require(try session?.launch())
        session = nil
        let error = #expect(throws: TargetError.self) {
            try target.registers(of: thread)
        }
        #expect(error?.code == .disconnected)
        #expect(!target.isConnected)
    }
}
