public import DiscoveryProtocol
internal import Glibc
internal import LinuxSystem

/// Asks a machine for its servers.
public enum DiscoveryQuery {
    /// How long one attempt may take, in milliseconds.
    public static let timeoutMilliseconds = 5_000
    /// Attempts: of several servers that share the port one may have been stopped.
    private static let attempts = 2

    /// What a machine has to say; its own registry is read directly when it is this one.
    ///
    /// - Parameter machine: a name or an address, with or without two backslashes or slashes before it.
    public static func servers(
        of machine: String
    ) throws(DiscoveryError) -> (entries: [ServerEntry], omitted: Int) {
        let name = bare(machine)
        guard !name.isEmpty else {
            throw DiscoveryError(description: "'\(machine)' names no machine")
        }
        if isThisMachine(name) { return (ServerRegistry.visibleServers(), 0) }
        let addresses: [SocketAddress]
        do {
            addresses = try SocketAddress.resolve(
                host: name,
                port: DiscoveryPort.forAsking,
                onlyIPv6: false
            )
        } catch {
            throw DiscoveryError(description: error.description)
        }
        var failure = DiscoveryError(description: "it has no address")
        for _ in 0..<attempts {
            for address in addresses {
                do throws(DiscoveryError) {
                    let list = try ask(address)
                    return (list.entries, list.omitted)
                } catch {
                    failure = error
                }
            }
            guard failure.isWorthAnotherTry else { break }
        }
        throw failure
    }

    /// A machine's name without what may stand before it; a shell makes one backslash of two.
    static func bare(_ machine: String) -> String {
        String(machine.drop { $0 == "\\" || $0 == "/" })
    }

    static func isThisMachine(_ name: String) -> Bool {
        let own = hostName().lowercased()
        return [".", "localhost", "127.0.0.1", "::1", "[::1]", own].contains(name.lowercased())
    }

    private static func ask(_ address: SocketAddress) throws(DiscoveryError) -> ServerListReader {
        let deadline = monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        var reader = ServerListReader()
        do {
            let socket = try address.connect(timeoutMilliseconds: timeoutMilliseconds)
            while !reader.isComplete {
                var requests = [PollRequest(socket.number)]
                guard try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline) else {
                    guard monotonicNanoseconds() < deadline else {
                        throw DiscoveryError(
                            description: "\(address) does not answer",
                            isWorthAnotherTry: true
                        )
                    }
                    continue
                }
                guard let bytes = try socket.read(maximum: 16_384) else { continue }
                if bytes.isEmpty { break }
                try reader.receive(bytes)
            }
            try reader.finish()
            return reader
        } catch let error as DiscoveryError {
            throw error
        } catch let error as SystemError {
            throw DiscoveryError(
                description: "\(address): \(error.reason)"
                    + (error.errorNumber == ECONNREFUSED ? hint : "")
            )
        } catch {
            throw DiscoveryError(
                description: "\(address): \(error)",
                isWorthAnotherTry: error as? ServerListError == .cutShort
            )
        }
    }

    private static let hint = "; no server that runs as root is there, or it does not answer others"
}

/// Why a machine's servers cannot be listed, in one clause.
public struct DiscoveryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The clause.
    public var description: String
    /// Whether it may have been one server's trouble, where there are several.
    var isWorthAnotherTry = false
}
