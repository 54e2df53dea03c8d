internal import DebugTarget

// The dynamic linker's list of modules (<link.h>): the executable's dynamic section has a DT_DEBUG entry
// that points to `struct r_debug`, whose r_map is the head of a list of `struct link_map`. The executable's
// program headers are found through the auxiliary vector. All of this is the debuggee's memory: it may be
// nonsense, and the list may be a ring, so everything is bounded.

struct ModuleList {
    typealias Reader = (TargetAddress, Int) -> [UInt8]?

    private static let modulesMax = 4096
    private static let nameBytesMax = 4096
    private static let programHeadersMax = 256
    private static let noteBytesMax = 4096

    private let read: Reader
    /// Where ELF's and the linker's structures have their fields.
    private let fields: LinkerFields
    private var headersAddress: TargetAddress?
    private var headerCount = 0

    /// - Parameter pointerByteCount: 8, or 4 in a process of 32 bits.
    init(auxiliaryVector: [UInt8], pointerByteCount: Int = 8, read: @escaping Reader) {
        self.read = read
        fields = pointerByteCount == 4 ? .bits32 : .bits64
        for (type, value) in entries(of: auxiliaryVector) {
            switch type {
            case 3: headersAddress = TargetAddress(value)  // AT_PHDR
            case 5: headerCount = Int(clamping: min(value, UInt64(ModuleList.programHeadersMax)))
            default: break
            }
        }
    }

    private func entries(of vector: [UInt8]) -> [(type: UInt64, value: UInt64)] {
        let size = fields.pointer
        return stride(from: 0, through: vector.count - 2 * size, by: 2 * size).map {
            (LittleEndian.word(vector, $0, size), LittleEndian.word(vector, $0 + size, size))
        }
    }

    private func word(at address: TargetAddress) -> UInt64? {
        guard let bytes = read(address, fields.pointer), bytes.count == fields.pointer else {
            return nil
        }
        return pointer(bytes, 0)
    }

    private func pointer(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        LittleEndian.word(bytes, offset, fields.pointer)
    }

    // MARK: The list

    mutating func modules(executable: String) -> [LoadedModule] {
        guard let head = listHead() else { return [] }
        var modules: [LoadedModule] = []
        var seen: Set<UInt64> = []
        var next = head
        while next.rawValue != 0, modules.count < ModuleList.modulesMax,
            seen.insert(next.rawValue).inserted,
            let entry = read(next, 5 * fields.pointer), entry.count == 5 * fields.pointer
        {
            let name = string(at: TargetAddress(pointer(entry, fields.pointer)))
            var module = LoadedModule(
                path: modules.isEmpty && name.isEmpty ? executable : name,
                loadBias: pointer(entry, 0),
                dynamicSection: TargetAddress(pointer(entry, 2 * fields.pointer)),
                linkMap: next
            )
            module.buildID = buildID(of: module, isExecutable: modules.isEmpty)
            modules.append(module)
            next = TargetAddress(pointer(entry, 3 * fields.pointer))
        }
        return modules
    }

    private func listHead() -> TargetAddress? {
        guard let pointer = debugPointer, let debug = word(at: pointer), debug != 0 else {
            return nil
        }
        // r_map stands behind r_version and its padding.
        let map = TargetAddress(debug) + UInt64(fields.pointer)
        return word(at: map).map { TargetAddress($0) }
    }

    /// Where the executable's dynamic section has the address of `struct r_debug`.
    var debugPointer: TargetAddress? {
        guard let headersAddress,
            let (bias, dynamic) = dynamicSection(headers: headersAddress, count: headerCount)
        else { return nil }
        var entry = dynamic + bias
        let size = fields.pointer
        for _ in 0..<ModuleList.programHeadersMax {
            guard let bytes = read(entry, 2 * size), bytes.count == 2 * size else { return nil }
            switch pointer(bytes, 0) {
            case 0: return nil
            case 21:  // DT_DEBUG
                return entry + UInt64(size)
            default: entry = entry + UInt64(2 * size)
            }
        }
        return nil
    }

    private struct ProgramHeader {
        var type: UInt64
        var address: UInt64
        var size: UInt64
    }

    private func programHeaders(at address: TargetAddress, count: Int) -> [ProgramHeader] {
        let length = fields.programHeader
        guard let bytes = read(address, count * length) else { return [] }
        return stride(from: 0, through: bytes.count - length, by: length).map {
            ProgramHeader(
                type: LittleEndian.word(bytes, $0, 4),
                address: pointer(bytes, $0 + fields.segmentAddress),
                size: pointer(bytes, $0 + fields.segmentSize)
            )
        }
    }

    private func dynamicSection(
        headers address: TargetAddress,
        count: Int
    ) -> (bias: UInt64, section: TargetAddress)? {
        let headers = programHeaders(at: address, count: count)
        let own = headers.first { $0.type == 6 }  // PT_PHDR
        guard let dynamic = headers.first(where: { $0.type == 2 }) else { return nil }
        let bias = own.map { address.rawValue &- $0.address } ?? 0
        return (bias, TargetAddress(dynamic.address))
    }

    private func string(at address: TargetAddress) -> String {
        var bytes: [UInt8] = []
        while bytes.count < ModuleList.nameBytesMax {
            guard let portion = read(address + UInt64(bytes.count), 64), !portion.isEmpty else {
                break
            }
            if let end = portion.firstIndex(of: 0) {
                bytes += portion[..<end]
                break
            }
            bytes += portion
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Build-ids

    /// The GNU build-id from the notes in memory; empty where there is none.
    private func buildID(of module: LoadedModule, isExecutable: Bool) -> [UInt8] {
        let headers: [ProgramHeader]
        if isExecutable, let headersAddress {
            headers = programHeaders(at: headersAddress, count: headerCount)
        } else {
            guard let start = read(TargetAddress(module.loadBias), 64), start.count == 64,
                start.starts(with: [0x7f, 0x45, 0x4c, 0x46])
            else { return [] }
            let offset = pointer(start, fields.headersOffset)
            let count = Int(LittleEndian.word(start, fields.headersCount, 2))
            headers = programHeaders(
                at: TargetAddress(module.loadBias &+ offset),
                count: min(count, ModuleList.programHeadersMax)
            )
        }
        for header in headers where header.type == 4 {  // PT_NOTE
            let count = Int(clamping: min(header.size, UInt64(ModuleList.noteBytesMax)))
            let place = TargetAddress(header.address &+ module.loadBias)
            if let notes = read(place, count), let id = ElfNotes.buildID(in: notes) { return id }
        }
        return []
    }
}

/// Where the structures of <elf.h> have what is looked at, in bytes.
private struct LinkerFields {
    /// An address; an entry of a dynamic section or of an auxiliary vector is two of them.
    var pointer: Int
    /// A program header's size, and its p_vaddr and p_filesz.
    var programHeader: Int
    var segmentAddress: Int
    var segmentSize: Int
    /// The file header's e_phoff and e_phnum.
    var headersOffset: Int
    var headersCount: Int

    static let bits64 = LinkerFields(
        pointer: 8,
        programHeader: 56,
        segmentAddress: 16,
        segmentSize: 32,
        headersOffset: 32,
        headersCount: 56
    )
    static let bits32 = LinkerFields(
        pointer: 4,
        programHeader: 32,
        segmentAddress: 8,
        segmentSize: 16,
        headersOffset: 28,
        headersCount: 44
    )
}
