internal import CoreFiles
internal import DebugTarget
internal import Glibc
internal import LinuxSystem

/// A file that is read by position.
final class DumpFile: CoreBytes {
    private let file: OwnedDescriptor
    let byteCount: UInt64

    init(_ path: String) throws(SystemError) {
        file = try openFile(path, flags: O_RDONLY)
        let size = lseek(file.number, 0, SEEK_END)
        guard size >= 0 else { throw SystemError("lseek", path) }
        byteCount = UInt64(size)
    }

    func read(at position: UInt64, count: Int) -> [UInt8] {
        guard position < byteCount, count > 0 else { return [] }
        let rest = Int(clamping: byteCount - position)
        return (try? Files.read(file, count: min(count, rest), at: position)) ?? []
    }
}

/// One core file, with the files that its memory was mapped from.
final class CoreDump {
    /// As much memory as one read gives.
    static let readByteCountMax = 64 << 20

    let path: String
    let core: CoreFile
    let description: TargetDescription
    private let file: DumpFile
    private var binaries: [String: BackingFile] = [:]
    private var notices: [String] = []

    init(_ path: String) throws(TargetError) {
        self.path = path
        do throws(SystemError) {
            let attributes = try FileAttributes(path: path)
            guard attributes.kind == .file else {
                throw SystemError("open", path, errorNumber: EINVAL)
            }
            file = try DumpFile(path)
        } catch {
            throw TargetError(.cannotRun, "\(error)")
        }
        do throws(CoreFileError) {
            core = try CoreFile(file)
        } catch {
            throw TargetError(.invalid, "\(path) \(error)")
        }
        description = core.description
    }

    func thread(_ id: ThreadID) throws(TargetError) -> CoreThread {
        guard let thread = core.threads.first(where: { Int64($0.id) == id.number }) else {
            throw TargetError(.noSuchProcess, "the core file has no thread \(id)")
        }
        return thread
    }

    func takeNotices() -> [String] {
        defer { notices = [] }
        return notices
    }

    // MARK: - Memory

    /// The bytes from an address on, as many as can be had; none when not even the first can.
    func memory(
        at address: TargetAddress,
        count: Int,
        _ candidates: (String) -> [String]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        let wanted = min(count, Self.readByteCountMax)
        while bytes.count < wanted {
            let place = address + UInt64(bytes.count)
            let rest = wanted - bytes.count
            let own = ownMemory(at: place, count: rest)
            let part = own.isEmpty ? fileMemory(at: place, count: rest, candidates) : own
            guard !part.isEmpty else { break }
            bytes += part
            // The address space ends here.
            if place.rawValue > .max - UInt64(part.count) { break }
        }
        return bytes
    }

    /// What the core itself has, up to the end of its segment.
    private func ownMemory(at address: TargetAddress, count: Int) -> [UInt8] {
        guard let segment = core.segment(at: address) else { return [] }
        let offset = address - segment.range.lowerBound
        guard offset < segment.fileByteCount else { return [] }
        let available = min(UInt64(count), segment.fileByteCount - offset)
        return file.read(at: segment.fileOffset &+ offset, count: Int(available))
    }

    /// What was in a file that was mapped there and is here, too.
    private func fileMemory(
        at address: TargetAddress,
        count: Int,
        _ candidates: (String) -> [String]
    ) -> [UInt8] {
        guard let mapping = core.file(at: address) else { return [] }
        if let segment = core.segment(at: address), mayDiffer(segment) { return [] }
        guard let backing = backing(of: mapping.path, candidates) else { return [] }
        let offset = address - mapping.range.lowerBound
        var available = min(UInt64(count), mapping.range.upperBound - address)
        // The core may have more of its own further on.
        if let next = core.segments.first(where: { $0.range.lowerBound > address }),
            next.fileByteCount > 0
        {
            available = min(available, next.range.lowerBound - address)
        }
        let bytes = backing.read(at: mapping.fileOffset &+ offset, count: Int(available))
        let missing = Int(available) - bytes.count
        guard !bytes.isEmpty, missing > 0 else { return bytes }
        // Behind the file's end a mapping has zeros, up to the end of the page.
        let end = (offset + UInt64(bytes.count) + 0xfff) & ~0xfff
        let zeros = min(UInt64(missing), end - offset - UInt64(bytes.count))
        return bytes + repeatElement(0, count: Int(zeros))
    }

    /// Whether memory that is not in the core need not be what the file has.
    ///
    /// The kernel leaves out what was never written, a mini dump more than that, and where a core is cut off nobody
    /// knows.
    private func mayDiffer(_ segment: CoreSegment) -> Bool {
        segment.isWritable && (core.remarks.extent == "mini" || segment.fileByteCount > 0)
    }

    /// The local copy of a file that was mapped: one of the same build-id.
    private func backing(of path: String, _ candidates: (String) -> [String]) -> DumpFile? {
        let places = candidates(path)
        if let known = binaries[path], known.candidates == places { return known.file }
        var found = BackingFile(candidates: places, file: nil)
        let wanted = buildID(ofMapped: path)
        for place in places {
            guard let attributes = try? FileAttributes(path: place), attributes.kind == .file,
                let file = try? DumpFile(place)
            else { continue }
            let facts = BinaryFacts(isMemory: false) { file.read(at: $0, count: $1) }
            guard let wanted else {
                notices.append(
                    "*** WARNING: \(place) cannot be verified: the core does not have the build-id"
                )
                found.file = file
                break
            }
            if facts?.buildID ?? [] == wanted {
                found.file = file
                break
            }
            notices.append(
                "*** WARNING: \(place) is not what the process had mapped as \(path):"
                    + " its build-id differs; it is not used"
            )
        }
        binaries[path] = found
        return found.file
    }

    /// The build-id that the core itself has of a mapped file; empty for a file that has none, nil where the core does
    /// not have the file's first page.
    private func buildID(ofMapped path: String) -> [UInt8]? {
        guard let first = core.files.first(where: { $0.path == path && $0.fileOffset == 0 }),
            let facts = facts(at: first)
        else { return nil }
        return facts.buildID
    }

    private func facts(at mapping: CoreMappedFile) -> BinaryFacts? {
        let start = mapping.range.lowerBound
        return BinaryFacts(isMemory: true) { position, count in
            ownMemory(at: start + position, count: count)
        }
    }

    // MARK: - Modules

    /// The entry point and others of the auxiliary vector (getauxval(3)).
    private func auxiliaryValue(_ key: UInt64) -> UInt64? {
        let word = core.architecture == .i386 ? 4 : 8
        let vector = core.auxiliaryVector
        func number(_ offset: Int) -> UInt64 {
            vector[offset..<(offset + word)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        for offset in stride(from: 0, through: vector.count - 2 * word, by: 2 * word)
        where number(offset) == key {
            return number(offset + word)
        }
        return nil
    }

    private static let entryKey: UInt64 = 9
    private static let vdsoKey: UInt64 = 33

    /// The mapped file that the entry point is in, or what the core calls the program.
    var executablePath: String {
        if let entry = auxiliaryValue(Self.entryKey),
            let mapping = core.file(at: TargetAddress(entry))
        {
            return mapping.path
        }
        let word = core.process.commandLine.prefix { $0 != " " }
        return word.hasPrefix("/") ? String(word) : core.process.name
    }

    /// The ELF files among the mapped ones that have code.
    func modules(_ candidates: (String) -> [String]) -> [LoadedModule] {
        var modules: [LoadedModule] = []
        let executable = executablePath
        for mapping in core.files where mapping.fileOffset == 0 {
            let isLoaded = core.files.contains { other in
                other.path == mapping.path
                    && core.segment(at: other.range.lowerBound)?.isExecutable == true
            }
            guard isLoaded, !modules.contains(where: { $0.path == mapping.path }) else { continue }
            var facts = facts(at: mapping)
            if facts == nil, let file = backing(of: mapping.path, candidates) {
                facts = BinaryFacts(isMemory: false) { file.read(at: $0, count: $1) }
            }
            guard let facts, facts.hasSegments else { continue }
            let module = LoadedModule(
                path: mapping.path,
                loadBias: mapping.range.lowerBound.rawValue &- facts.lowestAddress,
                dynamicSection: TargetAddress(0),
                linkMap: TargetAddress(0),
                buildID: facts.buildID
            )
            modules.insert(module, at: mapping.path == executable ? 0 : modules.count)
        }
        return modules
    }

    /// The pieces of memory as /proc/PID/maps would show them.
    var regions: [MemoryRegion] {
        let vdso = auxiliaryValue(Self.vdsoKey)
        return core.segments.map { segment in
            let start = segment.range.lowerBound
            let mapping = core.file(at: start)
            var name = mapping?.path ?? ""
            if name.isEmpty, start.rawValue == vdso { name = "[vdso]" }
            return MemoryRegion(
                range: segment.range,
                isReadable: segment.isReadable,
                isWritable: segment.isWritable,
                isExecutable: segment.isExecutable,
                fileOffset: mapping.map { $0.fileOffset &+ (start - $0.range.lowerBound) } ?? 0,
                name: name
            )
        }
    }
}

/// What was found for a mapped file, and where it was looked for.
private struct BackingFile {
    let candidates: [String]
    var file: DumpFile?
}
