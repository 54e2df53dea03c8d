import LinuxSystem
import Testing

/// A TCP port that nobody listens on.
func freePort() throws -> Int {
    try SocketAddress.any(port: 0, isIPv6: true).listen(onlyIPv6: false, backlog: 1).1
}

/// A plain connection to a port of this machine.
func connectToLoopback(_ port: Int) throws -> OwnedDescriptor {
    let addresses = try SocketAddress.resolve(host: "127.0.0.1", port: port, onlyIPv6: false)
    return try #require(addresses.first).connect(timeoutMilliseconds: 10_000)
}
