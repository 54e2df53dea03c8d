public import DebugTarget

/// Memory that others may change while the process stands (EXT-12): `shared:START,LENGTH,…`, in hexadecimal.
public struct SharedRanges: Sendable, Equatable {
    /// The name of the note.
    public static let key = "shared"
    /// The most ranges that a stop names; with more nothing is said, and nothing may be kept.
    public static let rangesMax = 32

    /// The ranges, in order.
    public var ranges: [Range<TargetAddress>]

    /// Wraps ranges, those that follow each other as one; nil when there are too many.
    public init?(_ ranges: [Range<TargetAddress>]) {
        self.ranges = ranges.reduce(into: []) { joined, range in
            if let last = joined.last, last.upperBound == range.lowerBound {
                joined[joined.count - 1] = last.lowerBound..<range.upperBound
            } else {
                joined.append(range)
            }
        }
        guard self.ranges.count <= Self.rangesMax else { return nil }
    }

    /// Reads the value of a note; nil when it is none.
    public init?(text: some StringProtocol) {
        let fields = text.utf8.split(
            separator: UInt8(ascii: ","),
            omittingEmptySubsequences: false
        )
        ranges = []
        if text.isEmpty { return }
        guard fields.count % 2 == 0, fields.count / 2 <= Self.rangesMax else { return nil }
        for index in stride(from: 0, to: fields.count, by: 2) {
            guard let start = Hex.number(fields[index]), let count = Hex.number(fields[index + 1])
            else { return nil }
            let (end, overflows) = start.addingReportingOverflow(count)
            guard !overflows else { return nil }
            ranges.append(TargetAddress(start)..<TargetAddress(end))
        }
    }

    /// What a stop says.
    public var note: ThreadStop.Note {
        let fields = ranges.flatMap { range in
            [range.lowerBound.rawValue, range.upperBound - range.lowerBound]
        }
        return ThreadStop.Note(Self.key, fields.map { Hex.text($0) }.joined(separator: ","))
    }

    /// Whether any of that many bytes from an address on are among them.
    public func touch(_ address: UInt64, _ count: Int) -> Bool {
        let end = address.addingReportingOverflow(UInt64(max(count, 0)))
        let past = end.overflow ? UInt64.max : end.partialValue
        return ranges.contains {
            $0.lowerBound.rawValue < past && address < $0.upperBound.rawValue
        }
    }
}
