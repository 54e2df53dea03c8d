public import DebugTarget

/// `vCont` (the manual's "Packets"): what each thread is to do when the target runs on.
///
/// The leftmost action that covers a thread counts; one without a thread id covers all threads. Signal
/// numbers are the connection's.
public struct ResumeRequest: Sendable, Equatable {
    /// How a thread goes on.
    public enum Action: Sendable, Equatable {
        /// `c`, or `C` with a signal.
        case run(signal: UInt8?)
        /// `s`, or `S` with a signal.
        case step(signal: UInt8?)
        /// `r`: steps while the program counter is inside.
        case stepRange(Range<TargetAddress>)
        /// `t`: stops, in non-stop mode.
        case stop
    }

    /// An action and the threads it is for.
    public struct Element: Sendable, Equatable {
        /// What they do.
        public var action: Action
        /// Which; all when nil.
        public var threads: ThreadReference?

        /// Builds an element.
        public init(_ action: Action, threads: ThreadReference? = nil) {
            self.action = action
            self.threads = threads
        }
    }

    /// In order.
    public var elements: [Element]

    /// Builds a request.
    public init(_ elements: [Element]) {
        self.elements = elements
    }

    /// Reads a whole `vCont;…` payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("vCont;") else { return nil }
        elements = []
        while !reader.isAtEnd {
            var element = PayloadReader(reader.field(endingAt: ";"))
            guard let action = Action(reading: &element) else { return nil }
            var threads: ThreadReference?
            if element.skip(":" as Unicode.Scalar) {
                threads = ThreadReference(element.remainder())
                if threads == nil { return nil }
            }
            guard element.isAtEnd else { return nil }
            elements.append(Element(action, threads: threads))
        }
        if elements.isEmpty { return nil }
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](text: "vCont")
        for element in elements {
            payload.append(text: ";" + element.action.text)
            if let threads = element.threads { payload.append(text: ":" + threads.text) }
        }
        return payload
    }
}

extension ResumeRequest.Action {
    fileprivate init?(reading reader: inout PayloadReader) {
        switch reader.byte() {
        case UInt8(ascii: "c"): self = .run(signal: nil)
        case UInt8(ascii: "s"): self = .step(signal: nil)
        case UInt8(ascii: "t"): self = .stop
        case UInt8(ascii: "C"):
            guard let signal = Self.signal(&reader) else { return nil }
            self = .run(signal: signal)
        case UInt8(ascii: "S"):
            guard let signal = Self.signal(&reader) else { return nil }
            self = .step(signal: signal)
        case UInt8(ascii: "r"):
            guard let start = reader.hexNumber(), reader.skip("," as Unicode.Scalar),
                let end = reader.hexNumber(), start <= end
            else { return nil }
            self = .stepRange(TargetAddress(start)..<TargetAddress(end))
        default: return nil
        }
    }

    private static func signal(_ reader: inout PayloadReader) -> UInt8? {
        reader.take(2).flatMap { Hex.number($0) }.map { UInt8($0) }
    }

    fileprivate var text: String {
        switch self {
        case .run(nil): return "c"
        case .step(nil): return "s"
        case .run(let signal?): return "C" + Self.digits(signal)
        case .step(let signal?): return "S" + Self.digits(signal)
        case .stop: return "t"
        case .stepRange(let range):
            return
                "r\(Hex.text(range.lowerBound.rawValue)),\(Hex.text(range.upperBound.rawValue))"
        }
    }

    private static func digits(_ signal: UInt8) -> String {
        String(decoding: Hex.encode(CollectionOfOne(signal)), as: UTF8.self)
    }
}

/// The reply to `vCont?`: which actions there are.
public struct ResumeAbilities: Sendable, Equatable {
    /// The letters, `c`, `C`, `s`, `S`, `t`, `r`.
    public var actions: [String]

    /// Builds a list.
    public init(actions: [String]) {
        self.actions = actions
    }

    /// Reads a reply; nil when `vCont` is not supported at all.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("vCont") else { return nil }
        actions = reader.remainder().split(separator: UInt8(ascii: ";")).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The payload.
    public var payload: [UInt8] {
        [UInt8](text: "vCont" + actions.map { ";" + $0 }.joined())
    }
}
