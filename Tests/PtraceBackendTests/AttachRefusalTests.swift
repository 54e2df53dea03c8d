import Testing

@testable import PtraceBackend

@Suite("Why a process cannot be attached to")
struct AttachRefusalTests {
    private static let user: UInt32 = 4_000_001
    private static let other: UInt32 = 4_000_002

    private func sentence(_ change: (inout AttachRefusal) -> Void) -> String {
        var refusal = AttachRefusal(process: 77, owner: Self.user, ownUser: Self.user)
        change(&refusal)
        return refusal.sentence
    }

    @Test("another user's: whose it is, as whom the server runs, and what to change")
    func otherUser() {
        let words = sentence {
            $0.owner = Self.other
            $0.hasOurIDs = false
            // What is another user's is shown as not dumpable too, and Yama would forbid it as well.
            $0.isDumpable = false
            $0.yamaScope = 1
        }
        #expect(
            words
                == "cannot attach to process 77 of user 4000002: the server runs as 4000001: run it"
                + " as 4000002 or root, or give it CAP_SYS_PTRACE (setcap cap_sys_ptrace+ep)"
        )
        #expect(sentence { $0.hasOurIDs = false }.contains("ids are not all the server's"))
    }

    @Test(
        "Yama's levels, each with what helps against it",
        arguments: [
            (1, "by its ancestors only: start it through the server"),
            (2, "which asks for CAP_SYS_PTRACE"),
            (3, "until the machine is started anew"),
        ]
    )
    func yama(scope: Int, words: String) {
        let text = sentence { $0.yamaScope = scope }
        #expect(text.contains("kernel.yama.ptrace_scope is \(scope)"), "\(text)")
        #expect(text.contains(words), "\(text)")
        #expect(text.contains("sysctl") == (scope < 3), "\(text)")
    }

    @Test("a program that protects itself, and one with more rights")
    func protected() {
        #expect(sentence { $0.isDumpable = false }.contains("it is protected (not dumpable"))
        #expect(sentence { $0.hasMoreRights = true }.contains("capabilities that the server"))
    }

    @Test("with CAP_SYS_PTRACE only Yama's last level, or something else, can be the reason")
    func capability() {
        let words = sentence {
            $0.hasPtraceCapability = true
            $0.isDumpable = false
            $0.yamaScope = 2
        }
        #expect(words.contains("Operation not permitted; a security module"), "\(words)")
        let last = sentence {
            $0.hasPtraceCapability = true
            $0.yamaScope = 3
        }
        #expect(last.contains("ptrace_scope is 3"), "\(last)")
    }
}
