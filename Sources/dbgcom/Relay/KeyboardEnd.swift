import Glibc
import LinuxSystem

/// Standard input and output; once keys go through as they are, Ctrl-] begins what is meant for us.
final class KeyboardEnd: RelayEnd {
    private let streams = StandardEnd()
    private let input = try? OwnedDescriptor(duplicating: STDIN_FILENO)
    private var escapes = EscapeKeys()
    private var typed: [EscapeKeys.Element] = []
    private var settings: TerminalSettings?
    private(set) var hasLeft = false

    /// Has the terminal pass on every key, until `restoreTerminal`.
    func takeKeysAsTheyAre() {
        guard let input, let now = try? TerminalSettings(of: input) else { return }
        settings = now
        var raw = now
        raw.makeRaw()
        try? raw.apply(to: input)
    }

    func restoreTerminal() {
        if let input, let settings { try? settings.apply(to: input) }
        settings = nil
    }

    var inputDescriptor: Int32 { typed.isEmpty ? streams.inputDescriptor : -1 }
    var outputDescriptor: Int32 { streams.outputDescriptor }
    var hasNews: Bool { !typed.isEmpty && !hasBreak }
    var hasBreak: Bool { typed.first == .sendBreak }

    func read(maximum: Int) throws -> [UInt8]? {
        if typed.isEmpty {
            guard let bytes = try streams.read(maximum: maximum) else { return nil }
            guard settings != nil, !bytes.isEmpty else { return bytes }
            typed = escapes.take(bytes)
        }
        switch typed.first {
        case .keys(let keys):
            typed.removeFirst()
            return keys
        case .leave:
            hasLeft = true
            throw ReaderHasLeft()
        case .explain:
            typed.removeFirst()
            Output.note("\r\ndbgcom: \(EscapeKeys.explanation)\r")
            return nil
        case .sendBreak, nil:
            return nil
        }
    }

    func takeBreak() -> Int? {
        guard hasBreak else { return nil }
        typed.removeFirst()
        return Self.breakMilliseconds
    }

    /// What tcsendbreak(3) takes for one.
    private static let breakMilliseconds = 250

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int { try streams.write(bytes) }
    func finishWriting() { streams.finishWriting() }
    func close() { streams.close() }
}
