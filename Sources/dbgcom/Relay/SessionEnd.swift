import LinuxSystem
import SessionProtocol
import Transports

/// A channel on which both ends speak the frames of a program's session.
final class SessionEnd: RelayEnd {
    private let channel: ChannelEnd
    private var decoder = ProgramFrameDecoder()
    private var arrived: [UInt8] = []
    private var outgoing: ArraySlice<UInt8> = []
    private var dataHasEnded = false
    private var hasToldEnd = false
    private(set) var ending: ProgramLauncher.Ending?
    /// Takes a frame that is no data: hello, window, signal.
    var onFrame: (ProgramFrame) throws -> Void = { _ in }

    /// Bytes of frames that may wait for the channel.
    private static let outgoingBytesMax = 65_536

    init(_ channel: ChannelEnd, terminal: String) {
        self.channel = channel
        outgoing = ProgramFrame.hello(terminal: terminal).encoded[...]
    }

    var inputDescriptor: Int32 { channel.inputDescriptor }
    var outputDescriptor: Int32 { channel.outputDescriptor }
    var hasUnwritten: Bool { !outgoing.isEmpty }
    var noticeDescriptor: Int32 { channel.noticeDescriptor }
    var hasNews: Bool { !arrived.isEmpty || (dataHasEnded && !hasToldEnd) }
    var hasBreak: Bool { arrived.isEmpty && channel.hasBreak }
    var readsAfterEnd: Bool { ending == nil }

    /// Reads what has come, before anybody takes data or BREAKs.
    func wait() throws {
        while channel.takeBreak() != nil {}
        try fill(ProgramFrame.payloadBytesMax)
    }

    /// BREAKs stand between frames (PROG-11).
    func takeBreak() -> Int? { arrived.isEmpty ? channel.takeBreak() : nil }

    func sendBreak(milliseconds: Int) throws { try channel.sendBreak(milliseconds: milliseconds) }

    func read(maximum: Int) throws -> [UInt8]? {
        if arrived.isEmpty && !dataHasEnded { try fill(maximum) }
        if !arrived.isEmpty {
            defer { arrived = [] }
            return arrived
        }
        if dataHasEnded && readsAfterEnd { try fill(maximum) }
        hasToldEnd = dataHasEnded
        return dataHasEnded ? [] : nil
    }

    /// Reads frames; neither side closes the channel before the program's ending was said.
    private func fill(_ maximum: Int) throws {
        guard let bytes = try channel.read(maximum: maximum) else { return }
        decoder.append(bytes)
        do {
            while let frame = try decoder.next() { try take(frame) }
        } catch let violation as ProgramFrameDecoder.Violation {
            throw CommandFailure("\(channel.name): \(violation).")
        }
        if bytes.isEmpty && ending == nil {
            throw CommandFailure("\(channel.name) ended in the middle of a session.")
        }
    }

    private func take(_ frame: ProgramFrame) throws {
        switch frame {
        case .data(let bytes): arrived += bytes
        case .end: dataHasEnded = true
        case .exited(let code): end(.exited(code))
        case .killed(let signal): end(.killed(signal: signal))
        case .hello, .window, .signal: try onFrame(frame)
        }
    }

    private func end(_ how: ProgramLauncher.Ending) {
        dataHasEnded = true
        ending = how
    }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard outgoing.count < Self.outgoingBytesMax else { return 0 }
        let taken = bytes.prefix(ProgramFrame.payloadBytesMax)
        send(.data(Array(taken)))
        try flush()
        return taken.count
    }

    func send(_ frame: ProgramFrame) {
        outgoing += frame.encoded
    }

    func flush() throws {
        do {
            while !outgoing.isEmpty {
                let taken = try channel.write(outgoing)
                if taken == 0 { return }
                outgoing = outgoing.dropFirst(taken)
            }
        } catch let gone as ReaderHasLeft {
            outgoing = []
            throw gone
        }
    }

    func finishWriting() { send(.end) }

    func finish(_ ending: ProgramLauncher.Ending) {
        switch ending {
        case .exited(let code): send(.exited(code))
        case .killed(let signal): send(.killed(signal: signal))
        }
    }

    func close() { channel.close() }
}
