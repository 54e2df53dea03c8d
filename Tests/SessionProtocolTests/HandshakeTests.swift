import SessionProtocol
import Testing

@Suite("The greeting")
struct HandshakeTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Every way to cut the bytes in two, and one by one, must come to the same end.
    private func outcomes(server text: String) -> [ServerHandshake.Outcome] {
        let all = bytes(text)
        var results = (0...all.count).map { cut in
            var handshake = ServerHandshake()
            let first = handshake.receive(Array(all[..<cut]))
            return first == .undecided ? handshake.receive(Array(all[cut...])) : first
        }
        var handshake = ServerHandshake()
        var last = ServerHandshake.Outcome.undecided
        for byte in all where last == .undecided { last = handshake.receive([byte]) }
        results.append(last)
        return results
    }

    @Test("SES-2, SES-4: a greeting cut anywhere is understood, and RSP behind it is kept")
    func goodGreeting() {
        let greeting = Greeting.client(role: .smartClient, program: "cdb/0.1")
        #expect(greeting == bytes("DBGSRV 1 smart-client cdb/0.1\n"))
        for cut in 1..<greeting.count {
            var handshake = ServerHandshake()
            #expect(handshake.receive(Array(greeting[..<cut])) == .undecided)
            let rest = Array(greeting[cut...]) + bytes("+$?#3f")
            #expect(
                handshake.receive(rest) == .client(program: "cdb/0.1", rest: bytes("+$?#3f"))
            )
        }
    }

    @Test("SES-2: words after the fourth are skipped")
    func laterWords() {
        var handshake = ServerHandshake()
        let outcome = handshake.receive(bytes("DBGSRV 1 smart-client cdb/9 auth=none\n"))
        #expect(outcome == .client(program: "cdb/9", rest: []))
    }

    @Test("SES-3: any other first byte is a plain client's", arguments: ["+", "$", "-", "\u{3}"])
    func plainClient(first: String) {
        for outcome in outcomes(server: first) {
            #expect(outcome == .plainClient(bytes(first)))
        }
    }

    @Test("SES-5: another version is refused with both versions named")
    func otherVersion() {
        for outcome in outcomes(server: "DBGSRV 7 smart-client cdb/9\n") {
            guard case .refused(let words) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(words.contains("version 7") && words.contains("version 1"))
        }
    }

    @Test(
        "SES-4: what is no greeting is refused",
        arguments: [
            "DBGSRV\n", "DBGSRV 1\n", "DELETE 1 smart-client x\n", "DBGSRV 1 king cdb/0.1\n",
        ]
    )
    func badGreeting(text: String) {
        for outcome in outcomes(server: text) {
            guard case .refused = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
    }

    @Test("SES-1: a line without an end is refused at the limit")
    func endlessLine() {
        var handshake = ServerHandshake()
        var received = 0
        while case .undecided = handshake.receive([UInt8](repeating: 0x44, count: 10)) {
            received += 10
            #expect(received < Greeting.lineBytesMax)
        }
        #expect(Greeting.refused(String(repeating: "x", count: 5_000)).count == 512)
        #expect(!Greeting.refused("a\nb\r\u{0}c").dropLast().contains { $0 < 0x20 })
    }

    @Test("SES-6: a plain stub's first bytes are RSP")
    func plainStub() {
        var handshake = ClientHandshake()
        #expect(handshake.receive(bytes("+$OK#9a")) == .plainStub(bytes("+$OK#9a")))
    }

    @Test("SES-6: the server's greeting is taken off, cut anywhere")
    func acceptedClient() {
        let answer = Greeting.accepted(program: "dbgsrv/0.1", processID: 812)
        for cut in 1..<answer.count {
            var handshake = ClientHandshake()
            #expect(handshake.receive(Array(answer[..<cut])) == .undecided)
            let outcome = handshake.receive(Array(answer[cut...]) + bytes("+"))
            #expect(outcome == .accepted(server: "dbgsrv/0.1 pid=812", rest: bytes("+")))
        }
    }

    @Test("SES-7: a refusal and an unknown answer become words")
    func refusedClient() {
        var refused = ClientHandshake()
        let answer = Greeting.refused("too many sessions")
        #expect(refused.receive(answer) == .refused("too many sessions"))
        for text in ["DBGSRV 1 maybe\n", "DATA\n", String(repeating: "D", count: 600)] {
            var handshake = ClientHandshake()
            guard case .refused = handshake.receive(bytes(text)) else {
                Issue.record("\(text)")
                continue
            }
        }
    }
}
