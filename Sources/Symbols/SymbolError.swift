/// Why a module's file could not be used for symbols.
public struct SymbolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One clear sentence that names the file.
    public var message: String

    /// Builds an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
