internal import DebugTarget

// What the user's filters (`sx`) make of signals and events.
extension DebugSession {
    /// How many events `.eventlog` remembers.
    static let eventsMax = 200

    /// Remembers an event for `.lastevent` and gives its line.
    func note(_ thread: ThreadState, _ text: String) -> String {
        note(place: Self.place(thread.id), text)
    }

    /// Remembers an event of a thread that may be gone.
    func note(place: String, _ text: String) -> String {
        let event = LastEvent(place: place, text: text)
        lastEvent = event
        events.append(event)
        if events.count > Self.eventsMax { events.removeFirst() }
        return timeStamp + (isKernel ? text : "(\(place)): \(text)")
    }

    /// What stands before an event's line: nothing, or the time (`.echotimestamps`).
    var timeStamp: String {
        guard showsEventTimes, let clock else { return "" }
        return clock() + ": "
    }

    /// Tells the target what the filters let it keep to itself.
    func filtersDidChange() {
        target.signalPolicy?.passedSignals = filters.passedSignals
        let wantsThreads =
            filters[.createThread].reaction != .ignore || filters[.exitThread].reaction != .ignore
        guard let selection = target.eventSelection else { return }
        if wantsThreads {
            selection.reportedEvents.insert(.threads)
        } else {
            selection.reportedEvents.remove(.threads)
        }
    }

    /// Tells the target which system calls are to stop.
    func synchronizeSystemCalls() throws {
        guard let ability = target.systemCallCatching else { return }
        let filter = filters[.systemCall]
        for process in processes {
            var wanted = SystemCallSelection.none
            if filter.reaction != .ignore {
                wanted =
                    filter.argument.isEmpty
                    ? .all : .numbers(SystemCallNames.numbers(matching: filter.argument))
            }
            guard process.caughtSystemCalls != wanted else { continue }
            try ability.catchSystemCalls(wanted, in: process.id)
            process.caughtSystemCalls = wanted
        }
    }

    /// What becomes of an event that is no signal.
    ///
    /// - Parameter name: what the filter's argument is compared with.
    func judge(
        _ subject: EventFilter.Subject,
        _ stopped: ThreadState,
        _ text: String,
        kind: StopReport.Kind,
        name: String? = nil
    ) -> Judgement {
        let filter = filters[subject]
        guard filter.reaction != .ignore, name.map(filter.covers) ?? true else { return .ignore }
        let line = note(stopped, text)
        guard filter.reaction == .stop || filter.reaction == .secondChance else {
            output.line(line)
            return .ignore
        }
        select(stopped)
        var report = StopReport(lines: [line], kind: kind)
        if let command = filter.command { report.commands.append(command) }
        return .report(report)
    }

    /// Whether a module that has just come or gone stops; the lines have been printed.
    func judgeModuleEvents(_ stopped: ThreadState) -> Judgement? {
        let events = moduleEvents
        moduleEvents = []
        for (isLoad, module) in events {
            let filter = filters[isLoad ? .loadModule : .unloadModule]
            let verb = isLoad ? "Load" : "Unload"
            let address = Format.address(module.range.lowerBound)
            _ = note(stopped, "\(verb) module \(module.path) at \(address)")
            guard filter.reaction == .stop || filter.reaction == .secondChance,
                filter.covers(module.path)
            else { continue }
            select(stopped)
            var report = StopReport(kind: .module)
            if let command = filter.command { report.commands.append(command) }
            return .report(report)
        }
        return nil
    }

    /// What becomes of a signal.
    func judgeSignal(_ signal: Signal, _ stopped: ThreadState) -> Judgement {
        let filter = filters.filter(of: signal)
        let isOurs = signal == .trap || signal == .stop
        stopped.stopSignal = signal
        stopped.pendingSignal = isOurs || filter.isHandled ? nil : signal
        var reaction = filter.reaction
        var isSecondChance = false
        if reaction == .secondChance {
            isSecondChance = !survives(signal, stopped)
            reaction = isSecondChance ? .stop : .output
        }
        if reaction == .ignore { return .ignore }
        let line = note(stopped, SignalText.exception(for: signal, isSecond: isSecondChance))
        if reaction == .output {
            output.line(line)
            return .ignore
        }
        select(stopped)
        var report = StopReport(lines: [line], kind: .signal(signal))
        if SignalText.isException(signal), !isSecondChance {
            report.lines += [
                "First chance exceptions are reported before any exception handling.",
                "This exception may be expected and handled.",
            ]
        }
        let command = isSecondChance ? filter.secondCommand : filter.command
        if let command { report.commands.append(command) }
        return .report(report)
    }

    /// Whether the program goes on living after a signal: it has a handler, ignores it, or the
    /// kernel does.
    private func survives(_ signal: Signal, _ stopped: ThreadState) -> Bool {
        if SignalText.isHarmless(signal) { return true }
        guard let text = targetText("/proc/\(stopped.id.process)/status") else { return false }
        let bit = UInt64(1) << UInt64(max(signal.rawValue - 1, 0))
        for line in text.split(separator: "\n") {
            guard line.hasPrefix("SigCgt:") || line.hasPrefix("SigIgn:"),
                let mask = UInt64(line.dropFirst(7).drop { $0.isWhitespace }, radix: 16)
            else { continue }
            if mask & bit != 0 { return true }
        }
        return false
    }

    /// The largest text file that is read from the target's machine, in bytes.
    static let targetTextBytesMax = 4 << 20

    /// A small text file of the target's machine (`/proc`); nil when it cannot be read.
    public func targetText(_ path: String) -> String? {
        guard let files = target.files, let file = try? files.open(path, flags: [], mode: 0)
        else { return nil }
        defer { try? files.close(file) }
        var bytes: [UInt8] = []
        while bytes.count < Self.targetTextBytesMax {
            guard let part = try? files.read(file, count: 65_536, at: UInt64(bytes.count)) else {
                return nil
            }
            if part.isEmpty { break }
            bytes += part
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `SIGSEGV`.
    public func signalName(_ number: Int32) -> String { SignalText.name(of: Signal(number)) }

    /// The signal that stopped the current thread is delivered when it goes on (`gn`).
    public func keepPendingSignal() {
        guard let thread = currentThread, let signal = thread.stopSignal else { return }
        thread.pendingSignal = signal
    }
}
