public import Glibc

/// The operating system said no: which call, with what, and why.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call's name, `open`.
    public var call: String
    /// The error number (errno(3)).
    public var errorNumber: Int32
    /// What it was about, usually a path; may be empty.
    public var subject: String

    /// Builds an error; without a number, from errno as it stands.
    public init(_ call: String, _ subject: String = "", errorNumber: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.errorNumber = errorNumber
    }

    /// The kernel's words for the error number.
    public var reason: String { SystemError.reason(for: errorNumber) }

    /// Whether it was that the path leads nowhere.
    public var isNotFound: Bool { errorNumber == ENOENT || errorNumber == ENOTDIR }

    /// `open /dev/ttyS1: Permission denied`.
    public var description: String {
        (subject.isEmpty ? call : "\(call) \(subject)") + ": \(reason)"
    }

    /// strerror(3) for a number.
    public static func reason(for errorNumber: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(errorNumber, &buffer, buffer.count) == 0 else {
            return "error \(errorNumber)"
        }
        let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Runs a system call that answers -1 on failure, again as long as a signal interrupts it.
///
/// - Returns: the call's answer, 0 or more.
/// - Throws: `SystemError` with errno.
@discardableResult
public func systemCall<Answer: SignedInteger>(
    _ name: String,
    _ subject: @autoclosure () -> String = "",
    _ body: () -> Answer
) throws(SystemError) -> Answer {
    while true {
        let answer = body()
        if answer >= 0 { return answer }
        if errno != EINTR { throw SystemError(name, subject(), errorNumber: errno) }
    }
}
