internal import CLinuxShims
internal import Glibc

/// The memory of another process.
///
/// Reads go through process_vm_readv(2), which needs no stop and no copy through the kernel's buffers;
/// where that fails (no permission in the mapping, end of a mapping in the middle), and for writes, which
/// must reach read-only pages, `/proc/PID/mem` is used. That is a file of the process's user: a tracer with
/// CAP_SYS_PTRACE alone may not open it, and writes word by word with ptrace(2) instead.
public final class ProcessMemory {
    private let process: Int32
    /// nil where only ptrace(2) is left.
    private let file: OwnedDescriptor?

    /// Opens the memory a thread has now; after an exec it is another one.
    public init(process: Int32, thread: Int32) throws(SystemError) {
        let path = "/proc/\(process)/task/\(thread)/mem"
        self.process = thread
        do {
            file = OwnedDescriptor(try systemCall("open", path) { clinux_open(path, O_RDWR, 0) })
        } catch  where ProcessMemory.leavesPtrace(error) {
            file = nil
        }
    }

    /// Whether ptrace(2) still does what a file would: it is its user's, or there is no descriptor left for it.
    private static func leavesPtrace(_ error: SystemError) -> Bool {
        [EACCES, EMFILE, ENFILE, ENOMEM].contains(error.errorNumber)
    }

    /// Whether two processes have the same memory (kcmp(2)); false where the kernel does not say.
    public static func isShared(_ first: Int32, _ second: Int32) -> Bool {
        clinux_compare_memory(first, second) == 0
    }

    /// Reads what can be read of a range, from its beginning.
    ///
    /// - Returns: as many bytes as there are before the first that cannot be read.
    /// - Throws: when not even the first can be.
    public func read(at address: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
            taken = readDirectly(at: address, into: buffer)
            while taken < count, let file {
                let more = pread(
                    file.number,
                    buffer.baseAddress?.advanced(by: taken),
                    count - taken,
                    off_t(Int64(bitPattern: address &+ UInt64(taken)))
                )
                if more < 0 { failure = errno }
                if more <= 0 { break }
                taken += more
            }
        }
        if bytes.isEmpty && count > 0 {
            throw SystemError(
                "read",
                "memory at 0x" + String(address, radix: 16),
                errorNumber: failure == 0 ? EIO : failure
            )
        }
        return bytes
    }

    private func readDirectly(at address: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>)
        -> Int
    {
        guard let start = buffer.baseAddress else { return 0 }
        return max(clinux_read_memory(process, UInt(address), start, buffer.count), 0)
    }

    /// Writes bytes, read-only pages included.
    public func write(_ bytes: [UInt8], at address: UInt64) throws(SystemError) {
        guard let file else { return try poke(bytes, at: address) }
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                pwrite(
                    file.number,
                    buffer.baseAddress?.advanced(by: done),
                    buffer.count - done,
                    off_t(Int64(bitPattern: address &+ UInt64(done)))
                )
            }
            guard written > 0 else {
                let place = String(address &+ UInt64(done), radix: 16)
                throw SystemError(
                    "write",
                    "memory at 0x" + place,
                    errorNumber: written < 0 ? errno : EIO
                )
            }
            done += written
        }
    }

    /// Writes word by word; the thread has to be stopped.
    private func poke(_ bytes: [UInt8], at address: UInt64) throws(SystemError) {
        let size = UInt64(MemoryLayout<UInt>.size)
        var rest = bytes[...]
        var position = address
        while !rest.isEmpty {
            let start = position / size * size
            let offset = Int(position - start)
            let count = min(rest.count, Int(size) - offset)
            var word = count == Int(size) ? 0 : try Ptrace.word(process, at: UInt(start))
            withUnsafeMutableBytes(of: &word) { buffer in
                for (index, byte) in rest.prefix(count).enumerated() {
                    buffer[offset + index] = byte
                }
            }
            try Ptrace.setWord(process, at: UInt(start), word)
            rest = rest.dropFirst(count)
            position += UInt64(count)
        }
    }
}
