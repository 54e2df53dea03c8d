/// The candidate that a mistyped word most likely meant, or nil when none is near.
///
/// Near is at most two edits (insertion, deletion, replacement, exchange of neighbours), and fewer edits
/// than half the word, ignoring case.
public func nearestMatch(to word: String, among candidates: [String]) -> String? {
    let typed = Array(word.lowercased())
    let limit = min(2, max(1, typed.count / 2))
    let scored = candidates.map { ($0, editDistance(typed, Array($0.lowercased()))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= limit else { return nil }
    return best.0
}

/// Optimal string alignment distance.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious = [Int]()
    var previous = Array(0...right.count)
    for row in 0..<left.count {
        var current = [row + 1]
        for column in 0..<right.count {
            let replacement = previous[column] + (left[row] == right[column] ? 0 : 1)
            var cost = min(replacement, previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1],
                left[row - 1] == right[column]
            {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
