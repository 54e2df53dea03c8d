internal import Glibc
internal import LinuxSystem

/// Names for devices that are seen for the first time.
///
/// A device gets the next number that is free, and the file of names gets a line about it, so that it keeps the
/// number wherever and whenever it is plugged in again. The rest of the file stays as it is.
extension PortMap {
    /// How long to wait for another program that is writing names.
    static let lockMillisecondsMax = 5000

    /// The names that devices without one get.
    ///
    /// UARTs have theirs by rule, and so may devices that udev has not handled yet. While the file is damaged nobody gets one: a line that cannot be read may be
    /// the one that names the device.
    func newEntries(for devices: [SerialDevice]) -> [Entry] {
        guard damage.isEmpty else { return [] }
        var taken = Set(entries.map(\.number))
        taken.formUnion(devices.compactMap(\.ruledNumber))
        taken.formUnion(devices.compactMap { $0.uartIndex.map { $0 + 1 } })
        let named = Set(devices.filter { isNamed($0) }.map(\.identity))
        var added: [Entry] = []
        for device in devices where !named.contains(device.identity) && !device.awaitsRules {
            guard let number = (1...PortDirectory.numberMax).first(where: { !taken.contains($0) })
            else { break }
            taken.insert(number)
            added.append(Entry(number: number, place: .identity(device.identity)))
        }
        return added
    }

    /// Whether a device has a name already: by rule, by its identity, or by a path that leads to it.
    private func isNamed(_ device: SerialDevice) -> Bool {
        if device.ruledNumber != nil || device.uartIndex != nil { return true }
        return entries.contains { entry in
            switch entry.place {
            case .identity(let identity): identity == device.identity
            case .path(let path):
                path == device.path || device.links.contains(path)
                    || (try? resolvedPath(path)) == device.path
            case .network: false
            }
        }
    }

    /// Gives names to the devices that have none and writes them down.
    ///
    /// Programs that come at the same time take turns: under the lock the files are read anew, so that each
    /// sees what the one before it wrote.
    ///
    /// - Returns: the names as they are now, and why new ones could not be written down; those hold for
    ///   this program only.
    static func keep(
        _ devices: [SerialDevice],
        in file: String?,
        reading: () throws(PortNameError) -> PortMap
    ) throws(PortNameError) -> (map: PortMap, failure: String?) {
        var map = try reading()
        guard !map.newEntries(for: devices).isEmpty else { return (map, nil) }
        do {
            guard let file else { throw SystemError("open", "ports", errorNumber: ENOENT) }
            let target = (try? resolvedPath(file)) ?? file
            let lock = try lock(beside: target)
            defer { withExtendedLifetime(lock) {} }
            map = try reading()
            let added = map.newEntries(for: devices)
            try append(added, about: devices, to: target)
            added.forEach { map.set($0) }
            return (map, nil)
        } catch let error as PortNameError {
            throw error
        } catch {
            map.newEntries(for: devices).forEach { map.set($0) }
            return (map, "\(error)")
        }
    }

    /// A file beside the file of names, because that one is replaced by each that writes.
    private static func lock(beside file: String) throws -> OwnedDescriptor {
        makeFolder(of: file)
        let lock = try openFile("\(file).lock", flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        let deadline = monotonicNanoseconds() + UInt64(lockMillisecondsMax) * 1_000_000
        while try !tryLock(lock) {
            guard monotonicNanoseconds() < deadline else {
                throw SystemError("flock", "\(file).lock", errorNumber: ETIMEDOUT)
            }
            var none: [PollRequest] = []
            try pollDescriptors(&none, timeoutMilliseconds: 5)
        }
        return lock
    }

    private static func makeFolder(of file: String) {
        var folder = ""
        for part in file.split(separator: "/").dropLast() {
            folder += "/\(part)"
            _ = mkdir(folder, 0o755)
        }
    }

    /// Replaces the file by itself and the new lines, whole or not at all.
    private static func append(
        _ added: [Entry],
        about devices: [SerialDevice],
        to file: String
    ) throws(SystemError) {
        var text = fileText(file, maximum: fileBytesMax + 1) ?? ""
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        for entry in added { text += line(of: entry, devices) }
        guard text.utf8.count <= fileBytesMax else {
            throw SystemError("write", file, errorNumber: EFBIG)
        }
        let permissions = (try? FileAttributes(path: file))?.permissions ?? 0o644
        let temporary = "\(file).\(getpid()).new"
        removeFile(temporary)
        do {
            let output = try openFile(
                temporary,
                flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                permissions: permissions
            )
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty { rest = rest.dropFirst(try output.write(rest)) }
            try systemCall("fsync", temporary) { fsync(output.number) }
            try systemCall("rename", file) { rename(temporary, file) }
        } catch {
            removeFile(temporary)
            throw error
        }
    }

    private static func line(of entry: Entry, _ devices: [SerialDevice]) -> String {
        let device = devices.first { .identity($0.identity) == entry.place }
        let words = device?.adapter.map { "\($0.vendor) \($0.model)" } ?? device?.driver ?? ""
        return "COM\(entry.number) \(entry.place)" + (words.isEmpty ? "" : " # \(words)") + "\n"
    }
}
