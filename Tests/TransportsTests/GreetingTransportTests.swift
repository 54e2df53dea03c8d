import ByteTransport
import Testing
import Transports

/// A stream whose far end is the test.
private final class ScriptedTransport: ByteTransport {
    var arriving: [[UInt8]] = []
    var written: [UInt8] = []
    var roomBytes = Int.max
    var descriptor: Int32 { -1 }
    var peerName: String { "test" }
    var link: LinkKind { .local }

    func read(maximum: Int) -> ReadResult {
        guard let first = arriving.first else { return .wouldBlock }
        arriving[0].removeFirst(min(maximum, first.count))
        if arriving[0].isEmpty { arriving.removeFirst() }
        return .bytes(Array(first.prefix(maximum)))
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        let taken = bytes.prefix(roomBytes)
        roomBytes -= taken.count
        written += taken
        return taken.count
    }

    func finishWriting() {}
    func close() {}
}

@Suite("The greeting in front of a client's stream")
struct GreetingTransportTests {
    private let greeting = Array("DBGSRV 1 smart-client cdb/0.1\n".utf8)

    @Test("SES-6: the greeting leaves with the first bytes, in one piece or in many")
    func greetingLeavesFirst() {
        let inner = ScriptedTransport()
        let transport = GreetingTransport(inner, program: "cdb/0.1")
        inner.roomBytes = 5
        #expect(transport.write([1, 2, 3]) == 0)
        inner.roomBytes = 1000
        #expect(transport.write([1, 2, 3]) == 3)
        #expect(inner.written == greeting + [1, 2, 3])
        #expect(transport.write([4]) == 1)
        #expect(inner.written == greeting + [1, 2, 3, 4])
    }

    @Test("SES-6: the server's greeting is taken off the first bytes, however they are cut")
    func answerIsTakenOff() {
        let answer = Array("DBGSRV 1 ok dbgsrv/0.1 pid=1\n+$OK#9a".utf8)
        for cut in 1..<answer.count {
            let inner = ScriptedTransport()
            inner.arriving = [Array(answer[..<cut]), Array(answer[cut...])]
            let transport = GreetingTransport(inner, program: "cdb/0.1")
            var received: [UInt8] = []
            for _ in 0..<10 {
                if case .bytes(let bytes) = transport.read(maximum: 4) { received += bytes }
            }
            #expect(received == Array("+$OK#9a".utf8))
            #expect(transport.serverName == "dbgsrv/0.1 pid=1")
        }
    }

    @Test("SES-6: a plain stub's bytes pass untouched")
    func plainStub() {
        let inner = ScriptedTransport()
        inner.arriving = [Array("+$".utf8), Array("OK#9a".utf8)]
        let transport = GreetingTransport(inner, program: "cdb/0.1")
        #expect(transport.read(maximum: 100) == .bytes(Array("+$".utf8)))
        #expect(transport.read(maximum: 100) == .bytes(Array("OK#9a".utf8)))
        #expect(transport.serverName == nil)
    }

    @Test("SES-7: a refusal ends the stream with the server's words, for good")
    func refusal() {
        let inner = ScriptedTransport()
        inner.arriving = [Array("DBGSRV 1 error too many sessions\n".utf8)]
        let transport = GreetingTransport(inner, program: "cdb/0.1")
        #expect(transport.read(maximum: 100) == .ended(.failed("too many sessions")))
        #expect(transport.read(maximum: 100) == .ended(.failed("too many sessions")))
    }

    @Test("bytes put back come first, then the stream's own")
    func prefixed() {
        let inner = ScriptedTransport()
        inner.arriving = [[4, 5]]
        let transport = PrefixedTransport([1, 2, 3], before: inner)
        #expect(transport.read(maximum: 2) == .bytes([1, 2]))
        #expect(transport.read(maximum: 2) == .bytes([3]))
        #expect(transport.read(maximum: 2) == .bytes([4, 5]))
        #expect(transport.read(maximum: 2) == .wouldBlock)
    }
}
