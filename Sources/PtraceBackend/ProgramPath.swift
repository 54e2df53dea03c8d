internal import DebugTarget
internal import LinuxSystem

/// Which file a program's name means.
enum ProgramPath {
    private static let variable = "PATH"
    private static let foldersDefault = "/usr/local/bin:/usr/bin:/bin"

    /// The server's own environment with changes.
    static func environment(changedBy changes: [EnvironmentChange]) -> [String] {
        changes.reduce(into: processEnvironment()) { variables, change in
            variables.removeAll { $0.hasPrefix(change.name + "=") }
            if let value = change.value { variables.append("\(change.name)=\(value)") }
        }
    }

    /// A folder with `~/` at its beginning as the home folder of the environment, as gdb's own stub has it.
    static func folder(_ name: String, _ environment: [String]) -> String {
        let variable = "HOME="
        guard name == "~" || name.hasPrefix("~/"),
            let home = environment.first(where: { $0.hasPrefix(variable) })
        else { return name }
        return String(home.dropFirst(variable.utf8.count)) + name.dropFirst()
    }

    /// The path of a program: the name itself where it is a path, or else where PATH has it.
    static func find(
        _ name: String,
        in directory: String?,
        _ environment: [String]
    ) throws(TargetError) -> String {
        guard !name.contains("/") else {
            try refuseUnfit(name, directory)
            return name
        }
        let prefix = variable + "="
        let setting = environment.first { $0.hasPrefix(prefix) }
        let path = setting.map { String($0.dropFirst(prefix.utf8.count)) }
        let folders = (path ?? foldersDefault).split(separator: ":")
        for folder in folders {
            let candidate = "\(folder)/\(name)"
            let isFile = (try? Files.status(ofPath: candidate))?.isRegularFile ?? false
            if isFile, Files.mayRun(candidate) { return candidate }
        }
        throw TargetError(
            .cannotRun,
            "cannot run \(name): there is no such program in the folders of PATH "
                + "(\(folders.joined(separator: ":"))); give its path"
        )
    }

    private static func refuseUnfit(_ name: String, _ directory: String?) throws(TargetError) {
        let isRelative = !name.hasPrefix("/")
        let path = isRelative ? (directory.map { "\($0)/\(name)" } ?? name) : name
        let status: Files.Status
        do throws(SystemError) {
            status = try Files.status(ofPath: path)
        } catch {
            throw TargetError(.cannotRun, "cannot run \(name): \(error.reason)")
        }
        if status.isDirectory {
            throw TargetError(.cannotRun, "cannot run \(name): it is a folder")
        }
        guard Files.mayRun(path) else {
            throw TargetError(.cannotRun, "cannot run \(name): it is not executable")
        }
    }
}
