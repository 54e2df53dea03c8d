import ConnectionStrings
import LinuxSystem
import Testing

@testable import Transports

@Suite("Names that are looked up while others are served")
struct NameLookupTests {
    private func answer(to host: String) throws -> NameLookup.Answer {
        let lookup = try NameLookup(host: host, port: 5005, onlyIPv6: false)
        var requests = [PollRequest(lookup.descriptor.number)]
        try pollDescriptors(&requests, timeoutMilliseconds: 60_000)
        return try #require(lookup.answer)
    }

    @Test("the answer shows in poll, an address or the resolver's words")
    func answers() throws {
        let addresses = try answer(to: "127.0.0.1").get()
        #expect(addresses.map(\.description) == ["127.0.0.1:5005"])
        let error = #expect(throws: SocketAddress.ResolutionError.self) {
            try answer(to: "no machine").get()
        }
        #expect(error?.description.contains("there is no machine 'no machine'") == true)
    }

    @Test("one that is given up answers nobody")
    func givenUp() throws {
        for _ in 1...50 { _ = try NameLookup(host: "localhost", port: 1, onlyIPv6: false) }
    }

    @Test(
        "a server that connects to its client asks first and connects then, and is woken for both"
    )
    func dialer() throws {
        let (listener, port) = try SocketAddress.any(port: 0, isIPv6: false).listen(
            onlyIPv6: false,
            backlog: 1
        )
        let string = try ConnectionString("tcp:clicon=127.0.0.1,port=\(port)", for: .server)
        guard case .tcp(let socket) = string else {
            Issue.record("\(string)")
            return
        }
        let dialer = ReverseDialer(socket)
        #expect(try dialer.advance() == nil)
        var made: TCPSocket.Connection?
        while made == nil {
            var requests = [dialer.request]
            try pollDescriptors(&requests, untilMonotonicNanoseconds: dialer.wakeNanoseconds)
            made = try dialer.advance()
        }
        #expect(made?.peerName.contains("\(port)") == true, "\(String(describing: made))")
        withExtendedLifetime(listener) {}
    }
}
