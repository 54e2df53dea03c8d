/// How bytes travel on the line.
public struct SerialConfiguration: Sendable, Hashable {
    /// The bit that is sent after the data bits for checking.
    public enum Parity: String, Sendable, CaseIterable { case none, even, odd }

    /// How one side asks the other to pause.
    public enum FlowControl: String, Sendable, CaseIterable {
        /// It does not; the multiplexer's credit bounds what is under way.
        case none
        /// By the RTS and CTS lines.
        case rtsCts = "rts-cts"
        /// By the bytes XON and XOFF, which the multiplexer cannot share a line with.
        case xonXoff = "xon-xoff"
    }

    /// What is done with a modem line after the port was opened, which raises both.
    public enum ModemLine: String, Sendable, CaseIterable { case on, off, leave }

    /// The rates that are accepted at all; what the hardware can is the driver's answer.
    public static let baudRates = 50...20_000_000

    /// Bits per second; any number the driver grants.
    public var baudRate: Int
    /// 7 or 8.
    public var dataBits: Int
    /// The parity bit.
    public var parity: Parity
    /// 1 or 2.
    public var stopBits: Int
    /// Flow control.
    public var flowControl: FlowControl
    /// Data terminal ready.
    public var dtr: ModemLine
    /// Request to send; left alone when it is the flow control's.
    public var rts: ModemLine

    /// The usual 8N1, unless told otherwise.
    public init(
        baudRate: Int,
        dataBits: Int = 8,
        parity: Parity = .none,
        stopBits: Int = 1,
        flowControl: FlowControl = .none,
        dtr: ModemLine = .leave,
        rts: ModemLine = .leave
    ) {
        precondition(7...8 ~= dataBits, "a character has 7 or 8 data bits")
        precondition(1...2 ~= stopBits, "a character has 1 or 2 stop bits")
        self.baudRate = baudRate
        self.dataBits = dataBits
        self.parity = parity
        self.stopBits = stopBits
        self.flowControl = flowControl
        self.dtr = dtr
        self.rts = rts
    }

    /// Bit times that one byte takes: start, data, parity and stop bits.
    public var bitsPerCharacter: Int {
        1 + dataBits + (parity == .none ? 0 : 1) + stopBits
    }

    /// `115200 baud 8N1`, and what else is not as usual: `115200 baud 8N1 flow=rts-cts dtr=off`.
    public var description: String {
        character + (flowControl == .none ? "" : " flow=\(flowControl.rawValue)")
            + (dtr == .leave ? "" : " dtr=\(dtr.rawValue)")
            + (rts == .leave ? "" : " rts=\(rts.rawValue)")
    }

    /// `115200 baud 8N1`.
    var character: String {
        let letter =
            switch parity {
            case .none: "N"
            case .even: "E"
            case .odd: "O"
            }
        return "\(baudRate) baud \(dataBits)\(letter)\(stopBits)"
    }
}
