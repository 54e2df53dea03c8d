import CElfutils

extension DebugEntry {
    /// Whether it is a part of each object of its structure.
    var isDataMember: Bool {
        switch tag {
        case DW_TAG_inheritance: true
        // DWARF 4 writes static members as declarations of external members.
        case DW_TAG_member: !flag(DW_AT_external) && !flag(DW_AT_declaration)
        default: false
        }
    }

    /// Whether it is an integer type with negative numbers.
    var isSignedInteger: Bool {
        let encoding = unsigned(DW_AT_encoding).map(Int.init(clamping:))
        return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char
    }
}

/// Where a member lies in its structure.
struct MemberPlace {
    /// In bytes.
    var offset: UInt64
    /// A bit field's bits, counted from the low bit of the unit at `offset`.
    var bits: Range<Int>?

    /// Nil where the place depends on an object that is not at hand, as a virtual base's does.
    ///
    /// - Parameter object: the structure's run-time address.
    init?(_ member: DebugEntry, object: UInt64? = nil, _ evaluator: FrameEvaluator? = nil) {
        guard let start = Self.start(of: member, object, evaluator) else { return nil }
        offset = start
        guard let width = member.unsigned(DW_AT_bit_size), (1...64).contains(width) else { return }
        let unit = member.unsigned(DW_AT_byte_size) ?? member.type?.byteSize ?? 4
        guard (1...8).contains(unit) else { return nil }
        let first: UInt64
        if let position = member.unsigned(DW_AT_data_bit_offset) {
            offset = position / (unit * 8) * unit
            first = position - offset * 8
        } else {
            // Before DWARF 4 bits were counted from the high end, as big-endian machines do.
            let fromTop = member.unsigned(DW_AT_bit_offset) ?? 0
            let (low, overflow) = (unit * 8).subtractingReportingOverflow(fromTop &+ width)
            guard !overflow else { return nil }
            first = low
        }
        guard first < 128 else { return nil }
        bits = Int(first)..<Int(first + width)
    }

    private static func start(
        of member: DebugEntry,
        _ object: UInt64?,
        _ evaluator: FrameEvaluator?
    ) -> UInt64? {
        guard var attribute = member.attribute(DW_AT_data_member_location) else { return 0 }
        var constant: Dwarf_Word = 0
        if dwarf_formudata(&attribute, &constant) == 0 { return constant }
        guard let object, let evaluator,
            case .memory(let address) = evaluator.location(attribute, initial: object)
        else { return nil }
        return address &- object
    }
}
