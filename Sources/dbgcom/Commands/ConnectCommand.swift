import ArgumentParser
import Glibc
import LinuxSystem
import SessionProtocol
import Transports

/// `dbgcom connect`.
struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Connect to a channel: standard input and output, a pseudo-terminal or sockets.",
        discussion: """
            Waits until a program on the far end of the cable listens on the channel. The end of standard input \
            is passed on; the command ends when both directions have ended.

            Copy a folder (the far end runs `dbgcom serve com1 20 --exec tar x`):
              tar c folder | dbgcom connect com2 20
            Run a command and have its exit status (far end: `dbgcom serve com1 21 --session --exec make`):
              dbgcom connect com2 21 --session
            A login shell (far end: `dbgcom serve com1 22 --session --exec-pty --exec bash -l`):
              dbgcom connect com2 22 --session
            A board's console (far end: `dbgcom serve com1 25 --device com3 --device-baud 115200`):
              dbgcom connect com2 25 --console
            A console for picocom, and ssh through the cable (far end: `dbgcom serve com1 24 --connect tcp:22`):
              dbgcom connect com2 23 --pty ~/console
              dbgcom connect com2 24 --listen tcp:2222

            Exit status: 0 when the connection ended in order, 1 when it broke or could not be made, 64 for a wrong \
            command line; with --session, that of the far program, or 128 and the signal that ended it.
            """
    )

    @OptionGroup var options: ChannelOptions

    @Option(help: "Seconds to wait for the far end.")
    var wait = 30.0

    @Option(help: "Make a pseudo-terminal of this name and connect that, again and again.")
    var pty: String?

    @Option(
        help: ArgumentHelp(
            "Make every connection to a socket one on the channel.",
            valueName: "tcp:[ADDRESS:]PORT|unix:PATH"
        )
    )
    var listen: Place?

    @Flag(
        help: """
            The far end was started with --session too: exit with its program's status, pass on SIGINT, and with \
            a far terminal the keys as they are (Ctrl-] q leaves, Ctrl-] b sends a BREAK) and the window's size.
            """
    )
    var session = false

    @Flag(
        help: """
            A person's console: keys go through as they are, as in picocom; Ctrl-] q leaves, Ctrl-] b sends a BREAK.
            """
    )
    var console = false

    func validate() throws {
        guard wait > 0, wait <= 1_000_000 else {
            throw ValidationError("wait=\(wait): the wait must be more than 0 seconds.")
        }
        guard [pty != nil, listen != nil, session, console].filter({ $0 }).count <= 1 else {
            throw ValidationError(
                "Only one of --pty, --listen, --session and --console can be had."
            )
        }
        guard !console || OwnedDescriptor.standardInputIsTerminal else {
            throw ValidationError("--console needs a terminal as standard input.")
        }
    }

    func run() throws {
        let loop = try RelayLoop()
        let port = try options.open(program: "dbgcom connect")
        port.takesBreaks = true
        if let pty {
            try TerminalConnection(loop, port, options.channel, TerminalEnd(link: pty)).run(pty)
        } else if let listen {
            try serve(PlaceListener(listen), loop, port)
        } else if session {
            let client = ProgramClient(loop)
            try client.run(port, options.channel, wait)
        } else {
            try connectStandardStreams(loop, port)
        }
    }

    private func connectStandardStreams(_ loop: RelayLoop, _ port: ComPortClient) throws {
        var failure: CommandFailure?
        let local = KeyboardEnd()
        let isTerminal = OwnedDescriptor.standardInputIsTerminal
        defer { local.restoreTerminal() }
        let waiting = try WaitingForChannel(port, channel: options.channel, wait: wait) { stream in
            if console {
                Output.note("dbgcom: \(stream.peerName); \(EscapeKeys.explanation)")
                local.takeKeysAsTheyAre()
            }
            loop.add(
                Relay(channel: ChannelEnd(stream), local: local, endsWithChannel: isTerminal) {
                    if case .broke(let reason) = $0 { failure = reason }
                }
            )
        } onFailure: {
            failure = $0
        }
        loop.add(waiting)
        let wasSignalled = try loop.run()
        if let failure { throw failure }
        // What was under way is lost, and whoever waits for us has to know.
        if wasSignalled { throw ExitCode.failure }
        if local.hasLeft { Output.note("") }
    }

    private func serve(_ listener: PlaceListener, _ loop: RelayLoop, _ port: ComPortClient) throws {
        var waiting = 0
        let hasRoom = { loop.relays.count + waiting < RelayLoop.connectionsMax }
        let connect = { (socket: OwnedDescriptor) in
            do {
                let member = try WaitingForChannel(
                    port,
                    channel: options.channel,
                    wait: wait
                ) { stream in
                    waiting -= 1
                    loop.add(
                        Relay(channel: ChannelEnd(stream), local: SocketEnd(socket), onEnd: note)
                    )
                } onFailure: { reason in
                    waiting -= 1
                    Output.note("dbgcom: \(reason)")
                }
                waiting += 1
                loop.add(member)
            } catch {
                Output.note("dbgcom: \(error)")
            }
        }
        loop.add(PlaceAcceptor(listener, hasRoom: hasRoom, onSocket: connect))
        Output.line("ready: \(listener.name) leads to channel \(options.channel)")
        try loop.run()
    }
}

/// Says why a relay broke that is not the only one.
func note(_ ending: Relay.Ending) {
    if case .broke(let reason) = ending { Output.note("dbgcom: \(reason)") }
}

extension OwnedDescriptor {
    static var standardInputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
}

/// A pseudo-terminal that is connected to the channel whenever the far end listens.
private final class TerminalConnection {
    private let loop: RelayLoop
    private let port: ComPortClient
    private let channel: Int
    private let terminal: TerminalEnd
    private var lastTrouble: String?

    init(_ loop: RelayLoop, _ port: ComPortClient, _ channel: Int, _ terminal: TerminalEnd) {
        (self.loop, self.port, self.channel, self.terminal) = (loop, port, channel, terminal)
    }

    func run(_ path: String) throws {
        connect()
        Output.line("ready: \(path) leads to channel \(channel)")
        try loop.run()
    }

    private func connect() {
        do {
            let waiting = try WaitingForChannel(port, channel: channel, wait: nil) {
                [self] stream in
                lastTrouble = nil
                Output.note("dbgcom: connected to channel \(channel)")
                let relay = Relay(
                    channel: ChannelEnd(stream),
                    local: terminal,
                    endsWithChannel: true
                ) { [self] ending in
                    note(ending)
                    connect()
                }
                loop.add(relay)
            } onFailure: { [self] in
                retry(after: $0)
            }
            loop.add(waiting)
        } catch {
            retry(after: CommandFailure("\(error)"))
        }
    }

    private func retry(after trouble: CommandFailure) {
        if lastTrouble != trouble.description { Output.note("dbgcom: \(trouble)") }
        lastTrouble = trouble.description
        let later = monotonicNanoseconds() + RelayLoop.retryNanoseconds
        loop.add(Pause(until: later) { [self] in connect() })
    }
}
