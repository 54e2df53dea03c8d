internal import LinuxSystem

/// Who else is on a port, and what to do about it.
enum PortRivals {
    /// Programs that opened the port without locking it would take bytes that are meant for us.
    ///
    /// A login prompt is found even by a user who may not look into root's processes: everybody may see what
    /// terminal a process has.
    static func error(path: String, major: UInt32, minor: UInt32) -> SerialPortError? {
        let others = DescriptorHolder.ofDevice(major: major, minor: minor)
        let users = others + DescriptorHolder.onTerminal(major: major, minor: minor)
        if let prompt = users.first(where: \.isLoginPrompt) {
            return .loginPrompt(path: path, holder: prompt)
        }
        return users.first.map { .busy(path: path, holder: $0) }
    }

    /// What the kernel's console on a port does to it: frames are damaged by messages and sent again.
    static func consoleWarnings(
        _ path: String,
        active: String = fileText("/sys/class/tty/console/active") ?? "",
        consoles: String = fileText("/proc/consoles") ?? ""
    ) -> [String] {
        let name = SerialPortError.lastName(path)
        // "ttyS0                -W- (EC p a)    4:64"
        let registered = consoles.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first
        }
        let named = active.split { $0 == " " || $0 == "\n" } + registered
        guard path == "/dev/" + name, named.contains(name[...]) else { return [] }
        return [
            "The kernel's console is on \(path): its messages damage frames, which are then sent "
                + "again; remove console=\(name) from the kernel's command line."
        ]
    }
}

extension DescriptorHolder {
    /// Whether it waits for somebody to log in, or is the login of somebody who did.
    var isLoginPrompt: Bool { program.hasSuffix("getty") || program == "login" }

    /// What to do about a program that is known to take ports which are not meant for it.
    var remedy: String {
        switch program {
        case "ModemManager":
            "it tries every new port for a modem; the rules in udev/ keep it away, and "
                + "systemctl stop ModemManager ends it"
        case "brltty":
            "it takes adapters for Braille displays; the rules in udev/ keep it away, and "
                + "systemctl stop brltty ends it"
        case "gpsd":
            "systemctl stop gpsd.socket gpsd ends it"
        default: ""
        }
    }
}
