import CElfutils
public import DebugTarget

/// What one ELF file, with its separate debug file, says of its code.
///
/// All addresses are the file's own, without the load bias, except where a function takes a bias.
/// Not for use from two threads at a time. Everything is read when it is first asked for and kept.
public final class ModuleSymbols {
    /// The file.
    public let path: String
    /// The GNU build-id; empty when there is none.
    public let buildID: [UInt8]
    /// The processor it is for; nil for one the debugger does not know.
    public let architecture: Architecture?
    /// Whether it is loaded at an address chosen at run time.
    public let isPositionIndependent: Bool
    /// Where its execution starts.
    public let entryPoint: UInt64
    /// Its load segments in order of address.
    public let segments: [Segment]
    /// The file that the symbols and DWARF come from, when it is a separate one.
    public var debugFilePath: String? { debugFile?.path }

    let file: ELFFile
    let debugFile: ELFFile?
    private let debugFolders: [String]
    private(set) lazy var table = SymbolTable(files: [file] + (debugFile.map { [$0] } ?? []))
    private(set) lazy var debugData = openDebugData()
    private(set) lazy var callFrames = CallFrames(file: file, debugData: debugData)

    /// Opens a file and finds its debug file.
    ///
    /// - Parameter debugPaths: where to look for separate debug files; each is laid out as
    ///   /usr/lib/debug is, or holds the files themselves. /usr/lib/debug is always tried last.
    /// - Parameter debugFile: a debug file to take if it is of the same build, before any is looked for.
    public convenience init(
        path: String,
        debugPaths: [String],
        debugFile given: String? = nil
    ) throws(SymbolError) {
        let file = try ELFFile(path: path)
        let known = given.flatMap { try? ELFFile(path: $0) }
            .flatMap { $0.buildID == file.buildID ? $0 : nil }
        let debugFile =
            file.hasDWARF ? nil : known ?? DebugFileSearch.debugFile(for: file, in: debugPaths)
        self.init(file: file, debugFile: debugFile, folders: debugPaths)
    }

    /// Takes an ELF image from memory, for the vdso.
    public convenience init(image: [UInt8], name: String) throws(SymbolError) {
        self.init(file: try ELFFile(image: image, name: name), debugFile: nil)
    }

    private init(file: ELFFile, debugFile: ELFFile?, folders: [String] = []) {
        self.file = file
        debugFolders = folders
        self.debugFile = debugFile
        path = file.path
        buildID = file.buildID
        isPositionIndependent = file.header.e_type == UInt16(ET_DYN)
        entryPoint = file.header.e_entry
        segments = file.segments
        architecture =
            switch Int32(file.header.e_machine) {
            case EM_X86_64: .x86_64
            case EM_386: .i386
            case EM_AARCH64: .arm64
            default: nil
            }
    }

    private func openDebugData() -> DebugData? {
        (file.hasDWARF ? file : debugFile).flatMap { DebugData(file: $0, folders: debugFolders) }
    }

    /// How much is known.
    public var symbolStatus: SymbolStatus {
        if file.hasDWARF || debugFile?.hasDWARF ?? false { return .dwarf }
        let tables = [UInt32(SHT_SYMTAB), UInt32(SHT_DYNSYM)]
        let files = [file] + (debugFile.map { [$0] } ?? [])
        let hasTable = files.contains {
            $0.sections.contains { tables.contains($0.header.sh_type) }
        }
        return hasTable ? .elfSymbols : .none
    }

    /// The addresses of the module's thread-local variables as the file has them; nil for none.
    public var threadLocalSegment: Range<UInt64>? {
        file.programHeaders.first { $0.p_type == UInt32(PT_TLS) }.flatMap { header in
            let (end, overflow) = header.p_vaddr.addingReportingOverflow(header.p_memsz)
            return overflow ? nil : header.p_vaddr..<end
        }
    }

    /// Whether an address lies in code; stale debug information of discarded code does not.
    func isCode(_ address: UInt64) -> Bool {
        segments.contains {
            $0.isExecutable && address >= $0.address && address - $0.address < $0.memorySize
        }
    }
}
