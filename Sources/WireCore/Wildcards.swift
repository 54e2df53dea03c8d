/// Whether a text fits a pattern in which `*` stands for any bytes.
///
/// Time grows with the product of both lengths at most: only the last `*` is ever tried again.
///
/// - Parameter fits: whether a byte of the pattern, other than `*`, takes a byte of the text.
public func matchesWildcards(
    _ pattern: [UInt8],
    _ text: [UInt8],
    fits: (_ wanted: UInt8, _ byte: UInt8) -> Bool
) -> Bool {
    let star = UInt8(ascii: "*")
    var index = 0
    var at = 0
    // Where to try again: behind the last star, with one byte more taken by it.
    var retry: (pattern: Int, text: Int)?
    while at < text.count {
        if index < pattern.count, pattern[index] == star {
            retry = (index + 1, at)
            index += 1
        } else if index < pattern.count, fits(pattern[index], text[at]) {
            index += 1
            at += 1
        } else if let last = retry {
            retry = (last.pattern, last.text + 1)
            index = last.pattern
            at = last.text + 1
        } else {
            return false
        }
    }
    return pattern[index...].allSatisfy { $0 == star }
}
