import ChannelMux
import Deflate
import WireCore

@testable import ChannelMux

// Frames, chunks, HELLOs and coded chunks out of any bytes: no trap, and nothing longer than it may be.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrames(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    let isFlowControlSafe = input.byte() & 1 == 1
    let step = Int(input.byte()) + 1
    let bytes = input.take(count)
    cut(bytes, step: step, isFlowControlSafe)
    read(bytes)
    precondition(Cobs.decode(Cobs.frame(bytes, leadingZero: false).dropLast()) == bytes)
    precondition(FlowControlCoding.decode(FlowControlCoding.encode(bytes)[...]) == bytes)
    _ = FlowControlCoding.decode(bytes[...])
    expand(bytes)
    return 0
}

/// A line that gives so many bytes at a time.
private func cut(_ bytes: [UInt8], step: Int, _ isFlowControlSafe: Bool) {
    let bodyMax = Wire.bodyBytesMax + Wire.checksumBytes
    var assembler = FrameAssembler(frameBytesMax: bodyMax)
    assembler.isFlowControlSafe = isFlowControlSafe
    let check = FrameCheck(sender: 1, receiver: 2)
    for start in stride(from: 0, to: bytes.count, by: step) {
        var piece = bytes[start..<min(start + step, bytes.count)]
        while let found = assembler.next(from: &piece) {
            guard case .whole(let frame) = found else { continue }
            precondition(frame.count <= bodyMax + 1)
            _ = check.body(of: frame)
            read(frame)
        }
        precondition(assembler.pendingCount <= 2 * Cobs.encodedCountMax(bodyMax))
    }
}

private func read(_ bytes: [UInt8]) {
    if case .bundle(_, let chunks)? = Frame(body: bytes[...]) { readChunks(chunks) }
    readChunks(bytes[...])
    guard let hello = Hello(body: bytes) else { return }
    precondition(hello.identity.unicodeScalars.allSatisfy { $0.value >= 0x20 })
}

private func readChunks(_ bytes: ArraySlice<UInt8>) {
    var reader = ByteReader(bytes)
    while let chunk = Chunk.take(from: &reader) {
        var writer = ByteWriter()
        chunk.write(to: &writer)
        if case .unknown = chunk { continue }
        var again = ByteReader(writer.bytes)
        precondition(Chunk.take(from: &again) == chunk)
    }
}

private func expand(_ bytes: [UInt8]) {
    let half = bytes.count / 2
    let history = bytes[..<half]
    let plain = Deflate.expand(bytes[half...], history: history, countMax: 8192)
    precondition(plain?.count ?? 0 <= 8192)
    guard let coded = Deflate.compress(bytes[half...], history: history) else { return }
    precondition(coded.count < bytes.count - half)
    let again = Deflate.expand(coded[...], history: history, countMax: bytes.count - half)
    precondition(again.map { $0[...] } == bytes[half...])
}
