/// The features of a `qSupported` request or reply, in order (the manual's "General Query Packets").
///
/// `name+` is had, `name-` is not, `name?` may be (requests and old stubs), `name=value` carries a value.
/// A name without any of these occurs in the wild (lldb) and is kept as it is.
public struct FeatureList: Sendable, Equatable {
    /// What is said of a feature.
    public enum State: Sendable, Equatable {
        /// `+`.
        case supported
        /// `-`.
        case unsupported
        /// `?`.
        case unknown
        /// `=value`.
        case value(String)
        /// The bare name.
        case bare
    }

    /// One feature.
    public struct Feature: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// What is said of it.
        public var state: State
    }

    /// All features, in order.
    public var features: [Feature]

    /// An empty list.
    public init() {
        features = []
    }

    /// Reads a list separated by semicolons; empty elements are passed over.
    public init(parsing list: some Sequence<UInt8>) {
        features = Array(list).split(separator: UInt8(ascii: ";")).map { element in
            let text = String(decoding: element, as: UTF8.self)
            if let equals = text.firstIndex(of: "=") {
                return Feature(
                    name: String(text[..<equals]),
                    state: .value(String(text[text.index(after: equals)...]))
                )
            }
            switch text.last {
            case "+": return Feature(name: String(text.dropLast()), state: .supported)
            case "-": return Feature(name: String(text.dropLast()), state: .unsupported)
            case "?": return Feature(name: String(text.dropLast()), state: .unknown)
            default: return Feature(name: text, state: .bare)
            }
        }
    }

    /// Adds a feature that is had.
    public mutating func add(_ name: String) {
        features.append(Feature(name: name, state: .supported))
    }

    /// Adds a feature with a value.
    public mutating func add(_ name: String, value: String) {
        features.append(Feature(name: name, state: .value(value)))
    }

    /// Whether the feature is had.
    public func supports(_ name: String) -> Bool {
        features.contains { $0.name == name && $0.state == .supported }
    }

    /// The feature's value, if it has one.
    public func value(of name: String) -> String? {
        for feature in features where feature.name == name {
            if case .value(let value) = feature.state { return value }
        }
        return nil
    }

    /// The list as it travels.
    public var text: String {
        features.map { feature in
            switch feature.state {
            case .supported: feature.name + "+"
            case .unsupported: feature.name + "-"
            case .unknown: feature.name + "?"
            case .value(let value): "\(feature.name)=\(value)"
            case .bare: feature.name
            }
        }.joined(separator: ";")
    }

    /// `qSupported:` and the list.
    public var request: [UInt8] {
        Array((features.isEmpty ? "qSupported" : "qSupported:\(text)").utf8)
    }

    /// The list of a `qSupported` request; nil when it is another packet.
    public init?(request payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("qSupported") else { return nil }
        guard reader.skip(":" as Unicode.Scalar) || reader.isAtEnd else { return nil }
        self.init(parsing: reader.remainder())
    }
}
