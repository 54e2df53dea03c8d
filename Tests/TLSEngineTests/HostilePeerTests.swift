import Testing

@testable import TLSEngine

@Suite("TLS connections with peers that break the rules")
struct HostilePeerTests {
    private func server() throws -> TLSConnection {
        TLSConnection(
            TLSConfiguration(trust: .anybody, identity: try ownIdentity()),
            role: .server
        )
    }

    private func clientHello() throws -> [UInt8] {
        let pair = try EnginePair()
        _ = pair.client.advance()
        return pair.client.takeOutput()
    }

    @Test("a beginning that stops anywhere asks for more, and nothing else (TLS-4)")
    func truncatedHello() throws {
        let hello = try clientHello()
        let identity = try ownIdentity()
        for count in 0..<hello.count {
            let server = TLSConnection(
                TLSConfiguration(trust: .anybody, identity: identity),
                role: .server
            )
            server.receive(hello.prefix(count))
            #expect(server.advance() == .needsInput, "after \(count) bytes")
            #expect(server.outputCount == 0)
        }
    }

    @Test("a hello with any one bit changed never traps, and a failure has words (TLS-5)")
    func damagedHello() throws {
        let hello = try clientHello()
        let identity = try ownIdentity()
        for index in hello.indices {
            var bytes = hello
            bytes[index] ^= UInt8(1 << (index % 8))
            let server = TLSConnection(
                TLSConfiguration(trust: .anybody, identity: identity),
                role: .server
            )
            server.receive(bytes[...])
            if case .failed(let words) = server.advance() { #expect(!words.isEmpty) }
            #expect(!server.isEstablished)
        }
    }

    @Test("a client never takes a damaged answer for its server (TLS-5)")
    func damagedAnswer() throws {
        let identity = try ownIdentity()
        var damaged = 0
        for index in stride(from: 0, to: 900, by: 7) {
            let pair = EnginePair(
                client: TLSConfiguration(trust: .pinned(identity.chain[0].sha256)),
                server: TLSConfiguration(trust: .anybody, identity: identity)
            )
            _ = pair.client.advance()
            pair.server.receive(pair.client.takeOutput()[...])
            _ = pair.server.advance()
            var answer = pair.server.takeOutput()
            guard index < answer.count else { break }
            answer[index] ^= 0x10
            pair.client.receive(answer[...])
            // The record that carries the message may be said to be longer now, so that it waits.
            #expect(pair.client.advance() != .done, "byte \(index)")
            damaged += 1
        }
        #expect(damaged > 100)
    }

    @Test("what is not TLS is recognised by its first bytes (TLS-5, TLS-19)")
    func noTLS() throws {
        for (text, shown) in [
            ("+$qSupported:multiprocess+#c6", "'+$qSupported"),
            ("DBGSRV 1 smart-client cdb/0.1\n", "'DBGSRV 1 smart-client cdb/0.1'"),
            ("GET / HTTP/1.1\r\nHost: lab\r\n\r\n", "'GET / HTTP/1.1'"),
            ("\u{16}\u{01}xyz", "'..xyz'"), ("\0\0\0", "'...'"),
        ] {
            let server = try server()
            server.receive(Array(text.utf8)[...])
            guard case .failed(let words) = server.advance() else {
                Issue.record("\(text) was taken")
                continue
            }
            #expect(words.contains("does not speak TLS") && words.contains(shown), "\(words)")
            #expect(server.plainBeginning?.first == text.utf8.first)
        }
    }

    @Test("records and messages that are too long are refused, with words (TLS-4, TLS-5)")
    func oversize() throws {
        let tooLongRecord: [UInt8] = [22, 3, 1, 0xff, 0xff] + [UInt8](repeating: 1, count: 70_000)
        // A handshake message of 16 MB in records of a good size.
        let longMessage: [UInt8] =
            [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff] + [UInt8](repeating: 0, count: 0x4000 - 4)
        for bytes in [tooLongRecord, longMessage] {
            let server = try server()
            server.receive(bytes[...])
            guard case .failed(let words) = server.advance() else {
                Issue.record("it was taken")
                continue
            }
            #expect(words.contains("longer than TLS allows"), "\(words)")
        }
    }

    @Test("a record changed after the handshake ends the connection (TLS-5)")
    func tampering() throws {
        let pair = try EnginePair()
        pair.shakeHands()
        _ = pair.client.write([1, 2, 3])
        var bytes = pair.client.takeOutput()
        bytes[bytes.count - 1] ^= 1
        pair.server.receive(bytes[...])
        guard case .failed(let words) = pair.server.read(maximum: 10) else {
            Issue.record("it was taken")
            return
        }
        #expect(words.contains("damaged or was tampered with"), "\(words)")
        #expect(pair.server.write([1]) == nil)
    }

    @Test("random bytes behind a good beginning never trap (TLS-5)")
    func noise() throws {
        var generator = SystemRandomNumberGenerator()
        let identity = try ownIdentity()
        for _ in 0..<500 {
            let server = TLSConnection(
                TLSConfiguration(trust: .anybody, identity: identity),
                role: .server
            )
            let count = Int.random(in: 0..<600, using: &generator)
            let length: [UInt8] = [UInt8(count >> 8), UInt8(count & 255)]
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            server.receive(([22, 3, 1] + length + noise)[...])
            #expect(server.advance() != .done)
        }
    }
}
