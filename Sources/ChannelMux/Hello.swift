import WireCore

// HELLO introduces two ends to each other. It is the only frame that goes out before anybody has proved to
// be a multiplexer, so it must do no harm when a login prompt, a boot loader or a debugger's stub gets it.
// Its fields and their check sum therefore travel six bits a byte, as letters, digits, "." and "_": no
// return that would run a command, no control-C that would stop a program, no "$", no XOFF. The identity is
// filled up with spaces so that COBS' length byte is a visible character too.
//
//     body := "H" text( versions flags epoch peerEpoch nonce echo rxNext window bodyMax bufferMax
//                       features identity  crc32c )

/// What one end says of itself.
struct Hello: Sendable, Equatable {
    var lowestVersion = Hello.version
    var highestVersion = Hello.version
    /// Whether the sender holds the link for up.
    var isUp = false
    /// Whether the sender's line needs the coding stage without XON and XOFF.
    var wantsFlowControlSafe = false
    /// The sender's session number.
    var epoch: UInt32
    /// The session number of ours that the sender has heard; 0 is none.
    var peerEpoch: UInt32 = 0
    /// What we have to echo for the sender to know that we are there now.
    var nonce: UInt32
    /// The nonce of ours that the sender heard last.
    var echo: UInt32 = 0
    /// The sequence number that the sender expects next.
    var receiveNext: UInt8 = 0
    var windowFramesMax = UInt8(Wire.windowFramesMax)
    var bodyBytesMax = UInt16(Wire.bodyBytesMax)
    /// What the sender holds at most of frames that came out of order, in units of 1024 bytes.
    var receiveKibibytesMax: UInt16 = 256
    var features: Features = []
    var identity: String

    static let version = 1
    private static let flagUp: UInt8 = 1
    private static let flagWantsSafe: UInt8 = 2
    static let identityBytes = 14...60

    /// What both ends must know of before it is used.
    struct Features: OptionSet, Sendable {
        let rawValue: UInt32
        /// Streams compressed by connection.
        static let compression = Features(rawValue: 1 << 0)
        /// A second coding stage without XON, XOFF and their like.
        static let flowControlSafe = Features(rawValue: 1 << 1)
        /// Reserved: changing the baud rate together.
        static let baudChange = Features(rawValue: 1 << 2)
        /// BREAK and modem lines of a connection.
        static let modemLines = Features(rawValue: 1 << 3)
        /// Connections to the directory.
        static let directory = Features(rawValue: 1 << 4)
    }
}

extension Hello {
    /// The body of a frame, check sum included.
    var body: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 96)
        writer.put(UInt8(highestVersion << 4 | lowestVersion))
        writer.put((isUp ? Self.flagUp : 0) | (wantsFlowControlSafe ? Self.flagWantsSafe : 0))
        for number in [epoch, peerEpoch, nonce, echo] { writer.put(number) }
        writer.put(receiveNext)
        writer.put(windowFramesMax)
        writer.put(bodyBytesMax)
        writer.put(receiveKibibytesMax)
        writer.put(features.rawValue)
        writer.put(Self.padded(identity))
        writer.put(CRC32C.checksum(of: writer.bytes))
        return [Wire.hello] + SixBitText.encode(writer.bytes)
    }

    /// The bytes for the line.
    var wire: [UInt8] { Cobs.frame(body, leadingZero: true) }

    /// What a body says; nil when it is no HELLO or damaged.
    init?(body: [UInt8]) {
        guard body.first == Wire.hello, let bytes = SixBitText.decode(body.dropFirst()),
            bytes.count > Wire.checksumBytes
        else { return nil }
        let fields = Array(bytes.dropLast(Wire.checksumBytes))
        var tail = ByteReader(bytes[fields.count...])
        guard tail.takeUInt32() == CRC32C.checksum(of: fields) else { return nil }
        self.init(fields: fields)
    }

    private init?(fields: [UInt8]) {
        var reader = ByteReader(fields)
        guard let versions = reader.takeUInt8() else { return nil }
        self.init(epoch: 0, nonce: 0, identity: "")
        lowestVersion = Int(versions & 0x0F)
        highestVersion = Int(versions >> 4)
        guard isCompatible else { return }
        guard let flags = reader.takeUInt8(), let epoch = reader.takeUInt32(),
            let peerEpoch = reader.takeUInt32(), let nonce = reader.takeUInt32(),
            let echo = reader.takeUInt32(), let receiveNext = reader.takeUInt8(),
            let window = reader.takeUInt8(), let bodyMax = reader.takeUInt16(),
            let buffer = reader.takeUInt16(), let features = reader.takeUInt32()
        else { return nil }
        isUp = flags & Self.flagUp != 0
        wantsFlowControlSafe = flags & Self.flagWantsSafe != 0
        self.epoch = epoch
        self.peerEpoch = peerEpoch
        self.nonce = nonce
        self.echo = echo
        self.receiveNext = receiveNext
        windowFramesMax = window
        bodyBytesMax = bodyMax
        receiveKibibytesMax = buffer
        self.features = Features(rawValue: features)
        identity = Self.visible(reader.takeRest())
        guard epoch != 0, window > 0, bodyMax >= 64 else { return nil }
    }

    /// Whether there is a version that both ends speak; if not, nothing else was read.
    var isCompatible: Bool {
        lowestVersion <= Self.version && highestVersion >= Self.version
    }

    private static func padded(_ identity: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in identity.unicodeScalars {
            let encoded = Array(String(scalar).utf8)
            if bytes.count + encoded.count > identityBytes.upperBound { break }
            bytes += encoded
        }
        let missing = max(0, identityBytes.lowerBound - bytes.count)
        return bytes + [UInt8](repeating: 0x20, count: missing)
    }

    /// The peer's words, safe to show on a terminal.
    private static func visible(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(identityBytes.upperBound), as: UTF8.self)
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            scalars.append(isControl ? "?" : scalar)
        }
        while scalars.last == " " { scalars.removeLast() }
        return String(scalars)
    }
}

/// Bytes as letters, digits, "." and "_", six bits each, the highest first.
enum SixBitText {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._".utf8
    )

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 4 / 3 + 1)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                text.append(alphabet[Int(bits >> bitCount & 0x3F)])
            }
        }
        if bitCount > 0 { text.append(alphabet[Int(bits << (6 - bitCount) & 0x3F)]) }
        return text
    }

    /// The bytes, or nil when there is any other character.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for character in text {
            guard let value = value(of: character) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case 0x41...0x5A: UInt32(character - 0x41)
        case 0x61...0x7A: UInt32(character - 0x61 + 26)
        case 0x30...0x39: UInt32(character - 0x30 + 52)
        case 0x2E: 62
        case 0x5F: 63
        default: nil
        }
    }
}
