internal import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget {
    /// The largest object read by `qXfer`, in bytes.
    static let objectBytesMax = 16 << 20

    /// How many portions of an object may be much shorter than what was asked for, so that a stub
    /// cannot draw an object out for ever.
    static let shortPortionsMax = 1024

    /// How many bytes of an object are asked for at a time: what fits a packet, but never a portion
    /// that would keep a slow line busy for long.
    var portionBytes: Int {
        max(64, min(packetBytesMax - 16, options.fileChunkBytesMax))
    }

    /// Reads a whole object (`qXfer:…:read`).
    func readObject(
        _ object: String,
        annex: String,
        _ purpose: String
    ) throws(TargetError) -> [UInt8] {
        var bytes: [UInt8] = []
        var shortPortions = 0
        while true {
            let request = TransferRequest(
                object: object,
                annex: annex,
                .read(offset: bytes.count, count: portionBytes)
            )
            let reply = try exchange(request.payload, purpose)
            switch TransferReply(payload: reply) {
            case .last(let portion): return bytes + portion
            case .more(let portion) where !portion.isEmpty:
                bytes += portion
                if portion.count < portionBytes / 8 { shortPortions += 1 }
            default: throw failure(reply, purpose)
            }
            guard bytes.count <= Self.objectBytesMax, shortPortions <= Self.shortPortionsMax else {
                throw TargetError(
                    .invalid,
                    "\(peerName) sends more than \(Self.objectBytesMax >> 20) MB,"
                        + " or no end (\(purpose))."
                )
            }
        }
    }

    /// Writes a whole object (`qXfer:…:write`).
    func writeObject(_ object: String, _ bytes: [UInt8], _ purpose: String) throws(TargetError) {
        let request = TransferRequest(object: object, annex: "", .write(offset: 0, bytes))
        let reply = try exchange(request.payload, purpose)
        guard !isRefusal(reply) else {
            throw failure(reply, purpose)
        }
    }
}
