internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    /// How much is read at a time when memory is searched or summed up.
    private static let scanBytes = 1 << 16
    /// The longest pattern that is searched for.
    private static let patternBytesMax = 1 << 14
    /// The most memory searched or summed up in one request; nothing else is served meanwhile.
    static let scanBytesMax: UInt64 = 256 << 20

    static var memoryPackets: [PacketEntry] {
        ["m", "M", "x", "X"].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                guard let request = MemoryRequest(payload: packet) else {
                    return .malformed(packet)
                }
                return try session.answer(request)
            }
        } + [
            PacketEntry("MultiMemRead:") { session, packet throws(TargetError) in
                guard let request = MultipleMemoryRead(payload: packet) else {
                    return .malformed(packet)
                }
                return try session.answer(request)
            },
            PacketEntry("qSearch:memory:") { session, packet throws(TargetError) in
                guard let search = MemorySearch(payload: packet) else { return .malformed(packet) }
                return .payload(MemorySearch.reply(found: try session.find(search)))
            },
            PacketEntry("qCRC:") { session, packet throws(TargetError) in
                guard let range = MemoryChecksum(payload: packet) else { return .malformed(packet) }
                return .payload(MemoryChecksum.reply(try session.checksum(of: range)))
            },
            PacketEntry("qMemoryRegionInfo:") { session, packet throws(TargetError) in
                try session.describeRegion(packet)
            },
        ]
    }

    private func answer(_ request: MemoryRequest) throws(TargetError) -> Reply {
        if case .readBinary(_, count: 0) = request, personality.isLLDB {
            // lldb up to 20 asks whether the packet is known, and takes the bytes bare from then on.
            personality.readsBareBinary = true
            return .ok
        }
        let process = try currentProcess()
        switch request {
        case .read(let address, let count):
            let limit = min(count, packetBytesMax / 2)
            let bytes = try target.readMemory(at: address, count: limit, in: process)
            return .payload(RunLength.compress(Hex.encode(bytes)))
        case .readBinary(let address, let count):
            let limit = min(count, packetBytesMax - 1)
            let bytes = try target.readMemory(at: address, count: limit, in: process)
            let form = BinaryMemoryReply.payload(bytes[...], bytesMax: packetBytesMax)
            return .payload(personality.readsBareBinary ? Array(form.dropFirst()) : form)
        case .write(let address, let bytes), .writeBinary(let address, let bytes):
            // `X addr,0:` only asks whether the packet is known.
            if !bytes.isEmpty { try target.writeMemory(bytes, at: address, in: process) }
            return .ok
        }
    }

    /// What cannot be read, or does not fit any more, is a part of no bytes.
    private func answer(_ request: MultipleMemoryRead) throws(TargetError) -> Reply {
        let process = try currentProcess()
        // A length and its comma, and each byte escaped.
        var room = (packetBytesMax - 10 * request.ranges.count) / 2
        let parts = request.ranges.map { range -> [UInt8] in
            let count = min(range.count, room)
            guard count > 0 else { return [] }
            let bytes = (try? target.readMemory(at: range.address, count: count, in: process)) ?? []
            room -= bytes.count
            return bytes
        }
        return .payload(MultipleMemoryRead.reply(parts))
    }

    private func find(_ search: MemorySearch) throws(TargetError) -> TargetAddress? {
        let process = try currentProcess()
        guard search.pattern.count <= ServerSession.patternBytesMax else {
            throw TargetError(
                .invalid,
                "the pattern is longer than \(ServerSession.patternBytesMax) bytes"
            )
        }
        try checkScan(of: search.count)
        var matcher = PatternMatcher(search.pattern)
        var position = search.start
        var left = search.count
        while left > 0 {
            let count = Int(min(left, UInt64(ServerSession.scanBytes)))
            let bytes = try readAll(at: position, count: count, in: process)
            if let end = matcher.match(bytes) {
                return position + UInt64(end) - UInt64(search.pattern.count)
            }
            position = position + UInt64(count)
            left -= UInt64(count)
        }
        return nil
    }

    private func checkScan(of count: UInt64) throws(TargetError) {
        guard count <= ServerSession.scanBytesMax else {
            let limit = ServerSession.scanBytesMax >> 20
            throw TargetError(
                .invalid,
                "\(count) bytes are too many for one request: at most \(limit) MB are scanned at a time"
            )
        }
    }

    private func readAll(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        let bytes = try target.readMemory(at: address, count: count, in: process)
        guard bytes.count == count else {
            throw TargetError(
                .badAddress,
                "cannot read memory at \(address + UInt64(bytes.count)) of process \(process)"
            )
        }
        return bytes
    }

    private func checksum(of range: MemoryChecksum) throws(TargetError) -> UInt32 {
        let process = try currentProcess()
        try checkScan(of: range.count)
        var sum = UInt32.max
        var address = range.start
        var left = range.count
        while left > 0 {
            let count = Int(min(left, UInt64(ServerSession.scanBytes)))
            let bytes = try readAll(at: address, count: count, in: process)
            sum = MemoryChecksum.crc(of: bytes, from: sum)
            address = address + UInt64(count)
            left -= UInt64(count)
        }
        return sum
    }

    private func describeRegion(_ packet: [UInt8]) throws(TargetError) -> Reply {
        guard let details = target.processDetails else { return .unsupported }
        guard let address = Hex.number(packet.dropFirst("qMemoryRegionInfo:".utf8.count)) else {
            return .malformed(packet)
        }
        let regions = try details.memoryRegions(of: try currentProcess())
        let reply = MemoryRegionReply(around: TargetAddress(address), in: regions)
        return .payload(reply.payload)
    }
}
