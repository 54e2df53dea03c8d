import DebugTarget
import Foundation
import Glibc
import PtraceBackend
import Testing

@Suite(.serialized) struct PlatformTests {
    @Test(
        "memory is mapped by a thread that sleeps in a system call, which then goes on undisturbed"
    )
    func allocation() async throws {
        let program = try RunningProgram("loop", ["1"])
        let id = program.id
        try await onTracerThread { target in
            let thread = try target.attach(to: id)
            let before = try target.registers(of: thread)
            let address = try target.allocate(5000, [.read, .write], by: thread)
            #expect(try target.registers(of: thread) == before)
            try target.writeMemory([1, 2, 3], at: address + 4999, in: id)
            let regions = try target.memoryRegions(of: id)
            let region = try #require(regions.first { $0.range.contains(address) })
            #expect(region.isWritable && !region.isExecutable)
            try target.release(address, by: thread)
            #expect(throws: TargetError.self) {
                _ = try target.readMemory(at: address, count: 1, in: id)
            }
            #expect(throws: TargetError.self) { try target.release(address, by: thread) }
            #expect(throws: TargetError.self) {
                _ = try target.allocate(0, [.read], by: thread)
            }
            // What the client forgets goes with the detach.
            let forgotten = try target.allocate(4096, [.read, .execute], by: thread)
            try target.detach(from: id)
            let maps = try String(contentsOfFile: "/proc/\(id)/maps", encoding: .utf8)
            let start = String(forgotten.rawValue, radix: 16)
            #expect(!maps.contains("\(start)-"))
        }
        try program.expectUntouched()
    }

    @Test("a signal that a thread stopped for is delivered, with its details, after an allocation")
    func allocationAtASignal() async throws {
        let program = try RunningProgram("loop", ["1"])
        let id = program.id
        try await onTracerThread { target in
            _ = try target.attach(to: id)
            kill(id.rawValue, SIGUSR1)
            let event = try target.goWithin()
            guard case .stopped(let thread, .signal(let signal)) = event else {
                throw Progress.Stuck(description: "\(event)")
            }
            #expect(signal == Signal(SIGUSR1))
            let details = try target.signalInformation(of: thread)
            _ = try target.allocate(4096, [.read], by: thread)
            #expect(try target.signalInformation(of: thread) == details)
            kill(id.rawValue, SIGKILL)
            _ = try target.goWithin()
        }
        withExtendedLifetime(program) {}
    }

    @Test(
        "a program on a terminal of ours: what it writes comes before its end, files go elsewhere"
    )
    func console() async throws {
        let file = "\(Programs.folder)/errors.\(UUID().uuidString)"
        try await onTracerThread { target in
            var streams = StandardStreamPaths()
            streams.paths[2] = file
            let line = "echo out; echo err >&2; read x; echo got $x; tty >/dev/null && exit 3"
            _ = try target.launch(
                LaunchRequest(arguments: ["/bin/sh", "-c", line], standardStreams: streams)
            )
            try target.type(Array("word\n".utf8))
            var output = ""
            var ending: TargetEvent?
            try target.resume([ResumeAction(.all, .run)])
            let deadline = Date().addingTimeInterval(30)
            while ending == nil, Date() < deadline {
                switch try target.nextEvent() {
                case .output(let bytes)?: output += String(decoding: bytes, as: UTF8.self)
                case .exited(let process, let status)?: ending = .exited(process, status: status)
                case .stopped?: try target.resume([ResumeAction(.all, .run)])
                default: break
                }
            }
            #expect(output.contains("out\r\n") && output.contains("got word\r\n"), "\(output)")
            if case .exited(_, let status)? = ending { #expect(status == 3) }
            #expect(ending != nil)
            #expect(throws: TargetError.self) { try target.type([65]) }
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "err\n")
    }

    @Test("a program is waited for by its name, and the wait can be given up")
    func awaiting() async throws {
        let path = try Programs.path("loop")
        try await onTracerThread { target in
            let name = "awaited-\(getpid())"
            let copy = "\(Programs.folder)/\(name)"
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try target.awaitProcess(named: name)
            try target.interrupt()
            #expect(try target.nextEvent() == .noneResumed)
            try target.awaitProcess(named: name)
            #expect(try target.nextEvent() == nil)
            let progress = try Progress()
            let line = "\"$@\" >/dev/null 2>&1 </dev/null & echo $!"
            let output = try run("/bin/sh", ["-c", line, "sh", copy, progress.path, "1"])
            let process = ProcessID(try #require(Int32(output.dropLast())))
            defer { kill(process.rawValue, SIGKILL) }
            let deadline = Date().addingTimeInterval(30)
            var event: TargetEvent?
            while event == nil, Date() < deadline { event = try target.nextEvent() }
            #expect(event == .stopped(ThreadID(process, Int64(process.rawValue)), .attached))
        }
    }

    @Test("the machine, its processes, files' build-ids and commands")
    func facts() async throws {
        let program = try RunningProgram("loop", ["1"])
        let id = program.id
        let path = try Programs.path("loop")
        try await onTracerThread { target in
            #expect(target.host.architecture == .x86_64)
            #expect(!target.host.kernelRelease.isEmpty)
            let identity = try #require(target.identity(of: id))
            #expect(identity.executable == path && identity.user == getuid())
            #expect(try target.processNumbers().contains(id))
            #expect(target.userName(0) == "root" && target.groupName(0) == "root")
            #expect(target.userName(4_000_000_000) == nil)
            let notes = try run("/usr/bin/readelf", ["-n", path])
            let digits = try target.buildID(ofFile: path).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            #expect(digits.count == 20 && notes.contains(digits.joined()))
            #expect(try target.buildID(ofFile: "/etc/os-release").isEmpty)
            #expect(try target.buildID(ofFile: "/dev/null").isEmpty)
            let result = try target.runCommand("pwd; exit 3", in: "/usr/lib", seconds: 20)
            #expect(result == CommandResult(status: 3, signal: 0, output: Array("/usr/lib\n".utf8)))
            let slow = try target.runCommand("sleep 30", in: nil, seconds: 0)
            #expect(slow.signal == SIGKILL)
            let folder = try target.makeTemporaryFolder()
            try target.makeFolder("\(folder)/a", mode: 0o700)
            try target.makeLink(at: "\(folder)/a/out", to: "/usr")
            #expect(target.names(inFolder: folder) == ["a/"])
            target.removeFolder(folder)
            #expect(!FileManager.default.fileExists(atPath: folder))
            #expect(FileManager.default.fileExists(atPath: "/usr/lib"))
        }
        withExtendedLifetime(program) {}
    }
}
