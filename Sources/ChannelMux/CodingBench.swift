/// What every byte of a connection goes through, for measurements: frame, check sum and COBS, and back.
package struct CodingBench: Sendable {
    private let chunk: DataChunk
    private let check: FrameCheck
    private let isFlowControlSafe: Bool

    /// Frames of that payload.
    package init(payload: [UInt8], flowControlSafe: Bool) {
        chunk = DataChunk(wireID: 4, order: 0, payload: payload[...])
        check = FrameCheck(sender: 1, receiver: 2, isFlowControlSafe: flowControlSafe)
        isFlowControlSafe = flowControlSafe
    }

    /// Codes one frame and decodes it; whether the same came out.
    package func codeAndDecode() -> Bool {
        let body = Frame.data(SequenceHead(sequence: 1), chunk).body
        let wire = check.wire(body, acknowledged: 2)
        var assembler = FrameAssembler(frameBytesMax: Wire.bodyBytesMax + Wire.checksumBytes)
        assembler.isFlowControlSafe = isFlowControlSafe
        var input = wire[...]
        guard case .whole(let bytes)? = assembler.next(from: &input),
            let decoded = check.body(of: bytes), case .data(_, let arrived)? = Frame(body: decoded)
        else { return false }
        return arrived.payload.count == chunk.payload.count
    }
}
