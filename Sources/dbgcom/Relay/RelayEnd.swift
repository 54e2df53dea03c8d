import Glibc
import LinuxSystem
import Transports

/// One side of a relay: where bytes come from and where they go.
///
/// Nothing of it waits.
protocol RelayEnd: AnyObject {
    /// What poll watches for input; -1 when none is to be waited for.
    var inputDescriptor: Int32 { get }
    /// What poll watches for room.
    var outputDescriptor: Int32 { get }
    /// Whether `read` has something to say that poll does not know of.
    var hasNews: Bool { get }
    /// Whether bytes that were taken are still to be given on.
    var hasUnwritten: Bool { get }
    /// Whether more than bytes may come after the end of the bytes, so that `read` is to be called on.
    var readsAfterEnd: Bool { get }
    /// Whether the other direction is of no use any more: nobody is left who could take bytes.
    var hasLeft: Bool { get }
    /// Takes what has arrived: empty at the end, nil when there is nothing yet.
    func read(maximum: Int) throws -> [UInt8]?
    /// What poll watches for news that are no bytes; -1 when there are none.
    var noticeDescriptor: Int32 { get }
    /// Whether a BREAK comes before the next byte.
    var hasBreak: Bool { get }
    /// The length of that BREAK in milliseconds.
    func takeBreak() -> Int?
    /// Gives a BREAK, behind the bytes that were taken; where there is no place for one it is dropped.
    func sendBreak(milliseconds: Int) throws
    /// Gives bytes, and answers how many were taken.
    func write(_ bytes: ArraySlice<UInt8>) throws -> Int
    /// Gives on what was taken before.
    func flush() throws
    /// Says that no more bytes will be given.
    func finishWriting()
    /// Passes on how the program at the other side ended.
    func finish(_ ending: ProgramLauncher.Ending)
    /// How the program at this side ended.
    var ending: ProgramLauncher.Ending? { get }
    /// Lets go of everything.
    func close()
}

extension RelayEnd {
    var hasNews: Bool { false }
    var noticeDescriptor: Int32 { -1 }
    var hasBreak: Bool { false }
    func takeBreak() -> Int? { nil }
    func sendBreak(milliseconds: Int) throws {}
    var hasUnwritten: Bool { false }
    var readsAfterEnd: Bool { false }
    var hasLeft: Bool { ending != nil }
    var ending: ProgramLauncher.Ending? { nil }
    func flush() throws {}
    func finish(_ ending: ProgramLauncher.Ending) {}
}

/// The side to which nothing can be written any more, which is no failure of the relay.
struct ReaderHasLeft: Error {}

extension OwnedDescriptor {
    /// Writes, and tells a reader that has gone from other failures.
    func give(_ bytes: ArraySlice<UInt8>) throws -> Int {
        do {
            return try write(bytes)
        } catch {
            throw error.meansReaderHasLeft ? ReaderHasLeft() : error
        }
    }
}

extension SystemError {
    fileprivate var meansReaderHasLeft: Bool { [EPIPE, ECONNRESET, EIO].contains(errorNumber) }
}

/// A channel of a port.
final class ChannelEnd: RelayEnd {
    private var stream: ComChannelStream?

    init(_ stream: ComChannelStream) {
        self.stream = stream
    }

    deinit { close() }

    var name: String { stream?.peerName ?? "the channel" }
    var inputDescriptor: Int32 { stream?.descriptor.number ?? -1 }
    var outputDescriptor: Int32 { inputDescriptor }

    var noticeDescriptor: Int32 { stream?.noticeDescriptor ?? -1 }
    var hasBreak: Bool { stream?.hasBreak ?? false }

    func takeBreak() -> Int? { stream?.takeBreak() }

    func sendBreak(milliseconds: Int) throws {
        do {
            try stream?.sendBreak(milliseconds: milliseconds)
        } catch {
            Output.note("dbgcom: \(name): the BREAK was not sent: \(error)")
        }
    }

    func read(maximum: Int) throws -> [UInt8]? {
        guard let stream else { return [] }
        do {
            let bytes = try stream.read(maximum: maximum)
            if bytes?.isEmpty == true { try checkReason(stream) }
            return bytes
        } catch let error as SystemError {
            try checkReason(stream)
            throw CommandFailure("\(stream.peerName) broke: \(error.reason).")
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard let stream else { throw ReaderHasLeft() }
        do {
            return try stream.write(bytes)
        } catch {
            try checkReason(stream)
            throw error.meansReaderHasLeft ? ReaderHasLeft() : error
        }
    }

    func finishWriting() {
        stream?.finishWriting()
    }

    func close() {
        stream?.close()
        stream = nil
    }

    private func checkReason(_ stream: ComChannelStream) throws {
        guard let reason = stream.lastReason else { return }
        throw CommandFailure("\(stream.peerName) broke: \(reason).")
    }
}

/// Standard input and output, which are whatever somebody made them: a terminal, a file, a pipe, a socket.
///
/// They stay blocking, since others may share them; so one read or write follows each answer of poll.
final class StandardEnd: RelayEnd {
    private let input = OwnedDescriptor(STDIN_FILENO)
    private var output: OwnedDescriptor? = OwnedDescriptor(STDOUT_FILENO)
    /// What a pipe that poll calls writable takes without waiting.
    private static let writeBytesMax = 4096

    var inputDescriptor: Int32 { input.number }
    var outputDescriptor: Int32 { output?.number ?? -1 }

    func read(maximum: Int) throws -> [UInt8]? { try input.read(maximum: maximum) }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard let output else { throw ReaderHasLeft() }
        return try output.give(bytes.prefix(Self.writeBytesMax))
    }

    func finishWriting() {
        if let output { shutDownWriting(output) }
        output = nil
    }

    func close() { output = nil }
}

/// A connected socket.
final class SocketEnd: RelayEnd {
    private var socket: OwnedDescriptor?

    init(_ socket: OwnedDescriptor) {
        self.socket = socket
    }

    var inputDescriptor: Int32 { socket?.number ?? -1 }
    var outputDescriptor: Int32 { inputDescriptor }

    func read(maximum: Int) throws -> [UInt8]? {
        do {
            return try socket?.read(maximum: maximum)
        } catch {
            throw error.errorNumber == ECONNRESET ? ReaderHasLeft() : error
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard let socket else { throw ReaderHasLeft() }
        return try socket.give(bytes)
    }

    func finishWriting() {
        if let socket { shutDownWriting(socket) }
    }

    func close() { socket = nil }
}

/// A pseudo-terminal with a stable name, for programs that want a serial port.
///
/// It keeps its other end open, so that a program that closes the port ends nothing.
final class TerminalEnd: RelayEnd {
    private let terminal: PseudoTerminal
    private let kept: OwnedDescriptor
    private let link: CableLink

    init(link path: String) throws {
        terminal = try PseudoTerminal()
        kept = try terminal.openSlave()
        var settings = try TerminalSettings(of: kept)
        settings.makeRaw()
        try settings.apply(to: kept)
        try terminal.master.setNonBlocking()
        link = try CableLink(path, to: terminal.path)
    }

    deinit { link.remove() }

    var inputDescriptor: Int32 { terminal.master.number }
    var outputDescriptor: Int32 { terminal.master.number }
    func read(maximum: Int) throws -> [UInt8]? { try terminal.master.read(maximum: maximum) }
    func write(_ bytes: ArraySlice<UInt8>) throws -> Int { try terminal.master.give(bytes) }
    func sendBreak(milliseconds: Int) { terminal.receiveBreak() }
    func finishWriting() {}
    func close() {}
}
