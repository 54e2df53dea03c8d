import ByteTransport
import ConnectionStrings
import Glibc
import LinuxSystem
import Testing
import Transports

@Suite("TCP")
struct TCPTests {
    private func accept(_ listener: TCPListener) throws -> TCPSocket.Connection {
        while true {
            var requests = [PollRequest(listener.descriptor)]
            try #require(try pollDescriptors(&requests, timeoutMilliseconds: 60_000))
            if let connection = try listener.accept() { return connection }
        }
    }

    @Test("a listener takes IPv4 and IPv6 clients", arguments: ["127.0.0.1", "::1", "[::1]"])
    func dualStack(host: String) throws {
        let listener = try TCPListener(ports: 0...0, onlyIPv6: false)
        let client = try TCPSocket.connect(host: host, port: listener.port, onlyIPv6: false)
        let server = try accept(listener)
        #expect(try client.descriptor.write([1, 2, 3]) == 3)
        var requests = [PollRequest(server.descriptor.number)]
        try #require(try pollDescriptors(&requests, timeoutMilliseconds: 60_000))
        #expect(try server.descriptor.read(maximum: 10) == [1, 2, 3])
        #expect(server.peerName.hasPrefix(host == "127.0.0.1" ? "tcp 127.0.0.1:" : "tcp [::1]:"))
        #expect(client.peerName.contains("\(listener.port)"))
    }

    @Test("of a range the first free port is taken; when none is free, that is said")
    func portRange() throws {
        let first = try TCPListener(ports: 0...0, onlyIPv6: false)
        try #require(first.port < 65_000)
        let next = try TCPListener(ports: first.port...(first.port + 50), onlyIPv6: false)
        #expect(next.port > first.port)
        let error = #expect(throws: TransportError.self) {
            _ = try TCPListener(ports: first.port...first.port, onlyIPv6: false)
        }
        #expect(error?.description.contains("\(first.port) is in use") == true)
    }

    @Test("a machine that is not there, and a port that nobody listens on, are said")
    func failures() throws {
        let closed = try TCPListener(ports: 0...0, onlyIPv6: false).port
        let refused = #expect(throws: TransportError.self) {
            _ = try TCPSocket.connect(host: "127.0.0.1", port: closed, onlyIPv6: false)
        }
        #expect(refused?.description.contains("Connection refused") == true)
        let unknown = #expect(throws: TransportError.self) {
            _ = try TCPSocket.connect(host: "no such host", port: 1, onlyIPv6: false)
        }
        #expect(unknown?.description.contains("there is no machine 'no such host'") == true)
    }

    private func option(_ socket: OwnedDescriptor, _ level: Int32, _ name: Int32) throws -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        try #require(getsockopt(socket.number, level, name, &value, &length) == 0)
        return value
    }

    @Test("both ends send small packets at once and notice a peer that is gone")
    func socketOptions() throws {
        let listener = try TCPListener(ports: 0...0, onlyIPv6: false)
        let client = try TCPSocket.connect(host: "localhost", port: listener.port, onlyIPv6: false)
        let server = try accept(listener)
        for socket in [client.descriptor, server.descriptor] {
            #expect(try option(socket, Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
            #expect(try option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1)
            let idle = try option(socket, Int32(IPPROTO_TCP), TCP_KEEPIDLE)
            let interval = try option(socket, Int32(IPPROTO_TCP), TCP_KEEPINTVL)
            let count = try option(socket, Int32(IPPROTO_TCP), TCP_KEEPCNT)
            #expect(idle + interval * count == 60)
        }
    }

    @Test("ipversion=6: no IPv4 on either side")
    func onlyIPv6() throws {
        let listener = try TCPListener(ports: 0...0, onlyIPv6: true)
        _ = try TCPSocket.connect(host: "::1", port: listener.port, onlyIPv6: true)
        #expect(throws: TransportError.self) {
            _ = try TCPSocket.connect(host: "127.0.0.1", port: listener.port, onlyIPv6: false)
        }
        let both = try TCPListener(ports: 0...0, onlyIPv6: false)
        #expect(throws: TransportError.self) {
            _ = try TCPSocket.connect(host: "127.0.0.1", port: both.port, onlyIPv6: true)
        }
    }

    @Test("a machine is its address: IPv4 as such, IPv6 by its network")
    func origins() throws {
        func origin(_ host: String) throws -> String {
            let list = try SocketAddress.resolve(host: host, port: 1, onlyIPv6: false)
            return try #require(list.first).origin
        }
        #expect(try origin("192.0.2.7") == "192.0.2.7")
        #expect(try origin("::ffff:192.0.2.7") == "192.0.2.7")
        #expect(try origin("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64")
        #expect(try origin("2001:db8:1:2::9") == "2001:db8:1:2::/64")
        #expect(try origin("::1") == "::1")
        let listener = try TCPListener(ports: 0...0, onlyIPv6: false)
        let client = try TCPSocket.connect(host: "127.0.0.1", port: listener.port, onlyIPv6: false)
        #expect(try accept(listener).origin == "127.0.0.1")
        withExtendedLifetime(client) {}
    }

    @Test("a stream tells a closed peer from a broken one, and half close works")
    func ends() throws {
        let listener = try TCPListener(ports: 0...0, onlyIPv6: false)
        let client = try TCPSocket.connect(host: "::1", port: listener.port, onlyIPv6: true)
        let accepted = try accept(listener)
        let server = try DescriptorTransport(
            accepted.descriptor,
            peerName: accepted.peerName,
            link: .network
        )
        let stream = try DescriptorTransport(
            client.descriptor,
            peerName: client.peerName,
            link: .network
        )
        #expect(server.read(maximum: 10) == .wouldBlock)
        stream.finishWriting()
        var requests = [PollRequest(server.descriptor)]
        try #require(try pollDescriptors(&requests, timeoutMilliseconds: 60_000))
        #expect(server.read(maximum: 10) == .ended(.closed))
        #expect(server.write([9]) == 1)
        requests = [PollRequest(stream.descriptor)]
        try #require(try pollDescriptors(&requests, timeoutMilliseconds: 60_000))
        #expect(stream.read(maximum: 10) == .bytes([9]))
        stream.close()
        #expect(stream.read(maximum: 10) == .ended(.closed))
        #expect(stream.write([1]) == nil)
    }
}
