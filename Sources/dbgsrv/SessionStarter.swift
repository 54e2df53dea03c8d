internal import Glibc
internal import LinuxSystem

/// Starts the processes of sessions, one of them ahead of its client.
///
/// A program of this size takes milliseconds to begin, nearly all of them in the dynamic linker. So one process
/// stands by with nothing but the line on which it will be told of its client; it then serves that client only, as
/// every other does.
struct SessionStarter {
    /// A process that was started, and the supervisor's end of its line.
    typealias Started = (process: Int32, line: OwnedDescriptor)

    /// How long a session has for itself until the next process is started, in milliseconds.
    static let pauseMilliseconds: UInt64 = 100

    private let log: LogDestination
    private var standby: Started?
    private var nextStart: UInt64?

    init(log: LogDestination) {
        self.log = log
    }

    /// When the next process is to be made ready, on the monotonic clock.
    var deadline: UInt64? { standby == nil ? nextStart : nil }

    /// Starts the process that will stand by, where it is time for it.
    mutating func prepare(at now: UInt64) {
        guard standby == nil, let nextStart, now >= nextStart else { return }
        self.nextStart = nil
        // Without it clients wait a little longer, no more.
        guard let nothing = try? openFile("/dev/null", flags: O_RDWR) else { return }
        standby = try? start(connection: nothing)
    }

    /// Asks for a process that stands by, at once or after a pause.
    mutating func wantStandby(from now: UInt64) {
        nextStart = now
    }

    /// Gives a connection to a process.
    ///
    /// - Parameter record: `SessionSettings.encoded`.
    mutating func start(
        on connection: OwnedDescriptor,
        _ record: [UInt8]
    ) throws(SystemError) -> Started {
        precondition(record.count <= SessionSettings.bytesMax, "a command line is shorter")
        defer { nextStart = monotonicNanoseconds() + Self.pauseMilliseconds * 1_000_000 }
        if let ready = standby {
            standby = nil
            let taken = try? UnixSocket.send(record, with: connection, on: ready.line)
            if taken == record.count {
                UnixSocket.finishWriting(ready.line)
                return ready
            }
        }
        let started = try start(connection: connection)
        _ = try started.line.write(record[...])
        UnixSocket.finishWriting(started.line)
        return started
    }

    /// Whether a process that has ended was the one that stood by.
    mutating func hasLost(_ process: Int32) -> Bool {
        guard standby?.process == process else { return false }
        standby = nil
        return true
    }

    private func start(connection: OwnedDescriptor) throws(SystemError) -> Started {
        let (ours, theirs) = try UnixSocket.makePair()
        try ours.setNonBlocking()
        // Standard streams first, then what SessionDescriptors names.
        var descriptors = try (0...2).map { (number) throws(SystemError) in
            try OwnedDescriptor(duplicating: number)
        }
        descriptors.append(connection)
        descriptors.append(theirs)
        if let number = log.descriptor {
            descriptors.append(try OwnedDescriptor(duplicating: number))
        }
        let process = try ProgramLauncher.start(
            ProgramLauncher.ownProgram,
            arguments: ["--session"],
            descriptors: descriptors,
            newSession: true
        )
        return (process, ours)
    }
}
