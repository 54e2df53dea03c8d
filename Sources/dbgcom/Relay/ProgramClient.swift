import ArgumentParser
import Glibc
import LinuxSystem
import SessionProtocol
import Transports

/// The client's side of a program's session: our terminal, our signals, and the program's status as ours.
final class ProgramClient {
    private let loop: RelayLoop
    private let input = try? OwnedDescriptor(duplicating: STDIN_FILENO)
    private var session: SessionEnd?
    private var failure: CommandFailure?
    private var interrupts = 0

    init(_ loop: RelayLoop) {
        self.loop = loop
    }

    /// Runs the session to its end.
    func run(_ port: ComPortClient, _ channel: Int, _ wait: Double) throws {
        loop.onSignal = { [unowned self] in handle($0) }
        let local = KeyboardEnd()
        let isTerminal = OwnedDescriptor.standardInputIsTerminal
        let terminal = isTerminal ? environmentValue("TERM") ?? "dumb" : ""
        let waiting = try WaitingForChannel(port, channel: channel, wait: wait) { [self] stream in
            let end = SessionEnd(ChannelEnd(stream), terminal: terminal)
            session = end
            sendWindow()
            end.onFrame = { frame in
                // The far end says that its program has a terminal: ours does nothing then.
                guard case .hello(let name) = frame, !name.isEmpty, isTerminal else { return }
                local.takeKeysAsTheyAre()
            }
            loop.add(
                Relay(channel: end, local: local) { [self] in
                    if case .broke(let reason) = $0 { failure = reason }
                }
            )
        } onFailure: { [self] in
            failure = $0
        }
        loop.add(waiting)
        defer { local.restoreTerminal() }
        let wasSignalled = try loop.run()
        if let failure { throw failure }
        if let ending = session?.ending { throw ExitCode(ending.status) }
        if wasSignalled || local.hasLeft { throw ExitCode(1) }
    }

    private func handle(_ signal: Int32) -> Bool {
        switch signal {
        case SIGWINCH: sendWindow()
        case SIGCHLD: break
        case SIGINT where session != nil && interrupts == 0:
            // The second one is for us.
            interrupts += 1
            session?.send(.signal(UInt8(SIGINT)))
        default: return false
        }
        return true
    }

    private func sendWindow() {
        guard let input, let size = WindowSize(of: input) else { return }
        session?.send(.window(rows: size.rows, columns: size.columns))
    }
}
