import Testing
import WireCore

@Suite("CRC-32C")
struct CRC32CTests {
    @Test("known answers of RFC 3720 and the usual check value")
    func knownAnswers() {
        #expect(CRC32C.checksum(of: Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(of: []) == 0)
        #expect(CRC32C.checksum(of: [UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(of: [UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(of: Array(0..<32)) == 0x46DD_794E)
    }

    @Test("the sum does not depend on how the bytes are cut")
    func incremental() {
        let bytes = (0..<100).map { UInt8(($0 * 37) & 0xFF) }
        let whole = CRC32C.checksum(of: bytes)
        for cut in 0...bytes.count {
            var sum = CRC32C()
            sum.update(bytes[..<cut])
            sum.update(bytes[cut...])
            #expect(sum.checksum == whole)
        }
    }

    @Test("a number's bytes go in with the lowest first")
    func littleEndian() {
        var sum = CRC32C()
        sum.update(littleEndian: 0x1122_3344)
        #expect(sum.checksum == CRC32C.checksum(of: [0x44, 0x33, 0x22, 0x11]))
    }
}

@Suite("Byte cursors")
struct ByteCursorTests {
    @Test("what is written is read again")
    func roundTrip() {
        var writer = ByteWriter()
        writer.put(UInt8(7))
        writer.put(UInt16(0xBEEF))
        writer.put(UInt32(0xDEAD_BEEF))
        writer.put(UInt64(0x0123_4567_89AB_CDEF))
        for value in [0, 127, 128, 300, UInt64.max] { writer.putVarint(value) }
        writer.put([1, 2, 3])
        var reader = ByteReader(writer.bytes)
        #expect(reader.takeUInt8() == 7)
        #expect(reader.takeUInt16() == 0xBEEF)
        #expect(reader.takeUInt32() == 0xDEAD_BEEF)
        #expect(reader.takeUInt64() == 0x0123_4567_89AB_CDEF)
        for value in [0, 127, 128, 300, UInt64.max] { #expect(reader.takeVarint() == value) }
        #expect(reader.takeBytes(2) == [1, 2])
        #expect(reader.takeRest() == [3])
        #expect(reader.isAtEnd)
    }

    @Test("past the end every taking answers nil and takes nothing")
    func pastTheEnd() {
        var reader = ByteReader([1, 2, 3])
        #expect(reader.takeUInt32() == nil)
        #expect(reader.takeBytes(4) == nil)
        #expect(reader.takeBytes(-1) == nil)
        #expect(reader.remainingCount == 3)
        #expect(reader.takeBytes(3) == [1, 2, 3])
        #expect(reader.takeUInt8() == nil)
        #expect(reader.takeVarint() == nil)
    }

    @Test("a varint that never ends or does not fit is refused")
    func badVarints() {
        var endless = ByteReader([UInt8](repeating: 0x80, count: 20))
        #expect(endless.takeVarint() == nil)
        var tooLong = ByteReader([0x80, 0x80, 0x01])
        #expect(tooLong.takeVarint(bytesMax: 2) == nil)
        var tooBig = ByteReader([UInt8](repeating: 0xFF, count: 9) + [0x02])
        #expect(tooBig.takeVarint() == nil)
    }
}
