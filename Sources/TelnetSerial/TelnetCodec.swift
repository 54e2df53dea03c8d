/// Telnet on the wire (RFC 854, 855): data in which the byte 255 (IAC) begins a command, and is doubled to be itself.
///
///     data      any byte; IAC IAC is one byte 255
///     command   IAC code                          241–249
///     option    IAC WILL|WONT|DO|DONT option      251–254
///     parameters IAC SB option … IAC SE           with IAC doubled inside
enum Telnet {
    static let interpretAsCommand: UInt8 = 255
    static let subnegotiationBegin: UInt8 = 250
    static let subnegotiationEnd: UInt8 = 240

    /// What the four verbs of an option say.
    enum Verb: UInt8, Sendable {
        case will = 251
        case wont = 252
        case perform = 253
        case dont = 254
    }

    /// The options that a serial line needs.
    enum Option: UInt8, Sendable, CaseIterable {
        /// Eight bits, and no meaning of CR (RFC 856).
        case binary = 0
        /// No turns to speak (RFC 858).
        case suppressGoAhead = 3
        /// The serial port behind the connection (RFC 2217).
        case comPort = 44
    }

    /// What arrives.
    enum Element: Sendable, Equatable {
        case data([UInt8])
        case option(Verb, UInt8)
        case parameters(option: UInt8, [UInt8])
    }

    /// Data as it goes over the wire.
    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(interpretAsCommand) else { return bytes }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(bytes.count + bytes.count / 64 + 1)
        for byte in bytes {
            escaped.append(byte)
            if byte == interpretAsCommand { escaped.append(byte) }
        }
        return escaped
    }

    static func encode(_ verb: Verb, _ option: UInt8) -> [UInt8] {
        [interpretAsCommand, verb.rawValue, option]
    }

    static func encode(option: UInt8, parameters: [UInt8]) -> [UInt8] {
        [interpretAsCommand, subnegotiationBegin, option] + escaped(parameters)
            + [interpretAsCommand, subnegotiationEnd]
    }
}

/// Takes telnet apart, however it is cut; any bytes at all have a meaning, and none needs memory for long.
struct TelnetParser {
    private enum State {
        case data
        case command
        case option(Telnet.Verb)
        case parameters([UInt8])
        case parametersCommand([UInt8])
    }

    private var state = State.data

    /// Bytes of one option's parameters; what is longer is cut, and then no parameters that mean anything.
    static let parametersMax = 1024

    /// The elements of what has arrived.
    mutating func parse(_ bytes: [UInt8]) -> [Telnet.Element] {
        var elements: [Telnet.Element] = []
        var data: [UInt8] = []
        for byte in bytes {
            guard let element = take(byte, &data) else { continue }
            if !data.isEmpty {
                elements.append(.data(data))
                data = []
            }
            elements.append(element)
        }
        if !data.isEmpty { elements.append(.data(data)) }
        return elements
    }

    private mutating func take(_ byte: UInt8, _ data: inout [UInt8]) -> Telnet.Element? {
        switch state {
        case .data:
            if byte == Telnet.interpretAsCommand { state = .command } else { data.append(byte) }
        case .command:
            takeCommand(byte, &data)
        case .option(let verb):
            state = .data
            return .option(verb, byte)
        case .parameters(var collected):
            if byte == Telnet.interpretAsCommand {
                state = .parametersCommand(collected)
            } else {
                // Emptied first, so that the array is not copied for every byte.
                state = .data
                if collected.count < Self.parametersMax { collected.append(byte) }
                state = .parameters(collected)
            }
        case .parametersCommand(var collected):
            if byte == Telnet.interpretAsCommand {
                state = .data
                if collected.count < Self.parametersMax { collected.append(byte) }
                state = .parameters(collected)
                return nil
            }
            state = .data
            // A command inside parameters ends them as SE does; RFC 855 does not foresee it.
            if byte != Telnet.subnegotiationEnd { takeCommand(byte, &data) }
            guard let option = collected.first else { return nil }
            return .parameters(option: option, Array(collected.dropFirst()))
        }
        return nil
    }

    /// The byte after an IAC; commands such as "are you there" are for people at a terminal.
    private mutating func takeCommand(_ byte: UInt8, _ data: inout [UInt8]) {
        state = .data
        if byte == Telnet.interpretAsCommand {
            data.append(byte)
        } else if byte == Telnet.subnegotiationBegin {
            state = .parameters([])
        } else if let verb = Telnet.Verb(rawValue: byte) {
            state = .option(verb)
        }
    }
}
