internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem

/// The file named by SSLKEYLOGFILE, in which an analyser finds the keys of a captured connection.
final class KeyLog {
    private static let variable = "SSLKEYLOGFILE"
    private let file: OwnedDescriptor

    private init(_ file: OwnedDescriptor) {
        self.file = file
    }

    /// Opens the file for appending, for its owner only; nil when the variable is not set.
    static func open() -> KeyLog? {
        guard let path = environmentValue(variable) else { return nil }
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY
        return (try? openFile(path, flags: flags)).map { KeyLog($0) }
    }

    func append(_ line: String) {
        _ = try? file.write(Array("\(line)\n".utf8)[...])
    }

    /// Says on standard error that keys are written, where they are: nobody should leave that on unawares.
    static func announce(_ connection: ConnectionString, program: String) {
        guard connection.security != nil, let path = environmentValue(variable) else { return }
        let name = program.split(separator: "/").first.map(String.init) ?? program
        let sentence =
            open() == nil
            ? "\(variable) names \(path), which cannot be written; no keys are logged"
            : "\(variable) is set: the keys of every TLS connection are written to \(path), and who"
                + " has that file can read and forge what goes over them"
        printError("\(name): \(sentence)\n")
    }
}
