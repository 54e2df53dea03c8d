import LinuxSystem
import PortDirectory
import SerialPort

/// Something that the doctor has to say: one sentence, and what mends it.
struct Finding: Equatable {
    var isProblem: Bool
    var words: String
    /// Commands or deeds, in the order in which to try them.
    var remedies: [String] = []

    static func well(_ words: String) -> Finding { Finding(isProblem: false, words: words) }

    static func problem(_ words: String, _ remedies: String...) -> Finding {
        Finding(isProblem: true, words: words, remedies: remedies)
    }
}

extension Finding {
    /// What an unusable name means.
    init(_ error: PortNameError) {
        self = .problem(
            error.description,
            "dbgcom list",
            "sudo dmesg | grep -i tty     (what the kernel saw when the adapter was plugged in)"
        )
    }

    /// What a port that cannot be opened means.
    init(_ error: SerialPortError) {
        let words = error.description
        switch error {
        case .absent:
            self = .problem(words, "dbgcom watch     (then plug the adapter in)")
        case .noHardware:
            self = .problem(words, "dbgcom list     (the ports with hardware)")
        case .permissionDenied(_, let group):
            self = .problem(words, "sudo usermod -a -G \(group) $USER     (then log in again)")
        case .busy(let path, let holder):
            self = .problem(
                words,
                holder.map { "kill \($0.processID)" } ?? "sudo fuser -v \(path)"
            )
        case .lockFile(_, let file, let holder):
            self = .problem(
                words,
                "kill \(holder.processID)",
                "rm \(file)     (if it is another program)"
            )
        case .loginPrompt(let path, _):
            let name = path.split(separator: "/").last.map(String.init) ?? path
            self = .problem(words, "sudo systemctl mask --now serial-getty@\(name)")
        case .baudRateNotGranted, .settingNotGranted, .badBaudRate:
            self = .problem(words, "another --baud, the same at both ends")
        case .notATerminal, .system:
            self = .problem(words, "dbgcom list")
        }
    }

    /// What is on the far end instead of us, by the broker's keyword.
    init(verdict kind: String, words: String, port: String) {
        switch kind {
        case "silent":
            self = .problem(
                words,
                "dbgsrv -t com:port=…,baud=…,channel=…     (on the other machine)",
                "dbgcom loopback \(port)     (with a loopback plug: is this side well?)",
                "a null-modem cable, which crosses transmit and receive"
            )
        case "loopback":
            self = .problem(words, "take the loopback plug off, or end what echoes on the far end")
        case "raw-rsp":
            self = .problem(
                words,
                "gdb -ex 'target remote \(port)'",
                "dbgsrv -t com:…     (on the other machine, instead of gdbserver)"
            )
        case "console":
            self = .problem(
                words,
                "sudo systemctl mask --now serial-getty@…     (on the other machine)",
                "picocom \(port)     (to talk to the console)"
            )
        case "noise":
            self = .problem(
                words,
                "dbgcom doctor \(port) --baud …     (the rate of the other end)",
                "dbgcom stats \(port)     (framing errors of the UART mean another rate)"
            )
        case "":
            self = .problem(
                "The far end does not answer, and there was no time to tell what it is.",
                "dbgcom doctor \(port) --wait 10"
            )
        default:
            self = .problem(words, "the same version of dbgsrv on both machines")
        }
    }
}
