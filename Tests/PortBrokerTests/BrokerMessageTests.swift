import Testing

@testable import BrokerProtocol

@Suite("Requests and messages of the broker's protocol")
struct BrokerMessageTests {
    static let token = BrokerToken("00112233445566778899aabbccddeeff")!

    static let requests: [BrokerRequest] = [
        .hello(version: 1, program: "my debugger"),
        .open(
            LineSettings(
                baudRate: 115_200,
                parity: "even",
                stopBits: 2,
                flowControl: "rts-cts",
                dtr: "off",
                rts: "on"
            )
        ),
        .listen(channel: 0), .connect(channel: 254, waits: true),
        .offer(channel: 3, type: "Remote Process Server", transport: "com:Port=2"), .directory,
        .connect(channel: 7, waits: false), .adopt(token), .status, .bye,
        .data(token, takesBreaks: false), .data(token, takesBreaks: true),
        .sendBreak(token, LineBreak(after: 70_000, milliseconds: 250)),
    ]

    static let messages: [BrokerMessage] = [
        .ok([]), .ok([BrokerLine.Field(key: "token", value: token.text)]),
        .error(.settingsInUse, "COM2 is in use at 9600 baud"),
        .incoming(channel: 3, token), .opened(token), .closed(token, .reset, "the peer restarted"),
        .closed(token, .finished, ""), .breakReceived(token, LineBreak(after: 0, milliseconds: 0)),
        .error(.unsupported, "The far end does not know of BREAKs"), .link(isUp: true, "lab7"),
        .link(isUp: false, "unplugged"),
        .verdict("A console is on the line."), .figure(key: "peer", value: "lab 7 : COM2"),
    ]

    @Test("survive encoding", arguments: requests)
    func request(request: BrokerRequest) throws {
        let bytes = request.line.encoded
        #expect(try BrokerRequest(BrokerLine(decoding: bytes.dropLast())) == request)
    }

    @Test("of the broker survive encoding", arguments: messages)
    func message(message: BrokerMessage) throws {
        let bytes = message.line.encoded
        #expect(try BrokerMessage(BrokerLine(decoding: bytes.dropLast())) == message)
    }

    @Test(
        "have every field they need and no other (L3)",
        arguments: [
            "hello program=x", "hello version=0 program=x", "hello version=1",
            "hello version=1 program=x y=2",
            "open baud=0 parity=none stop=1 flow=none dtr=leave rts=leave",
            "open baud=9600 parity=mark stop=1 flow=none dtr=leave rts=leave",
            "open baud=9600 parity=none stop=3 flow=none dtr=leave rts=leave",
            "open baud=9600 parity=none stop=1 dtr=leave rts=leave",
            "listen channel=255", "listen channel=-1", "listen channel=x", "listen",
            "connect channel=1 wait=2", "connect channel=1", "data token=1", "adopt token=",
            "listen channel=1 channel=2", "offer channel=1", "offer channel=255 type=x transport=",
            "directory channel=1",
            "data token=00112233445566778899aabbccddeeff breaks=0",
            "break token=00112233445566778899aabbccddeeff after=-1 ms=1",
            "break token=00112233445566778899aabbccddeeff after=1 ms=65536",
            "break token=00112233445566778899aabbccddeeff after=1",
            "data token=+0112233445566778899aabbccddeeff",
            "data token=00112233445566778+99aabbccddeeff",
        ]
    )
    func badField(text: String) throws {
        let line = try BrokerLine(decoding: Array(text.utf8)[...])
        let error = #expect(throws: BrokerProtocolError.self) { try BrokerRequest(line) }
        guard case .badField(line.keyword, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("with an unknown keyword are errors (L3)")
    func unknown() throws {
        #expect(throws: BrokerProtocolError.unknownKeyword("reboot")) {
            try BrokerRequest(BrokerLine("reboot"))
        }
        #expect(throws: BrokerProtocolError.unknownKeyword("hello")) {
            try BrokerMessage(BrokerLine("hello"))
        }
    }

    @Test("carry tokens of 32 digits that are never the same (R4)")
    func tokens() {
        var random = SystemRandomNumberGenerator()
        let tokens = (0..<100).map { _ in BrokerToken(using: &random) }
        #expect(Set(tokens).count == 100)
        for token in tokens {
            #expect(token.text.utf8.count == 32)
            #expect(BrokerToken(token.text) == token)
        }
    }
}
