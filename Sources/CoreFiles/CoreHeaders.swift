public import DebugTarget

// elf(5): the file header and the program headers of a core file, in both widths, little-endian.
//
// A core has no use for sections, with one exception: where there are more than 65,534 program headers, e_phnum is
// PN_XNUM and section header 0 has the number in sh_info.

/// How wide the structures of a core file are.
enum CoreWidth: Sendable {
    case bits32
    case bits64

    var wordByteCount: Int { self == .bits32 ? 4 : 8 }
    var fileHeaderByteCount: Int { self == .bits32 ? 52 : 64 }
    var programHeaderByteCount: Int { self == .bits32 ? 32 : 56 }
    var sectionHeaderByteCount: Int { self == .bits32 ? 40 : 64 }
}

/// A piece of the process's memory: PT_LOAD.
public struct CoreSegment: Sendable, Equatable {
    /// Its addresses.
    public var range: Range<TargetAddress>
    /// Where its bytes are in the file.
    public var fileOffset: UInt64
    /// How many of them the file was given; the rest was in files, or left out.
    public var fileByteCount: UInt64
    /// Whether it could be read.
    public var isReadable: Bool
    /// Whether it could be written.
    public var isWritable: Bool
    /// Whether it could be executed.
    public var isExecutable: Bool

    /// Describes a segment.
    public init(
        range: Range<TargetAddress>,
        fileOffset: UInt64,
        fileByteCount: UInt64,
        isReadable: Bool,
        isWritable: Bool,
        isExecutable: Bool
    ) {
        self.range = range
        self.fileOffset = fileOffset
        self.fileByteCount = fileByteCount
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.isExecutable = isExecutable
    }

    /// How many addresses it has.
    var byteCount: UInt64 { range.upperBound - range.lowerBound }
}

/// The headers of a core file.
struct CoreHeaders {
    /// More program headers than any process has mappings are taken for damage.
    static let segmentsMax = 1 << 20
    private static let loadType: UInt64 = 1
    private static let noteType: UInt64 = 4
    private static let manyHeaders = 0xffff
    private static let coreFileType: UInt64 = 4
    private static let machines: [UInt64: Architecture] = [3: .i386, 62: .x86_64, 183: .arm64]

    let width: CoreWidth
    let architecture: Architecture
    private(set) var segments: [CoreSegment] = []
    /// Where notes are: positions in the file and sizes.
    private(set) var notes: [(offset: UInt64, byteCount: UInt64)] = []
    /// How long the file would be if all of it were there.
    private(set) var wholeByteCount: UInt64 = 0

    init(_ file: any CoreBytes) throws(CoreFileError) {
        let header = file.read(at: 0, count: 64)
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]), header.count >= 52 else {
            throw CoreFileError("is no core file: it does not begin as an ELF file does")
        }
        guard header[5] == 1, header[4] == 1 || header[4] == 2 else {
            throw CoreFileError("is the core of a big-endian machine, which is not supported")
        }
        width = header[4] == 1 ? .bits32 : .bits64
        let fields = CoreFields(header)
        guard header.count >= width.fileHeaderByteCount, let type = fields.number(16, 2),
            let machine = fields.number(18, 2)
        else { throw CoreFileError("is cut off within its first header") }
        guard type == Self.coreFileType else {
            throw CoreFileError(
                type == 2 || type == 3
                    ? "is a program or a library, not a core file" : "is an ELF file, but no core"
            )
        }
        guard let known = Self.machines[machine], (known == .i386) == (width == .bits32) else {
            throw CoreFileError(
                "is the core of a machine (ELF number \(machine)) that is not known;"
                    + " x86-64 and i386 are"
            )
        }
        guard known != .arm64 else {
            throw CoreFileError("is the core of an arm64 machine; x86-64 and i386 are supported")
        }
        architecture = known
        try takeProgramHeaders(file, fields)
    }

    private mutating func takeProgramHeaders(
        _ file: any CoreBytes,
        _ fields: CoreFields
    ) throws(CoreFileError) {
        let isNarrow = width == .bits32
        let word = width.wordByteCount
        let start = fields.number(isNarrow ? 28 : 32, word) ?? 0
        let sections = fields.number(isNarrow ? 32 : 40, word) ?? 0
        let size = Int(fields.number(isNarrow ? 42 : 54, 2) ?? 0)
        var count = Int(fields.number(isNarrow ? 44 : 56, 2) ?? 0)
        if count == Self.manyHeaders {
            let section = file.read(at: sections, count: width.sectionHeaderByteCount)
            count = Int(CoreFields(section).number(isNarrow ? 28 : 44, 4) ?? 0)
        }
        guard size == width.programHeaderByteCount, count > 0, count <= Self.segmentsMax else {
            throw CoreFileError("has a damaged header: \(count) program headers of \(size) bytes")
        }
        let table = file.read(at: start, count: size * count)
        for offset in stride(from: 0, through: table.count - size, by: size) {
            take(CoreFields(table[offset..<(offset + size)]))
        }
        guard table.count >= size else { throw CoreFileError("is cut off within its headers") }
    }

    private mutating func take(_ fields: CoreFields) {
        let isNarrow = width == .bits32
        let word = width.wordByteCount
        guard let type = fields.number(0, 4), let offset = fields.number(isNarrow ? 4 : 8, word),
            let address = fields.number(isNarrow ? 8 : 16, word),
            let fileCount = fields.number(isNarrow ? 16 : 32, word),
            let count = fields.number(isNarrow ? 20 : 40, word),
            let flags = fields.number(isNarrow ? 24 : 4, 4)
        else { return }
        let end = offset.addingReportingOverflow(fileCount)
        // What lies behind the end of the numbers is damage, whatever it says.
        guard !end.overflow else { return }
        if type == Self.noteType { notes.append((offset, fileCount)) }
        if type == Self.loadType {
            let (last, overflows) = address.addingReportingOverflow(count)
            guard !overflows, count > 0 else { return }
            segments.append(
                CoreSegment(
                    range: TargetAddress(address)..<TargetAddress(last),
                    fileOffset: offset,
                    fileByteCount: min(fileCount, count),
                    isReadable: flags & 4 != 0,
                    isWritable: flags & 2 != 0,
                    isExecutable: flags & 1 != 0
                )
            )
        }
        if type == Self.loadType || type == Self.noteType {
            wholeByteCount = max(wholeByteCount, end.partialValue)
        }
    }

    // MARK: Writing

    /// The file header of a core with so many program headers, and those.
    static func bytes(
        _ architecture: Architecture,
        notes: (offset: UInt64, byteCount: UInt64),
        segments: [CoreSegment]
    ) -> [UInt8] {
        let width: CoreWidth = architecture == .i386 ? .bits32 : .bits64
        let isNarrow = width == .bits32
        let word = width.wordByteCount
        var header = CoreFieldWriter(count: width.fileHeaderByteCount)
        header.put([0x7f, 0x45, 0x4c, 0x46, isNarrow ? 1 : 2, 1, 1], 0)
        header.put(coreFileType, 16, 2)
        header.put(machines.first { $0.value == architecture }?.key ?? 0, 18, 2)
        header.put(1, 20, 4)
        header.put(UInt64(width.fileHeaderByteCount), isNarrow ? 28 : 32, word)
        header.put(UInt64(width.fileHeaderByteCount), isNarrow ? 40 : 52, 2)
        header.put(UInt64(width.programHeaderByteCount), isNarrow ? 42 : 54, 2)
        header.put(UInt64(segments.count + 1), isNarrow ? 44 : 56, 2)
        var bytes = header.bytes
        bytes += programHeader(width, noteType, 0, 0..<0, notes.offset, notes.byteCount)
        for segment in segments {
            let flags =
                (segment.isReadable ? 4 : 0) | (segment.isWritable ? 2 : 0)
                | (segment.isExecutable ? 1 : 0)
            bytes += programHeader(
                width,
                loadType,
                UInt64(flags),
                segment.range.lowerBound.rawValue..<segment.range.upperBound.rawValue,
                segment.fileOffset,
                segment.fileByteCount
            )
        }
        return bytes
    }

    /// How many bytes that is.
    static func byteCount(_ architecture: Architecture, segmentCount: Int) -> UInt64 {
        let width: CoreWidth = architecture == .i386 ? .bits32 : .bits64
        return UInt64(width.fileHeaderByteCount)
            + UInt64(width.programHeaderByteCount) * UInt64(segmentCount + 1)
    }

    private static func programHeader(
        _ width: CoreWidth,
        _ type: UInt64,
        _ flags: UInt64,
        _ addresses: Range<UInt64>,
        _ offset: UInt64,
        _ fileByteCount: UInt64
    ) -> [UInt8] {
        let isNarrow = width == .bits32
        let word = width.wordByteCount
        var header = CoreFieldWriter(count: width.programHeaderByteCount)
        header.put(type, 0, 4)
        header.put(flags, isNarrow ? 24 : 4, 4)
        header.put(offset, isNarrow ? 4 : 8, word)
        header.put(addresses.lowerBound, isNarrow ? 8 : 16, word)
        header.put(fileByteCount, isNarrow ? 16 : 32, word)
        header.put(addresses.upperBound - addresses.lowerBound, isNarrow ? 20 : 40, word)
        header.put(type == loadType ? 4096 : 4, isNarrow ? 28 : 48, word)
        return header.bytes
    }
}
