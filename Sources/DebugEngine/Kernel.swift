public import DebugTarget
internal import Symbols

// Kernel mode: one "process", the kernel, whose threads are processors. Its image is not mapped from a file that a list
// names; the user names it, and where it lies is seen from its build-id in memory.
extension DebugSession {
    /// KASLR moves x86's kernel by multiples of this, up to the size of its area.
    private static let slideStep: UInt64 = 2 << 20
    private static let slideMax: UInt64 = 1 << 30
    private static let bannerByteCountMax = 256

    /// Takes over a kernel that stands.
    ///
    /// - Parameter named: the kernel's ELF file (vmlinux), where the user named it.
    /// - Returns: the report of its stop.
    public func adoptKernel(_ thread: ThreadID, image named: String?) throws -> StopReport {
        isKernel = true
        let process = try adopt(thread.process, origin: .kernel, first: thread)
        process.isStatic = true
        process.modulesAreStale = false
        if let path = kernelImagePath(named) {
            takeKernelImage(path, process)
        } else {
            output.line(
                "*** WARNING: no kernel image: name vmlinux behind the options, or its folder with -y",
                .warning
            )
        }
        showBanner(process)
        refreshKernelModules(of: process)
        guard let current = currentThread else { return StopReport() }
        return StopReport(lines: [note(current, SignalText.breakInstruction)], kind: .interrupt)
    }

    /// The file the user named, or the first one called vmlinux in the folders of the paths.
    private func kernelImagePath(_ named: String?) -> String? {
        let places = (paths.images + paths.symbols).filter { !$0.contains("*") }
        let candidates = [named].compactMap { $0 } + places.flatMap { [$0, "\($0)/vmlinux"] }
        return candidates.first { isReadableImage($0) }
    }

    private func isReadableImage(_ path: String) -> Bool {
        ElfImage(layout: .file) { self.host.files.read(path, at: $0, count: $1) } != nil
    }

    private func takeKernelImage(_ path: String, _ process: ProcessState) {
        let image = ElfImage(layout: .file) { self.host.files.read(path, at: $0, count: $1) }
        guard let image else { return }
        let slide = kernelSlide(of: image, process)
        if slide == nil {
            output.line(
                "*** WARNING: the kernel's build-id is not where \(path) would have it: it is of another"
                    + " build, has not been loaded yet, or lies at a random address (boot with nokaslr)",
                .warning
            )
        }
        let bias = slide ?? 0
        let module = Module(
            path: path,
            bias: bias,
            range: (image.addresses.lowerBound &+ bias)..<(image.addresses.upperBound &+ bias),
            buildID: image.buildID
        )
        module.localPath = path
        process.executablePath = path
        process.modules = [module]
    }

    /// How far the kernel is from where it was linked to; nil when it is not found.
    private func kernelSlide(of image: ElfImage, _ process: ProcessState) -> UInt64? {
        guard let note = image.buildIDNoteAddress else { return 0 }
        func isThere(_ slide: UInt64) -> Bool {
            let count = image.buildID.count
            return (try? readMemory(at: note &+ slide, count: count, in: process)) == image.buildID
        }
        if isThere(0) { return 0 }
        // Each look is a round trip.
        guard !isLineSlow else { return nil }
        for slide in stride(from: Self.slideStep, to: Self.slideMax, by: Int(Self.slideStep)) {
            if host.takeInterrupt() { return nil }
            if isThere(slide) { return slide }
        }
        return nil
    }

    private func showBanner(_ process: ProcessState) {
        guard let module = process.modules.first else { return }
        if let banner = symbol("linux_banner", in: process),
            let bytes = try? readMemory(
                at: banner.address,
                count: Self.bannerByteCountMax,
                in: process
            )
        {
            let text = bytes.prefix { $0 >= 0x20 && $0 < 0x7f }
            if !text.isEmpty { output.line(String(decoding: text, as: UTF8.self)) }
        }
        output.line("Kernel base = \(Format.address(module.range.lowerBound))")
    }

    // MARK: - The kernel's modules

    /// How many modules a kernel may have.
    private static let modulesMax = 4096
    private static let nameByteCountMax = 64

    /// Reads the kernel's list of modules, as far as its debugging information tells what that looks like.
    func refreshKernelModules(of process: ProcessState) {
        guard let kernel = process.modules.first, let symbols = symbols(of: kernel, in: process),
            let layout = KernelModuleLayout(symbols), let head = symbol("modules", in: process)
        else { return }
        // A processor that has not been started sees none of the kernel's memory.
        guard var entry = pointer(at: head.address, process) else { return }
        process.modules = [kernel]
        var seen: Set<UInt64> = []
        while entry != head.address, entry != 0, seen.count < Self.modulesMax,
            seen.insert(entry).inserted
        {
            let place = entry
            let start = place &- layout.list
            let name =
                (try? readMemory(
                    at: start &+ layout.name,
                    count: Self.nameByteCountMax,
                    in: process
                )) ?? []
            let text = String(decoding: name.prefix { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
            let base = pointer(at: start &+ layout.base, process) ?? 0
            let size = (try? readMemory(at: start &+ layout.size, count: 4, in: process)) ?? []
            let end = base.addingReportingOverflow(LittleEndian.value(size))
            guard !text.isEmpty, base != 0, !end.overflow else { break }
            let module = Module(
                path: text,
                bias: base,
                range: base..<end.partialValue,
                buildID: []
            )
            module.symbolState = .failed("Symbols of the kernel's modules are not read.")
            process.modules.append(module)
            guard let next = pointer(at: place, process) else { break }
            entry = next
        }
    }

    private func pointer(at address: UInt64, _ process: ProcessState) -> UInt64? {
        guard let bytes = try? readMemory(at: address, count: 8, in: process), bytes.count == 8
        else { return nil }
        return LittleEndian.value(bytes)
    }
}

/// Where `struct module` has what is looked at (include/linux/module.h).
private struct KernelModuleLayout {
    let list: UInt64
    let name: UInt64
    let base: UInt64
    let size: UInt64

    init?(_ symbols: ModuleSymbols) {
        guard let type = symbols.typeLayout(named: "module"),
            let list = Self.field("list", of: type), let name = Self.field("name", of: type)
        else { return nil }
        // From 6.4 on a module's memory is an array of pieces, the first of which is its code.
        let places = [("core_layout", "module_layout"), ("mem", "module_memory")]
        for (field, typeName) in places {
            guard let place = Self.field(field, of: type),
                let inner = symbols.typeLayout(named: typeName),
                let base = Self.field("base", of: inner), let size = Self.field("size", of: inner)
            else { continue }
            self.list = list
            self.name = name
            self.base = place + base
            self.size = place + size
            return
        }
        return nil
    }

    private static func field(_ name: String, of type: TypeLayout) -> UInt64? {
        type.fields.first { $0.name == name }?.offset
    }
}
