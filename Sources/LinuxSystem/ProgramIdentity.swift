internal import Glibc

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
