/// What a `com:` string may say about the line beyond its rate, after the parameters of the original.
public struct LineParameters: Sendable, Hashable {
    /// `parity=`.
    public enum Parity: String, Sendable, CaseIterable { case none, even, odd }
    /// `flow=`: who holds the other side up.
    public enum FlowControl: String, Sendable, CaseIterable { case none, rtscts, xonxoff }
    /// `dtr=` and `rts=`: what is done with a modem line when the port has been opened.
    public enum ModemLine: String, Sendable, CaseIterable { case on, off, leave }

    /// The parity bit.
    public var parity = Parity.none
    /// 1 or 2.
    public var stopBits = 1
    /// Flow control.
    public var flowControl = FlowControl.none
    /// Data terminal ready.
    public var dtr = ModemLine.leave
    /// Request to send.
    public var rts = ModemLine.leave

    /// The usual line, 8N1 without flow control.
    public init() {}

    static let names = ["parity", "stop", "flow", "dtr", "rts"]

    init(from list: inout ParameterList) throws(ConnectionStringError) {
        parity = try Self.choice("parity", from: &list) ?? parity
        if let text = try list.take("stop") {
            stopBits = try list.number(text, "stop", in: 1...2, called: "1 or 2")
        }
        flowControl = try Self.choice("flow", from: &list) ?? flowControl
        dtr = try Self.choice("dtr", from: &list) ?? dtr
        rts = try Self.choice("rts", from: &list) ?? rts
        guard flowControl != .rtscts || rts == .leave else {
            throw ConnectionStringError(
                "\(list.transport): rts and flow=rtscts exclude each other: the driver moves the line"
            )
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String,
        from list: inout ParameterList
    ) throws(ConnectionStringError) -> Choice? {
        guard let text = try list.take(name) else { return nil }
        guard let choice = Choice(rawValue: text.lowercased()) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConnectionStringError(
                "\(list.transport): \(name) must be one of \(known), but was '\(text)'"
            )
        }
        return choice
    }

    /// The parameters that are not the usual ones, as lists show them.
    var displayed: [String] {
        let usual = LineParameters()
        var shown: [String] = []
        if parity != usual.parity { shown.append("Parity=\(parity.rawValue)") }
        if stopBits != usual.stopBits { shown.append("Stop=\(stopBits)") }
        if flowControl != usual.flowControl { shown.append("Flow=\(flowControl.rawValue)") }
        if dtr != usual.dtr { shown.append("DTR=\(dtr.rawValue)") }
        if rts != usual.rts { shown.append("RTS=\(rts.rawValue)") }
        return shown
    }
}
