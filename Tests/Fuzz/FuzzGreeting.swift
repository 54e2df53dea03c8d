import SessionProtocol

// The greeting and SCRAM from both sides: bytes of anybody, cut anywhere, and honest conversations with bytes
// changed on the way. Nobody gets in without the password, and nothing traps or grows.

/// Something that behaves as a digest, quickly: the fuzzer is to find parsers' faults, not preimages.
private struct ToyPrimitives: ScramPrimitives {
    func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        return (0..<32).map { round in
            for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
            state = (state ^ UInt64(round)) &* 0x100_0000_01b3
            return UInt8(truncatingIfNeeded: state >> 32)
        }
    }

    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] { sha256(key + [0] + bytes) }

    func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        sha256(password + [1] + salt + Array("\(iterations)".utf8))
    }

    func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool { one == other }
}

private func server(_ binding: ChannelBinding?) -> ServerHandshake {
    ServerHandshake(
        proof: ScramServer(
            credentials: ScramCredentials(
                password: Array("rabbit7".utf8),
                salt: [1, 2, 3],
                primitives: ToyPrimitives()
            ),
            nonce: "server",
            binding: binding,
            primitives: ToyPrimitives()
        )
    )
}

private func clientProof(_ password: String, _ binding: ChannelBinding?) -> ScramClient {
    ScramClient(
        password: Array(password.utf8),
        nonce: "client",
        binding: binding,
        primitives: ToyPrimitives()
    )
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGreeting(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    let binding = ChannelBinding(exporter: [UInt8](repeating: 7, count: 32))
    switch input.byte() % 3 {
    case 0: feedServer(&input, server(input.byte() & 1 == 0 ? nil : binding))
    case 1: feedClient(&input)
    default: changedConversation(&input, input.byte() & 1 == 0 ? nil : binding)
    }
    return 0
}

private func feedServer(_ input: inout FuzzInput, _ machine: ServerHandshake) {
    var machine = machine
    while !input.isAtEnd {
        switch machine.receive(input.take(1 + Int(input.byte()))) {
        case .undecided, .reply: continue
        case .client, .plainClient, .provenClient: preconditionFailure("in without the password")
        default: return
        }
    }
}

private func feedClient(_ input: inout FuzzInput) {
    let hasPassword = input.byte() & 1 == 0
    let proof = clientProof("rabbit7", nil)
    var machine = ClientHandshake(proof: hasPassword ? proof : nil)
    while !input.isAtEnd {
        switch machine.receive(input.take(1 + Int(input.byte()))) {
        case .undecided, .reply: continue
        case .passwordAsked:
            precondition(!hasPassword, "asked twice")
            _ = machine.answer(with: proof)
        case .accepted, .plainStub:
            precondition(!hasPassword, "a server without the password")
            return
        case .refused: return
        }
    }
}

/// An honest client with the right or a wrong password, and a byte of each line changed on the way to the server.
private func changedConversation(_ input: inout FuzzInput, _ binding: ChannelBinding?) {
    let isRight = input.byte() & 1 == 0
    let proof = clientProof(isRight ? "rabbit7" : "rabbit8", binding)
    var client = ClientHandshake(proof: proof)
    var machine = server(binding)
    var line = Greeting.client(role: .smartClient, program: "cdb/0.1", proof: proof)
    var isChanged = false
    for _ in 0..<2 {
        let place = Int(input.number() % UInt32(line.count))
        let change = input.byte()
        line[place] ^= change
        isChanged = isChanged || change != 0
        switch machine.receive(line) {
        case .reply(let answer):
            guard case .reply(let next) = client.receive(answer) else { return }
            line = next
        case .provenClient(_, let signature, _):
            precondition(isRight, "a wrong password got in")
            _ = Greeting.accepted(program: "dbgsrv/0.1", processID: 1, signature: signature)
            return
        case .wrongPassword:
            precondition(!isRight || isChanged, "the right password was refused")
            return
        default: return
        }
    }
}
