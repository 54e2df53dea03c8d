internal import DebugEngine

/// A range of memory as commands take it: `A`, `A B`, `A L n`, `A L-n`, `A L?n`.
struct AddressRange {
    /// The most bytes a range may have without `L?` (256 MB, as in the original).
    static let bytesMax: UInt64 = 256 << 20

    var start: UInt64
    /// How many objects.
    var count: Int
    /// Whether the user said how long it is.
    var isExplicit: Bool
    /// Whether it was said with `L`.
    private(set) var hasLength = false

    /// Reads a range of objects of `size` bytes.
    init(_ call: inout CommandCall, size: Int, defaultCount: Int) throws {
        start = try call.expression()
        count = defaultCount
        isExplicit = false
        call.skipSpaces()
        if call.rest.first == "L" || call.rest.first == "l", Self.isLength(call.rest) {
            try takeLength(&call, size: size)
        } else if Self.beginsExpression(call.rest) {
            // A second expression is the last byte.
            var copy = call
            guard let end = try? copy.expression(), end >= start else { return }
            call = copy
            let steps = (end - start) / UInt64(size)
            // The whole address space has one object more than a number can count.
            count = try Self.checked(steps == .max ? steps : steps + 1, size, isUnlimited: false)
            isExplicit = true
        }
    }

    private static func isLength(_ text: String) -> Bool {
        guard let next = text.dropFirst().first else { return false }
        return next.isHexDigit || next == " " || next == "?" || next == "-" || next == "@"
            || next == "(" || next == "0"
    }

    private static func beginsExpression(_ text: String) -> Bool {
        guard let first = text.first else { return false }
        return first != "\"" && first != "/" && first != "-"
    }

    private mutating func takeLength(_ call: inout CommandCall, size: Int) throws {
        call.rest.removeFirst()
        call.skipSpaces()
        var isUnlimited = false
        var isBackward = false
        if call.rest.first == "?" {
            isUnlimited = true
            call.rest.removeFirst()
        }
        if call.rest.first == "-" {
            isBackward = true
            call.rest.removeFirst()
        }
        count = try Self.checked(try call.expression(), size, isUnlimited: isUnlimited)
        isExplicit = true
        hasLength = true
        if isBackward { start = start &- UInt64(count * size) }
    }

    private static func checked(_ count: UInt64, _ size: Int, isUnlimited: Bool) throws -> Int {
        let limit = isUnlimited ? UInt64(Int32.max) * 16 : bytesMax
        guard count <= limit / UInt64(size) else {
            throw EngineError(.range, "L\(Format.hex(count))")
        }
        return Int(count)
    }
}
