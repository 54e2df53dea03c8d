public import DebugTarget
internal import LinuxSystem

extension PtraceTarget: ProcessDetails {
    /// The raw auxiliary vector.
    public func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] {
        let path = "/proc/\(processFolder(process))/auxv"
        return try translating { () throws(SystemError) in try ProcFS.contents(of: path) }
    }

    /// The executable's path.
    public func executablePath(of process: ProcessID) throws(TargetError) -> String {
        let path = "/proc/\(processFolder(process))/exe"
        return try translating { () throws(SystemError) in
            try ProcFS.linkDestination(of: path)
        }
    }

    /// The mappings in order of address.
    public func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion] {
        let path = "/proc/\(processFolder(process))/maps"
        let bytes = try translating { () throws(SystemError) in try ProcFS.contents(of: path) }
        return MemoryMap.regions(in: bytes)
    }

    /// The modules of the default namespace in link order, the executable first.
    public func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] {
        let space = try self.process(process).space
        let vector = try auxiliaryVector(of: process)
        var list = ModuleList(auxiliaryVector: vector) { address, count in
            try? space.read(at: address, count: count)
        }
        return list.modules(executable: (try? executablePath(of: process)) ?? "")
    }

    /// Where the executable's dynamic section has the address of `struct r_debug`.
    public func linkerDebugPointer(of process: ProcessID) throws(TargetError) -> TargetAddress? {
        let space = try self.process(process).space
        return ModuleList(auxiliaryVector: try auxiliaryVector(of: process)) { address, count in
            try? space.read(at: address, count: count)
        }.debugPointer
    }

    /// Whether we created the process ourselves.
    public func wasLaunched(_ process: ProcessID) -> Bool {
        traced.first { $0.id == process }?.wasLaunched ?? false
    }

    /// The files of a leader that has ended before its threads are empty; a live thread has the same.
    private func processFolder(_ process: ProcessID) -> String {
        let thread = traced.first { $0.id == process }?.mainThread
        return thread.map { "\(process)/task/\($0.id)" } ?? "\(process)"
    }
}

/// `/proc/PID/maps` (proc(5)).
enum MemoryMap {
    static func regions(in bytes: [UInt8]) -> [MemoryRegion] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { region($0) }
    }

    /// Reads one line: start-end, permissions, offset, device, inode, path.
    static func region(_ line: Substring) -> MemoryRegion? {
        let fields = line.split(separator: " ", maxSplits: 5)
        guard fields.count >= 5 else { return nil }
        let ends = fields[0].split(separator: "-")
        guard ends.count == 2, let start = UInt64(ends[0], radix: 16),
            let end = UInt64(ends[1], radix: 16), start <= end,
            let offset = UInt64(fields[2], radix: 16)
        else { return nil }
        return MemoryRegion(
            range: TargetAddress(start)..<TargetAddress(end),
            isReadable: fields[1].contains("r"),
            isWritable: fields[1].contains("w"),
            isExecutable: fields[1].contains("x"),
            fileOffset: offset,
            name: fields.count > 5 ? String(fields[5].drop { $0 == " " }) : ""
        )
    }
}
