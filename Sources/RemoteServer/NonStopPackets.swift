internal import DebugTarget
internal import GDBRemoteProtocol

// Non-stop mode (the manual's "Remote Non-Stop" and "Notification Packets"). `vCont` is answered at once; a stop is a
// notification, `%Stop:…`, and the client fetches the next by `vStopped` until there is none. Until it has come to that
// end there is no other notification, so at most one is ever on its way.

/// Stops that the client does not know of yet.
struct StopNotifications {
    /// One stop.
    struct Entry {
        var process: ProcessID?
        var thread: ThreadID?
        var payload: [UInt8]
    }

    /// In order; the first is the one that the client was sent, where `isUnderWay`.
    private(set) var entries: [Entry] = []
    private(set) var isUnderWay = false

    /// Threads of which the client may not know that they stand: a notification and a request can cross.
    var threads: Set<ThreadID> { Set(entries.compactMap(\.thread)) }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// The stop to be sent as a notification, if one is due.
    mutating func begin() -> [UInt8]? {
        guard !isUnderWay, let first = entries.first else { return nil }
        isUnderWay = true
        return first.payload
    }

    /// Takes note that the client has the first, and gives the next.
    mutating func next() -> [UInt8]? {
        if isUnderWay, !entries.isEmpty { entries.removeFirst() }
        isUnderWay = !entries.isEmpty
        return entries.first?.payload
    }

    mutating func forget() {
        entries = []
        isUnderWay = false
    }

    /// Forgets the stops of processes that are gone, but for the one that the client has.
    mutating func forget(exceptOf processes: [ProcessID]) {
        let sent = isUnderWay ? 1 : 0
        let kept = entries.dropFirst(sent).filter { entry in
            entry.process.map { processes.contains($0) } ?? true
        }
        entries = entries.prefix(sent) + kept
    }
}

extension ServerSession {
    static var nonStopPackets: [PacketEntry] {
        [
            PacketEntry("QNonStop") { session, packet throws(TargetError) in
                guard let isOn = SwitchRequest.value(in: packet, after: "QNonStop:") else {
                    return .malformed(packet)
                }
                guard let control = session.target.nonStopControl else {
                    let words = "this target has no non-stop mode"
                    return isOn ? .failure(TargetError(.unsupported, words)) : .ok
                }
                try control.setNonStop(isOn)
                session.isNonStop = isOn
                session.notifications.forget()
                return .ok
            },
            PacketEntry("vStopped") { session, _ in
                session.notifications.next().map { .payload($0) } ?? .ok
            },
        ]
    }

    /// `vCont` in non-stop mode: each thread does what the first element that covers it says.
    func resumeIndependently(_ request: ResumeRequest) throws(TargetError) -> Reply {
        guard let control = target.nonStopControl else { return .unsupported }
        let unknown = notifications.threads
        let elements = request.elements.map { ($0, scope(of: $0.threads ?? .all)) }
        var actions: [ResumeAction] = []
        for process in target.processes {
            for thread in try target.threadIDs(of: process) {
                let found = elements.first { $0.1.covers(thread) }
                guard let (element, _) = found else { continue }
                if element.action == .stop {
                    try control.halt(.thread(thread))
                } else if !unknown.contains(thread) {
                    // What the client does not know to stand it does not mean.
                    var action = try action(element)
                    action.scope = .thread(thread)
                    actions.append(action)
                }
            }
        }
        if !actions.isEmpty { try target.resume(actions) }
        return .ok
    }

    /// Takes an event of a target whose threads stop one by one.
    ///
    /// - Parameter isSilent: whether the notification waits for an answer that is to be sent first.
    func note(_ event: TargetEvent, isSilent: Bool = false) {
        transfers.forget()
        threadLists.forget()
        let general = selection
        guard let reply = stopReply(for: event) else { return }
        selection = general
        if case .output(let bytes) = reply {
            sendOutput(bytes)
            return
        }
        notifications.append(entry(event, reply))
        if !isSilent { notifyStop() }
    }

    private func entry(_ event: TargetEvent, _ reply: StopReply) -> StopNotifications.Entry {
        switch event {
        case .stopped(let thread, _):
            .init(process: thread.process, thread: thread, payload: reply.payload)
        // A process that has ended is not one of the target's any more.
        default: .init(process: nil, thread: nil, payload: reply.payload)
        }
    }

    /// Sends the notification that is due, if one is.
    func notifyStop() {
        guard isNonStop, result == nil, let payload = notifications.begin() else { return }
        let notification = [UInt8](text: "Stop:") + payload
        packetObserver?(false, notification)
        send(frame: PacketEncoder.notification(notification))
    }

    /// `?` in non-stop mode: all that stand, one after the other.
    func repeatStops() -> Reply {
        notifications.forget()
        for (thread, reason) in target.nonStopControl?.standing ?? [] {
            note(.stopped(thread, reason), isSilent: true)
        }
        return notifications.begin().map { .payload($0) } ?? .ok
    }
}
