import ChannelMux
import Testing

@testable import LinkTrials

/// Compares without printing thousands of bytes when it fails.
func expectSame(
    _ left: [UInt8]?,
    _ right: [UInt8],
    _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let left = left ?? []
    guard left != right else { return }
    let position = zip(left, right).prefix { $0 == $1 }.count
    let words = "\(left.count) bytes for \(right.count), different from \(position) on"
    Issue.record("\(words) \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
}

extension Cable {
    /// A connection from left to right that is open on both sides.
    func open(_ channel: Int, listens: Bool = true) throws -> (
        left: ConnectionID, right: ConnectionID
    ) {
        if listens { try right.link.listen(on: .number(channel), at: now) }
        let id = try left.link.connect(to: .number(channel), waiting: false, at: now)
        run { left.opened.contains(id) }
        return (id, try #require(right.incoming.last))
    }
}
