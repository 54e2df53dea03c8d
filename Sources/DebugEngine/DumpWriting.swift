internal import CoreFiles
internal import DebugTarget

/// A file that a dump is written to, anywhere in it; what is not written are zeros.
public protocol DumpFile: AnyObject {
    /// Writes bytes at a place.
    func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws
    /// Everything has been written: the file is that long.
    func finish(byteCount: UInt64) throws
    /// Nothing is to be left of it.
    func discard()
}

/// What became of a dump.
public struct DumpSummary: Sendable, Equatable {
    /// How many bytes of memory are in it.
    public var memoryByteCount: UInt64
    /// How many bytes that were wanted could not be read.
    public var missingByteCount: UInt64
}

/// A dump to be written.
public struct DumpRequest: Sendable {
    /// Which memory.
    public var extent: DumpExtent
    /// What is noted (`/c`).
    public var comment: String
    /// The time, for people.
    public var time: String
    /// The program that writes it.
    public var writer: String

    /// Describes a dump.
    public init(extent: DumpExtent, comment: String, time: String, writer: String) {
        self.extent = extent
        self.comment = comment
        self.time = time
        self.writer = writer
    }
}

extension DebugSession {
    /// From here on the user is told how far it is, on a fast line and on a slow one.
    private static let notedBytes: UInt64 = 64 << 20
    private static let notedBytesOnSlowLine: UInt64 = 64 << 10

    /// Writes an ELF core of a process, whatever it is that debugs it.
    ///
    /// On failure, and when the user stops it, nothing is left of the file.
    public func writeDump(
        of process: ProcessState,
        _ request: DumpRequest,
        to file: any DumpFile
    ) throws -> DumpSummary {
        do {
            try refreshThreads(of: process)
            let segments = try plan(process, request.extent).segments
            guard segments.count <= CoreImage.segmentsMax else {
                throw EngineError.sentence("The process has more mappings than a core has room for")
            }
            var image = CoreImage(try coreProcess(process, request), segments: segments)
            let summary = try writeMemory(&image, of: process, to: file)
            try file.write(image.head[...], at: 0)
            try file.finish(byteCount: max(image.byteCount, UInt64(image.head.count)))
            return summary
        } catch {
            file.discard()
            throw error
        }
    }

    // MARK: - The process

    private func coreProcess(
        _ process: ProcessState,
        _ request: DumpRequest
    ) throws -> CoreImage.Process {
        let description = try target.targetDescription(of: process.id)
        guard description.architecture != .arm64 else {
            throw EngineError.sentence("Cores of arm64 processes cannot be written yet")
        }
        var remarks = CoreRemarks()
        remarks.comment = request.comment
        remarks.extent = request.extent.kind.rawValue
        remarks.time = request.time
        remarks.writer = request.writer
        var threads: [CoreThread] = []
        for thread in threadsForDump(process) {
            if host.takeInterrupt() { throw EngineError(.userInterrupt, ".dump") }
            let id = Int32(truncatingIfNeeded: thread.id.number)
            remarks.threadNames[id] = thread.name
            threads.append(try coreThread(thread, description, isFirst: threads.isEmpty))
        }
        let regions = try target.processDetails?.memoryRegions(of: process.id) ?? []
        return CoreImage.Process(
            architecture: description.architecture,
            process: identity(of: process),
            threads: threads,
            auxiliaryVector: auxiliaryVector(of: process),
            files: regions.filter { $0.name.hasPrefix("/") }.map {
                CoreMappedFile(range: $0.range, fileOffset: $0.fileOffset, path: $0.name)
            },
            remarks: remarks
        )
    }

    private func auxiliaryVector(of process: ProcessState) -> [UInt8] {
        (try? target.processDetails?.auxiliaryVector(of: process.id)) ?? []
    }

    /// The thread of the last event first: debuggers take it for the one that matters.
    private func threadsForDump(_ process: ProcessState) -> [ThreadState] {
        let first = eventThread.flatMap { event in process.threads.first { $0 === event } }
        return [first].compactMap { $0 } + process.threads.filter { $0 !== first }
    }

    private func coreThread(
        _ thread: ThreadState,
        _ description: TargetDescription,
        isFirst: Bool
    ) throws -> CoreThread {
        var signal = thread.pendingSignal
        if let dump = target.postMortem?.description(of: thread.id.process) {
            signal = dump.thread == thread.id ? dump.signal : nil
        } else if isFirst, signal == nil {
            signal = .trap
        }
        let information =
            isFirst || signal != nil
            ? try? target.signalInformation?.signalInformation(of: thread.id) : nil
        return CoreThread(
            id: Int32(truncatingIfNeeded: thread.id.number),
            signal: signal?.rawValue ?? 0,
            try target.registers(of: thread.id),
            description,
            signalInformation: information ?? [],
            name: thread.name
        )
    }

    /// Who it is, as far as its machine serves /proc.
    private func identity(of process: ProcessState) -> CoreProcess {
        let name = Format.baseName(process.executablePath)
        var found = CoreProcess(
            id: process.id.rawValue,
            name: name,
            commandLine: process.executablePath
        )
        if let dump = target.postMortem?.description(of: process.id) {
            found.commandLine = dump.commandLine
            return found
        }
        if let words = targetFile("/proc/\(process.id)/cmdline"), !words.isEmpty {
            let text = words.map { $0 == 0 ? UInt8(ascii: " ") : $0 }
            found.commandLine = String(decoding: text, as: UTF8.self)
        }
        let status = targetFile("/proc/\(process.id)/status") ?? []
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") {
            let fields = line.split { $0 == "\t" || $0 == " " }
            guard fields.count > 1, let number = UInt32(fields[1]) else { continue }
            switch fields[0] {
            case "PPid:": found.parent = Int32(truncatingIfNeeded: number)
            case "Uid:": found.user = number
            case "Gid:": found.group = number
            default: break
            }
        }
        return found
    }

    private func targetFile(_ path: String) -> [UInt8]? {
        guard let files = target.files, let file = try? files.open(path, flags: [], mode: 0) else {
            return nil
        }
        defer { try? files.close(file) }
        return try? files.read(file, count: 4096, at: 0)
    }

    // MARK: - Memory

    private func plan(_ process: ProcessState, _ extent: DumpExtent) throws -> DumpPlan {
        guard let details = target.processDetails else {
            throw EngineError.sentence("This target does not tell what memory the process has")
        }
        let regions: [MemoryRegion]
        do {
            regions = try details.memoryRegions(of: process.id)
        } catch {
            throw EngineError.sentence(
                "This target does not tell what memory the process has: \(error.message)"
            )
        }
        let isNarrow = try target.targetDescription(of: process.id).architecture == .i386
        var plan = DumpPlan(regions)
        plan.want(extent)
        if extent.kind == .mini {
            for thread in process.threads {
                guard let stack = try? value(.stackPointer, of: thread) else { continue }
                let start = stack &- min(stack, DumpPlan.redZone)
                plan.want(start, count: DumpPlan.stackByteCountMax)
                if extent.parts.contains(.indirect) { wantIndirect(from: stack, process, &plan) }
            }
            let walk = LinkerWalk(auxiliaryVector: auxiliaryVector(of: process), isNarrow: isNarrow)
            {
                (try? self.readMemory(at: $0, count: $1, in: process)) ?? []
            }
            for place in walk.places() { plan.want(place.address, count: place.byteCount) }
        }
        return plan
    }

    /// Wants the pages that words on a stack point to.
    private func wantIndirect(from stack: UInt64, _ process: ProcessState, _ plan: inout DumpPlan) {
        guard let region = plan.region(at: stack) else { return }
        let count = min(region.range.upperBound.rawValue - stack, DumpPlan.stackByteCountMax)
        let bytes = (try? readMemory(at: stack, count: Int(count), in: process)) ?? []
        var pages: Set<UInt64> = []
        for offset in stride(from: 0, through: bytes.count - 8, by: 8).prefix(DumpPlan.wordsMax) {
            pages.insert(LittleEndian.value(bytes[offset..<(offset + 8)]) & ~0xfff)
        }
        for page in pages.sorted() where plan.region(at: page)?.isWritable == true {
            plan.want(page, count: 4096)
        }
    }

    private func writeMemory(
        _ image: inout CoreImage,
        of process: ProcessState,
        to file: any DumpFile
    ) throws -> DumpSummary {
        let total = image.memoryByteCount
        let portion = isLineSlow ? 8192 : 1 << 20
        let isNoted = total >= (isLineSlow ? Self.notedBytesOnSlowLine : Self.notedBytes)
        var summary = DumpSummary(memoryByteCount: 0, missingByteCount: 0)
        var tenths: UInt64 = 0
        for (index, segment) in image.segments.enumerated() where segment.fileByteCount > 0 {
            var offset: UInt64 = 0
            while offset < segment.fileByteCount {
                if host.takeInterrupt() { throw EngineError(.userInterrupt, ".dump") }
                let count = Int(min(UInt64(portion), segment.fileByteCount - offset))
                let address = (segment.range.lowerBound + offset).rawValue
                let bytes = try readMemory(at: address, count: count, in: process)
                try writePages(bytes, at: segment.fileOffset + offset, to: file)
                offset += UInt64(bytes.count)
                summary.memoryByteCount += UInt64(bytes.count)
                if bytes.count < count {
                    summary.missingByteCount += segment.fileByteCount - offset
                    image.shorten(index, to: offset)
                    break
                }
                let reached = total > 0 ? summary.memoryByteCount * 10 / total : 10
                if isNoted, reached > tenths, reached < 10 {
                    tenths = reached
                    output.line("    \(reached * 10) % of \(Format.size(total))", .warning)
                }
            }
        }
        return summary
    }

    /// Writes what is not zero; the rest of the file are holes.
    private func writePages(
        _ bytes: [UInt8],
        at offset: UInt64,
        to file: any DumpFile
    ) throws {
        let page = Int(CoreImage.pageByteCount)
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count,
                bytes[end..<min(end + page, bytes.count)].contains(where: { $0 != 0 })
            {
                end = min(end + page, bytes.count)
            }
            if end > start { try file.write(bytes[start..<end], at: offset + UInt64(start)) }
            start = end + page
        }
    }
}
