internal import Glibc
internal import LinuxSystem

/// What makes a driver pass bytes on at once, put back when the port is closed.
///
/// All of it is as good as it gets: a driver without such a knob, or one that this user may not turn, is no error.
/// FTDI chips hold bytes back for 16 ms unless their latency timer is set to 1; ASYNC_LOW_LATENCY makes their
/// driver do that, and where it does not the timer's file in sysfs is tried. Their event character makes the chip
/// send at once when a frame has ended, which is at a zero byte.
struct LineTuning {
    /// What was done and what was not, for the log.
    let notes: [String]

    private let clearsLowLatency: Bool
    private let timerFile: String
    private let originalTimer: String?
    private let eventFile: String?

    /// Tunes an open port.
    init(_ descriptor: OwnedDescriptor, path: String, sysfsFolder: String) {
        var notes: [String] = []
        let lowLatency = descriptor.setLowLatency(true)
        clearsLowLatency = lowLatency == false
        if lowLatency != nil { notes.append("low latency is on") }

        let device = "\(sysfsFolder)/\(SerialPortError.lastName(path))/device"
        timerFile = "\(device)/latency_timer"
        let timer = fileText(timerFile, maximum: 16).flatMap { $0.split(separator: "\n").first }
        if let timer, timer != "1" {
            let isSet = Self.write("1", to: timerFile)
            originalTimer = isSet ? String(timer) : nil
            notes.append(
                isSet
                    ? "the latency timer is 1 ms instead of \(timer) ms"
                    : "the latency timer stays at \(timer) ms, because \(timerFile) cannot be "
                        + "written; the rules in udev/ set it"
            )
        } else {
            originalTimer = nil
        }

        let event = "\(device)/event_char"
        let hasEvent = Files.exists(event) && Self.write(Self.eventOnZero, to: event)
        eventFile = hasEvent ? event : nil
        if hasEvent { notes.append("the event character is the end of a frame") }
        self.notes = notes
    }

    /// 0x100 switches the event character on; the character is 0.
    private static let eventOnZero = "256"
    private static let eventOff = "0"

    /// Puts everything back as it was; the chip's event character is off until somebody sets it.
    func restore(_ descriptor: OwnedDescriptor) {
        if clearsLowLatency { descriptor.setLowLatency(false) }
        if let originalTimer { _ = Self.write(originalTimer, to: timerFile) }
        if let eventFile { _ = Self.write(Self.eventOff, to: eventFile) }
    }

    private static func write(_ text: String, to file: String) -> Bool {
        guard let output = try? openFile(file, flags: O_WRONLY | O_TRUNC) else { return false }
        let bytes = Array("\(text)\n".utf8)
        return (try? output.write(bytes[...])) == bytes.count
    }
}
