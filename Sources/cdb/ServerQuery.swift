import DiscoveryProtocol
import LinuxSystem
import ServerRegistry
import Transports

/// `cdb -QR`: lists the servers of a machine, or those at the other end of a cable.
///
/// - Parameters:
///   - place: `\\BOX17` and the like, or `com:port=com2,baud=115200`.
///   - isAlone: whether the option is the only one.
func listServers(of place: String, isAlone: Bool) -> ExitCode {
    guard isAlone else {
        printError("cdb: -QR takes a machine and goes with no other option: cdb -QR \\\\BOX17\n")
        return .usage
    }
    let list: (entries: [ServerEntry], omitted: Int)
    let isCable = place.lowercased().hasPrefix("com:")
    do {
        list =
            isCable
            ? try ComDirectory.servers(place, program: Product.greeting)
            : try DiscoveryQuery.servers(of: place)
    } catch {
        printError("Unable to query servers on \(place): \(error)\n")
        return .connection
    }
    printOut(ServerQueryText.list(list.entries, omitted: list.omitted, place, isCable: isCable))
    return .success
}

/// The original's look, and words of our own for what it has none for.
enum ServerQueryText {
    static func list(
        _ entries: [ServerEntry],
        omitted: Int,
        _ place: String,
        isCable: Bool
    ) -> String {
        guard !entries.isEmpty else { return "No servers on \(place)\n" }
        let lines = entries.map { entry in
            "\(entry.type) - \(entry.transport)" + (isCable ? known(entry) : stale(entry))
        }
        let more = omitted > 0 ? ["(and \(omitted) more)"] : []
        return (["Servers on \(place):"] + lines + more).joined(separator: "\n") + "\n"
    }

    private static func stale(_ entry: ServerEntry) -> String {
        guard entry.isStale else { return "" }
        let process = entry.processID.map { " \($0)" } ?? ""
        return " (stale: its process\(process) has ended)"
    }

    /// ` (dbgsrv/0.1, pid 812, for 3 min)`.
    private static func known(_ entry: ServerEntry) -> String {
        let parts = [
            entry.program.isEmpty ? nil : entry.program, entry.processID.map { "pid \($0)" },
            entry.ageSeconds.map { "for \(duration(seconds: $0))" },
        ]
        return " (\(parts.compactMap(\.self).joined(separator: ", ")))"
    }

    /// The two greatest units, "2 h 5 min".
    static func duration(seconds: Int) -> String {
        let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "0 s" }
        var rest = seconds
        let parts = units[first...].prefix(2).compactMap { name, size -> String? in
            defer { rest %= size }
            return rest / size > 0 ? "\(rest / size) \(name)" : nil
        }
        return parts.joined(separator: " ")
    }
}
