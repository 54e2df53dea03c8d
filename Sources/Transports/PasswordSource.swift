public import ConnectionStrings
internal import Glibc
internal import LinuxSystem

/// Asks the user for the password of a server.
///
/// - Parameter: the server, for the question.
/// - Returns: nil when the user gives none.
public typealias PasswordPrompt = (String) throws(TransportError) -> [UInt8]?

/// Where passwords come from: the connection string itself, a file, a variable, the terminal.
public enum PasswordSource {
    /// The longest password from a file, a variable or a terminal, in bytes; one in the connection string has
    /// the seeds' 12 characters.
    public static let passwordBytesMax = 256
    /// How much of a file is looked at.
    static let fileBytesMax = 4096

    /// Gets the password that a connection string names.
    ///
    /// A variable is removed from this process's environment, so that no program started later inherits it.
    public static func password(
        _ named: ConnectionString.Password,
        of transport: String
    ) throws(TransportError) -> [UInt8] {
        switch named {
        case .literal(let text):
            return Array(text.utf8)
        case .file(let path):
            return try check(
                try fileLine(path, transport),
                "\(transport): the first line of \(path)"
            )
        case .environment(let name):
            guard let text = environmentValue(name) else {
                throw TransportError(
                    "\(transport): password=@env:\(name): there is no variable of that name"
                )
            }
            unsetenv(name)
            return try check(Array(text.utf8), "\(transport): the variable \(name)")
        case .terminal:
            guard let answer = try ask("\(transport) password: ") else {
                throw TransportError(
                    "\(transport): password=@ask: nobody is at a terminal to be asked; use"
                        + " @file:PATH or @env:NAME"
                )
            }
            return try check(answer, "\(transport): the answer")
        }
    }

    /// Whether there is a terminal to ask at.
    public static var canAsk: Bool { TerminalPrompt.isPossible }

    /// Asks at the terminal, without echo.
    ///
    /// - Returns: nil when there is no terminal to ask at, or the user gives no answer.
    public static func ask(_ question: String) throws(TransportError) -> [UInt8]? {
        do {
            let answer = try TerminalPrompt.readSecret(
                question,
                maximumBytes: passwordBytesMax + 1
            )
            guard let answer, !answer.isEmpty else { return nil }
            return try check(answer, "the answer")
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError("the terminal: \(error)")
        }
    }

    private static func check(
        _ password: [UInt8],
        _ place: String
    ) throws(TransportError) -> [UInt8] {
        let isVisible = password.allSatisfy { (0x20...0x7e).contains($0) }
        guard !password.isEmpty, password.count <= passwordBytesMax, isVisible else {
            throw TransportError(
                "\(place) is no password: it takes 1–\(passwordBytesMax) letters, digits,"
                    + " spaces and signs of ASCII"
            )
        }
        return password
    }

    private static func fileLine(
        _ path: String,
        _ transport: String
    ) throws(TransportError) -> [UInt8] {
        do {
            let file = try openFile(path, flags: O_RDONLY | O_NOCTTY)
            let status = try FileAttributes(of: file)
            // A pipe of the shell, `@file:/dev/fd/63`, has no name that others could open.
            if status.kind == .file, status.permissions & 0o026 != 0 {
                throw TransportError(
                    "\(transport): password=@file:\(path): others may read or change that file;"
                        + " chmod 600 \(path)"
                )
            }
            var bytes: [UInt8] = []
            while bytes.count < fileBytesMax, !bytes.contains(0x0a),
                let more = try file.read(maximum: fileBytesMax - bytes.count), !more.isEmpty
            {
                bytes += more
            }
            let line = bytes.prefix { $0 != 0x0a }
            return line.last == 0x0d ? Array(line.dropLast()) : Array(line)
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError("\(transport): password=@file:\(path): \(error)")
        }
    }
}
