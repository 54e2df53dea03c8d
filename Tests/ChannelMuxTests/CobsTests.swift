import Testing

@testable import ChannelMux

/// Data and its coding, from the paper and its edges.
private let vectors: [(data: [UInt8], coded: [UInt8])] = [
    ([0], [1, 1]),
    ([0, 0], [1, 1, 1]),
    ([0x11, 0x22, 0, 0x33], [3, 0x11, 0x22, 2, 0x33]),
    ([0x11, 0x22, 0x33, 0x44], [5, 0x11, 0x22, 0x33, 0x44]),
    ([0x11, 0, 0, 0], [2, 0x11, 1, 1, 1]),
    (Array(1...254), [0xFF] + Array(1...254)),
    ([0] + Array(1...254), [1, 0xFF] + Array(1...254)),
    (Array(1...255), [0xFF] + Array(1...254) + [2, 255]),
    (Array(2...255) + [0], [0xFF] + Array(2...255) + [1, 1]),
    (Array(3...255) + [0, 1], [0xFE] + Array(3...255) + [2, 1]),
]

@Suite("COBS and the cutting of frames")
struct CobsTests {
    @Test("MUX-1: every vector codes and decodes", arguments: vectors.indices)
    func codes(index: Int) {
        let (data, coded) = vectors[index]
        #expect(Cobs.frame(data, leadingZero: false) == coded + [0])
        #expect(Cobs.frame(data, leadingZero: true) == [0] + coded + [0])
        #expect(Cobs.decode(coded[...]) == data)
    }

    @Test("MUX-1: whatever the length and the zeros, what is coded comes back and holds no zero")
    func allLengths() {
        for length in 1..<600 {
            for zeroEvery in [1, 2, 7, 254, 255, 256, 10_000] {
                let data = (0..<length).map { UInt8($0 % zeroEvery == 0 ? 0 : $0 % 255 + 1) }
                let coded = Cobs.frame(data, leadingZero: false).dropLast()
                #expect(!coded.contains(0))
                #expect(coded.count <= Cobs.encodedCountMax(length))
                #expect(Cobs.decode(coded) == data)
            }
        }
    }

    @Test("a coding that points past its end is damage")
    func pastTheEnd() {
        #expect(Cobs.decode([5, 1, 2]) == nil)
        #expect(Cobs.decode([2]) == nil)
        #expect(Cobs.decode([2, 1, 9]) == nil)
    }

    /// All pieces that come out of an assembler given bytes in these portions.
    private func pieces(_ portions: [ArraySlice<UInt8>], max: Int = 300) -> [FrameAssembler.Piece] {
        var assembler = FrameAssembler(frameBytesMax: max)
        var pieces: [FrameAssembler.Piece] = []
        for portion in portions {
            var input = portion
            while let piece = assembler.next(from: &input) { pieces.append(piece) }
        }
        return pieces
    }

    @Test("MUX-1: frames come out the same whole, byte by byte, glued and split at every place")
    func splitting() {
        for (data, coded) in vectors {
            let wire = coded + [0]
            #expect(pieces([wire[...]]) == [.whole(data)])
            #expect(pieces(wire.indices.map { wire[$0...$0] }) == [.whole(data)])
            let glued = [0, 0] + wire + wire + [0] + wire
            #expect(pieces([glued[...]]) == [.whole(data), .whole(data), .whole(data)])
            for cut in wire.indices {
                #expect(pieces([wire[..<cut], wire[cut...]]) == [.whole(data)])
            }
        }
    }

    @Test("MUX-2: what is too long is damage up to the next zero and takes no memory")
    func overlong() {
        var assembler = FrameAssembler(frameBytesMax: 300)
        for _ in 0..<1000 {
            var noise = [UInt8](repeating: 0x55, count: 97)[...]
            #expect(assembler.next(from: &noise) == nil)
            #expect(assembler.pendingCount <= Cobs.encodedCountMax(300))
        }
        var rest: ArraySlice<UInt8> = [0, 2, 7, 0]
        #expect(assembler.next(from: &rest) == .damaged)
        #expect(assembler.next(from: &rest) == .whole([7]))
        #expect(assembler.next(from: &rest) == nil)
        let glued = [UInt8](repeating: 9, count: 400) + [0]
        #expect(pieces([glued[...]]) == [.damaged])
    }
}
