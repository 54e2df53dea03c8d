public import DebugTarget
internal import LinuxSystem

extension PtraceTarget: ProcessDetails {
    /// The raw auxiliary vector.
    public func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] {
        let folder = processFolder(process)
        let path = "/proc/\(folder)/auxv"
        // The file is its user's: with CAP_SYS_PTRACE alone the process's stack is what is left.
        if !Files.mayRead(path), let vector = stackVector(of: process, folder) { return vector }
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
        return MemoryRegion.list(map: bytes)
    }

    /// The modules of the default namespace in link order, the executable first.
    public func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] {
        var list = try moduleList(of: process)
        return list.modules(executable: (try? executablePath(of: process)) ?? "")
    }

    /// Where the executable's dynamic section has the address of `struct r_debug`.
    public func linkerDebugPointer(of process: ProcessID) throws(TargetError) -> TargetAddress? {
        try moduleList(of: process).debugPointer
    }

    private func moduleList(of process: ProcessID) throws(TargetError) -> ModuleList {
        let traced = try self.process(process)
        let space = traced.space
        let isNarrow = traced.architecture.description.architecture == .i386
        return ModuleList(
            auxiliaryVector: try auxiliaryVector(of: process),
            pointerByteCount: isNarrow ? 4 : 8
        ) { address, count in
            try? space.read(at: address, count: count)
        }
    }

    /// Whether we created the process ourselves.
    public func wasLaunched(_ process: ProcessID) -> Bool {
        traced.first { $0.id == process }?.wasLaunched ?? false
    }

    /// The auxiliary vector where the kernel has put it: behind argc, argv and the environment at the beginning
    /// of the stack (field 28 of proc(5)'s stat).
    private func stackVector(of process: ProcessID, _ folder: String) -> [UInt8]? {
        guard let space = try? self.process(process).space,
            let line = ProcFS.text(of: "/proc/\(folder)/stat"), let end = line.lastIndex(of: ")")
        else { return nil }
        // Behind the name comes field 3.
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 25, let start = UInt64(fields[25]), start != 0 else { return nil }
        return StackVector.find { index, count in
            let address = TargetAddress(start + UInt64(index) * 8)
            guard let bytes = try? space.read(at: address, count: count * 8) else { return [] }
            return stride(from: 0, to: bytes.count - 7, by: 8).map { offset in
                (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
            }
        }
    }

    /// The files of a leader that has ended before its threads are empty; a live thread has the same.
    private func processFolder(_ process: ProcessID) -> String {
        let thread = traced.first { $0.id == process }?.mainThread
        return thread.map { "\(process)/task/\($0.id)" } ?? "\(process)"
    }
}

/// Finds the auxiliary vector on a stack: argc, argv, 0, environment, 0, vector, ended by AT_NULL.
enum StackVector {
    /// The most words that are looked at: arguments and environment have a limit of 6 MB of text.
    static let wordsMax = 1 << 20
    private static let portion = 512

    /// - Parameter read: the words from an index on, as many as there are up to a count.
    static func find(_ read: (_ index: Int, _ count: Int) -> [UInt64]) -> [UInt8]? {
        var zeros = 0
        var vector: [UInt64] = []
        var index = 1
        while index < wordsMax {
            let words = read(index, portion)
            for word in words {
                if zeros < 2 {
                    if word == 0 { zeros += 1 }
                    continue
                }
                vector.append(word)
                let isEnd = vector.count % 2 == 0 && vector[vector.count - 2] == 0
                if isEnd { return vector.flatMap(bytes) }
            }
            guard words.count == portion else { return nil }
            index += words.count
        }
        return nil
    }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}
