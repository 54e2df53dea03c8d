import WireCore

@testable import ChannelMux

/// A frame with a right check sum as that end would send it, whatever its body says.
func forged(from end: MuxStatistics, body: [UInt8]) -> ArraySlice<UInt8> {
    let check = FrameCheck(sender: end.epoch, receiver: end.peerEpoch)
    return check.wire(body, leadingZero: true)[...]
}

/// A BUNDLE of chunks, with that number.
func forged(from end: MuxStatistics, sequence: UInt8, _ chunks: [Chunk]) -> ArraySlice<UInt8> {
    var writer = ByteWriter()
    for chunk in chunks { chunk.write(to: &writer) }
    let head = SequenceHead(sequence: sequence)
    return forged(from: end, body: Frame.bundle(head, chunks: writer.bytes[...]).body)
}
