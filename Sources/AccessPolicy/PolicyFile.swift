internal import WireCore

// The policy file, line by line:
//
//     # who may do what in which programs; the first rule that fits decides, and what none decides is refused
//     deny=write-memory,kill    program=/usr/sbin/*
//     allow=attach,list,read-files
//     allow=all                 user=alice,root  program=/opt/lab/*
//
// A line is `allow=` or `deny=` with permissions separated by commas (or `all`), then, in any order and each once
// at most, `user=` with names or numbers and `program=` with paths, in which `*` stands for anything.

/// What is wrong with a policy file, in one sentence that begins with the file and the line.
public struct PolicyFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public var description: String
}

/// Reads policy files.
public enum PolicyFile {
    /// The longest file, in bytes.
    public static let bytesMax = 32_768
    private static let all = "all"

    /// Reads a file's text.
    ///
    /// - Parameters:
    ///   - text: the file.
    ///   - name: its name for sentences.
    ///   - user: the number of a user of that name (or number in digits); nil when there is none.
    public static func parse(
        _ text: String,
        name: String,
        user: (String) -> UInt32?
    ) throws(PolicyFileError) -> AccessPolicy {
        guard text.utf8.count <= bytesMax else {
            throw PolicyFileError(description: "\(name) is longer than \(bytesMax) bytes")
        }
        var rules: [AccessPolicy.Rule] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            let content = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let words = (content.first ?? "").split { $0 == " " || $0 == "\t" }
            guard !words.isEmpty else { continue }
            do throws(Problem) {
                rules.append(try rule(words, line: index + 1, user: user))
            } catch {
                throw PolicyFileError(description: "\(name) line \(index + 1): \(error.words)")
            }
        }
        guard !rules.isEmpty else {
            throw PolicyFileError(
                description: "\(name) has no rule, which would refuse everything;"
                    + " deny=all says that on purpose"
            )
        }
        return AccessPolicy(file: name, rules: rules)
    }

    private struct Problem: Error {
        var words: String
    }

    private static func rule(
        _ words: [Substring],
        line: Int,
        user: (String) -> UInt32?
    ) throws(Problem) -> AccessPolicy.Rule {
        let (key, value) = try setting(words[0])
        guard key == "allow" || key == "deny" else {
            throw Problem(words: "a rule begins with allow= or deny=, not with \(shown(words[0]))")
        }
        var rule = AccessPolicy.Rule(
            isAllowing: key == "allow",
            permissions: try permissions(value),
            line: line
        )
        for word in words.dropFirst() {
            let (key, value) = try setting(word)
            switch key {
            case "user" where rule.users == nil: rule.users = try users(value, user)
            case "program" where rule.programs == nil: rule.programs = try programs(value)
            case "user", "program": throw Problem(words: "\(key)= stands twice; separate by commas")
            default:
                let near = nearestMatch(to: key, among: ["user", "program"])
                let hint = near.map { "; did you mean \($0)=?" } ?? "; there are user= and program="
                throw Problem(words: "there is no \(shown(key))=" + hint)
            }
        }
        return rule
    }

    private static func setting(_ word: Substring) throws(Problem) -> (String, [Substring]) {
        guard let sign = word.firstIndex(of: "="), sign != word.startIndex else {
            throw Problem(words: "\(shown(word)) is no name=value")
        }
        let values = word[word.index(after: sign)...]
            .split(separator: ",", omittingEmptySubsequences: false)
        guard values.allSatisfy({ !$0.isEmpty }) else {
            throw Problem(words: "\(shown(word)) has an empty value")
        }
        return (String(word[..<sign]), values)
    }

    private static func permissions(_ names: [Substring]) throws(Problem) -> Set<Permission> {
        if names == [Substring(all)] { return Set(Permission.allCases) }
        var permissions: Set<Permission> = []
        for name in names {
            guard let permission = Permission(rawValue: String(name)) else {
                let known = Permission.allCases.map(\.rawValue) + [all]
                let near = nearestMatch(to: String(name), among: known)
                let hint = near.map { "did you mean \($0)?" }
                let list = "there are " + known.joined(separator: ", ")
                throw Problem(words: "there is no permission \(shown(name)); \(hint ?? list)")
            }
            permissions.insert(permission)
        }
        return permissions
    }

    private static func users(
        _ names: [Substring],
        _ number: (String) -> UInt32?
    ) throws(Problem) -> Set<UInt32> {
        var users: Set<UInt32> = []
        for name in names {
            guard let user = number(String(name)) else {
                throw Problem(words: "there is no user \(shown(name)) on this machine")
            }
            users.insert(user)
        }
        return users
    }

    private static func programs(_ names: [Substring]) throws(Problem) -> [ProgramPattern] {
        for name in names where !name.hasPrefix("/") && !name.hasPrefix("*") {
            throw Problem(
                words: "program=\(shown(name)): a path is absolute, or begins with *"
            )
        }
        return names.map { ProgramPattern(String($0)) }
    }

    private static func shown(_ text: some StringProtocol) -> String {
        "'\(printableText(text.prefix(60)))'"
    }
}
