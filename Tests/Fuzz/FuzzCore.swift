import CoreFiles
import DebugTarget

// Core files: any bytes give a core that can be asked for everything, or a sentence.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCore(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    look(at: bytes)
    // The same within a core whose headers are in order, so that the notes are reached at once.
    if count > 8 { look(at: wrapped(bytes)) }
    return 0
}

private func look(at bytes: [UInt8]) {
    guard let core = try? CoreFile(CoreBuffer(bytes)) else { return }
    precondition(!core.threads.isEmpty, "a core without a thread")
    let description = core.description
    for thread in core.threads.prefix(64) {
        let block = core.registers(of: thread)
        precondition(block.bytes.count == description.blockByteCount, "registers are missing")
    }
    for segment in core.segments.prefix(64) {
        precondition(core.segment(at: segment.range.lowerBound) != nil, "a segment is not found")
    }
    for file in core.files.prefix(64) {
        precondition(core.file(at: file.range.lowerBound) != nil, "a mapping is not found")
    }
}

/// A core with a thread, whose other notes are these bytes.
private func wrapped(_ notes: [UInt8]) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let status = [UInt8](repeating: 1, count: 336)
    let first = number(5, 4) + number(336, 4) + number(1, 4) + Array("CORE\0\0\0\0".utf8) + status
    var head: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    head += number(4, 2) + number(62, 2) + number(1, 4) + number(0, 8) + number(64, 8)
    head += number(0, 8) + number(0, 4) + number(64, 2) + number(56, 2) + number(1, 2)
    head += [UInt8](repeating: 0, count: 6)
    let segment =
        number(4, 4) + number(0, 4) + number(120, 8) + number(0, 16)
        + number(first.count + notes.count, 8) + number(0, 16)
    return head + segment + first + notes
}
