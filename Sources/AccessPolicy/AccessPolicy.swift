internal import WireCore

/// What one client may do.
///
/// Rules are tried in order; the first that names the permission, fits the client's user and fits the program
/// decides. What no rule decides is refused.
public struct AccessPolicy: Sendable, Equatable {
    /// One line of a policy file.
    public struct Rule: Sendable, Equatable {
        /// Whether it allows or denies.
        public var isAllowing: Bool
        /// What it is about.
        public var permissions: Set<Permission>
        /// The users it is for, by number; nil for everybody, known or not.
        public var users: Set<UInt32>?
        /// Patterns for the executable's path; nil for all programs.
        public var programs: [ProgramPattern]?
        /// Its line in the file, from 1.
        public var line: Int

        /// Builds a rule.
        public init(
            isAllowing: Bool,
            permissions: Set<Permission>,
            users: Set<UInt32>? = nil,
            programs: [ProgramPattern]? = nil,
            line: Int = 1
        ) {
            self.isAllowing = isAllowing
            self.permissions = permissions
            self.users = users
            self.programs = programs
            self.line = line
        }
    }

    /// The file's name for sentences; nil where there is no file, and everything is allowed but for
    /// `isReadOnly`.
    public var file: String?
    /// The file's rules.
    public var rules: [Rule]
    /// `--read-only`: nothing that changes anything.
    public var isReadOnly: Bool

    /// Builds a policy from a file's rules.
    public init(file: String?, rules: [Rule], isReadOnly: Bool = false) {
        self.file = file
        self.rules = rules
        self.isReadOnly = isReadOnly
    }

    /// Everything is allowed.
    public static let open = AccessPolicy(file: nil, rules: [])

    /// Whether nothing is ever refused.
    public var isOpen: Bool { file == nil && !isReadOnly }

    /// The rules that are left for one client.
    ///
    /// - Parameter user: its number; nil where the transport does not tell.
    public func forUser(_ user: UInt32?) -> AccessPolicy {
        var policy = self
        policy.rules = rules.compactMap { rule in
            guard let users = rule.users else { return rule }
            guard let user, users.contains(user) else { return nil }
            var general = rule
            general.users = nil
            return general
        }
        return policy
    }

    /// Whether something is allowed in a program.
    ///
    /// - Parameter program: the executable's path; nil where no program is concerned. A rule for certain
    ///   programs does not fit then.
    /// - Returns: nil, or why not, in one sentence.
    public func refusal(_ permission: Permission, program: String? = nil) -> String? {
        if isReadOnly, Permission.changing.contains(permission) {
            return "refused by --read-only: \(permission.activity) is not allowed on this server"
        }
        guard let file else { return nil }
        let place = program.map { " in \($0)" } ?? ""
        let rule = rules.first { rule in
            guard rule.permissions.contains(permission) else { return false }
            guard let programs = rule.programs else { return true }
            guard let program else { return false }
            return programs.contains { $0.matches(program) }
        }
        switch rule {
        case let rule? where rule.isAllowing: return nil
        case let rule?:
            return "refused by the policy \(file), line \(rule.line): "
                + "\(permission.activity)\(place) is not allowed"
        case nil:
            return "refused by the policy \(file): no rule allows \(permission.activity)\(place)"
        }
    }

    /// Whether something is refused whatever the program; why, or nil when some program may allow it.
    public func generalRefusal(_ permission: Permission) -> String? {
        mayAllow(permission) ? nil : refusal(permission)
    }

    /// Whether something is allowed in every program there is.
    public func allowsEverywhere(_ permission: Permission) -> Bool {
        guard refusal(permission) == nil else { return false }
        let concerned = rules.filter { $0.permissions.contains(permission) }
        let first = concerned.first { $0.programs == nil }
        return concerned.prefix { $0 != first }.allSatisfy(\.isAllowing)
    }

    private func mayAllow(_ permission: Permission) -> Bool {
        if isReadOnly, Permission.changing.contains(permission) { return false }
        for rule in rules where rule.permissions.contains(permission) {
            if rule.isAllowing { return true }
            if rule.programs == nil { return false }
        }
        return file == nil
    }
}

/// A path in which `*` stands for any characters, `/` too.
public struct ProgramPattern: Sendable, Equatable {
    /// The pattern as written.
    public var text: String

    /// Wraps a pattern.
    public init(_ text: String) {
        self.text = text
    }

    /// Whether it fits a path; the time is bounded by the product of both lengths.
    public func matches(_ path: String) -> Bool {
        matchesWildcards(Array(text.utf8), Array(path.utf8), fits: ==)
    }
}
