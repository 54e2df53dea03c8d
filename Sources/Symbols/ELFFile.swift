import CElfutils
import Glibc

/// An open ELF file or image; the fence around libelf.
///
/// The file is mapped, not read: only what is looked at costs memory. A file that shrinks while it
/// is open would fault; linkers and package managers replace files instead.
final class ELFFile {
    /// A section's header and its number.
    struct Section {
        var index: Int
        var name: String
        var header: GElf_Shdr
    }

    /// How many sections, segments or relocations of one file are looked at.
    static let entriesMax = 1 << 20

    let path: String
    let elf: OpaquePointer
    let header: GElf_Ehdr
    private(set) lazy var sections = readSections()
    private let descriptor: CInt
    private let image: UnsafeMutableBufferPointer<CChar>?

    init(path: String) throws(SymbolError) {
        _ = elf_version(UInt32(EV_CURRENT))
        descriptor = try Self.openFile(path)
        image = nil
        let handle = elf_begin(descriptor, ELF_C_READ_MMAP, nil)
        do {
            (elf, header) = try Self.check(handle, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
    }

    init(image bytes: [UInt8], name: String) throws(SymbolError) {
        _ = elf_version(UInt32(EV_CURRENT))
        descriptor = -1
        let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: max(bytes.count, 1))
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        image = copy
        do {
            (elf, header) = try Self.check(elf_memory(copy.baseAddress, bytes.count), name)
        } catch {
            copy.deallocate()
            throw error
        }
        path = name
    }

    deinit {
        elf_end(elf)
        if descriptor >= 0 { close(descriptor) }
        image?.deallocate()
    }

    /// Opens without waiting, since a pipe would wait for its other end.
    private static func openFile(_ path: String) throws(SymbolError) -> CInt {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw SymbolError("\(path): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SymbolError("\(path): not a regular file")
        }
        return descriptor
    }

    private static func check(
        _ handle: OpaquePointer?,
        _ path: String
    ) throws(SymbolError) -> (OpaquePointer, GElf_Ehdr) {
        var header = GElf_Ehdr()
        guard let handle, elf_kind(handle) == ELF_K_ELF else {
            if let handle { elf_end(handle) }
            throw SymbolError("\(path): not an ELF file")
        }
        guard gelf_getehdr(handle, &header) != nil else {
            elf_end(handle)
            throw SymbolError("\(path): the ELF header is damaged")
        }
        return (handle, header)
    }

    private func readSections() -> [Section] {
        var names = 0
        guard elf_getshdrstrndx(elf, &names) == 0 else { return [] }
        var found: [Section] = []
        var section = elf_nextscn(elf, nil)
        while let current = section, found.count < Self.entriesMax {
            var header = GElf_Shdr()
            if gelf_getshdr(current, &header) != nil {
                let name = elf_strptr(elf, names, Int(header.sh_name)).map { String(cString: $0) }
                found.append(
                    Section(index: elf_ndxscn(current), name: name ?? "", header: header)
                )
            }
            section = elf_nextscn(elf, current)
        }
        return found
    }

    /// The section of that name.
    func section(named name: String) -> Section? {
        sections.first { $0.name == name }
    }

    /// Whether a section of that name has bytes in this file.
    func hasContents(_ name: String) -> Bool {
        sections.contains { $0.name == name && $0.header.sh_type != UInt32(SHT_NOBITS) }
    }

    /// A section's contents in the file's own byte order; nil for one without bytes.
    func data(of section: Section) -> UnsafeMutablePointer<Elf_Data>? {
        guard section.header.sh_type != UInt32(SHT_NOBITS), let scn = elf_getscn(elf, section.index)
        else { return nil }
        return elf_getdata(scn, nil)
    }

    /// A section's raw bytes, valid as long as the file.
    func bytes(of section: Section) -> UnsafeRawBufferPointer? {
        guard section.header.sh_type != UInt32(SHT_NOBITS),
            let scn = elf_getscn(elf, section.index), let data = elf_rawdata(scn, nil),
            let start = data.pointee.d_buf
        else { return nil }
        return UnsafeRawBufferPointer(start: start, count: data.pointee.d_size)
    }

    /// All program headers.
    var programHeaders: [GElf_Phdr] {
        var count = 0
        guard elf_getphdrnum(elf, &count) == 0 else { return [] }
        return (0..<min(count, Self.entriesMax)).compactMap { index in
            var header = GElf_Phdr()
            return gelf_getphdr(elf, CInt(index), &header) == nil ? nil : header
        }
    }

    /// The load segments in order of address.
    var segments: [Segment] {
        programHeaders.filter { $0.p_type == UInt32(PT_LOAD) }.map { header in
            Segment(
                address: header.p_vaddr,
                memorySize: header.p_memsz,
                fileOffset: header.p_offset,
                fileSize: header.p_filesz,
                isReadable: header.p_flags & UInt32(PF_R) != 0,
                isWritable: header.p_flags & UInt32(PF_W) != 0,
                isExecutable: header.p_flags & UInt32(PF_X) != 0
            )
        }.sorted { $0.address < $1.address }
    }

    /// The GNU build-id; empty when there is none.
    var buildID: [UInt8] {
        var start: UnsafeRawPointer?
        let count = dwelf_elf_gnu_build_id(elf, &start)
        guard count > 0, let start else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: min(count, 64)))
    }

    /// The name and checksum in `.gnu_debuglink`.
    var debugLink: (name: String, checksum: UInt32)? {
        var checksum: GElf_Word = 0
        guard let name = dwelf_elf_gnu_debuglink(elf, &checksum) else { return nil }
        return (String(cString: name), checksum)
    }

    /// Whether the file has DWARF of its own.
    var hasDWARF: Bool { hasContents(".debug_info") || hasContents(".zdebug_info") }
}
