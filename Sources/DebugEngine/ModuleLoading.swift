internal import DebugTarget
public import Symbols

// Which modules a process has, and where their files are on the client.
//
// The list comes from the dynamic linker (`modules`); before that has run, from the auxiliary
// vector: the program itself, the dynamic linker, the vdso. A file is known to be the right one by
// its build-id, of which the client's own copy tells where it lies in memory: so one read of twenty
// bytes per module crosses the line.
extension DebugSession {
    /// Entries of the auxiliary vector that tell of modules (getauxval(3)).
    private enum AuxiliaryKey: UInt64 {
        case programHeaders = 3
        case interpreterBase = 7
        case entry = 9
        case vdso = 33
    }

    /// As much memory as the vdso is believed to take.
    private static let vdsoBytes: UInt64 = 0x2000

    /// Brings a process's module list up to date and announces what is new.
    public func refreshModules(of process: ProcessState, announcing: Bool = true) {
        defer { showDumpNotices() }
        guard process.modulesAreStale else { return }
        process.modulesAreStale = false
        if isKernel { return refreshKernelModules(of: process) }
        let known = Set(process.modules.map { ModuleKey(path: $0.path, bias: $0.bias) })
        if process.modules.isEmpty { addInitialModules(of: process) }
        addLinkedModules(of: process)
        let added = process.modules.filter {
            !known.contains(ModuleKey(path: $0.path, bias: $0.bias))
        }
        if announcing, filters[.loadModule].reaction != .ignore { added.forEach { announce($0) } }
        moduleEvents += added.map { (true, $0) }
        if let observer { added.forEach { observer.didLoad($0) } }
        if !added.isEmpty { resolveBreakpoints(in: process) }
    }

    private struct ModuleKey: Hashable {
        let path: String
        let bias: UInt64
    }

    private func announce(_ module: Module) {
        let start = Format.address(module.range.lowerBound)
        let end = Format.address(module.range.upperBound)
        output.line("\(timeStamp)ModLoad: \(start) \(end)   \(module.path)")
    }

    // MARK: - Before the dynamic linker has run

    private func addInitialModules(of process: ProcessState) {
        guard let details = target.processDetails else { return }
        if process.executablePath.isEmpty {
            process.executablePath = (try? details.executablePath(of: process.id)) ?? ""
        }
        guard let vector = try? details.auxiliaryVector(of: process.id) else { return }
        let values = auxiliaryValues(vector, wordBytes: wordBytes(of: process))
        let interpreter = addExecutable(of: process, values)
        process.isStatic = interpreter == nil && !process.modules.isEmpty
        if let base = values[AuxiliaryKey.interpreterBase.rawValue], base != 0,
            let path = interpreter
        {
            add(path: path, bias: base, buildID: [], to: process)
        }
        if let base = values[AuxiliaryKey.vdso.rawValue], base != 0,
            base <= UInt64.max - Self.vdsoBytes
        {
            let range = base..<(base + Self.vdsoBytes)
            process.modules.append(Module(path: "[vdso]", bias: base, range: range, buildID: []))
        }
    }

    /// How many bytes an address of a process takes.
    public func wordBytes(of process: ProcessState) -> Int {
        let description = try? target.targetDescription(of: process.id)
        return description?.architecture == .i386 ? 4 : 8
    }

    private func auxiliaryValues(_ vector: [UInt8], wordBytes word: Int) -> [UInt64: UInt64] {
        var values: [UInt64: UInt64] = [:]
        for offset in stride(from: 0, through: vector.count - 2 * word, by: 2 * word) {
            let key = LittleEndian.value(vector[offset..<(offset + word)])
            values[key] = LittleEndian.value(vector[(offset + word)..<(offset + 2 * word)])
        }
        return values
    }

    /// Adds the program itself and tells its dynamic linker's path.
    private func addExecutable(
        of process: ProcessState,
        _ values: [UInt64: UInt64]
    ) -> String? {
        guard let headers = values[AuxiliaryKey.programHeaders.rawValue],
            let entry = values[AuxiliaryKey.entry.rawValue]
        else { return nil }
        let named = isPostMortem ? [paths.program].compactMap { $0 } : []
        for candidate in named + paths.imageCandidates(for: process.executablePath) {
            guard let image = localImage(candidate),
                headers &- image.programHeaders == entry &- image.entry
            else { continue }
            let bias = entry &- image.entry
            guard matches(image, bias: bias, buildID: [], in: process) else { continue }
            append(image, path: process.executablePath, bias: bias, local: candidate, to: process)
            return image.interpreter
        }
        // The headers lie right behind the file's header in everything a linker makes.
        let base = headers & ~0xfff
        guard let image = memoryImage(at: base, in: process) else { return nil }
        let bias = entry &- image.entry
        append(image, path: process.executablePath, bias: bias, local: nil, to: process)
        return image.interpreter
    }

    // MARK: - The dynamic linker's list

    private func addLinkedModules(of process: ProcessState) {
        guard let listed = try? target.processDetails?.modules(of: process.id), !listed.isEmpty
        else { return }
        process.hasModuleList = true
        let executable = process.executablePath
        for entry in listed where !entry.path.isEmpty && entry.path != executable {
            let isKnown = process.modules.contains { module in
                module.bias == entry.loadBias && module.path != "[vdso]"
            }
            // The kernel's vdso is in the list too, under a name that is no path.
            if !isKnown, entry.path.hasPrefix("/") {
                add(path: entry.path, bias: entry.loadBias, buildID: entry.buildID, to: process)
            }
        }
        dropUnloaded(of: process, listed: Set(listed.map(\.loadBias)))
    }

    private func dropUnloaded(of process: ProcessState, listed: Set<UInt64>) {
        let gone = process.modules.filter { module in
            module.path != process.executablePath && module.path != "[vdso]"
                && !listed.contains(module.bias)
        }
        for module in gone {
            process.unloadedModules.append((module.path, module.range))
            let isWanted = filters[.unloadModule].reaction != .ignore
            output.line(
                "Unload module \(module.path) at \(Format.address(module.range.lowerBound))",
                isWanted ? .normal : .verbose
            )
            moduleEvents.append((false, module))
            observer?.didUnload(module)
        }
        process.modules.removeAll { module in gone.contains { $0 === module } }
    }

    // MARK: - Files

    /// Looks for a module's file where the paths lead now.
    fileprivate func findFile(of module: Module, _ process: ProcessState) {
        let isProgram = isPostMortem && module.path == process.executablePath
        let named = isProgram ? [paths.program].compactMap { $0 } : []
        module.localPath = (named + paths.imageCandidates(for: module.path)).first { candidate in
            guard let image = localImage(candidate) else { return false }
            return matches(image, bias: module.bias, buildID: module.buildID, in: process)
        }
    }

    private func add(path: String, bias: UInt64, buildID: [UInt8], to process: ProcessState) {
        for candidate in paths.imageCandidates(for: path) {
            guard let image = localImage(candidate),
                matches(image, bias: bias, buildID: buildID, in: process)
            else { continue }
            return append(image, path: path, bias: bias, local: candidate, to: process)
        }
        if let image = memoryImage(at: bias, in: process) {
            append(image, path: path, bias: bias, local: nil, to: process)
        } else {
            let module = Module(path: path, bias: bias, range: bias..<bias, buildID: buildID)
            process.modules.append(module)
        }
    }

    private func append(
        _ image: ElfImage,
        path: String,
        bias: UInt64,
        local: String?,
        to process: ProcessState
    ) {
        let low = image.addresses.lowerBound &+ bias
        let high = image.addresses.upperBound &+ bias
        let module = Module(
            path: path,
            bias: bias,
            range: low..<max(low, high),
            buildID: image.buildID
        )
        module.localPath = local
        process.modules.append(module)
    }

    private func localImage(_ path: String) -> ElfImage? {
        guard !path.isEmpty else { return nil }
        return ElfImage(layout: .file) { offset, count in
            self.host.files.read(path, at: offset, count: count)
        }
    }

    /// The image a module's first page shows; its headers are there in everything linkers make.
    private func memoryImage(at base: UInt64, in process: ProcessState) -> ElfImage? {
        ElfImage(layout: .memory) { position, count in
            let bytes = try? self.readMemory(at: base &+ position, count: count, in: process)
            return bytes?.count == count ? bytes : nil
        }
    }

    /// Whether a local file is what is mapped: by the build-id that the target told, or by the one
    /// in memory.
    private func matches(
        _ image: ElfImage,
        bias: UInt64,
        buildID: [UInt8],
        in process: ProcessState
    ) -> Bool {
        if !buildID.isEmpty { return image.buildID == buildID }
        guard let note = image.buildIDNoteAddress else {
            // Without a build-id the same path has to do.
            return true
        }
        let inMemory = try? readMemory(
            at: note &+ bias,
            count: image.buildID.count,
            in: process
        )
        return inMemory == image.buildID
    }

    /// The symbols of a module, loaded when first asked for.
    public func symbols(of module: Module, in process: ProcessState) -> ModuleSymbols? {
        switch module.symbolState {
        case .loaded(let symbols): return symbols
        case .failed: return nil
        case .deferred: break
        }
        do {
            let symbols = try loadSymbols(of: module, in: process)
            module.symbolState = .loaded(symbols)
            return symbols
        } catch {
            module.symbolState = .failed(error.message)
            output.line(
                "*** ERROR: Module load completed but symbols could not be loaded for "
                    + module.path,
                .warning
            )
            output.line("    \(error.message)", .verbose)
            return nil
        }
    }

    private func loadSymbols(
        of module: Module,
        in process: ProcessState
    ) throws(SymbolError) -> ModuleSymbols {
        if module.path == "[vdso]" { return try vdsoSymbols(of: module, in: process) }
        if module.localPath == nil {
            module.localPath = ModuleFetcher(self, process).localCopy(of: module)
        }
        guard let path = module.localPath else {
            throw SymbolError(
                "There is no copy of \(module.path) here and none could be fetched."
            )
        }
        let symbols = try ModuleSymbols(path: path, debugPaths: paths.debugFolders)
        guard symbols.symbolStatus != .dwarf, host.files.hasDebugFileServers,
            !symbols.buildID.isEmpty
        else { return symbols }
        output.line("Asking DEBUGINFOD_URLS for \(module.path)", .verbose)
        let host = host
        let fetched = host.files.serverDebugFile(buildID: symbols.buildID) { host.takeInterrupt() }
        guard let fetched else { return symbols }
        return try ModuleSymbols(path: path, debugPaths: paths.debugFolders, debugFile: fetched)
    }

    private func vdsoSymbols(
        of module: Module,
        in process: ProcessState
    ) throws(SymbolError) -> ModuleSymbols {
        guard
            let image = try? readMemory(
                at: module.range.lowerBound,
                count: Int(clamping: module.byteCount),
                in: process
            ),
            !image.isEmpty
        else { throw SymbolError("The vdso cannot be read.") }
        return try ModuleSymbols(image: image, name: "linux-vdso.so.1")
    }

    /// Forgets symbols so that they are loaded anew (`.reload`).
    public func forgetSymbols(of module: Module) {
        module.symbolState = .deferred
        stackCache = nil
    }
}

extension DebugSession {
    /// Reads the module list anew.
    public func reloadModules(of process: ProcessState) {
        process.modulesAreStale = true
        for module in process.modules where module.localPath == nil {
            findFile(of: module, process)
        }
        refreshModules(of: process)
    }
}
