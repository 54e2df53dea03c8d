internal import DebugTarget

/// Brings binaries that the client has no copy of over the link, into a cache keyed by build-id.
struct ModuleFetcher {
    /// The largest file fetched.
    static let fileBytesMax: UInt64 = 512 << 20
    /// From this size on the user is told that it takes a while.
    static let notedBytes: UInt64 = 256 << 10

    private let session: DebugSession
    private let process: ProcessState

    init(_ session: DebugSession, _ process: ProcessState) {
        self.session = session
        self.process = process
    }

    /// A local file with the module's contents, or nil when there is no way to get one.
    func localCopy(of module: Module) -> String? {
        let name = Format.baseName(module.path)
        let buildID = Format.bytes(module.buildID)
        let files = session.host.files
        if !buildID.isEmpty, let known = files.cachedModule(buildID: buildID, name: name) {
            return known
        }
        guard let source = session.target.files else { return nil }
        let limit = module.mayFetchAnySize ? Self.fileBytesMax : session.automaticFetchBytesMax
        let stored = fetch(module, from: source, bytesMax: min(limit, Self.fileBytesMax)) {
            files.storeModule(buildID: buildID, name: name, contents: $0)
        }
        return stored.flatMap { verified($0, module) }
    }

    /// The fetched file if it is what the process runs: on the target, too, a file may have been replaced
    /// since the process was started.
    private func verified(_ path: String, _ module: Module) -> String? {
        let files = session.host.files
        let image = ElfImage(layout: .file) { files.read(path, at: $0, count: $1) }
        if let image, image.buildID == module.buildID { return path }
        files.discardModule(path)
        session.output.line(
            "*** WARNING: \(module.path) on the target is not the file that the process runs:"
                + " its build-id differs",
            .warning
        )
        return nil
    }

    private func fetch(
        _ module: Module,
        from source: any TargetFiles,
        bytesMax: UInt64,
        into store: (() -> [UInt8]?) -> String?
    ) -> String? {
        let path = module.path
        try? source.useFileSystem(of: process.id)
        guard let file = try? source.open(path, flags: [], mode: 0) else { return nil }
        defer { try? source.close(file) }
        let size = (try? source.status(of: file).size) ?? 0
        guard size <= bytesMax else {
            let advice =
                size <= Self.fileBytesMax
                ? "it is fetched over this slow line by .reload /f \(module.name)"
                : "files of more than \(Format.size(Self.fileBytesMax)) are not fetched"
            session.output.line(
                "*** WARNING: \(path) (\(Format.size(size))) is not here; \(advice)",
                .warning
            )
            return nil
        }
        var progress = FetchProgress(path: path, size: size, session.host, session.output)
        defer { session.host.endProgress() }
        var offset: UInt64 = 0
        return store {
            // Of a short fetch the user has not been told: what Ctrl+C is for comes after it.
            if size >= Self.notedBytes, self.session.host.takeInterrupt() { return nil }
            guard offset <= bytesMax,
                let bytes = try? source.read(file, count: 1 << 20, at: offset)
            else { return nil }
            offset += UInt64(bytes.count)
            progress.report(offset, isAtEnd: bytes.isEmpty)
            return bytes
        }
    }
}

/// Tells how far a long transfer is: by a bar where the program has one, else by a line at its start
/// and one for each tenth, and by no word for a short one.
private struct FetchProgress {
    private let path: String
    private let size: UInt64
    private let host: any EngineHost
    private let output: any OutputSink
    private var tenths: UInt64 = 0
    private var hasBar = false

    init(path: String, size: UInt64, _ host: any EngineHost, _ output: any OutputSink) {
        self.path = path
        self.size = size
        self.host = host
        self.output = output
        hasBar = host.showProgress(path, done: 0, of: size)
        if hasBar { return }
        if size >= ModuleFetcher.notedBytes {
            output.line(
                "Fetching \(path) from the target, \(Format.size(size)) (Ctrl+C to do without)",
                .warning
            )
        }
    }

    mutating func report(_ offset: UInt64, isAtEnd: Bool) {
        if hasBar {
            _ = host.showProgress(path, done: offset, of: size)
            return
        }
        guard size >= ModuleFetcher.notedBytes, !isAtEnd else { return }
        // The size is what the target says; the offset is within what may be fetched.
        let reached = min(offset * 10 / size, 10)
        guard reached > tenths, reached < 10 else { return }
        tenths = reached
        output.line("    \(reached * 10) % of \(Format.size(size))", .warning)
    }
}
