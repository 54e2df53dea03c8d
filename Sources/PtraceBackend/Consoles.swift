public import DebugTarget
internal import LinuxSystem

// Programs that were started on a terminal of ours: what they write comes as events while they run, and
// before the event that ends the run; what the client types goes in.

/// The terminal of a started program.
struct Console {
    /// The most bytes of one event.
    static let readBytesMax = 4096
    /// The most that is read before a stop is reported: a terminal holds less.
    static let readsBeforeStopMax = 64

    var process: ProcessID
    var terminal: PseudoTerminal
    /// The program has ended.
    var isOver = false
}

extension PtraceTarget: ConsoleInput {
    /// Types into the terminal of the program that was started last.
    public func type(_ bytes: [UInt8]) throws(TargetError) {
        guard let console = consoles.last else {
            throw TargetError(.invalid, "no program that was started has a terminal")
        }
        let taken = try translating { () throws(SystemError) in
            try console.terminal.master.write(bytes[...])
        }
        guard taken == bytes.count else {
            throw TargetError(.invalid, "the program does not read what is typed")
        }
    }

    /// Makes a descriptor wake the client up too.
    func watch(_ number: Int32?) {
        guard let number else { return }
        if descriptors == nil {
            descriptors = try? DescriptorSet()
            descriptors?.insert(childSignals.number)
        }
        descriptors?.insert(number)
    }

    func openConsole() throws(TargetError) -> PseudoTerminal {
        try translating { () throws(SystemError) in
            let terminal = try PseudoTerminal()
            try terminal.master.setNonBlocking()
            return terminal
        }
    }

    /// Output wakes the client only while it waits for events: at other times it may not be sent.
    func watchConsoles(_ isOn: Bool) {
        for console in consoles {
            if isOn {
                watch(console.terminal.master.number)
            } else {
                descriptors?.remove(console.terminal.master.number)
            }
        }
    }

    /// Puts what programs have written in front of the events.
    ///
    /// - Parameter isStop: whether an event ends the run, so that everything has to go out now. Otherwise
    ///   there is nothing every other time, so that a program which writes without end leaves room for
    ///   other things.
    func takeOutput(isStop: Bool) {
        hasTakenOutput = !isStop && !hasTakenOutput
        guard isStop || hasTakenOutput else { return }
        var output: [TargetEvent] = []
        for console in consoles {
            let readsMax = isStop ? Console.readsBeforeStopMax : 1
            for _ in 0..<readsMax {
                guard let bytes = read(console) else { break }
                output.append(.output(bytes))
            }
        }
        queue.insert(contentsOf: output, at: 0)
        for console in consoles where console.isOver { forgetConsole(of: console.process) }
    }

    /// What a program has written; nil for nothing.
    private func read(_ console: Console) -> [UInt8]? {
        do throws(SystemError) {
            let bytes = try console.terminal.master.read(maximum: Console.readBytesMax)
            if bytes?.isEmpty ?? true { return nil }
            return bytes
        } catch {
            // EIO: nobody has the other end open any more.
            forgetConsole(of: console.process)
            return nil
        }
    }

    func forgetConsole(of process: ProcessID) {
        for console in consoles where console.process == process {
            descriptors?.remove(console.terminal.master.number)
        }
        consoles.removeAll { $0.process == process }
    }
}
