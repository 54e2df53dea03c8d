/// Why a certificate cannot be used, in one sentence with the file and what mends it.
public struct CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
