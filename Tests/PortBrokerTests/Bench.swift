import BrokerProtocol
import Foundation
import LinuxSystem
import Synchronization

@testable import Transports

/// Two simulated ports joined by a cable, a runtime folder of their own, and everything that was started ended
/// with the object.
final class Bench {
    let folder: String
    private var running: [Process] = []
    private let cableArguments: [String]
    private var cable: Process?

    static let program: String = {
        let own = ProgramLauncher.ownPath ?? ""
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/dbgcom"
    }()

    init(baud: Int = 3_000_000, cable arguments: [String] = []) throws {
        let template = strdup("/tmp/dbgsrv-broker-XXXXXX")
        defer { free(template) }
        guard let template, mkdtemp(template) != nil else { throw SystemError("mkdtemp") }
        folder = String(cString: template)
        defer { Self.living.withLock { $0.append(Weak(bench: self)) } }
        cableArguments =
            ["cable", "--link-a", folder + "/a", "--link-b", folder + "/b", "--baud", String(baud)]
            + arguments
        try plugIn()
    }

    deinit {
        // Brokers first: without the cable they would have no names to be found by.
        for broker in brokers { endBroker(broker, SIGTERM) }
        for process in running where process.isRunning { process.terminate() }
        unplug()
        running.forEach { $0.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var a: String { folder + "/a" }
    var b: String { folder + "/b" }

    /// Lays the cable and waits until it is there.
    func plugIn() throws {
        let output = Pipe()
        cable = try start(cableArguments, output: output)
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard line.hasPrefix("ready") else { throw BenchError(description: "no cable: \(line)") }
    }

    /// Takes the cable away with both its ports.
    func unplug() {
        cable?.terminate()
        cable?.waitUntilExit()
        cable = nil
    }

    /// Sends the cable a signal.
    func signalCable(_ signal: Int32) {
        if let cable { kill(cable.processIdentifier, signal) }
    }

    /// Opens a port in this process.
    func open(_ port: String, baud: Int = 3_000_000) throws(ComError) -> ComPortClient {
        try ComPortClient.open(
            port: port,
            settings: .init(baudRate: baud),
            program: "test",
            runtimeFolder: folder
        )
    }

    /// Starts dbgcom with this bench's runtime folder.
    func start(
        _ arguments: [String],
        input: Any? = nil,
        output: Any? = nil,
        error: Any? = nil,
        environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        var all = ProcessInfo.processInfo.environment
        all["DBGSRV_RUNTIME_DIR"] = folder
        all.merge(environment) { $1 }
        process.environment = all
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = error ?? FileHandle.nullDevice
        try process.run()
        running.append(process)
        return process
    }

    /// Runs dbgcom to its end.
    func run(
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, error: String) {
        let output = Pipe()
        let error = Pipe()
        let process = try start(
            arguments,
            output: output,
            error: error,
            environment: environment
        )
        let said = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        let wrong = String(
            decoding: error.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        return (process.terminationStatus, said, wrong)
    }

    /// The process ids of the brokers that live.
    var brokers: [Int32] {
        folderEntries(folder).filter { $0.hasSuffix(".owner") }.compactMap { name in
            (try? FileAttributes(path: "\(folder)/\(name)")).flatMap {
                DescriptorHolder.ofLock(on: $0)?.processID
            }
        }
    }

    /// The broker of a port.
    func broker(of port: String) throws -> Int32 {
        let key = try ComPortPlace(named: port, folder: folder).files
        guard let status = try? FileAttributes(path: key.ownerLock),
            let holder = DescriptorHolder.ofLock(on: status)
        else { throw BenchError(description: "\(port) has no broker") }
        return holder.processID
    }

    /// Sends a broker a signal and waits until it is gone.
    func endBroker(_ process: Int32, _ signal: Int32) {
        kill(process, signal)
        while processIsAlive(process) { usleep(1000) }
    }

    /// What the broker of a port has logged.
    func log(of port: String) throws -> String {
        fileText(try ComPortPlace(named: port, folder: folder).files.log, maximum: 1 << 20) ?? ""
    }

    /// One of the figures that a port's broker gives.
    func figure(_ key: String, of port: String) throws -> String? {
        try ComPortStatus.read(port: port, program: "test", runtimeFolder: folder)?
            .figures.first { $0.key == key }?.value
    }

    /// A connection over the cable: the accepted end at port a, the connecting end at port b.
    func connect(
        _ listener: ComChannelListener,
        from client: ComPortClient
    ) throws -> (far: ComChannelStream, near: ComChannelStream) {
        let accepted = Background { try acceptOne(listener) }
        let near = try client.connect(channel: listener.channel, waitMilliseconds: 20_000)
        return (try accepted.value(), near)
    }
}

extension Bench {
    struct Weak: @unchecked Sendable {
        // SAFETY: only looked at to print what processes say of themselves.
        weak var bench: Bench?
    }

    /// Those that are there, for the report of a hang.
    static let living = Mutex<[Weak]>([])

    /// Prints what the brokers and cables of all benches are doing, for whoever has to find out about a hang.
    static func printAll() {
        for bench in living.withLock({ list in list.compactMap(\.bench) }) { bench.printState() }
    }

    private func printState() {
        for process in brokers + [cable?.processIdentifier].compactMap({ $0 }) {
            let state = fileText("/proc/\(process)/stat", maximum: 512) ?? "gone"
            let call = fileText("/proc/\(process)/syscall", maximum: 512) ?? "?"
            print("\(folder): \(state)in system call \(call)")
        }
        for port in [a, b] {
            let status = try? ComPortStatus.read(port: port, program: "test", runtimeFolder: folder)
            print("\(port): \(status?.figures.map { "\($0.key)=\($0.value)" } ?? [])")
            print((try? log(of: port)) ?? "no log")
        }
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
}

/// Waits for the next connection.
func acceptOne(_ listener: ComChannelListener) throws -> ComChannelStream {
    while true {
        if let stream = try listener.accept() { return stream }
        var requests = [PollRequest(listener.descriptor)]
        guard try pollDescriptors(&requests, timeoutMilliseconds: 30_000) else {
            throw BenchError(description: "nobody connected")
        }
    }
}

/// Work on a thread of its own, because the calls under test block.
final class Background<Answer>: @unchecked Sendable {
    // SAFETY: the answer is written before the semaphore is signalled and read after it was waited for; what the
    // work uses is not used by anybody else until then.
    private var answer: Result<Answer, any Error>?
    private let done = DispatchSemaphore(value: 0)
    private let work: () throws -> Answer

    init(_ work: @escaping () throws -> Answer) {
        self.work = work
        Thread.detachNewThread { [self] in
            answer = Result { try self.work() }
            done.signal()
        }
    }

    func value() throws -> Answer {
        guard done.wait(timeout: .now() + 60) == .success, let answer else {
            Bench.printAll()
            throw BenchError(description: "the work in the background does not end")
        }
        return try answer.get()
    }
}

extension ComChannelStream {
    /// Writes everything, waiting for room.
    func writeAll(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let taken = try descriptor.write(rest)
            rest = rest.dropFirst(taken)
            guard taken == 0 else { continue }
            var requests = [PollRequest(descriptor.number, read: false, write: true)]
            guard try pollDescriptors(&requests, timeoutMilliseconds: 60_000) else {
                throw BenchError(description: "no room with \(rest.count) bytes to go")
            }
        }
    }

    /// Writes until nothing has been taken for a while.
    func writeUntilFull(_ byte: UInt8) throws -> Int {
        var written = 0
        while true {
            let taken = try descriptor.write([UInt8](repeating: byte, count: 4096)[...])
            written += taken
            guard taken == 0 else { continue }
            var requests = [PollRequest(descriptor.number, read: false, write: true)]
            if try !pollDescriptors(&requests, timeoutMilliseconds: 1000) { return written }
        }
    }

    /// Reads so many bytes, or fewer at the end of the stream.
    func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = try readSome(count - bytes.count) else { break }
            bytes += more
        }
        return bytes
    }

    /// Reads up to the end of the stream.
    func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = try readSome(65_536) { bytes += more }
        return bytes
    }

    private func readSome(_ maximum: Int) throws -> [UInt8]? {
        var requests = [PollRequest(descriptor.number)]
        guard try pollDescriptors(&requests, timeoutMilliseconds: 60_000) else {
            throw BenchError(description: "nothing to read")
        }
        guard let bytes = try descriptor.read(maximum: maximum) else { return [] }
        return bytes.isEmpty ? nil : bytes
    }
}

/// Bytes that look random and are the same for the same seed.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32)
    }
}
