/// Takes the fields of a line one after the other, in any order, and notices those that nobody took.
struct FieldReader {
    private let line: BrokerLine
    private var remaining: [BrokerLine.Field]

    init(_ line: BrokerLine) {
        self.line = line
        remaining = line.fields
    }

    var words: String { line.words ?? "" }

    mutating func text(_ key: String) throws(BrokerProtocolError) -> String {
        guard let index = remaining.firstIndex(where: { $0.key == key }) else { throw bad(key) }
        return remaining.remove(at: index).value
    }

    /// Whether a flag is there, which is `1` when it is.
    mutating func has(_ flag: String) throws(BrokerProtocolError) -> Bool {
        guard remaining.contains(where: { $0.key == flag }) else { return false }
        return try integer(flag, in: 1...1) == 1
    }

    mutating func word(
        _ key: String,
        of allowed: [String]
    ) throws(BrokerProtocolError) -> String {
        let value = try text(key)
        guard allowed.contains(value) else { throw bad(key) }
        return value
    }

    mutating func integer(
        _ key: String,
        in range: ClosedRange<Int>
    ) throws(BrokerProtocolError) -> Int {
        guard let number = Int(try text(key)), range ~= number else { throw bad(key) }
        return number
    }

    mutating func choice<Choice: RawRepresentable<String>>(
        _ key: String
    ) throws(BrokerProtocolError) -> Choice {
        guard let choice = Choice(rawValue: try text(key)) else { throw bad(key) }
        return choice
    }

    mutating func channel() throws(BrokerProtocolError) -> Int {
        try integer("channel", in: 0...254)
    }

    mutating func token() throws(BrokerProtocolError) -> BrokerToken {
        guard let token = BrokerToken(try text("token")) else { throw bad("token") }
        return token
    }

    func finish() throws(BrokerProtocolError) {
        if let extra = remaining.first { throw bad(extra.key) }
    }

    private func bad(_ key: String) -> BrokerProtocolError {
        .badField(keyword: line.keyword, key: key)
    }
}
