internal import DebugTarget

// `struct elf_prstatus` (<sys/procfs.h>) of both widths, and what belongs to a thread beside it.

/// A thread of a core file.
public struct CoreThread: Sendable, Equatable {
    /// Its id.
    public var id: Int32
    /// The signal that it was about to get, 0 for none.
    public var signal: Int32
    /// `struct user_regs_struct`.
    public var general: [UInt8]
    /// FXSAVE's 512 bytes; empty where the core has none.
    public var legacy: [UInt8]
    /// The XSAVE area; empty where the core has none.
    public var extended: [UInt8]
    /// `siginfo_t`; empty where the core has none.
    public var signalInformation: [UInt8]
    /// Its name; empty where the core does not tell.
    public var name: String

    /// Describes a thread.
    public init(
        id: Int32,
        signal: Int32 = 0,
        general: [UInt8],
        legacy: [UInt8] = [],
        extended: [UInt8] = [],
        signalInformation: [UInt8] = [],
        name: String = ""
    ) {
        self.id = id
        self.signal = signal
        self.general = general
        self.legacy = legacy
        self.extended = extended
        self.signalInformation = signalInformation
        self.name = name
    }
}

/// Where `struct elf_prstatus` has its fields.
private struct StatusLayout {
    let byteCount: Int
    let parent: Int
    let id: Int
    let general: Int
    let generalByteCount: Int
    let floatingValid: Int

    init(_ width: CoreWidth) {
        let isNarrow = width == .bits32
        byteCount = isNarrow ? 144 : 336
        id = isNarrow ? 24 : 32
        parent = id + 4
        general = isNarrow ? 72 : 112
        generalByteCount = isNarrow ? 68 : 216
        floatingValid = general + generalByteCount
    }
}

extension CoreThread {
    /// Reads NT_PRSTATUS; nil when it is too short for its registers.
    init?(status: ArraySlice<UInt8>, _ width: CoreWidth) {
        let layout = StatusLayout(width)
        let fields = CoreFields(status)
        guard let general = fields.bytes(layout.general, layout.generalByteCount),
            let id = fields.integer(layout.id)
        else { return nil }
        let signal = Int32(fields.number(12, 2) ?? 0)
        self.init(id: id, signal: signal, general: general)
    }

    /// NT_PRSTATUS.
    func statusNote(_ width: CoreWidth, parent: Int32) -> [UInt8] {
        let layout = StatusLayout(width)
        var status = CoreFieldWriter(count: layout.byteCount)
        status.put(signal, 0)
        status.put(UInt64(UInt32(bitPattern: signal)), 12, 2)
        status.put(id, layout.id)
        status.put(parent, layout.parent)
        status.put(general, layout.general)
        status.put(legacy.isEmpty ? 0 : 1, layout.floatingValid)
        return status.bytes
    }
}
