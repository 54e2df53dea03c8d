internal import AccessPolicy
internal import DebugTarget

// The abilities that only platform clients use, judged. Who may run a command on the machine may do there
// whatever the server's user may, so nothing may be refused then.

extension GuardedTarget {
    fileprivate static func absent(_ what: String) -> TargetError {
        TargetError(.unsupported, "this target has no \(what)")
    }

    fileprivate func services() throws(TargetError) -> any PlatformServices {
        guard let services = target.platformServices else { throw Self.absent("platform") }
        return services
    }
}

extension GuardedTarget: HostFacts {
    var host: HostDescription {
        target.hostFacts?.host
            ?? HostDescription(
                architecture: .x86_64,
                kernelRelease: "",
                kernelVersion: "",
                hostName: "",
                distribution: ""
            )
    }

    var workingDirectory: String { target.hostFacts?.workingDirectory ?? "/" }

    /// Of those that are being debugged always.
    func identity(of process: ProcessID) -> ProcessIdentity? {
        let isOwn = target.processes.contains(process)
        guard isOwn || refusal(.list) == nil else { return nil }
        return target.hostFacts?.identity(of: process)
    }

    func processNumbers() throws(TargetError) -> [ProcessID] {
        try demand(.list, "processes")
        return try target.hostFacts?.processNumbers() ?? []
    }

    func userName(_ user: UInt32) -> String? { target.hostFacts?.userName(user) }

    func groupName(_ group: UInt32) -> String? { target.hostFacts?.groupName(group) }
}

extension GuardedTarget: PlatformServices {
    func makeFolder(_ path: String, mode: UInt32) throws(TargetError) {
        try demand(.writeFiles, path)
        try auditor.noting(.writeFile, nil, path) { () throws(TargetError) in
            try services().makeFolder(path, mode: mode)
        }
    }

    func setPermissions(_ mode: UInt32, of path: String) throws(TargetError) {
        try demand(.writeFiles, path)
        try auditor.noting(.writeFile, nil, path) { () throws(TargetError) in
            try services().setPermissions(mode, of: path)
        }
    }

    func makeLink(at path: String, to destination: String) throws(TargetError) {
        try demand(.writeFiles, path)
        try auditor.noting(.writeFile, nil, path) { () throws(TargetError) in
            try services().makeLink(at: path, to: destination)
        }
    }

    func buildID(ofFile path: String) throws(TargetError) -> [UInt8] {
        try demand(.readFiles, path)
        return try services().buildID(ofFile: path)
    }

    func resolved(_ path: String) -> String {
        guard refusal(.readFiles) == nil else { return path }
        return target.platformServices?.resolved(path) ?? path
    }

    func makeTemporaryFolder() throws(TargetError) -> String {
        try demand(.writeFiles, "a temporary folder")
        return try services().makeTemporaryFolder()
    }

    func removeFolder(_ path: String) { target.platformServices?.removeFolder(path) }

    func names(inFolder path: String) -> [String] {
        guard refusal(.readFiles) == nil else { return [] }
        return target.platformServices?.names(inFolder: path) ?? []
    }

    func runCommand(
        _ line: String,
        in folder: String?,
        seconds: Int
    ) throws(TargetError) -> CommandResult {
        try auditor.noting(.create, nil, line) { () throws(TargetError) in
            guard policy.isOpen, renounced.isEmpty else {
                throw TargetError(
                    .notPermitted,
                    "refused: this server restricts what its clients may do, and a command could do anything"
                )
            }
            return try services().runCommand(line, in: folder, seconds: seconds)
        }
    }
}

extension GuardedTarget: MemoryAllocation {
    private func memory() throws(TargetError) -> any MemoryAllocation {
        guard let ability = target.memoryAllocation else { throw Self.absent("allocation") }
        return ability
    }

    func allocate(
        _ byteCount: UInt64,
        _ permissions: MemoryPermissions,
        by thread: ThreadID
    ) throws(TargetError) -> TargetAddress {
        try demand(.writeMemory, "\(byteCount) bytes of new memory", in: thread.process)
        auditor.noteWrite(thread.process, "\(byteCount) bytes of new memory")
        return try memory().allocate(byteCount, permissions, by: thread)
    }

    func release(_ address: TargetAddress, by thread: ThreadID) throws(TargetError) {
        try demand(.writeMemory, "memory at \(address)", in: thread.process)
        try memory().release(address, by: thread)
    }
}

extension GuardedTarget: ProcessAwaiting {
    /// The program is not known before it is there, so this takes the right to attach to all.
    func awaitProcess(named name: String) throws(TargetError) {
        try auditor.noting(.attach, nil, name) { () throws(TargetError) in
            guard policy.isOpen || policy.allowsEverywhere(.attach) else {
                throw TargetError(
                    .notPermitted,
                    "refused by the policy: only some programs may be attached to; wait for it, then attach"
                )
            }
            guard let ability = target.processAwaiting else { throw Self.absent("waiting") }
            try ability.awaitProcess(named: name)
        }
    }
}

extension GuardedTarget: ConsoleInput {
    func type(_ bytes: [UInt8]) throws(TargetError) {
        guard let console = target.consoleInput else { throw Self.absent("terminal") }
        try console.type(bytes)
    }
}
