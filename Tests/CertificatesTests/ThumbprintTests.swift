import Certificates
import Testing

@Suite("Thumbprints")
struct ThumbprintTests {
    @Test("spaces, colons, case and the mark of Windows' dialog do not count (TLS-7)")
    func forms() throws {
        let plain = "ab38f7001122334455667788990011223344aabb"
        let bytes = try #require(Thumbprint.bytes(of: plain))
        #expect(bytes.count == 20 && bytes.prefix(3) == [0xab, 0x38, 0xf7])
        for written in [
            "AB38F7001122334455667788990011223344AABB",
            "ab 38 f7 00 11 22 33 44 55 66 77 88 99 00 11 22 33 44 aa bb",
            "AB:38:F7:00:11:22:33:44:55:66:77:88:99:00:11:22:33:44:AA:BB",
            "\u{200E}ab 38 f7 001122334455667788990011223344aabb",
        ] {
            #expect(Thumbprint.bytes(of: written) == bytes, "\(written)")
        }
        #expect(Thumbprint.bytes(of: plain + plain.prefix(24))?.count == 32)
    }

    @Test("what is no digest is no thumbprint")
    func others() {
        for text in ["", "lab", "ab38f7", String(repeating: "g", count: 40), "é" + "ab38f7"] {
            #expect(Thumbprint.bytes(of: text) == nil, "\(text)")
        }
    }
}
