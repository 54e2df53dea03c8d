public import LinuxSystem

/// Why a connection or a listener could not be had, in one sentence for the user.
public struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public var description: String

    /// Wraps a sentence.
    public init(_ description: String) {
        self.description = description
    }

    /// The operating system's answer while doing `what`.
    public init(_ what: String, _ error: SystemError) {
        description = "\(what): \(error.reason)"
    }
}
