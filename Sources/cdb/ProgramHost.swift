import Console
import DebugEngine
import Glibc
import LinuxSystem
import RemoteClient
import SharedSession

/// The engine's way to the terminal, to poll(2) and to Ctrl+C.
final class ProgramHost: EngineHost, WaitObserver {
    let output: any OutputSink
    let files: any ClientFiles
    /// The connection, once there is one: asked about its line while a target runs.
    weak var remote: RemoteTarget?
    private var interrupts: SignalDescriptor?
    private var arrived = 0
    private var report = SilenceReport()
    private var interruptTime: UInt64?

    private let share: SessionShare

    init(output: any OutputSink, files: any ClientFiles, share: SessionShare) {
        self.output = output
        self.files = files
        self.share = share
    }

    /// Takes Ctrl+C from now on; until then it ends the program.
    func takeInterrupts() throws(SystemError) {
        interrupts = try SignalDescriptor([SIGINT])
    }

    func wait(for descriptor: Int32) -> WaitOutcome {
        var isTold = !share.isShared
        while true {
            if takeInterrupt() {
                interruptTime = interruptTime ?? monotonicNanoseconds()
                return .interrupted
            }
            var requests = [
                PollRequest(interruptDescriptor), PollRequest(descriptor),
                PollRequest(share.descriptor),
                PatientOutput.isBehind ? PatientOutput.request : PollRequest(-1),
            ]
            let isAwake = try? pollDescriptors(
                &requests,
                timeoutMilliseconds: isTold
                    ? Self.reportMilliseconds : SessionShare.runMilliseconds
            )
            if requests[2].isReadable { share.showNotices() }
            if requests[3].isWritable { PatientOutput.flush() }
            if isAwake == nil || requests[1].isReadable {
                interruptTime = nil
                say(report.end(peer: remote?.peerName ?? ""))
                return .ready
            }
            guard isAwake == false else { continue }
            if isTold { reportOnTarget() } else { share.targetRuns() }
            isTold = true
        }
    }

    func takeInterrupt() -> Bool {
        defer { arrived = 0 }
        return interruptCount > 0
    }

    var interruptDescriptor: Int32 { interrupts?.number ?? -1 }

    var interruptCount: Int {
        while interrupts?.next() != nil { arrived += 1 }
        return arrived
    }

    // MARK: - While nothing comes

    private static let reportMilliseconds = 1000

    func nothingComes(from peer: String, for milliseconds: Int, trouble: String?) {
        say(report.sentence(.reply, from: peer, for: milliseconds, trouble: trouble))
    }

    func replyCame(from peer: String) {
        say(report.end(peer: peer))
    }

    private func reportOnTarget() {
        guard let remote else { return }
        let waited = interruptTime.map { Int((monotonicNanoseconds() - $0) / 1_000_000) }
        let sentence = report.sentence(
            waited == nil ? .event : .stop,
            from: remote.peerName,
            for: waited ?? 0,
            trouble: remote.lineTrouble
        )
        say(sentence)
    }

    private func say(_ sentence: String?) {
        if let sentence { output.write(sentence + "\n", .warning) }
    }
}

/// Engine output on the console.
final class ProgramOutput: OutputSink {
    let console: ConsoleOutput
    private let share: SessionShare
    private let isVerbose: Bool

    init(console: ConsoleOutput, share: SessionShare, isVerbose: Bool) {
        self.console = console
        self.share = share
        self.isVerbose = isVerbose
    }

    func write(_ text: String, _ kind: OutputKind) {
        switch kind {
        case .normal, .debuggee:
            console.write(text)
            share.write(text, .plain)
        case .error:
            console.write(text, .error)
            share.write(text, .error)
        case .warning:
            console.write(text, .warning)
            share.write(text, .warning)
        case .verbose:
            guard isVerbose else { return }
            console.write(text)
            share.write(text, .plain)
        }
    }
}
