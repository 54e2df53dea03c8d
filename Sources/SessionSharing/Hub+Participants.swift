internal import ByteTransport
internal import LinuxSystem
internal import SessionProtocol
internal import SharedSession
internal import Transports

// Who comes, what they say, and who goes.

extension Hub {
    /// Takes the connections that wait at a server.
    func look(at server: ServedTransport, _ now: UInt64) {
        while arrivals.count < Self.arrivalsMax {
            switch server.accept(at: now) {
            case .nothing:
                return
            case .problem(let words):
                return tellDebugger(words)
            case .connection(let connection):
                admit(connection, server, now)
            }
        }
    }

    private func admit(_ connection: AcceptedConnection, _ server: ServedTransport, _ now: UInt64) {
        do {
            let arrival = try Arrival(connection, server, program: program, at: now)
            arrivals.append(arrival)
            if case .mustWait(let seconds) = limits.verdict(on: connection.origin, at: now) {
                let words = AccessWords.tooManyFailures(
                    from: connection.origin,
                    seconds: seconds
                )
                arrival.turnAway(words, at: now)
            }
        } catch {
            tellDebugger("\(connection.peerName): \(error)")
        }
    }

    /// Goes on with a connection that is not a participant yet.
    func look(at arrival: Arrival, _ now: UInt64) {
        switch arrival.advance(at: now) {
        case .participant(let transport, let isReadOnly):
            limits.succeeded(arrival.connection.origin)
            seat(transport, arrival, isReadOnly: isReadOnly, now)
        case .wrongPassword(let words):
            limits.failed(arrival.connection.origin, at: now)
            tellDebugger("\(arrival.connection.peerName) was refused: \(words)")
        case .refused, nil:
            return
        }
    }

    private func seat(
        _ transport: any ByteTransport,
        _ arrival: Arrival,
        isReadOnly: Bool,
        _ now: UInt64
    ) {
        guard
            let number = session.admit(
                peerName: transport.peerName,
                isReadOnly: isReadOnly,
                at: secondsSinceEpoch()
            )
        else {
            let words = SharedFrame.ended("\(SharedSession.participantsMax) take part already")
            _ = transport.write(words.encoded[...])
            return transport.close()
        }
        seats[number] = HubSeat(transport, arrival)
        read(number, at: now)
    }

    /// Takes what a participant says.
    func read(_ number: UInt16, at now: UInt64) {
        guard let seat = seats[number] else { return }
        switch seat.transport.read(maximum: Self.readBytesMax) {
        case .bytes(let bytes):
            let events = session.receive(bytes, from: number, at: secondsSinceEpoch())
            for event in events { take(event, now) }
        case .wouldBlock:
            return
        case .ended:
            remove(number)
        }
    }

    private func take(_ event: SharedSession.Event, _ now: UInt64) {
        switch event {
        case .joined(let number):
            guard let participant = session.participant(number) else { return }
            let line = "\(participant.identity) connected at \(localTimeText())"
            session.write(line + "\n")
            tellDebugger(line)
        case .interrupt:
            // It may be meant for a command that came just before it.
            dispatchCommand()
            interruptDebugger()
        case .complete(let number, let query, let text):
            if prompt == nil {
                session.answer(number, query: query, [])
            } else {
                send(.complete(participant: number, number: query, text))
            }
        case .commandWaits:
            return
        case .expelled(let number, _):
            seats[number]?.leavesUntil = now + UInt64(Self.farewellMilliseconds) * 1_000_000
        }
    }

    /// Forgets a participant.
    func remove(_ number: UInt16) {
        guard let seat = seats.removeValue(forKey: number) else { return }
        session.remove(number)
        seat.transport.close()
        seat.server.clientHasLeft()
    }

    func tellDebugger(_ line: String) {
        send(.notice(line))
    }
}
