internal import Glibc

// A command line is bytes: what is not UTF-8 in it would be replaced on the way through a String.

/// The arguments that this program was started with, byte for byte, without its own name.
public func programArguments() -> [[UInt8]] {
    (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
        CommandLine.unsafeArgv[index].map { argument in
            [UInt8](UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
        }
    }
}

extension ProgramLauncher {
    /// Becomes another program.
    ///
    /// - Parameters:
    ///   - path: the executable.
    ///   - arguments: its whole argv, each byte for byte.
    ///   - changes: variables to set, or to unset where the value is nil.
    /// - Returns: only when that failed.
    public static func become(
        _ path: String,
        arguments: [[UInt8]],
        changes: [(name: String, value: String?)] = []
    ) -> SystemError {
        for change in changes {
            if let value = change.value {
                setenv(change.name, value, 1)
            } else {
                unsetenv(change.name)
            }
        }
        // What this program does not want to hear of is its own affair.
        signal(SIGPIPE, SIG_DFL)
        var words = copiedCStrings(arguments) + [nil]
        execv(path, &words)
        let error = SystemError("start", path)
        words.forEach { free($0) }
        return error
    }
}

/// Under whose names this program runs.
public struct ProgramIdentity: Sendable, Equatable {
    /// The user who started it.
    public var realUser: UInt32
    /// The user whose rights it has.
    public var effectiveUser: UInt32
    /// The group of the user who started it.
    public var realGroup: UInt32
    /// The group whose rights it has.
    public var effectiveGroup: UInt32

    /// Builds one.
    public init(
        realUser: UInt32,
        effectiveUser: UInt32,
        realGroup: UInt32,
        effectiveGroup: UInt32
    ) {
        self.realUser = realUser
        self.effectiveUser = effectiveUser
        self.realGroup = realGroup
        self.effectiveGroup = effectiveGroup
    }

    /// This program's.
    public static var own: ProgramIdentity {
        ProgramIdentity(
            realUser: getuid(),
            effectiveUser: geteuid(),
            realGroup: getgid(),
            effectiveGroup: getegid()
        )
    }

    /// Whether a setuid or setgid bit gave the program rights that its starter does not have.
    ///
    /// The kernel's own mark for it, AT_SECURE (getauxval(3)), is set for a file with capabilities too, which
    /// an administrator gives to a program on purpose; so the ids are compared.
    public var isBorrowed: Bool {
        realUser != effectiveUser || realGroup != effectiveGroup
    }
}
