import LinuxSystem

/// Carries bytes between a channel and a local end until both directions have ended or one side has left.
final class Relay: LoopMember {
    /// How a relay ended.
    enum Ending {
        /// In order.
        case finished
        /// The local side went away.
        case localLeft
        /// The channel broke, in words.
        case broke(CommandFailure)
    }

    let channel: any RelayEnd
    let local: any RelayEnd
    private var toLocal = Direction()
    private var toChannel = Direction()
    private var endingPassedOn = false
    /// Whether the channel's end is the end, whatever the local side still has to say.
    private let endsWithChannel: Bool
    private let onEnd: (Ending) -> Void
    private(set) var isFinished = false

    /// Bytes read at once; they are given on before more are read.
    static let chunkBytes = 16_384

    /// Bytes under way in one direction.
    private struct Direction {
        var pending: ArraySlice<UInt8> = []
        var sourceHasEnded = false
        var isFinished = false

        var wantsInput: Bool { !sourceHasEnded && pending.isEmpty }
    }

    init(
        channel: any RelayEnd,
        local: any RelayEnd,
        endsWithChannel: Bool = false,
        onEnd: @escaping (Ending) -> Void
    ) {
        self.channel = channel
        self.local = local
        self.endsWithChannel = endsWithChannel
        self.onEnd = onEnd
    }

    var requests: [PollRequest] {
        [
            request(toLocal.wantsInput || readsAfterEnd, channel.inputDescriptor),
            request(toChannel.wantsInput, local.inputDescriptor),
            request(
                !toChannel.pending.isEmpty || channel.hasUnwritten,
                channel.outputDescriptor,
                write: true
            ),
            request(
                !toLocal.pending.isEmpty || local.hasUnwritten,
                local.outputDescriptor,
                write: true
            ),
            request(toLocal.wantsInput, channel.noticeDescriptor),
        ]
    }

    /// After the end of the data more may be said on a channel than bytes.
    private var readsAfterEnd: Bool { toLocal.sourceHasEnded && channel.readsAfterEnd }

    private func request(
        _ isWanted: Bool,
        _ descriptor: Int32,
        write: Bool = false
    ) -> PollRequest {
        PollRequest(isWanted ? descriptor : -1, read: !write, write: write)
    }

    var isReady: Bool {
        hasSomething(from: channel, to: local, toLocal)
            || hasSomething(from: local, to: channel, toChannel)
    }

    private func hasSomething(
        from source: any RelayEnd,
        to sink: any RelayEnd,
        _ direction: Direction
    ) -> Bool {
        direction.wantsInput && (source.hasNews || (source.hasBreak && !sink.hasUnwritten))
    }

    func step(_ answers: ArraySlice<PollRequest>) {
        let ready = Array(answers)
        do {
            if ready[2].isWritable { try channel.flush() }
            if ready[3].isWritable { try local.flush() }
            if readsAfterEnd && ready[0].isReadable {
                _ = try channel.read(maximum: Self.chunkBytes)
            }
            try moveBreaks(from: channel, to: local, toLocal)
            try moveBreaks(from: local, to: channel, toChannel)
            let channelHasInput = ready[0].isReadable || channel.hasNews
            try move(from: channel, to: local, \.toLocal, channelHasInput, ready[3].isWritable)
            let localHasInput = ready[1].isReadable || local.hasNews
            try move(from: local, to: channel, \.toChannel, localHasInput, ready[2].isWritable)
            try passEndingOn()
            if hasNothingLeft { end(.finished) }
        } catch let failure as CommandFailure {
            end(.broke(failure))
        } catch {
            end(.localLeft)
        }
    }

    /// A BREAK waits until the bytes before it have been given on.
    private func moveBreaks(
        from source: any RelayEnd,
        to sink: any RelayEnd,
        _ direction: Direction
    ) throws {
        guard direction.pending.isEmpty, !direction.isFinished else { return }
        while !sink.hasUnwritten, let milliseconds = source.takeBreak() {
            try sink.sendBreak(milliseconds: milliseconds)
        }
    }

    private func move(
        from source: any RelayEnd,
        to sink: any RelayEnd,
        _ path: ReferenceWritableKeyPath<Relay, Direction>,
        _ hasInput: Bool,
        _ hasRoom: Bool
    ) throws {
        if self[keyPath: path].wantsInput && hasInput {
            guard let bytes = try source.read(maximum: Self.chunkBytes) else { return }
            self[keyPath: path].pending = bytes[...]
            self[keyPath: path].sourceHasEnded = bytes.isEmpty
            if bytes.isEmpty {
                sink.finishWriting()
                self[keyPath: path].isFinished = true
            }
        } else if hasRoom && !self[keyPath: path].pending.isEmpty {
            do {
                let taken = try sink.write(self[keyPath: path].pending)
                self[keyPath: path].pending = self[keyPath: path].pending.dropFirst(taken)
            } catch is ReaderHasLeft where sink === channel || sink is ProgramEnd {
                // Who does not read any more may still have something to say.
                self[keyPath: path] = Direction(sourceHasEnded: true, isFinished: true)
            }
        }
    }

    /// A program's ending follows the last byte that it wrote.
    private func passEndingOn() throws {
        if let ending = local.ending, toChannel.isFinished, !endingPassedOn {
            channel.finish(ending)
            endingPassedOn = true
        }
        if channel.hasUnwritten { try channel.flush() }
    }

    private var sideHasLeft: Bool {
        let localHasLeft = local.hasLeft && toChannel.isFinished
        let channelHasLeft = (channel.hasLeft || endsWithChannel) && toLocal.isFinished
        return localHasLeft || channelHasLeft
    }

    private var hasNothingLeft: Bool {
        let isDone = sideHasLeft || (toLocal.isFinished && toChannel.isFinished && canEnd)
        return isDone && !channel.hasUnwritten && !local.hasUnwritten
    }

    /// A program whose output has ended may still run, and its status is part of the session.
    private var canEnd: Bool {
        switch (channel, local) {
        case (_, is ProgramEnd): false
        case (is SessionEnd, _): false
        default: true
        }
    }

    func stop() { end(.localLeft) }

    private func end(_ ending: Ending) {
        guard !isFinished else { return }
        isFinished = true
        channel.close()
        local.close()
        onEnd(ending)
    }
}
