/// Run-length encoding of replies (the manual's "Overview"): a byte, `*`, and a byte whose value less 29
/// is how many times more the first is repeated.
///
/// The count's byte must be printable (32–126), so a run is 3–97 repetitions, and it must be neither `#`
/// nor `$` (6 and 7 repetitions); `+` and `-` (14 and 16) are left out as well, as gdbserver does, since
/// an old client may take them for acknowledgements.
public enum RunLength {
    /// Why a payload cannot be expanded.
    public enum Failure: Error, Sendable, Equatable {
        /// The expanded payload would pass the limit.
        case tooLong
        /// A `*` with nothing before it, nothing behind it, or a count outside 32–126.
        case malformed
    }

    private static let star = UInt8(ascii: "*")
    private static let repetitionsMin = 3
    private static let repetitionsMax = 97
    private static let bias = 29

    /// Undoes the runs of a payload.
    public static func expand(
        _ payload: [UInt8],
        bytesMax: Int
    ) -> Result<[UInt8], Failure> {
        var expanded: [UInt8] = []
        expanded.reserveCapacity(min(payload.count * 2, bytesMax))
        var index = 0
        while index < payload.count {
            let byte = payload[index]
            index += 1
            guard byte == star else {
                expanded.append(byte)
                if expanded.count > bytesMax { return .failure(.tooLong) }
                continue
            }
            guard let last = expanded.last, index < payload.count,
                (32...126).contains(payload[index])
            else { return .failure(.malformed) }
            let count = Int(payload[index]) - bias
            index += 1
            if expanded.count + count > bytesMax { return .failure(.tooLong) }
            expanded.append(contentsOf: repeatElement(last, count: count))
        }
        return .success(expanded)
    }

    /// Shortens the runs of a payload; every reader of replies understands the result.
    public static func compress(_ payload: [UInt8]) -> [UInt8] {
        // A run is never longer than what it stands for.
        [UInt8](unsafeUninitializedCapacity: payload.count) { output, written in
            payload.withUnsafeBufferPointer { input in
                var index = 0
                while index < input.count {
                    let byte = input[index]
                    output.initializeElement(at: written, to: byte)
                    written &+= 1
                    let count = repetitions(in: input, after: index)
                    if count >= repetitionsMin {
                        output.initializeElement(at: written, to: star)
                        output.initializeElement(at: written &+ 1, to: UInt8(count &+ bias))
                        written &+= 2
                        index &+= count
                    }
                    index &+= 1
                }
            }
        }
    }

    /// How many repetitions of a byte go out as a run, fewer than there are where the count's symbol may not
    /// be used.
    @inline(__always)
    private static func repetitions(in input: UnsafeBufferPointer<UInt8>, after index: Int) -> Int {
        let byte = input[index]
        // Most bytes repeat nothing.
        guard index &+ repetitionsMin < input.count, input[index &+ 1] == byte,
            input[index &+ 2] == byte, input[index &+ 3] == byte
        else { return 0 }
        var end = index &+ repetitionsMin &+ 1
        let last = min(input.count, index &+ repetitionsMax &+ 1)
        while end < last, input[end] == byte { end &+= 1 }
        var count = end &- index &- 1
        while isForbidden(UInt8(count &+ bias)) { count &-= 1 }
        return count < repetitionsMin ? 0 : count
    }

    private static func isForbidden(_ symbol: UInt8) -> Bool {
        symbol == UInt8(ascii: "#") || symbol == UInt8(ascii: "$") || symbol == UInt8(ascii: "+")
            || symbol == UInt8(ascii: "-") || symbol == star
    }
}
