public import DebugTarget
internal import RegisterSets

// A core file as the kernel (core(5)), gdb's gcore and `.dump` write it.
//
// Notes come in the order: a thread's NT_PRSTATUS, what else belongs to it, the next thread's. The kernel writes the
// thread that died first, and what belongs to the process behind that thread's status; gdb writes those at the end. A
// core may have been cut off (a full disk, RLIMIT_CORE): whatever can be had of it is had, and `complaints` says what
// is missing.

/// A core file, taken apart.
public struct CoreFile {
    /// The most bytes of notes that are read: some ten thousand threads with AVX-512.
    public static let noteByteCountMax: UInt64 = 256 << 20
    /// How many threads a core may have.
    public static let threadsMax = 65_536

    /// The processor family.
    public let architecture: Architecture
    /// The pieces of memory, in order of address.
    public let segments: [CoreSegment]
    /// The threads; the one that died, or was current, first.
    public private(set) var threads: [CoreThread] = []
    /// Who the process was; its id is the first thread's where the core does not tell.
    public private(set) var process = CoreProcess(id: 0)
    /// The auxiliary vector; empty where the core has none.
    public private(set) var auxiliaryVector: [UInt8] = []
    /// The files that were mapped, in order of address.
    public private(set) var files: [CoreMappedFile] = []
    /// What `.dump` noted.
    public private(set) var remarks = CoreRemarks()
    /// What is wrong with it, in sentences.
    public private(set) var complaints: [String] = []
    private var extendedLayout: [Int: (offset: Int, size: Int)] = [:]
    private let width: CoreWidth

    /// Reads the headers and the notes.
    public init(_ bytes: any CoreBytes) throws(CoreFileError) {
        let headers = try CoreHeaders(bytes)
        width = headers.width
        architecture = headers.architecture
        segments = headers.segments.sorted { $0.range.lowerBound < $1.range.lowerBound }
        if headers.wholeByteCount > bytes.byteCount {
            complaints.append(
                "it is cut off: \(bytes.byteCount) of \(headers.wholeByteCount) bytes are there"
            )
        }
        var hasProcess = false
        for place in headers.notes {
            let count = min(place.byteCount, Self.noteByteCountMax, bytes.byteCount)
            for note in CoreNote.list(bytes.read(at: place.offset, count: Int(count))) {
                if case .process = note.kind { hasProcess = true }
                take(note)
            }
        }
        guard let first = threads.first else {
            throw CoreFileError(
                complaints.isEmpty
                    ? "has no thread in it" : "cannot be used: \(complaints[0]), and no thread"
            )
        }
        if !hasProcess || process.id <= 0 { process.id = max(first.id, 1) }
        // A name is told once, and by remarks for every thread.
        for index in threads.indices {
            threads[index].name = remarks.threadNames[threads[index].id] ?? ""
        }
    }

    private mutating func take(_ note: CoreNote) {
        switch note.kind {
        case .status:
            guard threads.count < Self.threadsMax,
                let thread = CoreThread(status: note.contents, width)
            else { return complain("a thread's registers cannot be read") }
            threads.append(thread)
        case .process:
            guard let found = CoreProcess(note.contents, width) else {
                return complain("what it says of the process cannot be read")
            }
            process = found
        case .legacyRegisters:
            // On i386 these are FSAVE's, of which NT_PRXFPREG and NT_X86_XSTATE have all.
            if width == .bits64 { change { $0.legacy = Array(note.contents) } }
        case .narrowLegacyRegisters: change { $0.legacy = Array(note.contents) }
        case .extendedRegisters:
            guard note.contents.count <= X86ExtendedState.byteCountMax else {
                return complain("a thread's vector registers cannot be read")
            }
            change { $0.extended = Array(note.contents) }
        case .extendedLayout: takeLayout(CoreFields(note.contents))
        case .signal: change { $0.signalInformation = Array(note.contents) }
        case .auxiliaryVector: auxiliaryVector = Array(note.contents)
        case .files:
            files = CoreMappedFile.list(note.contents, width)
                .sorted { $0.range.lowerBound < $1.range.lowerBound }
        case .remarks: remarks = CoreRemarks(note.contents)
        }
    }

    private mutating func complain(_ sentence: String) {
        if !complaints.contains(sentence) { complaints.append(sentence) }
    }

    private mutating func change(_ body: (inout CoreThread) -> Void) {
        if !threads.isEmpty { body(&threads[threads.count - 1]) }
    }

    /// `struct x86_xfeat_component`: number, size, offset, flags.
    private mutating func takeLayout(_ fields: CoreFields) {
        for start in stride(from: 0, to: min(fields.bytes.count, 1024), by: 16) {
            guard let number = fields.number(start, 4), let size = fields.number(start + 4, 4),
                let offset = fields.number(start + 8, 4), number < 64
            else { return }
            extendedLayout[Int(number)] = (Int(offset), Int(size))
        }
    }

    // MARK: Registers

    /// The registers that the process's threads have, by what there is of the first one's.
    public var description: TargetDescription { layout(of: threads[0]).description }

    /// Where a thread's sets have what.
    func layout(of thread: CoreThread) -> X86Layout {
        let components = X86ExtendedComponents(
            coreArea: thread.extended,
            layout: extendedLayout
        )
        return X86Layout(width == .bits32 ? .bits32 : .bits64, components: components)
    }

    /// The values of a thread's registers in the order of the first thread's.
    public func registers(of thread: CoreThread) -> RegisterBlock {
        let layout = layout(of: threads[0])
        let area = thread.extended.isEmpty ? thread.legacy : thread.extended
        return layout.block(general: thread.general, extended: area)
    }

    // MARK: Memory

    /// The segment of an address; nil where there is none.
    public func segment(at address: TargetAddress) -> CoreSegment? {
        // The last that begins at or before the address.
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].range.lowerBound <= address {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low > 0, segments[low - 1].range.contains(address) else { return nil }
        return segments[low - 1]
    }

    /// The mapping of a file at an address; nil where there is none.
    public func file(at address: TargetAddress) -> CoreMappedFile? {
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].range.lowerBound <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, files[low - 1].range.contains(address) else { return nil }
        return files[low - 1]
    }
}
