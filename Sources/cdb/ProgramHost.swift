import Console
import DebugEngine
import Glibc
import LinuxSystem
import RemoteClient

/// The engine's way to the terminal, to poll(2) and to Ctrl+C.
final class ProgramHost: EngineHost, InterruptWatch {
    let output: any OutputSink
    let files: any ClientFiles
    private let interrupts: SignalDescriptor
    private var arrived = 0

    init(output: any OutputSink, files: any ClientFiles) throws(SystemError) {
        self.output = output
        self.files = files
        interrupts = try SignalDescriptor([SIGINT])
    }

    func wait(for descriptor: Int32) -> WaitOutcome {
        while true {
            if takeInterrupt() { return .interrupted }
            var requests = [PollRequest(interrupts.number), PollRequest(descriptor)]
            guard (try? pollDescriptors(&requests)) != nil else { return .ready }
            if requests[1].isReadable { return .ready }
        }
    }

    func takeInterrupt() -> Bool {
        defer { arrived = 0 }
        return interruptCount > 0
    }

    var interruptDescriptor: Int32 { interrupts.number }

    var interruptCount: Int {
        while interrupts.next() != nil { arrived += 1 }
        return arrived
    }
}

/// Engine output on the console.
final class ProgramOutput: OutputSink {
    let console: ConsoleOutput
    private let isVerbose: Bool

    init(console: ConsoleOutput, isVerbose: Bool) {
        self.console = console
        self.isVerbose = isVerbose
    }

    func write(_ text: String, _ kind: OutputKind) {
        switch kind {
        case .normal, .debuggee: console.write(text)
        case .error: console.write(text, .error)
        case .warning: console.write(text, .warning)
        case .verbose: if isVerbose { console.write(text) }
        }
    }
}
