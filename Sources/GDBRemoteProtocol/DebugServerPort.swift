// A relay on the way between lldb and a server is at an address that the server does not know. When lldb asks
// for a debug server (`qLaunchGDBServer`), the relay says at which of its own ports lldb can connect again.

/// Names a port in the requests for a debug server that pass by.
public struct DebugServerPort: Sendable {
    /// The longest request that is held back until it is complete.
    public static let requestBytesMax = 4096
    private static let beginning = Array("$qLaunchGDBServer".utf8)

    private let port: Int
    /// A packet that is, so far, such a request.
    private var held: [UInt8] = []
    private var checksumDigitsLeft: Int?

    /// Names that port.
    public init(_ port: Int) {
        self.port = port
    }

    /// Takes bytes on their way to the server and gives those that may go on.
    public mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
        var passed: [UInt8] = []
        passed.reserveCapacity(bytes.count)
        for byte in bytes { take(byte, &passed) }
        return passed
    }

    private mutating func take(_ byte: UInt8, _ passed: inout [UInt8]) {
        if byte == UInt8(ascii: "$"), checksumDigitsLeft == nil {
            passed += held
            held = [byte]
            return
        }
        guard !held.isEmpty else {
            passed.append(byte)
            return
        }
        held.append(byte)
        let isRequest = held.starts(with: Self.beginning)
        let mayBeRequest = isRequest || Self.beginning.starts(with: held)
        guard mayBeRequest, held.count <= Self.requestBytesMax else {
            release(held, &passed)
            return
        }
        if let left = checksumDigitsLeft {
            checksumDigitsLeft = left - 1
            if left == 1 { release(changed(held), &passed) }
        } else if byte == UInt8(ascii: "#") {
            checksumDigitsLeft = 2
        }
    }

    private mutating func release(_ bytes: [UInt8], _ passed: inout [UInt8]) {
        passed += bytes
        held = []
        checksumDigitsLeft = nil
    }

    private func changed(_ packet: [UInt8]) -> [UInt8] {
        var payload = Array(packet.dropFirst().dropLast(3))
        if payload.last != UInt8(ascii: ";") { payload.append(UInt8(ascii: ";")) }
        payload.append(text: "port:\(port);")
        return PacketEncoder.packet(payload)
    }
}
