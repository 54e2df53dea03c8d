internal import WireCore

/// One `name=value` or `flag` of a connection string, before it is known what it means.
struct RawParameter {
    var name: String
    var value: String?
}

/// Splits a connection string into its transport's name and its parameters, and hands the parameters out
/// one by one, so that what nobody asked for is an error.
struct ParameterList {
    let transport: String
    private var parameters: [RawParameter] = []

    /// - Parameters:
    ///   - text: the whole string.
    ///   - known: the parameters each transport has.
    init(_ text: String, known: [String: [String]]) throws(ConnectionStringError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw ConnectionStringError(
                "'\(Self.masked(text))' names no transport: write one of npipe:, tcp:, com:, spipe:, ssl: and its"
                    + " parameters, for example com:port=com2,baud=115200,channel=7"
            )
        }
        transport = text[..<colon].lowercased()
        guard let names = known[transport] else {
            throw ParameterList.unknown(transport: String(text[..<colon]))
        }
        let rest = text[text.index(after: colon)...]
        if rest.isEmpty { return }
        for piece in rest.split(separator: ",", omittingEmptySubsequences: false) {
            try add(piece, names: names)
        }
    }

    /// What a string that is none shows of itself: no password.
    private static func masked(_ text: String) -> String {
        text.split(separator: ",", omittingEmptySubsequences: false).map { piece in
            piece.lowercased().contains("password=") ? "password=*" : String(piece)
        }.joined(separator: ",")
    }

    private mutating func add(
        _ piece: Substring,
        names: [String]
    ) throws(ConnectionStringError) {
        if piece.isEmpty {
            throw ConnectionStringError("\(transport): there is nothing between two commas")
        }
        let halves = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let written = String(halves[0])
        if let first = written.first, first.isWhitespace {
            throw ConnectionStringError(
                "\(transport): there is a space before '\(written.trimmedSpaces)';"
                    + " a connection string has no spaces"
            )
        }
        guard let name = names.first(where: { $0.lowercased() == written.lowercased() }) else {
            throw unknown(parameter: written, names: names)
        }
        if parameters.contains(where: { $0.name == name }) {
            throw ConnectionStringError("\(transport): \(name) is given twice")
        }
        let value = halves.count == 2 ? String(halves[1]) : nil
        if let value, value.contains(where: \.isWhitespace),
            !ConnectionString.Security.spacedNames.contains(name)
        {
            throw ConnectionStringError(
                "\(transport): \(name) was '\(name == "password" ? "*" : value)', which holds a space;"
                    + " a connection string has no spaces"
            )
        }
        parameters.append(RawParameter(name: name, value: value))
    }

    private static func unknown(transport: String) -> ConnectionStringError {
        let names = ["npipe", "tcp", "com", "spipe", "ssl"]
        let hint = nearestMatch(to: transport, among: names).map { "; did you mean \($0)?" } ?? ""
        return ConnectionStringError(
            "there is no transport '\(transport)': it is one of \(names.joined(separator: ", "))"
                + hint
        )
    }

    private func unknown(parameter: String, names: [String]) -> ConnectionStringError {
        let hint = nearestMatch(to: parameter, among: names).map { "; did you mean \($0)?" } ?? ""
        return ConnectionStringError(
            "\(transport): there is no parameter '\(parameter)': it has"
                + " \(names.joined(separator: ", "))" + hint
        )
    }

    /// Whether one of these parameters is there.
    func hasAny(of names: [String]) -> Bool {
        parameters.contains { names.contains($0.name) }
    }

    /// Takes a flag: true when it is there, an error when it has a value.
    mutating func takeFlag(_ name: String) throws(ConnectionStringError) -> Bool {
        guard let index = parameters.firstIndex(where: { $0.name == name }) else { return false }
        let parameter = parameters.remove(at: index)
        if let value = parameter.value {
            throw ConnectionStringError("\(transport): \(name) takes no value, but was '\(value)'")
        }
        return true
    }

    /// Takes a parameter's value, nil when it is not there.
    mutating func take(_ name: String) throws(ConnectionStringError) -> String? {
        guard let index = parameters.firstIndex(where: { $0.name == name }) else { return nil }
        let parameter = parameters.remove(at: index)
        guard let value = parameter.value, !value.isEmpty else {
            throw ConnectionStringError("\(transport): \(name) has no value: write \(name)=…")
        }
        return value
    }

    /// Takes a parameter's value; an error that says what belongs there when it is not given.
    mutating func require(
        _ name: String,
        _ meaning: String
    ) throws(ConnectionStringError) -> String {
        guard let value = try take(name) else {
            throw ConnectionStringError("\(transport): \(name)= is missing: it names \(meaning)")
        }
        return value
    }

    /// Takes a decimal number within a range.
    mutating func requireNumber(
        _ name: String,
        _ meaning: String,
        in range: ClosedRange<Int>,
        called rangeName: String
    ) throws(ConnectionStringError) -> Int {
        let value = try require(name, meaning)
        return try number(value, name, in: range, called: rangeName)
    }

    /// Reads a decimal number within a range.
    func number(
        _ value: String,
        _ name: String,
        in range: ClosedRange<Int>,
        called rangeName: String
    ) throws(ConnectionStringError) -> Int {
        let isDecimal = !value.isEmpty && value.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isDecimal, let number = Int(value), range.contains(number) else {
            throw ConnectionStringError(
                "\(transport): \(name) must be \(rangeName), but was '\(value)'"
            )
        }
        return number
    }
}

extension String {
    fileprivate var trimmedSpaces: String {
        String(drop { $0.isWhitespace })
    }
}
