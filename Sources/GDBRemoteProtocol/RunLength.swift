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
        var compressed: [UInt8] = []
        compressed.reserveCapacity(payload.count)
        var index = 0
        while index < payload.count {
            let byte = payload[index]
            var end = index + 1
            while end < payload.count, payload[end] == byte, end - index <= repetitionsMax {
                end += 1
            }
            let taken = encodeRun(of: byte, repetitions: end - index - 1, into: &compressed)
            index += taken + 1
        }
        return compressed
    }

    /// - Returns: how many repetitions went out beside the byte itself.
    private static func encodeRun(
        of byte: UInt8,
        repetitions: Int,
        into output: inout [UInt8]
    ) -> Int {
        output.append(byte)
        var count = min(repetitions, repetitionsMax)
        while count >= repetitionsMin {
            let symbol = UInt8(count + bias)
            if !isForbidden(symbol) {
                output.append(star)
                output.append(symbol)
                return count
            }
            count -= 1
        }
        return 0
    }

    private static func isForbidden(_ symbol: UInt8) -> Bool {
        symbol == UInt8(ascii: "#") || symbol == UInt8(ascii: "$") || symbol == UInt8(ascii: "+")
            || symbol == UInt8(ascii: "-") || symbol == star
    }
}
