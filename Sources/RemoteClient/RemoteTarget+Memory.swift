public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget {
    /// How many bytes of memory are kept between stops, per process.
    static let cachedBytesMax = 8 << 20

    /// Reads memory through lines that are kept until the target runs or is written to.
    public func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        guard count > 0 else { return [] }
        let lineBytes = UInt64(options.memoryLineBytes)
        // A long read is its own cache line: its neighbours are not worth fetching.
        if count > options.memoryLineBytes * 4 {
            return try fetch(at: address.rawValue, count: count, in: process)
        }
        var bytes: [UInt8] = []
        while bytes.count < count {
            let position = address.rawValue &+ UInt64(bytes.count)
            let start = position & ~(lineBytes - 1)
            guard let line = try line(at: start, in: process), line.count > Int(position - start)
            else {
                return try bytes + readPlainly(position, count - bytes.count, bytes, process)
            }
            let rest = line[Int(position - start)...]
            bytes += rest.prefix(count - bytes.count)
            if rest.count + Int(position - start) < Int(lineBytes), bytes.count < count { break }
        }
        return bytes
    }

    /// Reads exactly what is asked for, after the whole line could not be had.
    private func readPlainly(
        _ position: UInt64,
        _ count: Int,
        _ before: [UInt8],
        _ process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        do {
            return try fetch(at: position, count: count, in: process)
        } catch  where error.code != .disconnected && !before.isEmpty {
            return []
        }
    }

    /// A whole line, or nil when it cannot be read.
    private func line(at start: UInt64, in process: ProcessID) throws(TargetError) -> [UInt8]? {
        if let known = stop.memory[process]?[start] { return known }
        do {
            let bytes = try fetch(at: start, count: options.memoryLineBytes, in: process)
            guard mayKeepLine(at: start, in: process) else { return bytes }
            var lines = stop.memory[process] ?? [:]
            if lines.count * options.memoryLineBytes >= Self.cachedBytesMax { lines = [:] }
            lines[start] = bytes
            stop.memory[process] = lines
            return bytes
        } catch  where error.code != .disconnected {
            return nil
        }
    }

    private var usesBinaryReads: Bool { features.supports("binary-upload") }

    /// The most bytes one reply can carry: two digits each, or one to two bytes in binary.
    private var readBytesMax: Int {
        // kgdb checks no bounds: gdb's assumption of 400 bytes keeps below its half buffer.
        max(16, (packetBytesMax - 8) / 2)
    }

    /// Reads from the stub, in as many packets as it takes; short when memory ends on the way.
    private func fetch(
        at address: UInt64,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        try select(process)
        var bytes: [UInt8] = []
        while bytes.count < count {
            let portion = min(count - bytes.count, readBytesMax)
            let position = TargetAddress(address &+ UInt64(bytes.count))
            do {
                let part = try fetchPortion(at: position, count: portion)
                guard !part.isEmpty else { break }
                bytes += part.prefix(portion)
            } catch  where error.code == .badAddress && !bytes.isEmpty {
                break
            }
        }
        hideReplacedBytes(&bytes, at: address, in: process)
        return bytes
    }

    private func fetchPortion(
        at address: TargetAddress,
        count: Int
    ) throws(TargetError) -> [UInt8] {
        let isBinary = usesBinaryReads
        let request: MemoryRequest =
            isBinary ? .readBinary(address, count: count) : .read(address, count: count)
        let purpose = "\(count) bytes of memory at \(address)"
        let reply = try exchange(request.payload, purpose)
        if isBinary, let bytes = BinaryMemoryReply.bytes(ofPayload: reply) { return bytes }
        if isRefusal(reply) {
            throw TargetError(.badAddress, "Memory at \(address) cannot be read.")
        }
        guard let bytes = Hex.decode(reply) else { throw failure(reply, purpose) }
        return bytes
    }

    /// Writes with `X`, or `M` where the stub has none.
    public func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) {
        try select(process)
        stop.memory[process] = nil
        let saved = replacedBytes(under: bytes, at: address.rawValue, in: process)
        var rest = saved[...]
        while !rest.isEmpty {
            // A byte takes at most two in either form; the head takes less than 48.
            let portion = Array(rest.prefix(max(8, (packetBytesMax - 48) / 2)))
            let offset = UInt64(saved.count - rest.count)
            try store(portion, at: address + offset)
            rest = rest.dropFirst(portion.count)
        }
    }

    func store(_ bytes: [UInt8], at address: TargetAddress) throws(TargetError) {
        let purpose = "writing \(bytes.count) bytes of memory at \(address)"
        if !missingPackets.contains("X") {
            let request = MemoryRequest.writeBinary(address, bytes)
            if try command(request.payload, purpose, failure: .badAddress) { return }
            missingPackets.insert("X")
        }
        let request = MemoryRequest.write(address, bytes)
        guard try command(request.payload, purpose, failure: .badAddress) else {
            throw TargetError(.unsupported, "\(peerName) cannot write memory.")
        }
    }
}
