internal import BrokerProtocol
internal import ConnectionStrings
public import DiscoveryProtocol
internal import LinuxSystem

/// What the other end of a cable offers on its channels (docs/protocols/discovery.md).
public enum ComDirectory {
    /// How long the other end may take to answer, in milliseconds.
    public static let timeoutMilliseconds = 10_000

    /// Asks the other end of a cable.
    ///
    /// - Parameters:
    ///   - text: the line, `com:port=com2,baud=115200`.
    ///   - program: this program's name, shown to others that share the port.
    /// - Returns: the servers, by channel, each with the connection string that reaches it.
    public static func servers(
        _ text: String,
        program: String
    ) throws(TransportError) -> (entries: [ServerEntry], omitted: Int) {
        let serial: ConnectionString.SerialChannel
        do {
            serial = try ConnectionString.serialLine(text)
        } catch {
            throw TransportError(error.description)
        }
        do {
            let port = try ComPortClient.open(
                port: serial.port,
                settings: ComPortClient.Settings(serial),
                program: program
            )
            let list = try port.askOtherEnd(timeoutMilliseconds: timeoutMilliseconds)
            let entries = list.entries.map { entry in
                var entry = entry
                var place = serial
                place.channel = entry.channel ?? 0
                entry.transport = ConnectionString.com(place).displayed() + needs(of: entry)
                return entry
            }
            return (entries, list.omitted)
        } catch {
            throw TransportError(error.description)
        }
    }

    /// What the server's own connection string says of what a client has to bring: a password, TLS.
    private static func needs(of entry: ServerEntry) -> String {
        let names = ["Password=", "Proto=", "CertUser=", "MachUser=", "ClientCert="]
        return entry.transport.split(separator: ",")
            .filter { parameter in names.contains { parameter.hasPrefix($0) } }
            .map { "," + $0 }.joined()
    }
}

extension ComPortClient {
    fileprivate func askOtherEnd(timeoutMilliseconds: Int) throws(ComError) -> ServerListReader {
        let deadline = monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        let connecting = try startAsking()
        guard let stream = try connecting.take(timeoutMilliseconds: timeoutMilliseconds) else {
            throw connecting.noAnswer(after: timeoutMilliseconds)
        }
        var reader = ServerListReader()
        do {
            while !reader.isComplete {
                var requests = [PollRequest(stream.descriptor.number)]
                _ = try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
                guard monotonicNanoseconds() < deadline else { break }
                guard let bytes = try stream.descriptor.read(maximum: 16_384) else { continue }
                if bytes.isEmpty { break }
                try reader.receive(bytes)
            }
            try reader.finish()
        } catch {
            let why = stream.lastReason ?? "\(error)"
            throw ComError(.timeout, "The other end of \(portName) did not answer in full: \(why).")
        }
        return reader
    }
}
