public import DebugTarget

/// `qMemoryRegionInfo:address` and its reply (LLDB's "GDB Remote Protocol Extensions").
///
/// The reply is `start:…;size:…;` and, for mapped memory, `permissions:rwx;name:hex;`; a gap in the map
/// has no permissions.
public struct MemoryRegionReply: Sendable, Equatable {
    /// Where the region or the gap begins.
    public var start: TargetAddress
    /// How many bytes it has.
    public var size: UInt64
    /// The mapping; nil for a gap.
    public var region: MemoryRegion?

    /// Describes a region or a gap.
    public init(start: TargetAddress, size: UInt64, region: MemoryRegion?) {
        self.start = start
        self.size = size
        self.region = region
    }

    /// Finds the region or the gap around an address.
    public init(around address: TargetAddress, in regions: [MemoryRegion]) {
        if let region = regions.first(where: { $0.range.contains(address) }) {
            let range = region.range
            self.init(
                start: range.lowerBound,
                size: range.upperBound - range.lowerBound,
                region: region
            )
            return
        }
        let below = regions.last { $0.range.upperBound <= address }?.range.upperBound
        let above = regions.first { $0.range.lowerBound > address }?.range.lowerBound
        let start = below ?? TargetAddress(0)
        self.init(
            start: start,
            size: (above ?? TargetAddress(.max)) - start,
            region: nil
        )
    }

    /// The payload.
    public var payload: [UInt8] {
        var payload = [UInt8](text: "start:\(Hex.text(start.rawValue));size:\(Hex.text(size));")
        guard let region else { return payload }
        let letters = [
            region.isReadable ? "r" : "", region.isWritable ? "w" : "",
            region.isExecutable ? "x" : "",
        ]
        payload.append(text: "permissions:\(letters.joined());")
        if !region.name.isEmpty {
            payload.append(text: "name:")
            payload.append(hexBytes: region.name.utf8)
            payload.append(text: ";")
        }
        return payload
    }

    /// Reads a payload; nil when it is malformed.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        var start: UInt64?
        var size: UInt64?
        var permissions: ArraySlice<UInt8>?
        var name = ""
        while !reader.isAtEnd {
            var field = PayloadReader(reader.field(endingAt: ";"))
            let key = String(decoding: field.field(endingAt: ":"), as: UTF8.self)
            switch key {
            case "start": start = field.hexNumber()
            case "size": size = field.hexNumber()
            case "permissions": permissions = field.remainder()
            case "name": name = field.hexBytes().map { String(decoding: $0, as: UTF8.self) } ?? ""
            default: break
            }
        }
        guard let start, let size else { return nil }
        let first = TargetAddress(start)
        let (end, overflow) = start.addingReportingOverflow(size)
        guard !overflow else { return nil }
        self.init(start: first, size: size, region: nil)
        guard let permissions else { return }
        region = MemoryRegion(
            range: first..<TargetAddress(end),
            isReadable: permissions.contains(UInt8(ascii: "r")),
            isWritable: permissions.contains(UInt8(ascii: "w")),
            isExecutable: permissions.contains(UInt8(ascii: "x")),
            fileOffset: 0,
            name: name
        )
    }
}
