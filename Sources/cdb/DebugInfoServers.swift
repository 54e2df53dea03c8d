import Glibc
import LinuxSystem

/// Debug files from the servers that DEBUGINFOD_URLS names, by libdebuginfod (debuginfod_find_debuginfo(3)).
///
/// The library is opened when it is first wanted and only where the variable is set: it brings a web client
/// with it. What it fetches it keeps in a cache of its own, by build-id.
struct DebugInfoServers {
    private typealias Begin = @convention(c) () -> OpaquePointer?
    private typealias Find =
        @convention(c) (
            OpaquePointer?, UnsafePointer<UInt8>?, CInt,
            UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        ) -> CInt
    private typealias Progress = @convention(c) (OpaquePointer?, CLong, CLong) -> CInt
    private typealias SetProgress = @convention(c) (OpaquePointer?, Progress?) -> Void
    private typealias End = @convention(c) (OpaquePointer?) -> Void

    private static let library = "libdebuginfod.so.1"

    /// Whether servers are named.
    static var areNamed: Bool { !(environmentValue("DEBUGINFOD_URLS") ?? "").isEmpty }

    /// The local path of the debug file of a build-id; nil where there is no library, no server has it, or
    /// the user cancelled.
    static func debugFile(buildID: [UInt8], isCancelled: @escaping () -> Bool) -> String? {
        guard areNamed, !buildID.isEmpty, let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            return nil
        }
        func function<Type>(_ name: String, as type: Type.Type) -> Type? {
            dlsym(handle, name).map { unsafeBitCast($0, to: type) }
        }
        guard let begin = function("debuginfod_begin", as: Begin.self),
            let find = function("debuginfod_find_debuginfo", as: Find.self),
            let end = function("debuginfod_end", as: End.self), let client = begin()
        else { return nil }
        defer { end(client) }
        // The callback of C knows nothing but its client.
        cancellation = isCancelled
        defer { cancellation = nil }
        function("debuginfod_set_progressfn", as: SetProgress.self)?(client) { _, _, _ in
            DebugInfoServers.cancellation?() == true ? 1 : 0
        }
        var path: UnsafeMutablePointer<CChar>?
        let descriptor = find(client, buildID, CInt(buildID.count), &path)
        guard descriptor >= 0 else { return nil }
        close(descriptor)
        defer { free(path) }
        return path.map { String(cString: $0) }
    }

    /// What the transfer that runs asks whether it is to end.
    // SAFETY: the debugger has one thread, and a transfer runs inside of one call on it.
    nonisolated(unsafe) private static var cancellation: (() -> Bool)?
}
