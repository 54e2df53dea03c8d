internal import BrokerProtocol

/// What the broker of a port says about itself.
public struct ComPortStatus: Sendable, Equatable {
    /// One figure; keys such as `client` and `channel` come several times.
    public struct Figure: Sendable, Equatable {
        /// What it is.
        public var key: String
        /// Its value, as text.
        public var value: String
    }

    /// The port's name for people.
    public var portName: String
    /// The figures in the broker's order.
    public var figures: [Figure]

    /// Asks the broker of a port.
    ///
    /// - Returns: nil when the port has no broker now.
    public static func read(
        port: String,
        program: String,
        runtimeFolder: String? = nil
    ) throws(ComError) -> ComPortStatus? {
        let place = try ComPortPlace(named: port, folder: runtimeFolder)
        guard let control = try ComControl.visit(place.files, program: program),
            let answer = try control.request(.status)
        else { return nil }
        let count = answer.first { $0.key == "figures" }.flatMap { Int($0.value) } ?? 0
        var figures: [Figure] = []
        for _ in 0..<min(max(count, 0), figuresMax) {
            let figure = try control.event(
                timeoutMilliseconds: ComControl.answerMillisecondsMax,
                Self.figure
            )
            guard let figure else { break }
            figures.append(figure)
        }
        return ComPortStatus(portName: place.name, figures: figures)
    }

    private static let figuresMax = 4000

    private static func figure(_ message: BrokerMessage) -> Figure? {
        guard case .figure(let key, let value) = message else { return nil }
        return Figure(key: key, value: value)
    }
}
