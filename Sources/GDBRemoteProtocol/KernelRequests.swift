// What a debugger sends, on its way to a kernel's stub over a line of its own. kgdb takes any byte that is no
// acknowledgement for a reason to send its last packet again, and does not hear 0x03 while the kernel runs.

/// Tells what may go to a kernel's stub from what is to be done instead.
public struct KernelRequests: Sendable {
    /// What is to be done.
    public enum Element: Sendable, Equatable {
        /// Pass these bytes on.
        case bytes([UInt8])
        /// Halt the kernel.
        case breakIn
    }

    /// What a greeting of our own clients begins with, which ends with a newline; it is for no stub.
    private static let greeting = Array("DBGSRV ".utf8)
    private static let greetingBytesMax = 512
    private static let interrupt: UInt8 = 0x03

    private var boundaries = PacketBoundaries()
    /// What may be the beginning of a greeting; nil once the first packet is under way.
    private var beginning: [UInt8]? = []

    /// Starts with a connection.
    public init() {}

    /// Takes bytes from the debugger.
    public mutating func take(_ bytes: [UInt8]) -> [Element] {
        var elements: [Element] = []
        var passed: [UInt8] = []
        for byte in withoutGreeting(bytes) {
            guard boundaries.take(byte) == .between else {
                passed.append(byte)
                continue
            }
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { passed.append(byte) }
            guard byte == Self.interrupt else { continue }
            if !passed.isEmpty { elements.append(.bytes(passed)) }
            passed = []
            elements.append(.breakIn)
        }
        if !passed.isEmpty { elements.append(.bytes(passed)) }
        return elements
    }

    private mutating func withoutGreeting(_ bytes: [UInt8]) -> [UInt8] {
        guard let before = beginning else { return bytes }
        let all = before + bytes
        let known = min(all.count, Self.greeting.count)
        guard all.prefix(known).elementsEqual(Self.greeting.prefix(known)) else {
            beginning = nil
            return all
        }
        guard let end = all.firstIndex(of: UInt8(ascii: "\n")) else {
            beginning = all.count > Self.greetingBytesMax ? nil : all
            return all.count > Self.greetingBytesMax ? all : []
        }
        beginning = nil
        return Array(all[(end + 1)...])
    }
}
