internal import BrokerProtocol
internal import Glibc
internal import LinuxSystem

/// The name under which programs find the broker: its socket's file, and the lock that goes with it.
///
/// The name stands for a device. While the port is unplugged there is no device and so no name, though the
/// socket lives on with those who are connected; when the port is back, perhaps as another device, the socket gets
/// that device's name. So a name never leads to another port than the one it says.
final class BrokerName {
    private let folder: String
    /// Where the socket's file is while it has no name.
    let socketWithoutName: String
    private var claimed: (files: BrokerFiles, lock: OwnedDescriptor)?

    /// Starts with the name of a device, whose lock is held; `publish` makes it known.
    init(_ files: BrokerFiles, _ lock: OwnedDescriptor) {
        folder = files.folder
        claimed = (files, lock)
        socketWithoutName = "\(folder)/.\(getpid()).sock"
        removeFile(socketWithoutName)
    }

    /// Takes the lock of a device's name.
    ///
    /// - Returns: nil when another broker has it and does not let go in time.
    static func lock(
        _ files: BrokerFiles,
        waitMilliseconds: Int
    ) throws(SystemError) -> OwnedDescriptor? {
        let file = try openFile(files.ownerLock, flags: O_RDWR | O_CREAT)
        let deadline = monotonicNanoseconds() + UInt64(waitMilliseconds) * 1_000_000
        while try !tryLock(file) {
            guard monotonicNanoseconds() < deadline else { return nil }
            var none: [PollRequest] = []
            try pollDescriptors(&none, timeoutMilliseconds: 5)
        }
        return file
    }

    /// Takes the name of another device, if no other broker has it, and makes it known.
    ///
    /// - Returns: whether it could be had.
    func take(_ files: BrokerFiles) throws(SystemError) -> Bool {
        guard let lock = try Self.lock(files, waitMilliseconds: 0) else { return false }
        claimed = (files, lock)
        try publish()
        return true
    }

    /// Gives the socket the device's name; what a killed broker left there is replaced.
    func publish() throws(SystemError) {
        guard let claimed else { return }
        try systemCall("rename", claimed.files.socket) {
            rename(socketWithoutName, claimed.files.socket)
        }
    }

    /// Takes the name back.
    func withdraw() {
        guard let claimed else { return }
        rename(claimed.files.socket, socketWithoutName)
        self.claimed = nil
    }

    /// Removes the socket's file for good; the lock is held until the process ends.
    func remove() {
        removeFile(claimed?.files.socket ?? socketWithoutName)
    }
}
