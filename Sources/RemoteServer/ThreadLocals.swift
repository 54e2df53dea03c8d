internal import DebugTarget
internal import GDBRemoteProtocol

// Thread-local variables (`qGetTLSAddr`). gdb's own stub asks glibc's libthread_db, which looks up some eighty
// symbols by way of the client. Here the C library's own notes for libthread_db are read from its memory instead:
// `_thread_db_…` are arrays of three 32-bit words, a member's size in bits, the number of its elements and its offset
// in bytes (glibc, nptl_db/structs.def). The rest is the layout that compilers rely on ("ELF Handling For Thread-Local
// Storage", section 3): the thread pointer leads to the dynamic thread vector, which has one entry of two words for each
// module, the first of them where its variables are.

extension ServerSession {
    static var threadLocalPackets: [PacketEntry] {
        [
            PacketEntry("qGetTLSAddr:", showsErrorText: true) {
                session,
                packet throws(TargetError) in
                guard let request = ThreadLocalRequest(payload: packet) else {
                    return .malformed(packet)
                }
                let thread = try session.thread(request.thread)
                return .payload([UInt8](text: Hex.text(try session.address(request, thread))))
            }
        ]
    }

    private func address(
        _ request: ThreadLocalRequest,
        _ thread: ThreadID
    ) throws(TargetError) -> UInt64 {
        guard let details = target.processDetails,
            let pointer = try threadPointer(of: thread), pointer != 0
        else {
            throw TargetError(.unsupported, "thread \(thread.number) has no thread pointer")
        }
        let modules = try details.modules(of: thread.process)
        let space = ThreadLocals(modules: modules, pointer: pointer) { [target] address, count in
            try? target.readMemory(at: address, count: count, in: thread.process)
        }
        return try space.start(ofModule: request.linkMap) &+ request.offset
    }

    private func threadPointer(of thread: ThreadID) throws(TargetError) -> UInt64? {
        let description = try target.targetDescription(of: thread.process)
        guard let register = description.register(named: "fs_base"),
            let bytes = try target.registers(of: thread).bytes(of: register)
        else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Where a thread has the variables of each module.
struct ThreadLocals {
    typealias Reader = (TargetAddress, Int) -> [UInt8]?

    private static let entryByteCount: UInt64 = 16

    let modules: [LoadedModule]
    let pointer: UInt64
    let read: Reader

    /// Where a module's variables begin.
    ///
    /// - Parameter linkMap: the module's `struct link_map`; 0 for the executable.
    func start(ofModule linkMap: TargetAddress) throws(TargetError) -> UInt64 {
        let number = linkMap.rawValue == 0 ? 1 : try member("link_map_l_tls_modid", at: linkMap)
        guard number != 0 else {
            throw TargetError(.invalid, "the module has no thread-local variables")
        }
        let vector = try self.vector(ofExecutable: linkMap.rawValue == 0)
        // The entry before the first has how many there are.
        if let count = word(vector &- Self.entryByteCount), number <= count,
            let start = word(vector &+ number &* Self.entryByteCount), start != .max, start != 0
        {
            return start
        }
        if let start = try? staticStart(ofModule: linkMap) { return start }
        throw TargetError(.invalid, "the thread has not used the module's variables so far")
    }

    /// A static program has no symbols to read; on x86 the vector is always the second word.
    private func vector(ofExecutable isExecutable: Bool) throws(TargetError) -> UInt64 {
        if isExecutable, modules.isEmpty, let vector = word(pointer &+ 8), vector != 0 {
            return vector
        }
        return try member("pthread_dtvp", at: TargetAddress(pointer))
    }

    /// Modules that are there from the beginning have theirs at a fixed distance below the thread pointer.
    private func staticStart(ofModule linkMap: TargetAddress) throws(TargetError) -> UInt64? {
        guard linkMap.rawValue != 0 else { return nil }
        let distance = try member("link_map_l_tls_offset", at: linkMap)
        return distance == 0 || distance == .max ? nil : pointer &- distance
    }

    private func word(_ address: UInt64) -> UInt64? {
        guard let bytes = read(TargetAddress(address), 8), bytes.count == 8 else { return nil }
        return LoadedSymbols.number(bytes[...])
    }

    private func member(_ name: String, at place: TargetAddress) throws(TargetError) -> UInt64 {
        guard let offset = offset(of: "_thread_db_" + name) else {
            throw TargetError(
                .unsupported,
                "the program's C library does not say where it keeps thread-local variables"
            )
        }
        guard let value = word((place + offset).rawValue) else {
            throw TargetError(.badAddress, "cannot read memory at \(place + offset)")
        }
        return value
    }

    private func offset(of name: String) -> UInt64? {
        let libraries = modules.filter { $0.path.contains("/libc.") || $0.path.contains("/libc-") }
        for module in libraries + modules.prefix(1) {
            guard let address = LoadedSymbols(module, read: read).address(of: name),
                let words = read(address, 12), words.count == 12
            else { continue }
            return LoadedSymbols.number(words[8...])
        }
        return nil
    }
}

/// The dynamic symbols of a loaded module, found in its memory by its hash table (the GNU one, as linkers write it).
struct LoadedSymbols {
    private static let entriesMax = 256
    private static let chainMax = 4096

    private let module: LoadedModule
    private let read: ThreadLocals.Reader
    private var tables: [UInt64: UInt64] = [:]

    init(_ module: LoadedModule, read: @escaping ThreadLocals.Reader) {
        self.module = module
        self.read = read
        let bytes = read(module.dynamicSection, Self.entriesMax * 16) ?? []
        for start in stride(from: 0, through: bytes.count - 16, by: 16) {
            let tag = Self.number(bytes[start..<start + 8])
            if tag == 0 { break }
            tables[tag] = Self.number(bytes[start + 8..<start + 16])
        }
    }

    /// A number, the lowest byte first.
    static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Where a symbol is; nil where the module does not define it.
    func address(of name: String) -> TargetAddress? {
        guard let strings = table(5), let symbols = table(6), let hashes = table(0x6fff_fef5),
            let bucketCount = word(hashes), bucketCount > 0, let first = word(hashes &+ 4),
            let bloomCount = word(hashes &+ 8)
        else { return nil }
        let wanted = name.utf8.reduce(5381 as UInt32) { $0 &* 33 &+ UInt32($1) }
        let buckets = hashes &+ 16 &+ UInt64(bloomCount) &* 8
        let chains = buckets &+ UInt64(bucketCount) &* 4
        guard var index = word(buckets &+ UInt64(wanted % bucketCount) &* 4), index >= first else {
            return nil
        }
        for _ in 0..<Self.chainMax {
            guard let hash = word(chains &+ UInt64(index &- first) &* 4) else { return nil }
            if hash | 1 == wanted | 1,
                let symbol = read(TargetAddress(symbols &+ UInt64(index) &* 24), 24),
                symbol.count == 24, Self.number(symbol[6..<8]) != 0,
                isName(name, at: strings &+ Self.number(symbol[0..<4]))
            {
                return TargetAddress(Self.number(symbol[8..<16]) &+ module.loadBias)
            }
            if hash & 1 == 1 { return nil }
            index &+= 1
        }
        return nil
    }

    private func isName(_ name: String, at address: UInt64) -> Bool {
        let wanted = Array(name.utf8) + [0]
        return read(TargetAddress(address), wanted.count) == wanted
    }

    /// The dynamic linker makes addresses of most entries, but not in every module.
    private func table(_ tag: UInt64) -> UInt64? {
        tables[tag].map { $0 < module.loadBias ? $0 &+ module.loadBias : $0 }
    }

    private func word(_ address: UInt64) -> UInt32? {
        guard let bytes = read(TargetAddress(address), 4), bytes.count == 4 else { return nil }
        return UInt32(Self.number(bytes[...]))
    }
}
