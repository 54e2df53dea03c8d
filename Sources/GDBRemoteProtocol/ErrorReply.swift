/// Error replies and the plain `OK` (the manual's "Standard Replies").
///
/// `E NN` numbers mean nothing; `E.text` is shown to the user as it is, by gdb from 16 on for every
/// packet that was agreed on with `error-message+`, before that for a few (`vAttach`, `vRun`, `qXfer`
/// and memory packets among them). The text must not contain framing bytes, and `*` would start a run.
public struct ErrorReply: Sendable, Equatable {
    /// The number, 0–255; 1 where only a text is known.
    public var number: UInt8
    /// The text, empty where only a number came.
    public var text: String

    /// Builds an error.
    public init(number: UInt8 = 1, text: String = "") {
        self.number = number
        self.text = text
    }

    /// Reads a reply; nil when it is not an error.
    ///
    /// - Parameter payload: `E01`, `E.text` or lldb's `E01;hexascii`.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("E" as Unicode.Scalar) else { return nil }
        if reader.skip("." as Unicode.Scalar) {
            self.init(text: String(decoding: reader.remainder(), as: UTF8.self))
            return
        }
        guard let digits = reader.take(2), let number = Hex.number(digits) else { return nil }
        if reader.skip(";" as Unicode.Scalar), let text = reader.hexText(endingAt: ";") {
            self.init(number: UInt8(number), text: text)
        } else if reader.isAtEnd {
            self.init(number: UInt8(number))
        } else {
            return nil
        }
    }

    /// `E.text`, or the number where there is no text.
    public var payload: [UInt8] {
        guard !text.isEmpty else { return numberPayload }
        let harmless = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar {
            case "#", "$", "}", "*", "\n", "\r": "?"
            default: scalar
            }
        }
        var payload = [UInt8](text: "E.")
        for scalar in harmless { payload.append(text: String(scalar)) }
        return payload
    }

    /// `E NN`.
    public var numberPayload: [UInt8] {
        var payload = [UInt8(ascii: "E")]
        payload.append(hexByte: number)
        return payload
    }

    /// lldb's `E NN;hexascii` (`QEnableErrorStrings`).
    public var hexTextPayload: [UInt8] {
        guard !text.isEmpty else { return numberPayload }
        var payload = numberPayload
        payload.append(text: ";")
        payload.append(hexBytes: text.utf8)
        return payload
    }
}

/// Replies without content.
public enum PlainReply {
    /// `OK`.
    public static let ok = [UInt8](text: "OK")
    /// The empty reply: the packet is not known.
    public static let unsupported: [UInt8] = []
}
