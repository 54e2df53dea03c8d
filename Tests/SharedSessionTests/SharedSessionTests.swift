import Testing

@testable import SharedSession

@Suite("A shared session")
struct SharedSessionTests {
    /// A client: what it was sent, as a person would see it.
    private struct Client {
        var number: UInt16
        var decoder = SharedFrameDecoder()
        var frames: [SharedFrame] = []

        var text: String {
            let bytes = frames.flatMap { (frame) -> [UInt8] in
                if case .output(let piece) = frame { piece.bytes } else { [] }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private func join(
        _ session: inout SharedSession,
        _ user: String,
        lines: UInt32 = 0,
        resumes: SharedFrame.Position? = nil
    ) throws -> Client {
        let seat = session.admit(peerName: "tcp \(user)", at: 0)
        let number = try #require(seat)
        let events = session.receive(
            SharedFrame.join(
                .init(user: user, host: "BOX", historyLines: lines, resumes: resumes)
            ).encoded,
            from: number,
            at: 1
        )
        #expect(events == [.joined(number)])
        return Client(number: number)
    }

    private func pump(_ session: inout SharedSession, _ client: inout Client) throws {
        while session.hasOutput(client.number) {
            guard let bytes = session.takeFrame(for: client.number) else { continue }
            client.decoder.append(bytes)
            while let frame = try client.decoder.next() { client.frames.append(frame) }
        }
    }

    private func type(_ session: inout SharedSession, _ client: Client, _ text: String)
        -> [SharedSession.Event]
    {
        session.receive(SharedFrame.command(text).encoded, from: client.number, at: 2)
    }

    private func makeSession(bytesMax: Int = Transcript.bytesMax) -> SharedSession {
        SharedSession(number: 42, program: "cdb/0.1", historyBytesMax: bytesMax)
    }

    @Test("who joins is welcomed, sees the last lines and the state at once (SHR-5)")
    func joins() throws {
        var session = makeSession()
        session.write("one\ntwo\nthree\n")
        session.set(.prompt("0:000> "))
        var client = try join(&session, "eve", lines: 2)
        try pump(&session, &client)
        guard case .welcome(let welcome) = client.frames.first else {
            Issue.record("\(client.frames)")
            return
        }
        #expect(welcome.participant == client.number && welcome.position.session == 42)
        #expect(client.text == "two\nthree\n")
        #expect(client.frames.last == .prompt(answered: 0, "0:000> "))
        #expect(session.participants.map(\.identity) == ["BOX\\eve (tcp eve)"])
    }

    @Test("commands come out in order of arrival, each with whose it is (SHR-6)")
    func order() throws {
        var session = makeSession()
        let (one, two) = (try join(&session, "one"), try join(&session, "two"))
        #expect(type(&session, one, "k") == [.commandWaits])
        session.enqueue("r")
        #expect(type(&session, two, "lm") == [.commandWaits])
        #expect(session.takeCommand() == .init(participant: one.number, text: "k"))
        #expect(session.takeCommand() == .init(participant: 0, text: "r"))
        #expect(session.takeCommand() == .init(participant: two.number, text: "lm"))
        #expect(session.takeCommand() == nil)
    }

    @Test("others see a command with who typed it, its typist sees only the answer (SHR-7)")
    func echo() throws {
        var session = makeSession()
        var (one, two) = (try join(&session, "one"), try join(&session, "two"))
        session.set(.prompt("0:000> "))
        _ = type(&session, one, "k")
        let taken = session.takeCommand()
        let command = try #require(taken)
        session.set(.busy(targetRuns: false))
        session.show(command, prompt: "0:000> ")
        session.write("main+0x4\n")
        session.set(.prompt("0:000> "))
        try pump(&session, &one)
        try pump(&session, &two)
        #expect(one.text == "main+0x4\n")
        #expect(two.text == "[BOX\\one (tcp one)] 0:000> k\nmain+0x4\n")
        session.show(.init(participant: 0, text: "r"), prompt: "0:000> ")
        try pump(&session, &one)
        #expect(one.text.hasSuffix("0:000> r\n") && !one.text.contains("["))
        #expect(one.frames.last == .prompt(answered: 1, "0:000> "))
    }

    @Test("Ctrl+C skips what its sender has not read yet, and says how much that was (SHR-8)")
    func skips() throws {
        var session = makeSession()
        var one = try join(&session, "one")
        try pump(&session, &one)
        one.frames = []
        for number in 0..<10_000 { session.write("line \(number) of a long listing\n") }
        let events = session.receive(SharedFrame.interrupt.encoded, from: one.number, at: 3)
        #expect(events == [.interrupt(one.number)])
        try pump(&session, &one)
        guard case .missed(let count) = one.frames.first else {
            Issue.record("it is not told what it missed: \(one.frames.prefix(2))")
            return
        }
        #expect(count > 200_000)
        #expect(
            one.text.hasPrefix("line 9976 ") && one.text.hasSuffix("line 9999 of a long listing\n")
        )
    }

    @Test("a prompt says how many commands are settled, refused ones too (SHR-5)")
    func settled() throws {
        var session = makeSession()
        var one = try join(&session, "one")
        session.set(.prompt("> "))
        try pump(&session, &one)
        #expect(one.frames.last == .prompt(answered: 0, "> "))
        _ = type(&session, one, "k")
        _ = session.takeCommand()
        try pump(&session, &one)
        #expect(one.frames.last == .prompt(answered: 1, "> "), "also when nothing else has changed")
        session.setReadOnly(true, one.number)
        _ = type(&session, one, "k")
        try pump(&session, &one)
        #expect(one.frames.last == .prompt(answered: 2, "> "))
    }

    @Test("of one participant one question is open at a time (SHR-12)")
    func questions() throws {
        var session = makeSession()
        var one = try join(&session, "one")
        func ask(_ number: UInt16) -> [SharedSession.Event] {
            session.receive(
                SharedFrame.complete(number: number, "b").encoded,
                from: one.number,
                at: 3
            )
        }
        #expect(ask(1) == [.complete(one.number, number: 1, "b")])
        #expect(ask(2).isEmpty)
        session.answer(one.number, query: 1, ["bp"])
        session.answer(one.number, query: 1, ["bp"])
        try pump(&session, &one)
        #expect(one.frames.filter { $0 == .completions(number: 1, ["bp"]) }.count == 1)
        #expect(ask(3) == [.complete(one.number, number: 3, "b")])
    }

    @Test("a flood of refused commands is answered once, until that is forgotten (SHR-10, SHR-12)")
    func floods() throws {
        var session = makeSession()
        var one = try join(&session, "one")
        session.setReadOnly(true, one.number)
        for _ in 0..<100 { _ = type(&session, one, "k") }
        try pump(&session, &one)
        #expect(one.text.split(separator: "\n").count == 1)
        session.forgetRefusals()
        _ = type(&session, one, "k")
        try pump(&session, &one)
        #expect(one.text.split(separator: "\n").count == 2)
    }

    @Test("comments stay with who types them; commands have no control characters (SHR-7)")
    func comments() throws {
        var session = makeSession()
        var one = try join(&session, "one")
        let two = try join(&session, "two")
        for text in ["* mine", "$$ mine", "$$<script", "k\n\u{1b}[2J"] {
            _ = type(&session, two, text)
            let taken = session.takeCommand()
            session.show(try #require(taken), prompt: "> ")
        }
        try pump(&session, &one)
        #expect(one.text == "[BOX\\two (tcp two)] > $$<script\n[BOX\\two (tcp two)] > k[2J\n")
    }

    @Test("who does not read holds up nobody, and is told what was missed (SHR-8)")
    func slow() throws {
        var session = makeSession(bytesMax: 1000)
        var (quick, slow) = (try join(&session, "quick"), try join(&session, "slow"))
        try pump(&session, &slow)
        for index in 0..<400 {
            session.write("line \(index)\n")
            try pump(&session, &quick)
        }
        #expect(quick.text.split(separator: "\n").count == 400)
        try pump(&session, &slow)
        let missed = slow.frames.compactMap { frame in
            if case .missed(let count) = frame { count } else { nil }
        }
        #expect(missed.count == 1)
        #expect(Int(missed[0]) + slow.text.utf8.count == Int(session.transcript.end))
    }

    @Test("a client that comes back goes on where it was, in the same session only (SHR-9)")
    func resumes() throws {
        var session = makeSession()
        session.write("before\n")
        var client = try join(&session, "eve", lines: 100)
        try pump(&session, &client)
        session.remove(client.number)
        session.write("meanwhile\n")
        var back = try join(
            &session,
            "eve",
            lines: 100,
            resumes: .init(session: 42, offset: 7)
        )
        try pump(&session, &back)
        #expect(back.text == "meanwhile\n")
        var other = try join(&session, "eve", lines: 1, resumes: .init(session: 41, offset: 3))
        try pump(&session, &other)
        #expect(other.text == "meanwhile\n", "another session's place means nothing")
        var beyond = try join(
            &session,
            "eve",
            resumes: .init(session: 42, offset: .max - 1)
        )
        try pump(&session, &beyond)
        #expect(beyond.text.isEmpty)
    }

    @Test(
        "read-only participants see everything; their commands and interrupts are refused (SHR-10)"
    )
    func readOnly() throws {
        var session = makeSession()
        var client = try join(&session, "eve")
        session.setReadOnly(true, client.number)
        #expect(type(&session, client, "k").isEmpty)
        let interrupt = SharedFrame.interrupt.encoded
        #expect(session.receive(interrupt, from: client.number, at: 3).isEmpty)
        #expect(!session.hasCommand)
        session.write("seen\n")
        try pump(&session, &client)
        #expect(client.text.contains("read-only") && client.text.contains("seen"))
    }

    @Test("an interrupt and a question reach the program")
    func requests() throws {
        var session = makeSession()
        var client = try join(&session, "eve")
        let bytes =
            SharedFrame.interrupt.encoded + SharedFrame.complete(number: 9, "bp m").encoded
        #expect(
            session.receive(bytes, from: client.number, at: 3)
                == [.interrupt(client.number), .complete(client.number, number: 9, "bp m")]
        )
        session.answer(client.number, query: 9, ["main"])
        try pump(&session, &client)
        #expect(client.frames.contains(.completions(number: 9, ["main"])))
    }

    @Test("the end comes behind the text (SHR-11)")
    func ends() throws {
        var session = makeSession()
        var client = try join(&session, "eve")
        session.write("last words\n")
        session.end("the server ends")
        try pump(&session, &client)
        #expect(client.text == "last words\n")
        #expect(client.frames.last == .ended("the server ends"))
        #expect(session.hasLeft(client.number))
        #expect(type(&session, client, "k").isEmpty)
    }

    @Test(
        "whoever does not keep to the protocol is shown out alone (SHR-2, SHR-4)",
        arguments: [
            [99, 0, 0], SharedFrame.command("k").encoded,
            SharedFrame.prompt(answered: 0, "x").encoded,
            SharedFrame.interrupt.encoded,
        ]
    )
    func hostile(bytes: [UInt8]) throws {
        var session = makeSession()
        var other = try join(&session, "other")
        let seat = session.admit(peerName: "tcp x", at: 0)
        let number = try #require(seat)
        guard case .expelled(number, _) = session.receive(bytes, from: number, at: 1).first else {
            Issue.record("not expelled")
            return
        }
        #expect(session.receive(bytes, from: number, at: 1).isEmpty)
        var client = Client(number: number)
        try pump(&session, &client)
        guard case .ended = client.frames.last else {
            Issue.record("\(client.frames)")
            return
        }
        #expect(session.hasLeft(number))
        #expect(type(&session, other, "k") == [.commandWaits])
        try pump(&session, &other)
        #expect(!other.text.contains("protocol"))
    }

    @Test("a flood of commands is bounded, each client's and all together (SHR-12)")
    func flood() throws {
        var session = makeSession()
        let client = try join(&session, "eve")
        for _ in 0..<1000 { _ = type(&session, client, "k") }
        var count = 0
        while session.takeCommand() != nil { count += 1 }
        #expect(count == SharedSession.commandsMaxEach)
        for _ in 0..<SharedSession.participantsMax { _ = session.admit(peerName: "x", at: 0) }
        #expect(session.admit(peerName: "one too many", at: 0) == nil)
    }

    @Test("names cannot move the cursor, and commands of who has left are forgotten")
    func names() throws {
        var session = makeSession()
        let seat = session.admit(peerName: "tcp", at: 0)
        let number = try #require(seat)
        let join = SharedFrame.Join(user: "\u{1b}[2Jeve", host: "a\nb", historyLines: 0)
        _ = session.receive(SharedFrame.join(join).encoded, from: number, at: 0)
        #expect(session.participant(number)?.identity == "ab\\[2Jeve (tcp)")
        _ = session.receive(SharedFrame.command("k").encoded, from: number, at: 0)
        session.remove(number)
        #expect(!session.hasCommand)
    }
}
