internal import LinuxSystem

// `IcfEnable`: the original has the Windows firewall open the port, and never closes it again. Here whichever of
// firewalld, ufw and nftables runs is asked, and the command that undoes it is printed.

/// A program that looks after the firewall.
struct FirewallTool: Sendable {
    /// Runs one of the programs by name; nil where it is not there or cannot be run.
    typealias Runner = (_ program: String, _ arguments: [String]) -> ProgramOutput?

    /// For sentences.
    var name: String
    /// Whether it is in charge.
    var isRunning: @Sendable (Runner) -> Bool
    /// The commands that open a TCP port, each with its program; empty where nothing stands in the way.
    var opening: @Sendable (Int, Runner) -> [[String]]
    /// The command that undoes one of them, from what it printed; nil when that cannot be told.
    var undoing: @Sendable (_ command: [String], _ port: Int, _ printed: String) -> String?
}

extension FirewallTool {
    /// In the order in which they are asked: the first two drive nftables themselves.
    static let all = [firewalld, ufw, nftables]

    private static let firewalld = FirewallTool(
        name: "firewalld",
        isRunning: { $0("firewall-cmd", ["--state"])?.isSuccess ?? false },
        opening: { port, _ in [["firewall-cmd", "--add-port=\(port)/tcp"]] },
        undoing: { _, port, _ in "firewall-cmd --remove-port=\(port)/tcp" }
    )

    private static let ufw = FirewallTool(
        name: "ufw",
        isRunning: { $0("ufw", ["status"])?.text.contains("Status: active") ?? false },
        opening: { port, _ in [["ufw", "allow", "\(port)/tcp"]] },
        undoing: { _, port, _ in "ufw delete allow \(port)/tcp" }
    )

    private static let nftables = FirewallTool(
        name: "nftables",
        isRunning: { run in
            NftChain.inputFilters(in: run("nft", ["list", "chains"])?.text ?? "").isEmpty == false
        },
        opening: { port, run in
            // A packet passes only when every chain of the hook accepts it.
            NftChain.inputFilters(in: run("nft", ["list", "chains"])?.text ?? "").map { chain in
                ["nft", "--echo", "--handle", "insert", "rule"] + chain.words
                    + ["tcp", "dport", "\(port)", "accept", "comment", "\"dbgsrv\""]
            }
        },
        undoing: { command, _, printed in
            guard let match = printed.firstMatch(of: /# handle (\d+)/) else { return nil }
            let chain = command[5..<8].joined(separator: " ")
            return "nft delete rule \(chain) handle \(match.output.1)"
        }
    )
}

/// A chain of nftables.
struct NftChain: Equatable {
    var family: String
    var table: String
    var name: String

    var words: [String] { [family, table, name] }

    /// The base chains that judge packets for this machine.
    ///
    /// From what `nft list chains` prints:
    ///
    ///     table inet filter {
    ///             chain input {
    ///                     type filter hook input priority filter; policy drop;
    ///             }
    ///     }
    static func inputFilters(in listing: String) -> [NftChain] {
        var chains: [NftChain] = []
        var table: (family: String, name: String)?
        var chain: String?
        for line in listing.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
            switch words.first {
            case "table" where words.count >= 3: table = (words[1], words[2])
            case "chain" where words.count >= 2: chain = words[1]
            case "type" where line.contains("type filter hook input "):
                guard let table, let chain, ["inet", "ip", "ip6"].contains(table.family) else {
                    continue
                }
                chains.append(NftChain(family: table.family, table: table.name, name: chain))
            default: break
            }
        }
        return chains
    }
}

/// Opens a port in whichever firewall runs.
///
/// - Returns: what was done and how to undo it, or why nothing was, in one sentence.
func openFirewall(
    port: Int,
    tools: [FirewallTool] = FirewallTool.all,
    run: FirewallTool.Runner
) -> String {
    guard let tool = tools.first(where: { $0.isRunning(run) }) else {
        return
            "IcfEnable: neither firewalld nor ufw nor nftables filters here (as far as this user may"
            + " see), so nothing was opened"
    }
    var undo: [String] = []
    for command in tool.opening(port, run) {
        let output = run(command[0], Array(command.dropFirst()))
        guard let output, output.isSuccess else {
            let reason = output?.text.split(separator: "\n").last.map { ": \($0)" } ?? ""
            return "IcfEnable: \(tool.name) did not open TCP port \(port)\(reason); as root, run: "
                + command.joined(separator: " ")
        }
        undo += [tool.undoing(command, port, output.text)].compactMap { $0 }
    }
    return "IcfEnable: opened TCP port \(port) in \(tool.name), and it stays open; to close it: "
        + undo.joined(separator: " && ")
}

/// Opens the firewall for a listener.
///
/// - Returns: what was done and how to undo it, or why nothing was, in one sentence.
public func openFirewall(for listener: any StreamListener) -> String {
    openFirewall(tcpPort: listener.portNumber)
}

/// Opens the firewall for a listener's port, nil for what has none; it takes as long as the firewall's programs do.
///
/// - Returns: as above.
public func openFirewall(tcpPort: Int?) -> String {
    guard let port = tcpPort else {
        return "IcfEnable: a named pipe of this machine passes no firewall, so nothing was opened"
    }
    return openFirewall(port: port) { program, arguments in
        let folders = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        guard let path = ProgramLauncher.find(program, otherFolders: folders) else { return nil }
        return try? ProgramOutput.run(path, arguments)
    }
}
