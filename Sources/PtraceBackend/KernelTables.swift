internal import DebugTarget
internal import Glibc
internal import LinuxSystem

// What `info os` shows of sockets and of System V's shared memory, semaphores and message queues (proc(5),
// /proc/net/tcp, /proc/sysvipc), with gdbserver's names of tables and columns.

extension Machine {
    static var kernelTables: [Table] {
        [
            Table(
                name: "sockets",
                title: "Internet-domain sockets",
                description: "Listing of all internet-domain sockets",
                rows: { SocketFile.all.flatMap(\.rows) }
            ),
            Table(
                name: "shm",
                title: "Shared-memory regions",
                description: "Listing of all shared-memory regions",
                rows: { interprocessRows("shm", columns: sharedMemoryColumns) }
            ),
            Table(
                name: "semaphores",
                title: "Semaphores",
                description: "Listing of all semaphores",
                rows: { interprocessRows("sem", columns: semaphoreColumns) }
            ),
            Table(
                name: "msg",
                title: "Message queues",
                description: "Listing of all message queues",
                rows: { interprocessRows("msg", columns: queueColumns) }
            ),
        ]
    }

    /// A column: its name, the kernel's, and what is made of the value.
    private typealias Column = (
        name: String, kernelName: String, shown: @Sendable (Substring) -> String
    )

    private static let owners: [Column] = [
        ("user", "uid", user), ("group", "gid", group), ("creator user", "cuid", user),
        ("creator group", "cgid", group),
    ]

    private static let sharedMemoryColumns: [Column] =
        [
            ("key", "key", plain), ("shmid", "shmid", plain), ("permissions", "perms", plain),
            ("size", "size", plain), ("creator command", "cpid", command),
            ("last op. command", "lpid", command), ("num attached", "nattch", plain),
        ] + owners + [
            ("last shmat() time", "atime", time), ("last shmdt() time", "dtime", time),
            ("last shmctl() time", "ctime", time),
        ]

    private static let semaphoreColumns: [Column] =
        [
            ("key", "key", plain), ("semid", "semid", plain), ("permissions", "perms", plain),
            ("num semaphores", "nsems", plain),
        ] + owners + [("last semop() time", "otime", time), ("last semctl() time", "ctime", time)]

    private static let queueColumns: [Column] =
        [
            ("key", "key", plain), ("msqid", "msqid", plain), ("permissions", "perms", plain),
            ("num used bytes", "cbytes", plain), ("num messages", "qnum", plain),
            ("last msgsnd() command", "lspid", command),
            ("last msgrcv() command", "lrpid", command),
        ] + owners + [
            ("last msgsnd() time", "stime", time), ("last msgrcv() time", "rtime", time),
            ("last msgctl() time", "ctime", time),
        ]

    /// The first line of these files has the names of the columns.
    private static func interprocessRows(_ file: String, columns: [Column]) -> [Row] {
        let lines = (ProcFS.text(of: "/proc/sysvipc/\(file)") ?? "").split(separator: "\n")
        guard let names = lines.first?.split(separator: " ") else { return [] }
        return lines.dropFirst().map { line in
            let values = line.split(separator: " ")
            return columns.map { column in
                let index = names.firstIndex { $0 == column.kernelName }
                let value = index.flatMap { $0 < values.count ? values[$0] : nil }
                return .init(column.name, value.map(column.shown) ?? "")
            }
        }
    }

    @Sendable private static func plain(_ value: Substring) -> String { String(value) }

    @Sendable private static func user(_ value: Substring) -> String {
        UInt32(value).map { userName($0) } ?? ""
    }

    @Sendable private static func group(_ value: Substring) -> String {
        UInt32(value).map { number in groupName(number) } ?? ""
    }

    @Sendable private static func command(_ value: Substring) -> String {
        Int32(value).flatMap { ProcFS.statistics(of: $0)?.name } ?? ""
    }

    /// Local time; nothing for what never happened.
    @Sendable private static func time(_ value: Substring) -> String {
        guard var seconds = Int(value), seconds != 0 else { return "" }
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "" }
        func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        return day + " \(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    }
}

/// A file of sockets, one a line.
private struct SocketFile {
    private static let states = [
        "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
        "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
    ]

    static let all = ["tcp", "udp"].flatMap { name in
        [SocketFile(name: name, isIPv6: false), SocketFile(name: name + "6", isIPv6: true)]
    }

    var name: String
    var isIPv6: Bool

    var rows: [Machine.Row] {
        let text = ProcFS.text(of: "/proc/net/\(name)") ?? ""
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 7, let own = end(fields[1]), let other = end(fields[2]) else {
                return nil
            }
            let state = Int(fields[3], radix: 16) ?? 0
            return [
                .init("local address", own.address), .init("local port", own.port),
                .init("remote address", other.address), .init("remote port", other.port),
                .init("state", state < Self.states.count ? Self.states[state] : ""),
                .init("user", UInt32(fields[7]).map { userName($0) } ?? ""),
                .init("family", isIPv6 ? "INET6" : "INET"),
                .init("protocol", name.hasPrefix("tcp") ? "STREAM" : "DGRAM"),
            ]
        }
    }

    /// `0100007F:8BA9`: words of four bytes in this machine's order, and a port.
    private func end(_ text: Substring) -> (address: String, port: String)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
        let digits = Array(parts[0])
        guard digits.count == (isIPv6 ? 32 : 8) else { return nil }
        var words: [UInt32] = []
        for start in stride(from: 0, to: digits.count, by: 8) {
            guard let word = UInt32(String(digits[start..<start + 8]), radix: 16) else {
                return nil
            }
            words.append(word)
        }
        var address = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let capacity = socklen_t(address.count)
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, words, &address, capacity) != nil else {
            return nil
        }
        let bytes = address.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (String(decoding: bytes, as: UTF8.self), "\(port)")
    }
}
