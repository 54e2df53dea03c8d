// The middle of a debugging server: who takes part, who typed what, what everybody is to see. Bytes of
// participants come in, frames for them go out, commands wait in order of arrival. No sockets, no clock.

/// A debugging session that several people take part in.
public struct SharedSession: Sendable {
    /// How many may take part.
    public static let participantsMax = 256
    /// How many commands of one participant may wait.
    public static let commandsMaxEach = 64
    /// How many commands of all together may wait.
    public static let commandsMax = 1024
    /// From how many bytes on a backlog is skipped by its reader's Ctrl+C.
    static let skippedBytesMin: UInt64 = 65_536
    /// How many lines are shown behind what was skipped.
    static let linesBehindSkip = 24

    /// Somebody who takes part from elsewhere.
    public struct Participant: Sendable, Equatable {
        /// The number `.clients` shows, from 1; 0 is the server's own console.
        public let number: UInt16
        /// The way here, `tcp [::1]:5005`.
        public let peerName: String
        /// Whether commands are refused.
        public var isReadOnly: Bool
        /// `user` and `host` once it has joined.
        public internal(set) var names: (user: String, host: String)?
        /// When it last sent something, in whatever the caller counts time.
        public internal(set) var lastActive: UInt64

        /// `BOX\user (tcp [::1]:5005)`, as the original shows who typed.
        public var identity: String {
            let names = names ?? ("?", "?")
            return "\(names.host)\\\(names.user) (\(peerName))"
        }

        /// Whether both are the same seat, taken by the same person with the same rights.
        public static func == (one: Participant, other: Participant) -> Bool {
            one.number == other.number && one.identity == other.identity
                && one.isReadOnly == other.isReadOnly
        }
    }

    /// A command line and whose it is.
    public struct Command: Sendable, Equatable {
        /// The participant; 0 for the server's own console.
        public var participant: UInt16
        /// The line.
        public var text: String
    }

    /// What a participant's bytes mean for the program around.
    public enum Event: Sendable, Equatable {
        /// Somebody takes part from now on.
        case joined(UInt16)
        /// Somebody presses Ctrl+C.
        case interrupt(UInt16)
        /// Somebody asks how a line may go on; answer with `answer`.
        case complete(UInt16, number: UInt16, String)
        /// A command was put into the queue.
        case commandWaits
        /// It has to go, for these reasons; what waits for it is still sent.
        case expelled(UInt16, String)
    }

    /// What the session does.
    public enum State: Sendable, Equatable {
        /// It waits for a command.
        case prompt(String)
        /// It carries one out; the target may run.
        case busy(targetRuns: Bool)
    }

    private struct Seat: Sendable {
        var participant: Participant
        var decoder = SharedFrameDecoder()
        var position: UInt64 = 0
        var hasJoined = false
        /// Frames that are no text: answers, the welcome.
        var frames: [[UInt8]] = []
        /// The state that it was last told, and up to where the text stood then.
        var told: (state: State, at: UInt64, answered: UInt32)?
        /// How many of its commands were taken to be carried out, or refused.
        var answered: UInt32 = 0
        /// Bytes of text that it did not want to wait for and has not been told of.
        var skippedBytes: UInt64 = 0
        /// Whether a question of its is not answered yet.
        var isAsking = false
        var isLeaving = false
        var hasSaidEnd = false
        /// Whether it has been told that its commands are not taken; it is told once, however many it sends.
        var hasBeenRefused = false
    }

    /// The session's number.
    public let number: UInt64
    /// Everything that was shown.
    public private(set) var transcript: Transcript
    /// What the session does; all are told when it changes.
    public private(set) var state: State = .busy(targetRuns: false)
    private let program: String
    private var seats: [UInt16: Seat] = [:]
    private var nextParticipant: UInt16 = 1
    private var commands: [Command] = []

    /// A session nobody has joined yet.
    ///
    /// - Parameters:
    ///   - number: drawn at random, so that a client knows whether it comes back to the same session.
    ///   - program: name and version of the server.
    public init(number: UInt64, program: String, historyBytesMax: Int = Transcript.bytesMax) {
        self.number = number
        self.program = program
        transcript = Transcript(bytesMax: historyBytesMax)
    }

    // MARK: - Who takes part

    /// Those who have joined and are not on their way out, by number.
    public var participants: [Participant] {
        seats.keys.sorted().compactMap { seats[$0] }.filter { $0.hasJoined && !$0.isLeaving }
            .map(\.participant)
    }

    /// A participant, joined or about to.
    public func participant(_ number: UInt16) -> Participant? { seats[number]?.participant }

    /// Gives a seat to a connection; nil when all are taken.
    public mutating func admit(
        peerName: String,
        isReadOnly: Bool = false,
        at time: UInt64
    ) -> UInt16? {
        guard seats.count < Self.participantsMax else { return nil }
        while seats[nextParticipant] != nil || nextParticipant == 0 { nextParticipant &+= 1 }
        let participant = Participant(
            number: nextParticipant,
            peerName: peerName,
            isReadOnly: isReadOnly,
            names: nil,
            lastActive: time
        )
        seats[nextParticipant] = Seat(participant: participant)
        defer { nextParticipant &+= 1 }
        return nextParticipant
    }

    /// Frees the seat of a connection that is gone; commands of its that wait are forgotten.
    public mutating func remove(_ number: UInt16) {
        seats[number] = nil
        commands.removeAll { $0.participant == number }
    }

    /// Lets a participant's commands count or not.
    public mutating func setReadOnly(_ isReadOnly: Bool, _ number: UInt16) {
        seats[number]?.participant.isReadOnly = isReadOnly
    }

    /// Shows a participant out with words; its seat is free once `remove` is called.
    public mutating func expel(_ number: UInt16, _ words: String) {
        guard let seat = seats[number], !seat.hasSaidEnd else { return }
        seats[number]?.hasSaidEnd = true
        seats[number]?.isLeaving = true
        seats[number]?.frames.append(SharedFrame.ended(words).encoded)
        commands.removeAll { $0.participant == number }
    }

    /// Ends the session for everybody.
    public mutating func end(_ words: String) {
        for number in seats.keys.sorted() { expel(number, words) }
    }

    // MARK: - What comes from participants

    /// Takes bytes of a participant.
    public mutating func receive(
        _ bytes: [UInt8],
        from number: UInt16,
        at time: UInt64
    ) -> [Event] {
        guard seats[number]?.isLeaving == false else { return [] }
        seats[number]?.participant.lastActive = time
        seats[number]?.decoder.append(bytes)
        var events: [Event] = []
        do {
            while let frame = try nextFrame(number) {
                if let event = take(frame, number) { events.append(event) }
            }
        } catch {
            events.append(violation(number, "\(error)"))
        }
        return events
    }

    private mutating func nextFrame(
        _ number: UInt16
    ) throws(SharedFrameDecoder.Violation) -> SharedFrame? {
        guard var seat = seats[number], !seat.isLeaving else { return nil }
        // Moved out and back, so that its buffer is not copied.
        seats[number] = nil
        defer { seats[number] = seat }
        return try seat.decoder.next()
    }

    private mutating func violation(_ number: UInt16, _ words: String) -> Event {
        expel(number, "the client does not keep to the protocol: \(words)")
        return .expelled(number, words)
    }

    private mutating func take(_ frame: SharedFrame, _ number: UInt16) -> Event? {
        let hasJoined = seats[number]?.hasJoined ?? false
        switch frame {
        case .join(let join) where !hasJoined:
            return take(join, number)
        case .command(let text) where hasJoined:
            return take(command: text, number)
        case .interrupt where hasJoined:
            skipBacklog(of: number)
            if refuseReadOnly(number) { return nil }
            return .interrupt(number)
        case .complete(let query, let text) where hasJoined:
            // An answer may take the debugger a while: the next question waits for it, or is forgotten.
            guard seats[number]?.isAsking == false else { return nil }
            seats[number]?.isAsking = true
            return .complete(number, number: query, text)
        default:
            return violation(number, "a frame came that a client does not send at that place")
        }
    }

    private mutating func take(_ join: SharedFrame.Join, _ number: UInt16) -> Event {
        let resumes = join.resumes.flatMap { $0.session == self.number ? $0.offset : nil }
        let lines = Int(clamping: join.historyLines)
        var position = resumes ?? transcript.offset(ofLastLines: lines)
        position = min(position, transcript.end)
        let names = (Self.clean(join.user), Self.clean(join.host))
        seats[number]?.participant.names = names
        seats[number]?.hasJoined = true
        seats[number]?.position = position
        let welcome = SharedFrame.Welcome(
            position: SharedFrame.Position(session: self.number, offset: position),
            participant: number,
            isReadOnly: seats[number]?.participant.isReadOnly ?? false,
            program: program
        )
        seats[number]?.frames.append(SharedFrame.welcome(welcome).encoded)
        return .joined(number)
    }

    /// Who presses Ctrl+C does not want to read all that is still on its way.
    private mutating func skipBacklog(of number: UInt16) {
        guard backlog(of: number) > Self.skippedBytesMin, var seat = seats[number] else { return }
        let place = transcript.offset(ofLastLines: Self.linesBehindSkip)
        guard place > seat.position else { return }
        seat.skippedBytes += place - seat.position
        seat.position = place
        seats[number] = seat
    }

    /// A name is somebody's word for himself: nothing in it moves the cursor.
    private static func clean(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.filter(isHarmless)))
    }

    /// Neither a control character nor one that turns the direction of what follows.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1f, 0x7f...0x9f, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff:
            false
        default: true
        }
    }

    private mutating func take(command text: String, _ number: UInt16) -> Event? {
        if refuseReadOnly(number) {
            seats[number]?.answered &+= 1
            return nil
        }
        let own = commands.filter { $0.participant == number }.count
        guard own < Self.commandsMaxEach, commands.count < Self.commandsMax else {
            seats[number]?.answered &+= 1
            refuse(
                number,
                "Too many commands wait; from here on some are dropped: \(text.prefix(60))\n"
            )
            return nil
        }
        seats[number]?.hasBeenRefused = false
        commands.append(Command(participant: number, text: Self.clean(text)))
        return .commandWaits
    }

    private mutating func refuseReadOnly(_ number: UInt16) -> Bool {
        guard seats[number]?.participant.isReadOnly == true else { return false }
        refuse(number, "You take part read-only: commands are not carried out.\n")
        return true
    }

    /// Says so once: a flood of commands is no flood of answers, which would push out what others have not read.
    private mutating func refuse(_ number: UInt16, _ words: String) {
        guard seats[number]?.hasBeenRefused == false else { return }
        seats[number]?.hasBeenRefused = true
        tell(number, words)
    }

    /// Puts a command of the server's own console into the queue.
    public mutating func enqueue(_ text: String) {
        commands.append(Command(participant: 0, text: text))
    }

    /// Whether a command waits.
    public var hasCommand: Bool { !commands.isEmpty }

    /// The command that came first.
    public mutating func takeCommand() -> Command? {
        guard !commands.isEmpty else { return nil }
        let command = commands.removeFirst()
        seats[command.participant]?.answered &+= 1
        return command
    }

    // MARK: - What they are shown

    /// Text of the session.
    public mutating func write(
        _ text: String,
        _ style: SharedFrame.OutputPiece.Style = .plain,
        for audience: Transcript.Audience = .everybody
    ) {
        transcript.append(text, style, for: audience)
    }

    /// A sentence for one participant.
    public mutating func tell(_ number: UInt16, _ text: String) {
        transcript.append(text, .warning, for: .only(number))
    }

    /// Shows a command to those who did not type it: another's with his identity, the server's own without.
    ///
    /// Comments stay where they are typed, as with the original.
    public mutating func show(_ command: Command, prompt: String) {
        let text = command.text.drop { $0 == " " }
        if text.hasPrefix("*") || text.hasPrefix("$$") && !text.hasPrefix("$$<") { return }
        let whose = seats[command.participant].map { "[\($0.participant.identity)] " } ?? ""
        transcript.append(
            "\(whose)\(prompt)\(command.text)\n",
            .plain,
            for: .except(command.participant)
        )
    }

    /// Says what the session does from now on.
    public mutating func set(_ state: State) {
        self.state = state
    }

    /// Lets those who were refused hear of it again: what made them be refused may be over.
    public mutating func forgetRefusals() {
        for number in seats.keys { seats[number]?.hasBeenRefused = false }
    }

    /// How many bytes of text a participant has not taken.
    public func backlog(of number: UInt16) -> UInt64 {
        guard let seat = seats[number], seat.hasJoined else { return 0 }
        return transcript.end - min(seat.position, transcript.end)
    }

    /// Answers `Event.complete`.
    public mutating func answer(_ number: UInt16, query: UInt16, _ texts: [String]) {
        guard seats[number]?.isAsking == true else { return }
        seats[number]?.isAsking = false
        seats[number]?.frames.append(SharedFrame.completions(number: query, texts).encoded)
    }

    /// Whether there are bytes for a participant.
    public func hasOutput(_ number: UInt16) -> Bool {
        guard let seat = seats[number] else { return false }
        guard seat.frames.isEmpty else { return true }
        guard seat.hasJoined, !seat.hasSaidEnd else { return false }
        return seat.position < transcript.end || isStateNews(to: seat)
    }

    /// A prompt is repeated behind text, where a terminal is to show it; that the session is busy is said once.
    private func isStateNews(to seat: Seat) -> Bool {
        guard seat.told?.state == state, seat.told?.answered == seat.answered else { return true }
        if case .busy = state { return false }
        return seat.told?.at != transcript.end
    }

    /// The next frame for a participant: its welcome and answers, then text, then what the session does.
    public mutating func takeFrame(for number: UInt16) -> [UInt8]? {
        guard var seat = seats[number] else { return nil }
        defer { seats[number] = seat }
        // Text goes out before the end, and the welcome before text.
        let isEndAlone = seat.hasSaidEnd && seat.frames.count == 1
        if !seat.frames.isEmpty, !(isEndAlone && seat.position < transcript.end && seat.hasJoined) {
            return seat.frames.removeFirst()
        }
        guard seat.hasJoined else { return nil }
        if seat.skippedBytes > 0 {
            defer { seat.skippedBytes = 0 }
            return SharedFrame.missed(byteCount: seat.skippedBytes).encoded
        }
        if let piece = transcript.piece(from: seat.position, for: number) {
            if piece.missed > 0 {
                seat.position = transcript.start
                return SharedFrame.missed(byteCount: piece.missed).encoded
            }
            seat.position = piece.next
            if !piece.bytes.isEmpty {
                return SharedFrame.output(
                    .init(style: piece.style, nextOffset: piece.next, bytes: piece.bytes)
                ).encoded
            }
        }
        if !seat.frames.isEmpty { return seat.frames.removeFirst() }
        return takeState(&seat)
    }

    private func takeState(_ seat: inout Seat) -> [UInt8]? {
        guard !seat.hasSaidEnd, isStateNews(to: seat) else { return nil }
        seat.told = (state, transcript.end, seat.answered)
        switch state {
        case .prompt(let text):
            return SharedFrame.prompt(answered: seat.answered, text).encoded
        case .busy(let targetRuns): return SharedFrame.busy(targetRuns: targetRuns).encoded
        }
    }

    /// Whether everything was taken that a participant who was shown out is still to get.
    public func hasLeft(_ number: UInt16) -> Bool {
        guard let seat = seats[number] else { return true }
        return seat.isLeaving && seat.frames.isEmpty
    }
}
