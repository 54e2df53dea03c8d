import Foundation
import Glibc
import LinuxSystem
import Testing

/// An ssh server on this machine's loopback, with keys and a configuration of its own.
final class LoopbackSSH {
    let configuration: String
    private let daemon: RunningProgram

    init(in lab: Lab) throws {
        let folder = "\(lab.folder)/ssh"
        mkdir(folder, 0o700)
        for name in ["host", "key"] {
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"]
            let made = try ProgramTests.run("/usr/bin/ssh-keygen", arguments)
            try #require(made.status == 0, "\(made)")
        }
        rename("\(folder)/key.pub", "\(folder)/authorized")
        // Where sshd, as root, locks its children up; Debian's service makes it.
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        let port = try freePort()
        let server = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder)/host
            AuthorizedKeysFile \(folder)/authorized
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            SetEnv DBGSRV_RUNTIME_DIR=\(lab.folder)/run
            """
        try server.write(toFile: "\(folder)/sshd", atomically: true, encoding: .utf8)
        let client = """
            Host labbox stranger
                HostName 127.0.0.1
                Port \(port)
                User \(userName(geteuid()))
                IdentitiesOnly yes
                StrictHostKeyChecking no
                UserKnownHostsFile \(folder)/known
                LogLevel ERROR
            Host labbox
                IdentityFile \(folder)/key
            Host stranger
                IdentityFile \(folder)/host
            """
        configuration = "\(folder)/config"
        try client.write(toFile: configuration, atomically: true, encoding: .utf8)
        daemon = try lab.startOther("/usr/sbin/sshd", ["-D", "-e", "-f", "\(folder)/sshd"])
        try daemon.wait(for: "Server listening", in: \.errors)
    }
}
