internal import LinuxSystem

/// What is known of us and of a process that the kernel did not let us attach to (EPERM): ptrace(2) says no
/// more than that it is not permitted, and the user has to know what to change.
///
/// In the order of ptrace(2), "Ptrace access mode checking": users, dumpable, capabilities, security module.
struct AttachRefusal: Equatable {
    /// The process.
    var process: Int32
    /// The user whose rights it has; nil when it is gone.
    var owner: UInt32?
    /// Whether all its user and group ids are the server's.
    var hasOurIDs = true
    /// Whether the kernel lets others look into it: PR_SET_DUMPABLE, setuid, an executable that cannot be read.
    var isDumpable = true
    /// Whether it may do something (capabilities(7)) that the server may not.
    var hasMoreRights = false
    /// The server's user.
    var ownUser: UInt32
    /// Whether the server has CAP_SYS_PTRACE.
    var hasPtraceCapability = false
    /// kernel.yama.ptrace_scope, 0 where there is no Yama.
    var yamaScope = 0
    /// The kernel's words.
    var reason = "Operation not permitted"

    /// The bit of CAP_SYS_PTRACE (capabilities(7)).
    private static let ptraceCapability: UInt64 = 1 << 19

    /// One sentence: why not, and what to change.
    var sentence: String {
        let name = userName(ownUser)
        let start =
            "cannot attach to process \(process)" + (owner.map { " of user \(userName($0))" } ?? "")
        let remedy = "run the server as root, or give it CAP_SYS_PTRACE (setcap cap_sys_ptrace+ep)"
        if yamaScope >= 3 {
            return start
                + ": kernel.yama.ptrace_scope is 3: no process may be attached to until the machine"
                + " is started anew"
        }
        guard !hasPtraceCapability else { return start + ": \(reason)" + otherCause }
        if !hasOurIDs {
            guard let owner, owner != ownUser else {
                return start + ": its user and group ids are not all the server's: \(remedy)"
            }
            return start
                + ": the server runs as \(name): run it as \(userName(owner)) or root, or give it"
                + " CAP_SYS_PTRACE (setcap cap_sys_ptrace+ep)"
        }
        if yamaScope == 2 {
            return start
                + ": kernel.yama.ptrace_scope is 2, which asks for CAP_SYS_PTRACE: \(remedy), or set"
                + " it to 0 with sysctl"
        }
        if !isDumpable {
            return start + ": it is protected (not dumpable: setuid, file capabilities,"
                + " prctl(PR_SET_DUMPABLE), or an executable that \(name) may not read): \(remedy)"
        }
        if hasMoreRights {
            return start + ": it has capabilities that the server does not have: \(remedy)"
        }
        if yamaScope == 1 {
            return start
                + ": kernel.yama.ptrace_scope is 1, which lets a process be attached to by its"
                + " ancestors only: start it through the server, \(remedy), or set it to 0 with sysctl"
        }
        return start + ": \(reason)" + otherCause
    }

    private var otherCause: String {
        "; a security module, a seccomp filter or a user namespace forbids it"
    }

    /// Looks at the machine.
    static func facts(of process: Int32, reason: String) -> AttachRefusal {
        let own = ProgramIdentity.own
        var refusal = AttachRefusal(process: process, ownUser: own.effectiveUser, reason: reason)
        let users = ids(of: process, "Uid")
        let groups = ids(of: process, "Gid")
        refusal.owner = users.count > 1 ? users[1] : nil
        refusal.hasOurIDs =
            users.prefix(3).allSatisfy { $0 == own.realUser }
            && groups.prefix(3).allSatisfy { $0 == own.realGroup }
        // The kernel shows files of what is not dumpable as root's.
        let shownOwner = (try? Files.status(ofPath: "/proc/\(process)/environ"))?.userID
        refusal.isDumpable = shownOwner == nil || shownOwner == refusal.owner
        let rights = capabilities(of: "\(process)", "CapPrm")
        refusal.hasMoreRights = rights & ~capabilities(of: "self", "CapPrm") != 0
        refusal.hasPtraceCapability = capabilities(of: "self", "CapEff") & ptraceCapability != 0
        refusal.yamaScope =
            ProcFS.text(of: "/proc/sys/kernel/yama/ptrace_scope").flatMap { Int($0) } ?? 0
        return refusal
    }

    private static func ids(of process: Int32, _ key: String) -> [UInt32] {
        (ProcFS.status(of: process, key) ?? "").split(separator: "\t").compactMap { UInt32($0) }
    }

    private static func capabilities(of process: String, _ key: String) -> UInt64 {
        let text = ProcFS.text(of: "/proc/\(process)/status") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
    }
}
