/// Bytes on their way to the client, in order.
///
/// What has been written is dropped as the queue moves on, not only when it is empty: under a client that
/// always leaves something unread, the array would otherwise grow by all that was ever sent.
struct OutputQueue {
    /// Written bytes kept in front before they are dropped, so that most writes move nothing.
    static let writtenBytesMax = 1 << 16

    private var storage: [UInt8] = []
    private var start = 0

    /// How many bytes wait.
    var count: Int { storage.count - start }

    var isEmpty: Bool { start == storage.count }

    /// The bytes that wait.
    var bytes: ArraySlice<UInt8> { storage[start...] }

    mutating func append(_ frame: [UInt8]) {
        if isEmpty {
            storage = frame
            start = 0
        } else {
            storage += frame
        }
    }

    /// Takes bytes off that were written.
    mutating func removeFirst(_ written: Int) {
        start += written
        if isEmpty {
            storage = []
            start = 0
        } else if start > max(OutputQueue.writtenBytesMax, count) {
            // At least as many bytes were written as are moved here: the cost stays linear.
            storage.removeSubrange(..<start)
            start = 0
        }
    }
}
