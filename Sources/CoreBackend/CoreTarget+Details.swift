public import DebugTarget
internal import CoreFiles

extension CoreTarget: ProcessDetails {
    /// The auxiliary vector.
    public func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] {
        try dump(process).core.auxiliaryVector
    }

    /// The program's path on the machine that it ran on.
    public func executablePath(of process: ProcessID) throws(TargetError) -> String {
        try dump(process).executablePath
    }

    /// The pieces of memory, under the names of the files that were mapped there.
    public func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion] {
        try dump(process).regions
    }

    /// The program and the libraries, in order of address, the program first.
    public func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] {
        let dump = try dump(process)
        let modules = dump.modules(fileCandidates)
        notices += dump.takeNotices()
        return modules
    }

    /// It ran by itself.
    public func wasLaunched(_ process: ProcessID) -> Bool { false }
}
