@testable import TLSEngine

// A peer that says anything to a TLS server or client, a wire that changes bytes on the way, and PEM files of
// anybody's making: no trap, no end of a handshake that was tampered with, nothing longer than it may be.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTLS(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    switch input.byte() & 3 {
    case 0: converse(role: .server, &input)
    case 1: converse(role: .client, &input)
    case 2: tamper(&input)
    default: readFile(input.take(count))
    }
    return 0
}

/// Made once: a key costs more than a handshake.
nonisolated(unsafe) private let identity: TLSIdentity = {
    let made = NewCertificate(name: "lab", hosts: ["localhost"], addresses: ["127.0.0.1"])
    guard let key = try? PrivateKey(pem: made.keyPEM) else { preconditionFailure("our own key") }
    return TLSIdentity(chain: [made.certificate], key: key)
}()

private func makeServer() -> TLSConnection {
    TLSConnection(TLSConfiguration(trust: .anybody, identity: identity), role: .server)
}

private func makeClient() -> TLSConnection {
    TLSConnection(
        TLSConfiguration(trust: .pinned(identity.chain[0].sha256)),
        role: .client
    )
}

/// Anything, in any portions, to one end.
private func converse(role: TLSConnection.Role, _ input: inout FuzzInput) {
    let end = role == .server ? makeServer() : makeClient()
    while !input.isAtEnd {
        let bytes = input.take(Int(input.byte()) + 1)
        end.receive(bytes[...])
        precondition(end.advance() != .done, "a handshake out of nothing")
        if case .bytes = end.read(maximum: 100) { preconditionFailure("bytes out of nothing") }
        precondition(end.write([1]) == nil)
        precondition(end.outputCount <= TLSConnection.outputBytesMax)
    }
    end.finishWriting()
}

/// A whole handshake and one message, with one byte of the wire changed.
private func tamper(_ input: inout FuzzInput) {
    let (client, server) = (makeClient(), makeServer())
    let place = Int(input.number() % 4096)
    let change = input.byte()
    var position = 0
    var isChanged = false
    func carry(_ from: TLSConnection, _ to: TLSConnection) {
        var bytes = from.takeOutput(maximum: .max)
        if bytes.indices.contains(place - position), change != 0 {
            bytes[place - position] ^= change
            isChanged = true
        }
        position += bytes.count
        to.receive(bytes[...])
    }
    for _ in 0..<6 {
        _ = client.advance()
        carry(client, server)
        _ = server.advance()
        carry(server, client)
    }
    let wasChanged = isChanged
    let both = client.advance() == .done && server.advance() == .done
    // The version field of a record is not authenticated; everything that is changes the outcome.
    guard both else { return precondition(wasChanged, "a whole handshake failed") }
    precondition(client.channelBinding == server.channelBinding)
    let message = input.take(300)
    _ = client.write(message[...])
    carry(client, server)
    if case .bytes(let arrived) = server.read(maximum: 1000) {
        precondition(arrived == message, "changed on the way, and taken")
    }
}

private func readFile(_ bytes: [UInt8]) {
    for certificate in (try? Certificate.list(pem: bytes)) ?? [] {
        precondition(certificate.sha256.count == 32 && certificate.sha1.count == 20)
        _ = (certificate.commonName, certificate.validity, certificate.validUntil)
        _ = (certificate.allows(.server), certificate.belongs(to: identity.key))
    }
    _ = try? PrivateKey(pem: bytes)
}
