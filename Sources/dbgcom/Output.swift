import Glibc
import LinuxSystem

/// The standard streams of a command.
enum Output {
    /// Prints a line to standard output, at once.
    static func line(_ text: String) {
        write(Array(text.utf8) + [0x0A], to: STDOUT_FILENO)
    }

    /// Prints a line to standard error.
    static func note(_ text: String) {
        write(Array(text.utf8) + [0x0A], to: STDERR_FILENO)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let taken = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if taken < 0 && errno != EINTR && errno != EAGAIN { return }
            rest = rest.dropFirst(max(taken, 0))
        }
    }

    /// Prints a table.
    static func table(_ rows: [[String]]) {
        aligned(rows).forEach(line)
    }

    /// The lines of a table with two spaces between its columns.
    static func aligned(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let padding = column == row.count - 1 ? 0 : widths[column] - cell.count + 2
                return cell + String(repeating: " ", count: padding)
            }.joined()
        }
    }

    /// A number with so many digits behind the point.
    static func decimal(_ value: Double, places: Int) -> String {
        let factor = pow(10, Double(places))
        guard abs(value) < 1e12 else { return "\(value)" }
        let scaled = Int((abs(value) * factor).rounded())
        let whole = scaled / Int(factor)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(whole)" }
        let digits = String(scaled % Int(factor))
        return "\(sign)\(whole)." + String(repeating: "0", count: places - digits.count) + digits
    }
}

/// A sentence that ends a command with a failure.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
