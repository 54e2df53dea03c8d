import AccessPolicy
import Testing

@Suite("Policy files")
struct PolicyFileTests {
    private func parse(_ text: String) throws -> AccessPolicy {
        try PolicyFile.parse(text, name: "lab.policy") { name in
            ["root": 0, "alice": 1000, "1001": 1001][name]
        }
    }

    @Test("the first rule that fits decides, and what none decides is refused")
    func order() throws {
        let policy = try parse(
            """
            # a comment, and an empty line

            deny=write-memory,kill\tprogram=/usr/sbin/*   # a comment behind
            allow=attach,write-memory
            allow=all user=alice program=/opt/lab/*,*/worker
            """
        )
        let anybody = policy.forUser(nil)
        #expect(anybody.refusal(.attach, program: "/usr/sbin/sshd") == nil)
        #expect(
            anybody.refusal(.writeMemory, program: "/usr/sbin/sshd")
                == "refused by the policy lab.policy, line 3: writing memory or registers in"
                + " /usr/sbin/sshd is not allowed"
        )
        #expect(anybody.refusal(.writeMemory, program: "/opt/lab/x") == nil)
        #expect(
            anybody.refusal(.create, program: "/opt/lab/x")
                == "refused by the policy lab.policy: no rule allows starting programs in /opt/lab/x"
        )
        let alice = policy.forUser(1000)
        #expect(alice.refusal(.create, program: "/opt/lab/x") == nil)
        #expect(alice.refusal(.create, program: "/home/alice/worker") == nil)
        #expect(alice.refusal(.create, program: "/home/alice/workers") != nil)
        #expect(policy.forUser(1001).refusal(.create, program: "/opt/lab/x") != nil)
        #expect(alice.refusal(.readFiles) != nil, "a rule for programs is for no files")
    }

    @Test("what is refused in every program is known before a program is")
    func general() throws {
        let policy = try parse("deny=create program=/bin/*\nallow=create\nallow=kill program=/x")
        #expect(policy.generalRefusal(.create) == nil)
        #expect(!policy.allowsEverywhere(.create))
        #expect(policy.generalRefusal(.kill) == nil)
        #expect(policy.generalRefusal(.attach) != nil)
        #expect(AccessPolicy.open.allowsEverywhere(.create))
        #expect(AccessPolicy.open.generalRefusal(.kill) == nil)
        #expect(try parse("allow=create").allowsEverywhere(.create))
        #expect(try !parse("allow=create program=/x").allowsEverywhere(.create))
    }

    @Test("--read-only refuses what changes anything, whatever the file allows")
    func readOnly() throws {
        var policy = try parse("allow=all")
        policy.isReadOnly = true
        for permission in Permission.allCases {
            let words = policy.refusal(permission, program: "/bin/true")
            #expect((words != nil) == Permission.changing.contains(permission), "\(permission)")
            if let words { #expect(words.hasPrefix("refused by --read-only: "), "\(words)") }
        }
        #expect(AccessPolicy(file: nil, rules: [], isReadOnly: true).refusal(.attach) == nil)
    }

    @Test(
        "what is wrong is said with file and line",
        arguments: [
            (
                "allow=attach\nallow=fly",
                "lab.policy line 2: there is no permission 'fly'; there are"
            ),
            (
                "allow=atach",
                "lab.policy line 1: there is no permission 'atach'; did you mean attach?"
            ),
            ("permit=all", "line 1: a rule begins with allow= or deny=, not with 'permit=all'"),
            ("allow", "line 1: 'allow' is no name=value"),
            ("allow=", "line 1: 'allow=' has an empty value"),
            ("allow=attach,,kill", "line 1: 'allow=attach,,kill' has an empty value"),
            ("\n\nallow=all user=mallory", "line 3: there is no user 'mallory' on this machine"),
            ("allow=all usr=root", "line 1: there is no 'usr'=; did you mean user=?"),
            ("allow=all user=root user=alice", "line 1: user= stands twice; separate by commas"),
            ("allow=all program=worker", "line 1: program='worker': a path is absolute"),
            ("# nothing", "lab.policy has no rule, which would refuse everything"),
            ("allow=\u{1b}[31m", "there is no permission '\\x1b[31m'"),
        ]
    )
    func mistakes(text: String, words: String) throws {
        let error = #expect(throws: PolicyFileError.self) { try parse(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("a file that is too long is refused")
    func length() {
        let text = String(repeating: "#", count: PolicyFile.bytesMax + 1)
        #expect(throws: PolicyFileError.self) { try parse(text) }
    }

    @Test("patterns: a star stands for anything, and many stars take no time")
    func patterns() {
        #expect(ProgramPattern("/opt/*/bin/*").matches("/opt/a/b/bin/x"))
        #expect(!ProgramPattern("/opt/*/bin/*").matches("/opt/bin"))
        #expect(ProgramPattern("*").matches(""))
        #expect(!ProgramPattern("/a").matches("/a/b"))
        let stars = String(repeating: "*a", count: 200) + "b"
        #expect(!ProgramPattern(stars).matches(String(repeating: "a", count: 4_000)))
    }
}
