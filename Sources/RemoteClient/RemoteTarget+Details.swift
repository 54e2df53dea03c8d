public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget: ProcessDetails {
    /// The longest memory map read, in bytes.
    static let mapBytesMax = 8 << 20

    /// The auxiliary vector.
    public func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] {
        try requireObject("auxv")
        try select(process)
        return try readObject("auxv", annex: "", "the auxiliary vector")
    }

    private func requireObject(_ name: String) throws(TargetError) {
        guard features.supports("qXfer:\(name):read") else {
            throw TargetError(.unsupported, "\(peerName) does not serve \(name).")
        }
    }

    /// The executable's path.
    public func executablePath(of process: ProcessID) throws(TargetError) -> String {
        if let known = executablePaths[process] { return known }
        let path: String
        if features.supports("qXfer:exec-file:read") {
            let annex = isMultiprocess ? Hex.text(UInt64(try checked(process).rawValue)) : ""
            let bytes = try readObject("exec-file", annex: annex, "the program's path")
            path = String(decoding: bytes, as: UTF8.self)
        } else if let link = try? linkDestination(of: "/proc/\(process)/exe"), !link.isEmpty {
            path = link
        } else {
            path = try mappedExecutable(of: process)
        }
        executablePaths[process] = path
        return path
    }

    /// The file that the entry point is mapped from, for stubs that follow no links (lldb-server).
    private func mappedExecutable(of process: ProcessID) throws(TargetError) -> String {
        let entryKey: UInt64 = 9
        let vector = try auxiliaryVector(of: process)
        func word(_ offset: Int) -> UInt64 {
            vector[offset..<(offset + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        for offset in stride(from: 0, through: vector.count - 16, by: 16)
        where word(offset) == entryKey {
            let entry = TargetAddress(word(offset + 8))
            let region = try memoryRegions(of: process).first { $0.range.contains(entry) }
            if let region, region.name.hasPrefix("/") { return region.name }
        }
        throw TargetError(.unsupported, "\(peerName) does not tell which program it runs.")
    }

    /// The mappings, from /proc on the target's machine.
    public func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion] {
        try useFileSystem(of: nil)
        let bytes = try readWholeFile("/proc/\(process)/maps", bytesMax: Self.mapBytesMax)
        return MemoryRegion.list(map: bytes)
    }

    /// The dynamic linker's list, the executable first.
    public func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] {
        try requireObject("libraries-svr4")
        try select(process)
        let document = try readObject("libraries-svr4", annex: "", "the list of modules")
        guard let root = XMLReader.parse(document), root.name == "library-list-svr4" else {
            throw TargetError(.invalid, "\(peerName) sent a list of modules that is no XML.")
        }
        // The linker's other name spaces (dlmopen) come behind the program's own; gdbserver names
        // each by the address of its r_debug.
        let libraries = root.children("library")
        let ownSpace = libraries.first?.attributes["lmid"]
        var modules = libraries.filter { $0.attributes["lmid"] == ownSpace }
            .compactMap(Self.module)
        if let main = root.attributes["main-lm"].flatMap(Self.number) {
            modules.insert(try executable(at: main, of: process), at: 0)
        }
        return modules
    }

    private static func number(_ text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    private static func module(_ element: XMLElement) -> LoadedModule? {
        let attributes = element.attributes
        guard let name = attributes["name"], let bias = attributes["l_addr"].flatMap(number) else {
            return nil
        }
        return LoadedModule(
            path: name,
            loadBias: bias,
            dynamicSection: TargetAddress(attributes["l_ld"].flatMap(number) ?? 0),
            linkMap: TargetAddress(attributes["lm"].flatMap(number) ?? 0),
            buildID: attributes["build-id"].flatMap { Hex.decode($0.utf8) } ?? []
        )
    }

    /// The list's first entry, which stubs leave out; its `l_addr` and `l_ld` are in memory.
    private func executable(
        at linkMap: UInt64,
        of process: ProcessID
    ) throws(TargetError) -> LoadedModule {
        let entry = try readMemory(at: TargetAddress(linkMap), count: 24, in: process)
        func word(_ offset: Int) -> UInt64 {
            entry.dropFirst(offset).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        return LoadedModule(
            path: try executablePath(of: process),
            loadBias: word(0),
            dynamicSection: TargetAddress(word(16)),
            linkMap: TargetAddress(linkMap)
        )
    }

    /// Whether the stub started the process.
    public func wasLaunched(_ process: ProcessID) -> Bool {
        if launched.contains(process) { return true }
        guard !isRunning, processes.contains(process) else { return false }
        let request =
            isMultiprocess
            ? ProcessRequest("qAttached:", process).payload : [UInt8](text: "qAttached")
        return (try? exchange(request, "whether it was started or attached to"))
            == [UInt8](text: "0")
    }
}

extension RemoteTarget: ProcessListing {
    /// The table `processes` of `qXfer:osdata`.
    public func listProcesses() throws(TargetError) -> [ProcessSummary] {
        let document = try readObject("osdata", annex: "processes", "the list of processes")
        guard let root = XMLReader.parse(document), root.name == "osdata" else {
            throw TargetError(.invalid, "\(peerName) sent a list of processes that is no XML.")
        }
        let rows = root.children("item").compactMap(Self.summary)
        return rows.sorted { $0.process < $1.process }
    }

    private static func summary(_ item: XMLElement) -> ProcessSummary? {
        func column(_ names: String...) -> String? {
            item.children("column").first { element in
                element.attributes["name"].map { names.contains($0) } ?? false
            }?.text
        }
        func integer(_ names: String...) -> Int32? {
            for name in names {
                if let value = column(name).flatMap({ Int32($0) }) { return value }
            }
            return nil
        }
        guard let process = integer("pid"), process > 0 else { return nil }
        let command = column("command") ?? ""
        return ProcessSummary(
            process: ProcessID(process),
            parent: ProcessID(integer("ppid", "parent") ?? 0),
            session: integer("session", "sid") ?? 0,
            user: column("user") ?? "",
            name: column("name", "comm") ?? programName(command),
            commandLine: command,
            cores: (column("cores") ?? "").split(separator: ",").compactMap { Int($0) }
        )
    }

    /// The file name of the first word; a kernel thread keeps its brackets off.
    private static func programName(_ command: String) -> String {
        let first = command.split(separator: " ").first ?? ""
        if first.hasPrefix("[") { return String(command.filter { $0 != "[" && $0 != "]" }) }
        return first.split(separator: "/").last.map(String.init) ?? ""
    }
}

extension RemoteTarget: SignalInformation {
    /// siginfo of a thread's stop.
    public func signalInformation(of thread: ThreadID) throws(TargetError) -> [UInt8] {
        try select(thread)
        return try readObject("siginfo", annex: "", "the signal information of thread \(thread)")
    }

    /// Replaces it.
    public func setSignalInformation(
        _ bytes: [UInt8],
        of thread: ThreadID
    ) throws(TargetError) {
        try select(thread)
        try writeObject("siginfo", bytes, "changing the signal information of thread \(thread)")
    }
}

extension RemoteTarget: SignalPolicy {
    /// Signals that need no stop.
    ///
    /// Setting it is a wish: a stub that refuses goes on stopping for them.
    public var passedSignals: Set<Signal> {
        get { passed }
        set {
            let numbers = newValue.map { signals.number(of: $0) }.sorted()
            let payload = SignalListRequest.payload("QPassSignals:", numbers)
            if savesTurns {
                deferred.append(DeferredRequest(payload: payload, purpose: .unanswered))
                passed = newValue
            } else if (try? command(payload, "which signals to pass")) == true {
                passed = newValue
            }
        }
    }
}
