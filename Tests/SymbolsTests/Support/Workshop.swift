import Foundation
import Testing

/// A folder of its own in which a test compiles programs and asks other tools about them.
final class Workshop {
    let folder: String

    init() throws {
        let placeholder = String(repeating: "X", count: 6)
        var template = Array("/tmp/symbols-\(placeholder)".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The path of a file in the folder.
    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        return path(name)
    }

    /// Compiles a source file of the folder with GCC, or with clang when that is the first flag;
    /// C++ is known by its suffix.
    @discardableResult
    func compile(_ source: String, to name: String = "program", _ flags: [String]) throws -> String
    {
        let isClang = flags.first == "clang"
        let compilers = isClang ? ["clang", "clang++"] : ["gcc", "g++"]
        let compiler = compilers[source.hasSuffix(".c") ? 0 : 1]
        try run([compiler, "-o", path(name), path(source)] + flags.dropFirst(isClang ? 1 : 0))
        return path(name)
    }

    /// Whether a program is on the path.
    static func has(_ program: String) -> Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// Runs a program in the folder and gives what it prints; a failure is the test's.
    @discardableResult
    func run(_ command: [String]) throws -> String {
        let log = path("output-\(UUID().uuidString)")
        let errors = log + ".errors"
        let status = try spawn(command, output: log, errors: errors)
        let complaint = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        try #require(status == 0, "\(command.joined(separator: " ")): \(complaint)")
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: log)), as: UTF8.self)
    }

    /// Not with Foundation's Process: its children inherit the signals that the test's thread
    /// blocks, and gdb waits forever with SIGCHLD blocked.
    private func spawn(_ command: [String], output: String, errors: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        posix_spawnattr_setsigmask(&attributes, &unblocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let setting = ["/usr/bin/env", "-C", folder, "LC_ALL=C", "DEBUGINFOD_URLS="]
        let arguments = (setting + command).map { strdup($0) }
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let result = posix_spawn(
            &child,
            "/usr/bin/env",
            &actions,
            &attributes,
            arguments + [nil],
            environ
        )
        try #require(result == 0, "\(command[0]): \(String(cString: strerror(result)))")
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// The lines that a program prints.
    func lines(_ command: [String]) throws -> [String] {
        try run(command).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

extension String {
    /// The number that hexadecimal digits mean, with or without `0x`.
    var hexadecimal: UInt64? {
        UInt64(hasPrefix("0x") ? String(dropFirst(2)) : self, radix: 16)
    }
}
