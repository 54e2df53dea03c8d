import Commands
import DebugEngine
import Glibc
import LinuxSystem

/// A dump on its way to a file: under another name until it is complete.
final class LocalDumpFile: DumpFile {
    private let path: String
    private let partial: String
    private let file: OwnedDescriptor
    private let mayReplace: Bool

    init(_ path: String, overwriting: Bool) throws {
        self.path = path
        mayReplace = overwriting
        if !overwriting, (try? FileAttributes(path: path)) != nil {
            throw EngineError.sentence("\(path) is there already; .dump /o overwrites it")
        }
        partial = "\(path).\(getpid()).part"
        do {
            file = try openFile(partial, flags: O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600)
        } catch {
            throw EngineError.sentence("Unable to create the dump: \(error)")
        }
    }

    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws {
        var rest = Array(bytes)
        var place = offset
        while !rest.isEmpty {
            do {
                let taken = try Files.write(file, rest, at: place)
                guard taken > 0 else { throw SystemError("pwrite", path, errorNumber: EIO) }
                rest.removeFirst(taken)
                place += UInt64(taken)
            } catch {
                throw EngineError.sentence("Unable to write the dump: \(error)")
            }
        }
    }

    func finish(byteCount: UInt64) throws {
        guard ftruncate(file.number, off_t(clamping: byteCount)) == 0 else {
            throw EngineError.sentence(
                "Unable to write the dump: \(SystemError("ftruncate", path, errorNumber: errno))"
            )
        }
        // link(2) never replaces a file that has come meanwhile, as rename(2) does.
        let isThere = mayReplace ? rename(partial, path) == 0 : link(partial, path) == 0
        guard isThere else {
            throw EngineError.sentence(
                "Unable to write the dump: \(SystemError("rename", path, errorNumber: errno))"
            )
        }
        if !mayReplace { unlink(partial) }
    }

    func discard() {
        unlink(partial)
    }
}
