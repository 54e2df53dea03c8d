public import DebugTarget

extension DebugSession {
    /// The main process of a systemd unit (`-psn`): of those in its control group the one that systemd
    /// itself started.
    public func mainProcess(ofUnit name: String) throws -> ProcessID {
        guard !name.isEmpty, !name.contains("/") else {
            throw EngineError.sentence("\(name) is no unit's name")
        }
        let unit = name.contains(".") ? name : name + ".service"
        var folders = [
            "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice",
            "/sys/fs/cgroup/unified/system.slice",
        ]
        // Units of a template have a slice of their own (systemd.slice(5)).
        let template = unit.prefix { $0 != "@" }
        if template.count < unit.count {
            let name = template.split(separator: "-", omittingEmptySubsequences: false)
                .joined(separator: "\\x2d")
            folders += folders.map { "\($0)/system-\(name).slice" }
        }
        for folder in folders {
            guard let text = targetText("\(folder)/\(unit)/cgroup.procs") else { continue }
            let ids = text.split(separator: "\n").compactMap { Int32($0) }
            guard let first = ids.first else { break }
            return ProcessID(ids.first { parent(of: $0) == 1 } ?? first)
        }
        throw EngineError.sentence(
            "no unit \(unit) runs on the target (looked for in \(folders[0]))"
        )
    }

    private func parent(of process: Int32) -> Int32? {
        guard let text = targetText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")")
        else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }
}
