internal import Glibc
internal import LinuxSystem

/// Calls back, on a thread of its own, whenever udev says that a port has come, changed or gone.
///
/// It ends with the object; a call may still be under way then.
public final class PortWatch: Sendable {
    /// Closing it ends the thread.
    private let life: OwnedDescriptor

    /// Starts watching; nil where libudev is not installed.
    public init?(onChange: @escaping @Sendable ([PortMonitor.Change]) -> Void) {
        guard let monitor = PortMonitor(), let pipe = try? ProgramLauncher.makePipe() else {
            return nil
        }
        life = pipe.write
        let work = Unmanaged.passRetained(Work(monitor, pipe.read, onChange))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { work in
                if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().run() }
                return nil
            },
            work.toOpaque()
        )
        guard failure == 0 else {
            work.release()
            return nil
        }
        pthread_detach(thread)
    }

    /// What the thread takes over: made by one thread and used by the other only.
    private final class Work {
        let monitor: PortMonitor
        let end: OwnedDescriptor
        let onChange: @Sendable ([PortMonitor.Change]) -> Void

        init(
            _ monitor: PortMonitor,
            _ end: OwnedDescriptor,
            _ onChange: @escaping @Sendable ([PortMonitor.Change]) -> Void
        ) {
            self.monitor = monitor
            self.end = end
            self.onChange = onChange
        }

        func run() {
            while true {
                var requests = [PollRequest(monitor.descriptor), PollRequest(end.number)]
                guard (try? pollDescriptors(&requests)) != nil, !requests[1].isReadable else {
                    return
                }
                let changes = monitor.changes()
                if !changes.isEmpty { onChange(changes) }
            }
        }
    }
}
