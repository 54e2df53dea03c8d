import Testing

@testable import SessionProtocol

@Suite("The greeting with a password")
struct PasswordHandshakeTests {
    private static let salt = [UInt8](repeating: 9, count: 16)

    private func clientProof(_ password: String = "rabbit7") -> ScramClient {
        ScramClient(
            password: Array(password.utf8),
            nonce: "client",
            primitives: TestPrimitives()
        )
    }

    private func serverProof(_ password: String = "rabbit7") -> ScramServer {
        ScramServer(
            credentials: ScramCredentials(
                password: Array(password.utf8),
                salt: Self.salt,
                iterations: 4096,
                primitives: TestPrimitives()
            ),
            nonce: "server",
            primitives: TestPrimitives()
        )
    }

    /// What both sides end with, their lines cut into portions of so many bytes.
    private func converse(
        _ client: inout ClientHandshake,
        opening: [UInt8],
        _ server: inout ServerHandshake,
        portion: Int
    ) -> (client: ClientHandshake.Outcome, server: ServerHandshake.Outcome) {
        var toServer = opening
        var toClient: [UInt8] = []
        var ends = (
            client: ClientHandshake.Outcome.undecided, server: ServerHandshake.Outcome.undecided
        )
        while !toServer.isEmpty || !toClient.isEmpty {
            if !toServer.isEmpty {
                let bytes = Array(toServer.prefix(portion))
                toServer.removeFirst(bytes.count)
                ends.server = server.receive(bytes)
                toClient += answer(to: ends.server)
            }
            if !toClient.isEmpty {
                let bytes = Array(toClient.prefix(portion))
                toClient.removeFirst(bytes.count)
                ends.client = client.receive(bytes)
                if case .reply(let line) = ends.client { toServer += line }
            }
        }
        return ends
    }

    private func answer(to outcome: ServerHandshake.Outcome) -> [UInt8] {
        switch outcome {
        case .reply(let line):
            line
        case .provenClient(let program, let signature, _):
            Greeting.accepted(program: program, processID: 7, signature: signature)
        default:
            []
        }
    }

    @Test("SES-8: two more lines prove the password both ways", arguments: [1, 7, 1000])
    func proven(portion: Int) {
        let proof = clientProof()
        var client = ClientHandshake(proof: proof)
        var server = ServerHandshake(proof: serverProof())
        let opening = Greeting.client(role: .smartClient, program: "cdb/0.1", proof: proof)
        let ends = converse(&client, opening: opening, &server, portion: portion)
        #expect(ends.client == .accepted(server: "cdb/0.1 pid=7", rest: []))
    }

    @Test(
        "SES-11: a client without a password is asked for it, and may prove it on the same connection"
    )
    func asked() {
        var client = ClientHandshake()
        var server = ServerHandshake(proof: serverProof())
        let greeting = Greeting.client(role: .smartClient, program: "cdb/0.1")
        guard case .reply(let question) = server.receive(greeting) else {
            Issue.record("not asked")
            return
        }
        #expect(question == Array("DBGSRV 1 password\n".utf8))
        #expect(client.receive(question) == .passwordAsked)
        let line = client.answer(with: clientProof())
        let ends = converse(&client, opening: line, &server, portion: 1000)
        #expect(ends.client == .accepted(server: "cdb/0.1 pid=7", rest: []))
    }

    @Test("SES-11: who has sent RSP behind the greeting, or goes on with it, is out")
    func pipelined() {
        let greeting = Greeting.client(role: .smartClient, program: "cdb/0.1")
        var server = ServerHandshake(proof: serverProof())
        #expect(server.receive(greeting + Array("$?#3f".utf8)) == .reply(Greeting.passwordAsked))
        #expect(server.receive([]) == .unproven)
        server = ServerHandshake(proof: serverProof())
        #expect(server.receive(greeting) == .reply(Greeting.passwordAsked))
        #expect(server.receive(greeting) == .unproven)
    }

    @Test("SES-12: a plain RSP client is refused after its first packet, not before")
    func plainClient() {
        let packet = Array("+$qSupported:a#00".utf8)
        for cut in 0..<packet.count {
            var server = ServerHandshake(proof: serverProof())
            #expect(server.receive(Array(packet[..<cut])) == .undecided)
            #expect(server.receive(Array(packet[cut...])) == .plainClientRefused)
        }
        var server = ServerHandshake(proof: serverProof())
        #expect(server.receive([UInt8](repeating: 0x24, count: 5000)) == .plainClientRefused)
        #expect(
            String(decoding: Greeting.plainRefusal("no # or $ or * or }\n"), as: UTF8.self)
                == "+$E.no ? or ? or ? or ??#0e"
        )
    }

    @Test("SES-13: a wrong password is told from everything else")
    func wrongPassword() {
        let proof = clientProof("rabbit8")
        var client = ClientHandshake(proof: proof)
        var server = ServerHandshake(proof: serverProof())
        let opening = Greeting.client(role: .smartClient, program: "cdb/0.1", proof: proof)
        #expect(converse(&client, opening: opening, &server, portion: 50).server == .wrongPassword)
    }

    @Test("SES-14: a client with a password takes no server that does not prove it too")
    func unprovenServer() {
        let answers = [
            "DBGSRV 1 ok dbgsrv/0.1 pid=7\n", "DBGSRV 1 ok dbgsrv/0.1 pid=7 scram=v=AAAA\n",
            "+$OK#9a", "DBGSRV 1 password\n",
        ]
        for answer in answers {
            var client = ClientHandshake(proof: clientProof())
            guard case .refused = client.receive(Array(answer.utf8)) else {
                Issue.record("taken: \(answer)")
                continue
            }
        }
        // A server that asks, but cannot answer.
        let proof = clientProof()
        var client = ClientHandshake(proof: proof)
        var server = serverProof("guess")
        let challenge = try? server.challenge(proof.first)
        guard case .reply = client.receive(Greeting.proof(challenge ?? "")) else {
            Issue.record("no proof")
            return
        }
        let forged = "DBGSRV 1 ok dbgsrv/0.1 pid=7 scram=v=\(Base64.encode([1, 2, 3]))\n"
        guard case .refused(let words) = client.receive(Array(forged.utf8)) else {
            Issue.record("taken")
            return
        }
        #expect(words.contains("Error 0x80004005"))
    }

    @Test("SES-10: lines out of order end the handshake")
    func outOfOrder() {
        for line in ["DBGSRV 1 scram x\n", "DBGSRV 1 scram c=biws,r=x,p=AAAA\n"] {
            var server = ServerHandshake(proof: serverProof())
            guard case .refused = server.receive(Array(line.utf8)) else {
                Issue.record("\(line)")
                continue
            }
            var client = ClientHandshake()
            guard case .refused = client.receive(Array(line.utf8)) else {
                Issue.record("\(line)")
                continue
            }
        }
    }

    @Test("SES-1: every line of the proof fits into a greeting's line")
    func lengths() throws {
        let binding = ChannelBinding(exporter: [UInt8](repeating: 255, count: 32))
        let nonce = String(repeating: "f", count: 36)
        var client = ScramClient(
            password: [0x61],
            nonce: nonce,
            binding: binding,
            primitives: TestPrimitives()
        )
        var server = ScramServer(
            credentials: ScramCredentials(
                password: [0x61],
                salt: Self.salt,
                iterations: ScramCredentials.defaultIterations,
                primitives: TestPrimitives()
            ),
            nonce: nonce,
            binding: binding,
            primitives: TestPrimitives()
        )
        let opening = Greeting.client(role: .smartClient, program: "cdb/0.1.0", proof: client)
        let challenge = try server.challenge(client.first)
        let final = try client.prove(challenge)
        for line in [opening, Greeting.proof(challenge), Greeting.proof(final)] {
            #expect(line.count < 400 && line.last == 0x0a)
        }
    }
}
