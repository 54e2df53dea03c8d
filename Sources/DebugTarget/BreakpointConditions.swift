// Conditions that the target itself judges, as the engine hands them down.

/// What has to be other than 0 for a breakpoint to stop: 64-bit numbers, wrapping, unsigned.
public indirect enum BreakpointCondition: Hashable, Sendable {
    /// What is done with one value.
    public enum UnaryOperation: Hashable, Sendable {
        /// 1 for 0, else 0.
        case not
        /// Every bit turned over.
        case complement
    }

    /// What is done with two values.
    public enum BinaryOperation: Hashable, Sendable {
        /// Sum.
        case add
        /// Difference.
        case subtract
        /// Product.
        case multiply
        /// Quotient.
        case divide
        /// Remainder.
        case remainder
        /// Left shift; 0 from 64 bits on.
        case shiftLeft
        /// Right shift; 0 from 64 bits on.
        case shiftRight
        /// Right shift that keeps the sign.
        case shiftRightSigned
        /// Bits of both.
        case and
        /// Bits of either.
        case or
        /// Bits of one only.
        case exclusiveOr
        /// 1 when they are the same.
        case equal
        /// 1 when the left is less.
        case less
    }

    /// A number.
    case constant(UInt64)
    /// A register by its number in the target description.
    case register(Int)
    /// 1, 2, 4 or 8 bytes of memory.
    case memory(byteCount: Int, BreakpointCondition)
    /// One operand.
    case unary(UnaryOperation, BreakpointCondition)
    /// Two operands.
    case binary(BinaryOperation, BreakpointCondition, BreakpointCondition)
}

/// Takes conditions to be judged where the debuggee is, so that a breakpoint that does not count costs no
/// round trip.
public protocol BreakpointConditions: AnyObject {
    /// Gives a breakpoint a condition, or none, from the next time it is planted on.
    ///
    /// A target that cannot judge it stops each time; so whoever sets it has to judge the stop too.
    func setCondition(
        _ condition: BreakpointCondition?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    )
}
