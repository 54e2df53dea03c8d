public import DebugTarget

/// `QCatchSyscalls:0`, `QCatchSyscalls:1` for all, `QCatchSyscalls:1;NUMBER;…` for some (the manual's "General Query
/// Packets"); numbers are hexadecimal and the target's own.
public struct CatchRequest: Sendable, Equatable {
    /// The most numbers that are read; no kernel has as many system calls.
    public static let numbersMax = 4096

    /// The system calls that stop.
    public var selection: SystemCallSelection

    /// Builds a request.
    public init(_ selection: SystemCallSelection) {
        self.selection = selection
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard reader.skip("QCatchSyscalls:"), let digit = reader.byte() else { return nil }
        if digit == UInt8(ascii: "0"), reader.isAtEnd {
            selection = .none
            return
        }
        guard digit == UInt8(ascii: "1"),
            reader.isAtEnd || reader.skip(";" as Unicode.Scalar)
        else { return nil }
        let fields = reader.remainder().split(separator: UInt8(ascii: ";"))
        guard fields.count <= CatchRequest.numbersMax else { return nil }
        var numbers: Set<Int> = []
        for field in fields {
            guard let number = Hex.number(field), number <= Int32.max else { return nil }
            numbers.insert(Int(number))
        }
        selection = numbers.isEmpty ? .all : .numbers(numbers)
    }

    /// The payload.
    public var payload: [UInt8] {
        switch selection {
        case .none: [UInt8](text: "QCatchSyscalls:0")
        case .all: [UInt8](text: "QCatchSyscalls:1")
        case .numbers(let numbers):
            [UInt8](
                text: "QCatchSyscalls:1"
                    + numbers.sorted().map { ";" + Hex.text(UInt64($0)) }.joined()
            )
        }
    }
}
