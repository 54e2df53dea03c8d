import Foundation
import Glibc
import LinuxSystem
import Testing

@testable import Transports

@Suite("IcfEnable: the firewall is told to let the transport through")
struct FirewallTests {
    /// A folder of stub commands, each a shell script that notes how it was called.
    private func stubs(_ lab: Lab, _ scripts: [String: String]) throws -> String {
        let folder = "\(lab.folder)/stubs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // All three are there, so that none of this machine's is asked.
        for name in ["firewall-cmd", "ufw", "nft"] {
            let path = "\(folder)/\(name)"
            let body = scripts[name] ?? "exit 1"
            try "#!/bin/sh\necho \"\(name) $*\" >> \(lab.folder)/calls\n\(body)\n".write(
                toFile: path,
                atomically: true,
                encoding: .utf8
            )
            chmod(path, 0o755)
        }
        return folder
    }

    private func serve(_ lab: Lab, _ stubs: String, _ transport: String) throws -> RunningProgram {
        let line = "PATH=\(stubs):$PATH; exec \(Lab.program("dbgsrv")) -v -t \(transport)"
        let server = try lab.startOther("/bin/sh", ["-c", line])
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    private func calls(_ lab: Lab) throws -> String {
        try String(contentsOfFile: "\(lab.folder)/calls", encoding: .utf8)
    }

    private func port(_ server: RunningProgram) throws -> String {
        let match = try #require(server.errors.firstMatch(of: /tcp:Port=(\d+)/), "\(server.errors)")
        return String(match.output.1)
    }

    @Test("firewalld, where it runs, opens the port that was chosen; the undoing is printed")
    func firewalld() throws {
        let lab = try Lab()
        let stubs = try stubs(lab, ["firewall-cmd": "exit 0", "ufw": "echo Status: active"])
        let server = try serve(lab, stubs, "tcp:port=0,IcfEnable")
        let port = try port(server)
        #expect(try calls(lab) == "firewall-cmd --state\nfirewall-cmd --add-port=\(port)/tcp\n")
        let words =
            "opened TCP port \(port) in firewalld, and it stays open; to close it:"
            + " firewall-cmd --remove-port=\(port)/tcp\n"
        #expect(server.errors.contains(words), "\(server.errors)")
    }

    @Test("ufw, where it is active")
    func ufw() throws {
        let lab = try Lab()
        let stubs = try stubs(lab, ["ufw": "echo 'Status: active'"])
        let server = try serve(lab, stubs, "tcp:port=0,icfenable")
        let port = try port(server)
        #expect(try calls(lab).hasSuffix("ufw status\nufw allow \(port)/tcp\n"))
        #expect(server.errors.contains("to close it: ufw delete allow \(port)/tcp\n"))
    }

    @Test("one that refuses: its words, and the command for root")
    func refused() throws {
        let lab = try Lab()
        let script =
            "case $1 in status) echo Status: active;; *) echo 'ERROR: need root'; exit 1;; esac"
        let server = try serve(lab, try stubs(lab, ["ufw": script]), "tcp:port=0,IcfEnable")
        let port = try port(server)
        #expect(
            server.errors.contains(
                "ufw did not open TCP port \(port): ERROR: need root; as root, run: ufw allow \(port)/tcp"
            ),
            "\(server.errors)"
        )
    }

    @Test("none that runs, and a named pipe, which needs none, are said in one sentence")
    func none() throws {
        let lab = try Lab()
        let stubs = try stubs(lab, ["ufw": "echo Status: inactive", "nft": "exit 0"])
        let server = try serve(lab, stubs, "tcp:port=0,IcfEnable")
        #expect(server.errors.contains("neither firewalld nor ufw nor nftables filters here"))
        let pipe = try serve(lab, stubs, "npipe:pipe=box,IcfEnable")
        #expect(pipe.errors.contains("a named pipe of this machine passes no firewall"))
    }

    @Test("the chains of nftables that judge incoming packets are found in its listing")
    func chains() {
        let listing = """
            table inet filter {
            \tchain input {
            \t\ttype filter hook input priority filter; policy drop;
            \t}
            \tchain helper {
            \t}
            \tchain forward {
            \t\ttype filter hook forward priority filter; policy drop;
            \t}
            }
            table ip nat {
            \tchain in {
            \t\ttype nat hook input priority 100; policy accept;
            \t}
            }
            table ip6 six {
            \tchain deny {
            \t\ttype filter hook input priority -10; policy accept;
            \t}
            }
            """
        #expect(
            NftChain.inputFilters(in: listing).map(\.words) == [
                ["inet", "filter", "input"], ["ip6", "six", "deny"],
            ]
        )
        #expect(NftChain.inputFilters(in: "nonsense\ntype filter hook input x\n") == [])
    }

    @Test("nftables: a rule in every such chain, undone by its handle")
    func nftables() {
        var asked: [[String]] = []
        let words = openFirewall(port: 5005) { program, arguments in
            asked.append([program] + arguments)
            guard program == "nft" else { return nil }
            guard arguments.first != "list" else {
                let text =
                    "table inet f {\n chain a {\n type filter hook input priority 0;\n }\n"
                    + " chain b {\n type filter hook input priority 5;\n }\n}\n"
                return ProgramOutput(bytes: Array(text.utf8), ending: .exited(0))
            }
            let rule = "insert rule inet f a tcp dport 5005 accept # handle 7\n"
            return ProgramOutput(bytes: Array(rule.utf8), ending: .exited(0))
        }
        #expect(
            words.hasSuffix(
                "to close it: nft delete rule inet f a handle 7 && nft delete rule inet f b handle 7"
            ),
            "\(words)"
        )
        let insertion = [
            "nft", "--echo", "--handle", "insert", "rule", "inet", "f", "b", "tcp", "dport", "5005",
            "accept", "comment", "\"dbgsrv\"",
        ]
        #expect(asked.last == insertion)
    }

    @Test(
        "the real nft in a network namespace: the port is open, and the printed command closes it"
    )
    func realNft() throws {
        guard let nft = ProgramLauncher.find("nft", otherFolders: ["/usr/sbin"]), geteuid() == 0
        else {
            print("FirewallTests.realNft: needs root and nft(8), which is not installed here")
            return
        }
        let lab = try Lab()
        let script = """
            \(nft) add table inet f && \(nft) 'add chain inet f in { type filter hook input priority 0;
             policy drop; }' || { echo cannot; exit 0; }
            \(Lab.program("dbgsrv")) -v -t tcp:port=5005,IcfEnable 2>\(lab.folder)/err & server=$!
            until grep -q listening \(lab.folder)/err; do kill -0 $server || exit 1; done
            \(nft) list chain inet f in
            sh -c "$(sed -n 's/.*to close it: //p' \(lab.folder)/err)"
            echo undone; \(nft) list chain inet f in; kill $server
            """
        let result = try run(
            "/usr/bin/unshare",
            ["-n", "/bin/sh", "-c", script],
            environment: lab.environment
        )
        if result.output.hasPrefix("cannot") {
            print("FirewallTests.realNft: this kernel has no nf_tables: \(result.errors)")
            return
        }
        let parts = result.output.split(separator: "undone")
        #expect(parts.count == 2, "\(result)")
        #expect(parts.first?.contains("tcp dport 5005 accept") == true, "\(result)")
        #expect(parts.last?.contains("5005") == false, "\(result)")
    }
}
