/// Wraps payloads for the wire.
public enum PacketEncoder {
    /// `$payload#cs`; the payload's binary parts are escaped already (`append(escaped:)`).
    public static func packet(_ payload: [UInt8]) -> [UInt8] {
        frame(payload, start: UInt8(ascii: "$"))
    }

    /// `%payload#cs`.
    public static func notification(_ payload: [UInt8]) -> [UInt8] {
        frame(payload, start: UInt8(ascii: "%"))
    }

    /// `+`.
    public static let acknowledgement: [UInt8] = [UInt8(ascii: "+")]
    /// `-`.
    public static let retransmissionRequest: [UInt8] = [UInt8(ascii: "-")]
    /// 0x03.
    public static let interrupt: [UInt8] = [0x03]

    private static func frame(_ payload: [UInt8], start: UInt8) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 4)
        bytes.append(start)
        bytes += payload
        bytes.append(UInt8(ascii: "#"))
        let sum = payload.withUnsafeBufferPointer { buffer in
            var sum: UInt8 = 0
            for index in buffer.indices { sum &+= buffer[index] }
            return sum
        }
        bytes.append(Hex.digit(sum >> 4))
        bytes.append(Hex.digit(sum & 15))
        return bytes
    }
}
