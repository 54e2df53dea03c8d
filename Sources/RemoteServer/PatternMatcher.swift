/// Finds a pattern in memory that comes in portions (Knuth, Morris, Pratt).
///
/// A comparison at every position would let a client hold up the session for hours: with a long pattern of
/// zeros in a memory of zeros it costs the product of their sizes.
struct PatternMatcher {
    private let pattern: [UInt8]
    /// For each length of a part matched, that of the longest shorter one which ends the same way.
    private let shorter: [Int]
    private var matched = 0

    init(_ pattern: [UInt8]) {
        self.pattern = pattern
        var shorter = [Int](repeating: 0, count: pattern.count + 1)
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = shorter[length] }
            if pattern[index] == pattern[length] { length += 1 }
            shorter[index + 1] = length
        }
        self.shorter = shorter
    }

    /// Looks at the next bytes.
    ///
    /// - Returns: the index in `bytes` behind the first match, which may have begun in earlier portions.
    mutating func match(_ bytes: [UInt8]) -> Int? {
        guard !pattern.isEmpty else { return nil }
        for index in bytes.indices {
            while matched > 0, bytes[index] != pattern[matched] { matched = shorter[matched] }
            if bytes[index] == pattern[matched] { matched += 1 }
            if matched == pattern.count { return index + 1 }
        }
        return nil
    }
}
