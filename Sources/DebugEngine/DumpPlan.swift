internal import CoreFiles
internal import DebugTarget

/// What memory a dump is to have.
public struct DumpExtent: Sendable, Equatable {
    /// What a mini dump may have beyond stacks, the heads of files and the list of modules.
    public enum Part: Character, Sendable, CaseIterable {
        /// The writable parts of programs and libraries: global variables.
        case data = "d"
        /// Memory that belongs to no file and can be written: heaps.
        case heap = "p"
        /// Pages that something on a stack points to.
        case indirect = "i"
        /// Code, read-only data too.
        case code = "c"
    }

    /// How the dump calls itself.
    public enum Kind: String, Sendable {
        /// Stacks and what `parts` adds.
        case mini
        /// All that is not in files unchanged: what the kernel writes by default (core(5), coredump_filter 0x33).
        case full
        /// Everything that can be read.
        case all
    }

    /// Which of these.
    public var kind: Kind
    /// What a mini dump has more.
    public var parts: Set<Part>

    /// Describes an extent.
    public init(_ kind: Kind, parts: Set<Part> = []) {
        self.kind = kind
        self.parts = parts
    }
}

/// Chooses the pages of a process that go into a dump.
struct DumpPlan {
    /// As much of a stack as a mini dump has, from the stack pointer up.
    static let stackByteCountMax: UInt64 = 1 << 20
    /// How many of a stack's words are followed (`/mi`).
    static let wordsMax = 1 << 17
    private static let page = CoreImage.pageByteCount
    /// What the kernel maps for itself and cannot be read from outside, or lies outside of the process.
    private static let unreadable: Set<String> = ["[vvar]", "[vvar_vclock]", "[vsyscall]"]
    /// Below the stack pointer, the ABI gives functions this much.
    static let redZone: UInt64 = 128

    private(set) var regions: [MemoryRegion]
    private var wanted: [Range<UInt64>] = []

    init(_ regions: [MemoryRegion]) {
        self.regions = regions.filter {
            !Self.unreadable.contains($0.name) && $0.range.lowerBound < $0.range.upperBound
        }
    }

    // MARK: Choosing

    /// Wants some bytes, whole pages of them, as far as a readable region has them.
    mutating func want(_ address: UInt64, count: UInt64) {
        guard let region = region(at: address), region.isReadable, count > 0 else { return }
        let end = min(address &+ min(count, .max - address), region.range.upperBound.rawValue)
        let low = max(address & ~(Self.page - 1), region.range.lowerBound.rawValue)
        let high = min((end + Self.page - 1) & ~(Self.page - 1), region.range.upperBound.rawValue)
        wanted.append(low..<high)
    }

    /// Wants a whole region.
    mutating func want(_ region: MemoryRegion) {
        guard region.isReadable, !Self.isDevice(region) else { return }
        wanted.append(region.range.lowerBound.rawValue..<region.range.upperBound.rawValue)
    }

    /// Wants what the extent names without regard to threads.
    mutating func want(_ extent: DumpExtent) {
        for (index, region) in regions.enumerated() {
            if extent.kind == .all || wants(region, index, extent) { want(region) }
            // An ELF file's head has its build-id.
            if region.name.hasPrefix("/"), region.fileOffset == 0, !Self.isDevice(region) {
                want(region.range.lowerBound.rawValue, count: Self.page)
            }
            if region.name == "[vdso]" { want(region) }
        }
    }

    private func wants(_ region: MemoryRegion, _ index: Int, _ extent: DumpExtent) -> Bool {
        let isFile = region.name.hasPrefix("/")
        if extent.kind == .full {
            return !isFile || region.isWritable || isChangedByLinker(index)
        }
        if extent.parts.contains(.data), isFile {
            if region.isWritable || isChangedByLinker(index) { return true }
        }
        if extent.parts.contains(.heap), !isFile, region.isWritable { return true }
        return extent.parts.contains(.code) && isFile && !region.isWritable
    }

    /// Whether a read-only piece of a file may be what the dynamic linker has changed and then protected (RELRO): that
    /// lies right before the file's writable piece, or is its last one.
    private func isChangedByLinker(_ index: Int) -> Bool {
        let region = regions[index]
        guard !region.isWritable, !region.isExecutable, region.fileOffset > 0 else { return false }
        let next = regions.dropFirst(index + 1).first
        guard let next, next.name == region.name else { return true }
        return next.isWritable && next.range.lowerBound == region.range.upperBound
    }

    /// Reading a device may do anything.
    private static func isDevice(_ region: MemoryRegion) -> Bool {
        region.name.hasPrefix("/dev/") && !region.name.hasPrefix("/dev/shm/")
            && !region.name.hasPrefix("/dev/zero")
    }

    func region(at address: UInt64) -> MemoryRegion? {
        regions.first { $0.range.contains(TargetAddress(address)) }
    }

    // MARK: The result

    /// All regions, as pieces of a core: those that were chosen with their bytes, the others without.
    var segments: [CoreSegment] {
        let chosen = merged
        var segments: [CoreSegment] = []
        var next = 0
        for region in regions.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            var start = region.range.lowerBound.rawValue
            let end = region.range.upperBound.rawValue
            while next < chosen.count, chosen[next].upperBound <= start { next += 1 }
            var index = next
            while index < chosen.count, chosen[index].lowerBound < end {
                let piece = chosen[index].clamped(to: start..<end)
                if start < piece.lowerBound {
                    segments.append(Self.segment(region, start..<piece.lowerBound, isThere: false))
                }
                segments.append(Self.segment(region, piece, isThere: true))
                start = piece.upperBound
                index += 1
            }
            if start < end { segments.append(Self.segment(region, start..<end, isThere: false)) }
        }
        return segments
    }

    private var merged: [Range<UInt64>] {
        var merged: [Range<UInt64>] = []
        for range in wanted.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] =
                    last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private static func segment(
        _ region: MemoryRegion,
        _ range: Range<UInt64>,
        isThere: Bool
    ) -> CoreSegment {
        CoreSegment(
            range: TargetAddress(range.lowerBound)..<TargetAddress(range.upperBound),
            fileOffset: 0,
            fileByteCount: isThere ? range.upperBound - range.lowerBound : 0,
            isReadable: region.isReadable,
            isWritable: region.isWritable,
            isExecutable: region.isExecutable
        )
    }
}
