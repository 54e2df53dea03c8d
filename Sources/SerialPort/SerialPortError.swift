public import LinuxSystem

/// Why a port cannot be used; the description is a sentence for the user.
public enum SerialPortError: Error, Sendable, Equatable {
    /// There is no such device node.
    case absent(path: String)
    /// The node is there, the hardware behind it is not.
    case noHardware(path: String)
    /// The path is something else than a terminal.
    case notATerminal(path: String)
    /// The user may not open it; members of the group may.
    case permissionDenied(path: String, group: String)
    /// Somebody else uses it.
    case busy(path: String, holder: DescriptorHolder?)
    /// An older program has left its lock file; it lives, but may be another one of the same number.
    case lockFile(path: String, file: String, holder: DescriptorHolder)
    /// A login prompt runs on it.
    case loginPrompt(path: String, holder: DescriptorHolder)
    /// The rate is not a rate.
    case badBaudRate(Int)
    /// The driver set another rate than asked for; the fastest is known of UARTs.
    case baudRateNotGranted(path: String, asked: Int, granted: Int, fastest: Int? = nil)
    /// The driver did not take another setting.
    case settingNotGranted(path: String, asked: String)
    /// Another failure of the system.
    case system(SystemError)
}

extension SerialPortError: CustomStringConvertible {
    /// One sentence: what was wrong and what to do about it.
    public var description: String {
        switch self {
        case .absent(let path):
            "There is no port \(path); is the adapter plugged in?"
        case .noHardware(let path):
            "The port \(path) has no hardware behind it."
        case .notATerminal(let path):
            "\(path) is not a serial port or terminal."
        case .permissionDenied(let path, let group):
            "No permission to open \(path): it takes membership in the group \(group) "
                + "(sudo usermod -a -G \(group) $USER, then log in again)."
        case .busy(let path, let holder?):
            "The port \(path) is in use by \(holder.description)"
                + (holder.remedy.isEmpty ? "." : "; \(holder.remedy).")
        case .busy(let path, nil):
            "The port \(path) is in use by another program, which cannot be seen from here."
        case .lockFile(let path, let file, let holder):
            "The port \(path) is locked by \(holder.description) with the file \(file); if that "
                + "program has nothing to do with the port, remove the file."
        case .loginPrompt(let path, let holder):
            "A login prompt, \(holder.description), runs on \(path); stop it with "
                + "systemctl stop serial-getty@\(Self.lastName(path))."
        case .badBaudRate(let rate):
            "baud=\(rate) is not a baud rate; it must be "
                + "\(SerialConfiguration.baudRates.lowerBound)–"
                + "\(SerialConfiguration.baudRates.upperBound)."
        case .baudRateNotGranted(let path, let asked, let granted, let fastest):
            "Asked \(path) for \(asked) baud, the driver granted \(granted)."
                + (fastest.map { " The fastest rate of its UART is \($0)." } ?? "")
        case .settingNotGranted(let path, let asked):
            "The driver of \(path) does not grant \(asked)."
        case .system(let error):
            "\(error.description)."
        }
    }

    static func lastName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
