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
    private var headersAddress: TargetAddress?
    private var headerCount = 0

    init(auxiliaryVector: [UInt8], read: @escaping Reader) {
        self.read = read
        for (type, value) in ModuleList.entries(of: auxiliaryVector) {
            switch type {
            case 3: headersAddress = TargetAddress(value)  // AT_PHDR
            case 5: headerCount = Int(clamping: min(value, UInt64(ModuleList.programHeadersMax)))
            default: break
            }
        }
    }

    private static func entries(of vector: [UInt8]) -> [(type: UInt64, value: UInt64)] {
        stride(from: 0, to: vector.count - 15, by: 16).map {
            (LittleEndian.word(vector, $0), LittleEndian.word(vector, $0 + 8))
        }
    }

    private func word(at address: TargetAddress) -> UInt64? {
        guard let bytes = read(address, 8), bytes.count == 8 else { return nil }
        return LittleEndian.word(bytes, 0)
    }

    // MARK: The list

    mutating func modules(executable: String) -> [LoadedModule] {
        guard let head = listHead() else { return [] }
        var modules: [LoadedModule] = []
        var seen: Set<UInt64> = []
        var next = head
        while next.rawValue != 0, modules.count < ModuleList.modulesMax,
            seen.insert(next.rawValue).inserted,
            let entry = read(next, 40), entry.count == 40
        {
            let name = string(at: TargetAddress(LittleEndian.word(entry, 8)))
            var module = LoadedModule(
                path: modules.isEmpty && name.isEmpty ? executable : name,
                loadBias: LittleEndian.word(entry, 0),
                dynamicSection: TargetAddress(LittleEndian.word(entry, 16)),
                linkMap: next
            )
            module.buildID = buildID(of: module, isExecutable: modules.isEmpty)
            modules.append(module)
            next = TargetAddress(LittleEndian.word(entry, 24))
        }
        return modules
    }

    private func listHead() -> TargetAddress? {
        guard let pointer = debugPointer, let debug = word(at: pointer), debug != 0 else {
            return nil
        }
        return word(at: TargetAddress(debug) + 8).map { TargetAddress($0) }
    }

    /// Where the executable's dynamic section has the address of `struct r_debug`.
    var debugPointer: TargetAddress? {
        guard let headersAddress,
            let (bias, dynamic) = dynamicSection(headers: headersAddress, count: headerCount)
        else { return nil }
        var entry = dynamic + bias
        for _ in 0..<ModuleList.programHeadersMax {
            guard let bytes = read(entry, 16), bytes.count == 16 else { return nil }
            switch LittleEndian.word(bytes, 0) {
            case 0: return nil
            case 21:  // DT_DEBUG
                return entry + 8
            default: entry = entry + 16
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
        guard let bytes = read(address, count * 56) else { return [] }
        return stride(from: 0, through: bytes.count - 56, by: 56).map {
            ProgramHeader(
                type: LittleEndian.word(bytes, $0, 4),
                address: LittleEndian.word(bytes, $0 + 16),
                size: LittleEndian.word(bytes, $0 + 32)
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
            let offset = LittleEndian.word(start, 32)
            let count = Int(LittleEndian.word(start, 56, 2))
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
