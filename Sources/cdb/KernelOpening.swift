import ByteTransport
import ConnectionStrings
import DebugEngine
import DebugTarget
import Glibc
import KernelLine
import LinuxSystem
import RemoteClient
import Transports

/// The way to a kernel: the line is opened, and its stub waited for.
struct KernelOpening {
    /// How often a virtual machine's socket is tried that is not there yet.
    private static let retryMilliseconds = 500

    private let text: String
    private let host: ProgramHost
    private let output: any OutputSink

    /// - Parameter text: what stands behind `-k`.
    init(_ text: String, host: ProgramHost, output: any OutputSink) {
        self.text = text
        self.host = host
        self.output = output
    }

    /// Connects to the stub of a kernel, which stands then.
    func connect() throws -> RemoteTarget {
        let connection: KernelConnection
        do {
            connection = try KernelConnection(text)
        } catch {
            throw ConnectionFailure(message: "-k \(error)")
        }
        let stream = try open(connection)
        output.line("Opened \(connection.displayed)")
        guard case .served = connection else {
            try wait(for: stream)
            return try RemoteTarget(stream, interrupts: host)
        }
        guard let greeting = stream as? GreetingTransport else {
            throw ConnectionFailure(message: "-k \(text): no such stream")
        }
        try wait(for: greeting)
        return try openTarget(text, greeting, interrupts: host)
    }

    private func open(_ connection: KernelConnection) throws -> any ByteTransport {
        if case .served = connection { return try openTransport(text) }
        var isWaiting = false
        while true {
            do {
                return try KernelCable.open(connection, program: Product.greeting)
            } catch {
                guard case .pipe(let path, true) = connection else {
                    throw ConnectionFailure(message: "\(error)")
                }
                if !isWaiting { output.line("Waiting for \(path) to appear (Ctrl+C gives up)...") }
                isWaiting = true
                var requests = [PollRequest(host.interruptDescriptor)]
                _ = try pollDescriptors(&requests, timeoutMilliseconds: Self.retryMilliseconds)
                if host.takeInterrupt() { throw ConnectionFailure(message: "\(error)") }
            }
        }
    }

    private func wait(for stream: any ByteTransport) throws {
        var wait = KernelWait(stream)
        let ending = try wait.run(
            interruptDescriptor: host.interruptDescriptor,
            takeInterrupt: { host.takeInterrupt() },
            say: { output.line($0) }
        )
        if case .lost(let words) = ending { throw ConnectionFailure(message: words) }
    }
}
