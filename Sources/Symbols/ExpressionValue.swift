import CElfutils

/// An entry of the expression stack; without a type it is an address-sized integer.
struct ExpressionValue {
    /// A base type (DWARF 5, 2.5.1) of at most eight bytes.
    struct BaseType {
        var encoding: Int
        var size: Int

        var isFloat: Bool { encoding == DW_ATE_float && (size == 4 || size == 8) }
        var isSigned: Bool { encoding == DW_ATE_signed || encoding == DW_ATE_signed_char }
    }

    /// The value; a typed one is extended to 64 bits as its type says, a float is its bit pattern.
    var bits: UInt64
    var type: BaseType?

    init(_ bits: UInt64, type: BaseType? = nil) {
        self.bits = bits
        self.type = type
    }

    /// The value cut to its type's size.
    var normalized: ExpressionValue {
        guard let type, type.size < 8 else { return self }
        let unused = UInt64(64 - type.size * 8)
        let shifted = bits << unused
        let value =
            type.isSigned
            ? UInt64(bitPattern: Int64(bitPattern: shifted) >> unused) : shifted >> unused
        return ExpressionValue(value, type: type)
    }

    private var float: Double {
        type?.size == 4
            ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : Double(bitPattern: bits)
    }

    private static func of(_ value: Double, as type: BaseType) -> ExpressionValue {
        let bits = type.size == 4 ? UInt64(Float(value).bitPattern) : value.bitPattern
        return ExpressionValue(bits, type: type)
    }

    /// Floating-point arithmetic in the type of the left operand.
    func combined(
        with right: ExpressionValue,
        _ body: (Double, Double) -> Double
    ) -> ExpressionValue? {
        guard let type, right.type?.isFloat == true else { return nil }
        return Self.of(body(float, right.float), as: type)
    }

    /// The same number in another type.
    func converted(to target: BaseType?) -> ExpressionValue? {
        let isFloat = type?.isFloat ?? false
        guard let target, target.isFloat else {
            guard isFloat else { return ExpressionValue(bits, type: target).normalized }
            guard let number = Int64(exactly: float.rounded(.towardZero)) else { return nil }
            return ExpressionValue(UInt64(bitPattern: number), type: target).normalized
        }
        if isFloat { return Self.of(float, as: target) }
        let isSigned = type?.isSigned ?? true
        return Self.of(isSigned ? Double(Int64(bitPattern: bits)) : Double(bits), as: target)
    }
}
