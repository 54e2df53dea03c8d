internal import LinuxSystem

/// One record in the journal's native protocol (systemd, "Native Journal Protocol"): a datagram of
/// `NAME=value` lines, or, for a value that holds a line feed, the name on a line of its own and the value
/// behind its length as a 64-bit little-endian number.
struct JournalRecord: Equatable {
    /// One field.
    struct Field: Equatable {
        var name: String
        var value: String

        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    var fields: [Field]

    /// The longest value of a field, in bytes; a datagram has to fit into the socket's buffer.
    static let valueBytesMax = 8_192
    /// The journal's socket.
    static var path: String {
        environmentValue("DBGSRV_JOURNAL_SOCKET") ?? "/run/systemd/journal/socket"
    }

    /// - Parameter priority: syslog(3)'s number, 0–7.
    init(message: String, priority: Int, program: String, fields: [Field]) {
        self.fields =
            [
                Field("MESSAGE", message), Field("PRIORITY", "\(priority)"),
                Field("SYSLOG_IDENTIFIER", program),
            ] + fields
    }

    var bytes: [UInt8] {
        fields.reduce(into: []) { record, field in
            let value = Array(field.value.utf8.prefix(Self.valueBytesMax))
            record += Array(field.name.utf8)
            if value.contains(UInt8(ascii: "\n")) {
                record.append(UInt8(ascii: "\n"))
                let count = UInt64(value.count)
                record += (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) }
            } else {
                record.append(UInt8(ascii: "="))
            }
            record += value
            record.append(UInt8(ascii: "\n"))
        }
    }

    /// Whether a descriptor is the journal's stream: JOURNAL_STREAM holds its device and inode.
    static func isStream(_ descriptor: Int32) -> Bool {
        guard let text = environmentValue("JOURNAL_STREAM"),
            let copy = try? OwnedDescriptor(duplicating: descriptor),
            let status = try? FileAttributes(of: copy)
        else { return false }
        return text == "\(status.fileSystem):\(status.inode)"
    }
}
