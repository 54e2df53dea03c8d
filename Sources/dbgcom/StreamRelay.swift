import Glibc
import LinuxSystem
import Transports

/// Carries bytes between the standard streams and a channel until both directions have ended.
struct StreamRelay {
    private let stream: ComChannelStream
    private let signals: TerminationSignals
    private let input = OwnedDescriptor(STDIN_FILENO)
    private let output = OwnedDescriptor(STDOUT_FILENO)
    private var toChannel: ArraySlice<UInt8> = []
    private var inputHasEnded = false
    private var channelHasEnded = false

    private static let chunkBytes = 16_384

    init(_ stream: ComChannelStream, _ signals: TerminationSignals) {
        self.stream = stream
        self.signals = signals
    }

    /// Relays until the end.
    ///
    /// - Throws: when the channel broke.
    consuming func run() throws {
        var relay = self
        while try relay.step() {}
        relay.stream.close()
    }

    /// Waits for something to do and does it.
    ///
    /// - Returns: whether there is more to come.
    private mutating func step() throws -> Bool {
        let readsInput = !inputHasEnded && toChannel.isEmpty
        var requests = [
            PollRequest(readsInput ? input.number : -1),
            PollRequest(channelDescriptor, read: !channelHasEnded, write: !toChannel.isEmpty),
            PollRequest(signals.descriptor),
        ]
        try pollDescriptors(&requests)
        if requests[2].isReadable { return false }
        if requests[0].isReadable { try readInput() }
        if !channelHasEnded && requests[1].isReadable { try readChannel() }
        if !toChannel.isEmpty { try writeChannel() }
        return !(inputHasEnded && toChannel.isEmpty && channelHasEnded)
    }

    /// Passed over by poll once there is nothing left to ask it, since an ended socket is always ready.
    private var channelDescriptor: Int32 {
        channelHasEnded && toChannel.isEmpty ? -1 : stream.descriptor.number
    }

    private mutating func readInput() throws {
        guard let bytes = try input.read(maximum: Self.chunkBytes) else { return }
        toChannel = bytes[...]
        guard bytes.isEmpty else { return }
        inputHasEnded = true
        stream.finishWriting()
    }

    private mutating func readChannel() throws {
        guard let bytes = try stream.descriptor.read(maximum: Self.chunkBytes) else { return }
        if bytes.isEmpty {
            channelHasEnded = true
            try checkReason()
            return
        }
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try output.write(rest)) }
    }

    private mutating func writeChannel() throws {
        do {
            toChannel = toChannel.dropFirst(try stream.descriptor.write(toChannel))
        } catch {
            try checkReason()
            throw error
        }
    }

    private func checkReason() throws {
        guard let reason = stream.lastReason else { return }
        throw CommandFailure("\(stream.peerName) broke: \(reason).")
    }
}
