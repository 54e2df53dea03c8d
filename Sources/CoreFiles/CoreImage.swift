public import DebugTarget
internal import RegisterSets

/// A core file to be written: what stands at its beginning, and where each piece of memory goes.
///
/// The places are settled before any memory has been read, so that it can be written as it comes; the head is written
/// last, when it is known how much of each piece could be had. Pages of zeros need not be written at all: a file has
/// holes for them.
public struct CoreImage {
    /// Pieces of memory begin at multiples of this, in the file as in the process.
    public static let pageByteCount: UInt64 = 4096
    /// How many pieces of memory a core has room for without a section header (PN_XNUM).
    public static let segmentsMax = 65_533

    /// The process, without its memory.
    public struct Process {
        /// The processor family.
        public var architecture: Architecture
        /// Who it is.
        public var process: CoreProcess
        /// Its threads, the one that matters first.
        public var threads: [CoreThread]
        /// The auxiliary vector.
        public var auxiliaryVector: [UInt8]
        /// The files that are mapped.
        public var files: [CoreMappedFile]
        /// What else is to be noted.
        public var remarks: CoreRemarks

        /// Describes a process.
        public init(
            architecture: Architecture,
            process: CoreProcess,
            threads: [CoreThread],
            auxiliaryVector: [UInt8],
            files: [CoreMappedFile],
            remarks: CoreRemarks
        ) {
            self.architecture = architecture
            self.process = process
            self.threads = threads
            self.auxiliaryVector = auxiliaryVector
            self.files = files
            self.remarks = remarks
        }
    }

    private let architecture: Architecture
    private let notes: [UInt8]
    /// The pieces of memory with their places in the file.
    public private(set) var segments: [CoreSegment]

    /// Settles the places.
    ///
    /// - Parameter segments: what is to be written, in order of address; their places in the file are not looked at.
    public init(_ process: Process, segments: [CoreSegment]) {
        precondition(segments.count <= Self.segmentsMax, "a core has no room for so many pieces")
        architecture = process.architecture
        notes = Self.notes(of: process)
        self.segments = segments
        let head = CoreHeaders.byteCount(architecture, segmentCount: segments.count)
        var place = Self.wholePages(head + UInt64(notes.count))
        for index in segments.indices {
            self.segments[index].fileOffset = place
            place += Self.wholePages(segments[index].fileByteCount)
        }
    }

    private static func wholePages(_ count: UInt64) -> UInt64 {
        (count + pageByteCount - 1) & ~(pageByteCount - 1)
    }

    /// Of a piece of memory only so many bytes could be had.
    public mutating func shorten(_ index: Int, to byteCount: UInt64) {
        segments[index].fileByteCount = min(segments[index].fileByteCount, byteCount)
    }

    /// How many bytes of memory are to be written.
    public var memoryByteCount: UInt64 { segments.reduce(0) { $0 + $1.fileByteCount } }

    /// How long the file is.
    public var byteCount: UInt64 {
        segments.map { $0.fileOffset + $0.fileByteCount }.max() ?? UInt64(head.count)
    }

    /// What stands at the file's beginning.
    public var head: [UInt8] {
        let start = CoreHeaders.byteCount(architecture, segmentCount: segments.count)
        let headers = CoreHeaders.bytes(
            architecture,
            notes: (start, UInt64(notes.count)),
            segments: segments
        )
        return headers + notes
    }

    /// In the kernel's order, which both gdb and lldb read.
    private static func notes(of process: Process) -> [UInt8] {
        let width: CoreWidth = process.architecture == .i386 ? .bits32 : .bits64
        var notes: [UInt8] = []
        for (index, thread) in process.threads.enumerated() {
            let status = thread.statusNote(width, parent: process.process.parent)
            notes += CoreNote.bytes(.status, status)
            if index == 0 {
                notes += CoreNote.bytes(.process, process.process.note(width))
                if !process.auxiliaryVector.isEmpty {
                    notes += CoreNote.bytes(.auxiliaryVector, process.auxiliaryVector)
                }
                if !process.files.isEmpty {
                    let list = CoreMappedFile.note(process.files, width, pageSize: pageByteCount)
                    notes += CoreNote.bytes(.files, list)
                }
            }
            if !thread.signalInformation.isEmpty {
                notes += CoreNote.bytes(.signal, thread.signalInformation)
            }
            if !thread.legacy.isEmpty {
                let kind: CoreNote.Kind =
                    width == .bits32 ? .narrowLegacyRegisters : .legacyRegisters
                notes += CoreNote.bytes(kind, thread.legacy)
            }
            if !thread.extended.isEmpty {
                notes += CoreNote.bytes(.extendedRegisters, thread.extended)
            }
        }
        return notes + CoreNote.bytes(.remarks, process.remarks.note)
    }
}

extension CoreThread {
    /// A thread of any target.
    public init(
        id: Int32,
        signal: Int32,
        _ block: RegisterBlock,
        _ description: TargetDescription,
        signalInformation: [UInt8] = [],
        name: String = ""
    ) {
        let sets = X86RegisterSets(block, description)
        self.init(
            id: id,
            signal: signal,
            general: sets.general,
            legacy: sets.legacy,
            extended: sets.extended,
            signalInformation: signalInformation,
            name: name
        )
    }
}
