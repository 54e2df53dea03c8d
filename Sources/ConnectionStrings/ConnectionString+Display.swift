extension ConnectionString {
    /// A connection string without its password, for another process that is not to know it.
    public static func withoutPassword(_ text: String) -> String {
        guard let colon = text.firstIndex(of: ":") else { return text }
        let start = text.index(after: colon)
        let kept = text[start...].split(separator: ",", omittingEmptySubsequences: false).filter {
            let name = $0.lowercased()
            return !name.hasPrefix("password=") && !name.hasPrefix("readonly-password=")
        }
        return text[..<start] + kept.joined(separator: ",")
    }

    /// The string as lists, logs and errors show it: names capitalised as the original does, passwords
    /// masked, ready to be pasted.
    ///
    /// - Parameters:
    ///   - chosenPort: the port that a server with a range listens on: `Port=53:60`.
    ///   - pipeName: the pipe's name with its format codes replaced.
    public func displayed(chosenPort: Int? = nil, pipeName: String? = nil) -> String {
        let parameters = securityParameters + addressParameters(chosenPort, pipeName)
        return "\(transportName):" + (parameters + accessParameters).joined(separator: ",")
    }

    private var securityParameters: [String] {
        switch self {
        case .spipe(let pipe, let security):
            security.displayed(machine: pipe.server)
        case .ssl(let socket, let security):
            security.displayed(machine: socket.server ?? socket.reverseConnection)
        case .npipe, .tcp, .com:
            []
        }
    }

    private func addressParameters(_ chosenPort: Int?, _ pipeName: String?) -> [String] {
        switch self {
        case .npipe(let pipe), .spipe(let pipe, _):
            return ["Pipe=\(pipeName ?? pipe.name)"] + serverParameter(pipe.server)
        case .tcp(let socket), .ssl(let socket, _):
            let first = chosenPort ?? socket.ports.lowerBound
            let isRange = socket.ports.count > 1
            return ["Port=\(first)" + (isRange ? ":\(socket.ports.upperBound)" : "")]
                + serverParameter(socket.server)
                + (socket.reverseConnection.map { ["CliCon=\($0)"] } ?? [])
                + (socket.onlyIPv6 ? ["IPVersion=6"] : [])
        case .com(let serial):
            return ["Port=\(serial.port)", "Baud=\(serial.baudRate)", "Channel=\(serial.channel)"]
                + serial.line.displayed + (serial.security?.displayed(machine: nil) ?? [])
        }
    }

    private func serverParameter(_ server: String?) -> [String] {
        server.map { ["Server=\($0)"] } ?? []
    }

    private var accessParameters: [String] {
        (access.isHidden ? ["Hidden"] : [])
            + (access.password == nil ? [] : ["Password=*"])
            + (access.isReadOnly ? ["ReadOnly"] : [])
            + (access.readOnlyPassword == nil ? [] : ["ReadOnly-Password=*"])
            + (access.opensFirewall ? ["IcfEnable"] : [])
    }
}
