internal import LinuxSystem
internal import SharedSession
internal import Transports

// What the debugger asks of its hub.

/// The requests of a debugger, one word each before their operands.
public enum HubRequest: String, Sendable {
    /// `.server`: the connection string without its password, and what clients have to prove; the answer begins with
    /// the TCP port, 0 for none.
    case serve
    /// `.servers`
    case servers
    /// `.endsrv`: an id.
    case endServer
    /// `.clients`
    case clients
    /// A client's number: its commands are not carried out any more.
    case mute
    /// A client's number: they are again.
    case unmute
    /// A client's number: it has to go.
    case drop
    /// A client's number, all others are muted; `*`: nobody is.
    case handOver
}

extension Hub {
    /// Does what the debugger asks.
    func answer(_ words: [String]) -> (isDone: Bool, lines: [String]) {
        guard let verb = words.first.flatMap(HubRequest.init(rawValue:)) else {
            return (false, ["the hub does not know what was asked"])
        }
        do {
            return (true, try carryOut(verb, Array(words.dropFirst())))
        } catch {
            return (false, ["\(error)"])
        }
    }

    private func carryOut(_ verb: HubRequest, _ operands: [String]) throws -> [String] {
        switch verb {
        case .serve: return try serve(operands)
        case .servers: return serverLines
        case .endServer: return try endServer(operands)
        case .clients: return clientLines
        case .mute: return try setReadOnly(true, operands)
        case .unmute: return try setReadOnly(false, operands)
        case .drop: return try drop(operands)
        case .handOver: return try handOver(operands)
        }
    }

    private func serve(_ operands: [String]) throws -> [String] {
        guard operands.count == 2, let access = ServerAccess(encoded: operands[1]) else {
            throw TransportError("the hub does not know what was asked")
        }
        let server = try ServedTransport(
            id: servers.count,
            operands[0],
            access: access,
            program: program,
            debugger: debuggerProcess
        )
        servers.append(server)
        return [
            "\(server.portNumber ?? 0)",
            "Server started.  Client can connect with any of these command lines",
        ]
            + servers.filter { !$0.isDisabled }.map { "\($0.id): cdb -remote \($0.invitation)" }
            + [server.warning].compactMap(\.self)
    }

    private var serverLines: [String] {
        servers.map { server in
            server.isDisabled
                ? "\(server.id) - <Disabled>"
                : "\(server.id) - Debugger Server - \(server.displayedName)"
        }
    }

    private func endServer(_ operands: [String]) throws -> [String] {
        guard let id = operands.first.flatMap({ Int($0) }), servers.indices.contains(id),
            !servers[id].isDisabled
        else {
            throw TransportError(
                "there is no server \(operands.first ?? ""); .servers lists them"
            )
        }
        servers[id].disable()
        return ["Server told to exit.  Its clients stay; nobody else can join through it."]
    }

    private var clientLines: [String] {
        session.participants.map { participant in
            let time = localTimeText(Int(clamping: participant.lastActive))
            let rights = participant.isReadOnly ? ", read-only" : ""
            return "\(participant.number): \(participant.identity), last active \(time)\(rights)"
        }
    }

    private func client(_ operands: [String]) throws -> UInt16 {
        guard let number = operands.first.flatMap({ UInt16($0) }),
            session.participants.contains(where: { $0.number == number })
        else {
            throw TransportError(
                "there is no client \(operands.first ?? ""); .clients lists them"
            )
        }
        return number
    }

    private func setReadOnly(_ isReadOnly: Bool, _ operands: [String]) throws -> [String] {
        let number = try client(operands)
        session.setReadOnly(isReadOnly, number)
        session.tell(
            number,
            isReadOnly
                ? "The owner of the session has muted you: commands are not carried out.\n"
                : "The owner of the session lets you type again.\n"
        )
        return clientLines
    }

    private func drop(_ operands: [String]) throws -> [String] {
        let number = try client(operands)
        session.expel(number, "the owner of the session has ended your part in it")
        let limit = UInt64(Self.farewellMilliseconds) * 1_000_000
        seats[number]?.leavesUntil = monotonicNanoseconds() + limit
        return clientLines
    }

    private func handOver(_ operands: [String]) throws -> [String] {
        let chosen = operands.first == "*" ? nil : try client(operands)
        for participant in session.participants {
            let isReadOnly = chosen != nil && participant.number != chosen
            guard participant.isReadOnly != isReadOnly else { continue }
            _ = try setReadOnly(isReadOnly, ["\(participant.number)"])
        }
        if let chosen {
            session.tell(chosen, "The session is yours: all other clients are muted.\n")
        }
        return clientLines
    }
}
