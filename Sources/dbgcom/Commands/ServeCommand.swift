import ArgumentParser
import DiscoveryProtocol
import Glibc
import LinuxSystem
import SerialPort
import SessionProtocol
import Transports

/// `dbgcom serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract:
            "Take connections to a channel: for standard input and output, a socket or a program.",
        discussion: """
            Without any of the options below, one connection is taken and joined with standard input and output; \
            the command ends with it. With them, connections are taken until SIGTERM, any number at once (--pty: \
            one after the other).

            Unpack what comes, one folder for each connection:
              dbgcom serve com1 20 --exec tar x -C /var/incoming
            Lead every connection to this machine's sshd, so that ssh, scp and rsync work through the cable:
              dbgcom serve com1 24 --connect tcp:22
            A login shell with a terminal of its own:
              dbgcom serve com1 22 --session --exec-pty --exec bash -l

            The console of a board on another port of this machine (far end: `dbgcom connect com2 25 --console`, \
            where Ctrl-] b is a BREAK on the board's line):
              dbgcom serve com1 25 --device com3 --device-baud 115200

            A program gets the connection as standard input and output. The end of the far input closes its \
            input; when it ends, so does the connection; when the connection breaks, the program gets SIGHUP. \
            Its errors go where this command's go.
            """
    )

    @OptionGroup var options: ChannelOptions

    @Option(help: "Make a pseudo-terminal of this name and join every connection with that.")
    var pty: String?

    @Option(
        help: ArgumentHelp(
            "Lead every connection to a socket.",
            valueName: "tcp:[HOST:]PORT|unix:PATH"
        )
    )
    var connect: Place?

    @Option(
        help: ArgumentHelp(
            "Join every connection with another serial port of this machine, BREAKs too.",
            valueName: "port"
        )
    )
    var device: String?

    @Option(help: "Bits per second of the --device.")
    var deviceBaud = 115_200

    @Flag(help: "Give the program of --exec a terminal.")
    var execPty = false

    @Flag(help: "The far end connects with --session: tell it the program's exit status.")
    var session = false

    @Option(
        parsing: .remaining,
        help: ArgumentHelp(
            "Start a program for every connection; what follows are its arguments.",
            valueName: "program"
        )
    )
    var exec: [String] = []

    func validate() throws {
        let ends = [pty != nil, connect != nil, device != nil, !exec.isEmpty]
        guard ends.filter({ $0 }).count <= 1 else {
            throw ValidationError(
                "Only one of --pty, --connect, --device and --exec can be had."
            )
        }
        try LineOptions.check(baudRate: deviceBaud)
        guard !(exec.isEmpty && (session || execPty)) else {
            throw ValidationError("--session and --exec-pty go with --exec.")
        }
    }

    func run() throws {
        let loop = try RelayLoop()
        let port = try options.open(program: "dbgcom serve")
        port.takesBreaks = true
        let listener = try port.listen(
            channel: options.channel,
            offering: ServerEntry(type: ServerEntry.channelService, program: "dbgcom serve")
        )
        if exec.isEmpty && pty == nil && connect == nil && device == nil {
            try serveStandardStreams(loop, listener)
            return
        }
        let taker = try taker(loop)
        let acceptor = ChannelAcceptor(listener, hasRoom: taker.hasRoom, onStream: taker.take)
        loop.add(acceptor)
        Output.note("dbgcom: listening on channel \(options.channel) of \(port.portName)")
        try loop.run()
    }

    private func serveStandardStreams(_ loop: RelayLoop, _ listener: ComChannelListener) throws {
        var failure: CommandFailure?
        var acceptor: ChannelAcceptor?
        let local = StandardEnd()
        let isTerminal = OwnedDescriptor.standardInputIsTerminal
        let made = ChannelAcceptor(listener, hasRoom: { loop.relays.isEmpty }) { stream in
            acceptor?.stop()
            loop.add(
                Relay(channel: ChannelEnd(stream), local: local, endsWithChannel: isTerminal) {
                    if case .broke(let reason) = $0 { failure = reason }
                }
            )
        }
        acceptor = made
        loop.add(made)
        try loop.run()
        if let failure { throw failure }
    }

    private struct Taker {
        var hasRoom: () -> Bool
        var take: (ComChannelStream) -> Void
    }

    private func taker(_ loop: RelayLoop) throws -> Taker {
        if let pty {
            let terminal = try TerminalEnd(link: pty)
            return Taker {
                loop.relays.isEmpty
            } take: { stream in
                let channel = ChannelEnd(stream)
                loop.add(
                    Relay(channel: channel, local: terminal, endsWithChannel: true, onEnd: note)
                )
            }
        }
        if let device {
            let configuration = SerialConfiguration(baudRate: deviceBaud)
            // Opened for each connection, so that others may use it between them and it may be unplugged.
            return Taker {
                loop.relays.isEmpty
            } take: { stream in
                join(ChannelEnd(stream), loop) { try DeviceEnd(device, configuration) }
            }
        }
        let hasRoom = { loop.relays.count < RelayLoop.connectionsMax }
        if let connect {
            let addresses = try PlaceConnector.addresses(of: connect)
            return Taker(hasRoom: hasRoom) { stream in
                let connector = PlaceConnector(connect, addresses: addresses)
                loop.add(
                    WaitingForPlace(connector, stream) { stream, socket in
                        let channel = ChannelEnd(stream)
                        loop.add(Relay(channel: channel, local: SocketEnd(socket), onEnd: note))
                    }
                )
            }
        }
        let program = ProgramToStart(words: exec, onTerminal: execPty)
        return Taker(hasRoom: hasRoom) { stream in
            if session {
                loop.add(ProgramServer(loop, stream, program))
            } else {
                start(program, ChannelEnd(stream), loop)
            }
        }
    }

    private func join(
        _ channel: ChannelEnd,
        _ loop: RelayLoop,
        with local: () throws -> DeviceEnd
    ) {
        do {
            let end = try local()
            loop.add(Relay(channel: channel, local: end, endsWithChannel: true, onEnd: note))
        } catch {
            Output.note("dbgcom: \(error)")
            channel.close()
        }
    }

    private func start(_ program: ProgramToStart, _ channel: ChannelEnd, _ loop: RelayLoop) {
        do {
            let local = try ProgramEnd(program, terminalName: "")
            loop.add(local)
            loop.add(Relay(channel: channel, local: local, onEnd: note))
        } catch {
            Output.note("dbgcom: \(error)")
            channel.close()
        }
    }
}

/// A connection whose hello is awaited; the program starts when the client's terminal is known.
private final class ProgramServer: LoopMember {
    private let loop: RelayLoop
    private let session: SessionEnd
    private let program: ProgramToStart
    private var window: WindowSize?
    private var started: ProgramEnd?
    private(set) var isFinished = false
    let deadline: UInt64? = monotonicNanoseconds() + ProgramServer.helloNanosecondsMax

    /// How long a client may take to say hello.
    private static let helloNanosecondsMax: UInt64 = 30_000_000_000

    init(_ loop: RelayLoop, _ stream: ComChannelStream, _ program: ProgramToStart) {
        self.loop = loop
        self.program = program
        session = SessionEnd(
            ChannelEnd(stream),
            terminal: program.onTerminal ? "terminal" : ""
        )
        session.onFrame = { [weak self] in try self?.take($0) }
    }

    var requests: [PollRequest] {
        [
            PollRequest(session.inputDescriptor),
            PollRequest(
                session.hasUnwritten ? session.outputDescriptor : -1,
                read: false,
                write: true
            ),
        ]
    }

    func step(_ answers: ArraySlice<PollRequest>) {
        do {
            if session.hasUnwritten { try session.flush() }
            if answers.first?.isReadable == true { try session.wait() }
            guard let started else {
                guard let deadline, monotonicNanoseconds() >= deadline else { return }
                throw CommandFailure("A client said no hello; was it started with --session?")
            }
            let ended = { (ending: Relay.Ending) in
                note(ending)
                // The relay's end is the end of the handler of its frames.
                self.session.onFrame = { _ in }
            }
            session.onFrame = { frame in try self.take(frame) }
            isFinished = true
            loop.add(Relay(channel: session, local: started, onEnd: ended))
        } catch {
            isFinished = true
            Output.note("dbgcom: \(error)")
            session.close()
        }
    }

    private func take(_ frame: ProgramFrame) throws {
        switch frame {
        case .hello(let terminal):
            let program = try ProgramEnd(program, terminalName: terminal)
            loop.add(program)
            started = program
        case .window(let rows, let columns):
            started?.resize(WindowSize(rows: rows, columns: columns))
        case .signal(let number) where Self.signals.contains(Int32(number)):
            started?.signal(Int32(number))
        default: break
        }
    }

    /// What a client may send: what a keyboard and a job's owner may.
    private static let signals: Set<Int32> = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT,
    ]
}
