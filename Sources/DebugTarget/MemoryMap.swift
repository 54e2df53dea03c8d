// `/proc/PID/maps` (proc(5)): on this machine or read from another.

extension MemoryRegion {
    /// The regions of a whole file; lines that are none are passed over.
    public static func list(map bytes: [UInt8]) -> [MemoryRegion] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap {
            MemoryRegion(mapLine: String(decoding: $0, as: UTF8.self))
        }
    }

    /// Reads one line: start-end, permissions, offset, device, inode, path; nil when it is none.
    public init?(mapLine line: String) {
        let fields = line.split(separator: " ", maxSplits: 5)
        guard fields.count >= 5 else { return nil }
        let ends = fields[0].split(separator: "-")
        guard ends.count == 2, let start = UInt64(ends[0], radix: 16),
            let end = UInt64(ends[1], radix: 16), start <= end,
            let offset = UInt64(fields[2], radix: 16)
        else { return nil }
        self.init(
            range: TargetAddress(start)..<TargetAddress(end),
            isReadable: fields[1].contains("r"),
            isWritable: fields[1].contains("w"),
            isExecutable: fields[1].contains("x"),
            isShared: fields[1].contains("s"),
            fileOffset: offset,
            name: fields.count > 5 ? String(fields[5].drop { $0 == " " }) : ""
        )
    }
}
