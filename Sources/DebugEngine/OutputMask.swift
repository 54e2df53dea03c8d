/// Which kinds of text are shown (`.outmask`), by the original's bits.
public struct OutputMask: OptionSet, Sendable {
    /// The bits, the DEBUG_OUTPUT constants of dbgeng.h.
    public let rawValue: UInt64

    /// Wraps bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Answers to commands.
    public static let normal = OutputMask(rawValue: 0x1)
    /// Errors.
    public static let errors = OutputMask(rawValue: 0x2)
    /// Warnings.
    public static let warnings = OutputMask(rawValue: 0x4)
    /// What else only `-v` shows.
    public static let verbose = OutputMask(rawValue: 0x8)
    /// The prompt.
    public static let prompt = OutputMask(rawValue: 0x10)
    /// Registers before the prompt.
    public static let promptRegisters = OutputMask(rawValue: 0x20)
    /// What the debuggee writes.
    public static let debuggee = OutputMask(rawValue: 0x80)
    /// As at the start.
    public static let standard = OutputMask(rawValue: 0x3f7)
    /// Everything.
    public static let all = OutputMask(rawValue: 0xffff_ffff)

    func shows(_ kind: OutputKind) -> Bool {
        switch kind {
        case .normal: contains(.normal)
        case .error: contains(.errors)
        case .warning: contains(.warnings)
        // The program's own option (-v) shows it without the bit.
        case .verbose: true
        case .debuggee: contains(.debuggee)
        }
    }
}

/// The way to the program's output through the mask.
final class MaskedOutput: OutputSink {
    var mask = OutputMask.standard
    private let inner: any OutputSink

    init(_ inner: any OutputSink) {
        self.inner = inner
    }

    func write(_ text: String, _ kind: OutputKind) {
        guard mask.shows(kind) else { return }
        let isShownAnyway = kind == .verbose && mask.contains(.verbose)
        inner.write(text, isShownAnyway ? .normal : kind)
    }
}

/// What is shown of the place where a thread stands (`.prompt_allow`).
public struct PromptItems: OptionSet, Sendable {
    /// The bits.
    public let rawValue: Int

    /// Wraps bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The symbol.
    public static let symbol = PromptItems(rawValue: 1)
    /// The instruction.
    public static let instruction = PromptItems(rawValue: 2)
    /// Where its operand in memory is, and what is there.
    public static let effectiveAddress = PromptItems(rawValue: 4)
    /// The source line.
    public static let source = PromptItems(rawValue: 8)
    /// Everything.
    public static let all: PromptItems = [.symbol, .instruction, .effectiveAddress, .source]
}
