/// How the far serial port is to be set.
public struct RemoteLineSettings: Sendable, Equatable {
    /// The parity bit, numbered as RFC 2217 does.
    public enum Parity: UInt8, Sendable { case none = 1, odd = 2, even = 3 }
    /// Flow control between the far port and what is behind it, numbered as RFC 2217 does.
    public enum FlowControl: UInt8, Sendable { case none = 1, xonXoff = 2, rtsCts = 3 }

    /// Bits per second.
    public var baudRate: Int
    /// 7 or 8.
    public var dataBits: Int
    /// The parity bit.
    public var parity: Parity
    /// 1 or 2.
    public var stopBits: Int
    /// Flow control.
    public var flowControl: FlowControl
    /// Data terminal ready; nil leaves it.
    public var dtr: Bool?
    /// Request to send; nil leaves it.
    public var rts: Bool?

    /// 8N1 at a rate, unless told otherwise.
    public init(
        baudRate: Int,
        dataBits: Int = 8,
        parity: Parity = .none,
        stopBits: Int = 1,
        flowControl: FlowControl = .none,
        dtr: Bool? = nil,
        rts: Bool? = nil
    ) {
        self.baudRate = baudRate
        self.dataBits = dataBits
        self.parity = parity
        self.stopBits = stopBits
        self.flowControl = flowControl
        self.dtr = dtr
        self.rts = rts
    }
}

/// What the far port has counted and seen.
public struct RemoteLineFigures: Sendable, Equatable {
    /// Bytes that came before the ones before them had been taken.
    public var overruns = 0
    /// Bytes of wrong parity.
    public var parityErrors = 0
    /// Bytes without a stop bit.
    public var frameErrors = 0
    /// BREAK conditions.
    public var breaks = 0
    /// The modem lines as RFC 2217 has them: 0x80 carrier, 0x40 ring, 0x20 DSR, 0x10 CTS; nil before the
    /// far end has told.
    public var modemLines: UInt8?
}

/// Why the far port cannot be used.
public enum RemotePortFailure: Error, Sendable, Equatable {
    /// The other end speaks telnet, but not about serial ports.
    case noComPortControl
    /// The other end takes bytes for text.
    case notTransparent
    /// A setting was answered by another one.
    case notGranted(setting: String, asked: String, granted: String)
}

extension RemotePortFailure: CustomStringConvertible {
    /// One clause.
    public var description: String {
        switch self {
        case .noComPortControl:
            "it serves a port by telnet without RFC 2217, so that its settings are not ours to make; "
                + "in ser2net the accepter is telnet(rfc2217)"
        case .notTransparent:
            "it does not pass on all bytes (it refuses telnet's binary mode)"
        case .notGranted(let setting, let asked, let granted):
            "asked for \(setting) \(asked), it granted \(granted)"
        }
    }
}
