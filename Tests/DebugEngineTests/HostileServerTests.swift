import Foundation
import Testing

/// One way for a server to be absurd.
private struct Absurdity: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var thread = "p5.5"
    /// Replies by the beginning of the packet.
    let replies: [String: [UInt8]]

    init(_ description: String, thread: String = "p5.5", _ replies: [String: [UInt8]] = [:]) {
        testDescription = description
        self.thread = thread
        self.replies = replies
    }

    func answer(_ packet: String) -> [UInt8] {
        for (start, reply) in replies where packet.hasPrefix(start) { return reply }
        if packet.hasPrefix("qSupported") {
            let read = ["exec-file", "auxv", "libraries-svr4", "features", "osdata"]
            let features = read.map { "qXfer:\($0):read+" }.joined(separator: ";")
            return bytes("PacketSize=4000;multiprocess+;" + features)
        }
        switch packet {
        case "!": return bytes("OK")
        case "?": return bytes("T05thread:\(thread);")
        case "vCont?": return bytes("vCont;c;C;s;S;r")
        case "g": return bytes(String(repeating: "00", count: 560))
        case "qfThreadInfo": return bytes("m" + thread)
        case "qsThreadInfo": return bytes("l")
        default: break
        }
        if packet.hasPrefix("H") || packet.hasPrefix("D") { return bytes("OK") }
        if packet.hasPrefix("qXfer:exec-file") { return bytes("l/bin/hostile") }
        if packet.hasPrefix("qXfer:features") {
            return bytes("l" + Absurdity.description(registers: Absurdity.registers(width: 64)))
        }
        if packet.hasPrefix("m") { return bytes("E01") }
        return []
    }

    static func registers(width: Int) -> String {
        ["rax", "rsp", "rbp", "rip", "eflags"].map { "<reg name=\"\($0)\" bitsize=\"\(width)\"/>" }
            .joined()
    }

    static func description(registers: String) -> String {
        "<target><architecture>i386:x86-64</architecture><feature name=\"f\">\(registers)</feature>"
            + "</target>"
    }

    /// An auxiliary vector as `qXfer:auxv` gives it.
    static func auxiliary(_ entries: [(UInt64, UInt64)]) -> [UInt8] {
        var reply = bytes("l")
        for word in entries.flatMap({ [$0.0, $0.1] }) {
            for shift in 0..<8 {
                let byte = UInt8(truncatingIfNeeded: word >> (8 * UInt64(shift)))
                if "$#}*".utf8.contains(byte) {
                    reply += [0x7d, byte ^ 0x20]
                } else {
                    reply.append(byte)
                }
            }
        }
        return reply
    }

    /// An image in memory whose load segment reaches over nearly all addresses.
    static let wideImage: [UInt8] = {
        var image = [UInt8](repeating: 0, count: 64 + 56)
        func put(_ value: UInt64, _ count: Int, at offset: Int) {
            for index in 0..<count {
                image[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
            }
        }
        image.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
        put(3, 2, at: 16)
        put(64, 8, at: 32)
        put(56, 2, at: 54)
        put(1, 2, at: 56)
        put(1, 4, at: 64)
        put(UInt64.max - 0x2000, 8, at: 64 + 40)
        return image
    }()
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private let library =
    "l<library-list-svr4 version=\"1.0\"><library name=\"/lib/zz.so\" lm=\"0x20\""
    + " l_addr=\"0x7000\" l_ld=\"0x8000\" lmid=\"0\"/></library-list-svr4>"

private let absurdities: [Absurdity] = [
    Absurdity("a negative process", thread: "p-5.5"),
    Absurdity("a negative thread", thread: "p5.-5"),
    Absurdity("a process beyond 32 bits", thread: "p100000005.5"),
    Absurdity(
        "a vdso at the end of the address space",
        ["qXfer:auxv": Absurdity.auxiliary([(33, .max), (3, 0x40_0040), (9, 0x40_1000)])]
    ),
    Absurdity(
        "an auxiliary vector of ones",
        ["qXfer:auxv": Absurdity.auxiliary([3, 5, 7, 9, 33].map { ($0, UInt64.max) })]
    ),
    Absurdity(
        "a file of 2^64-1 bytes",
        [
            "qXfer:libraries": bytes(library), "vFile:open": bytes("F5"),
            "vFile:fstat": bytes("F40;") + [UInt8](repeating: 1, count: 28)
                + [UInt8](repeating: 0xff, count: 8) + [UInt8](repeating: 1, count: 28),
            "vFile:setfs": bytes("F0"), "vFile:close": bytes("F0"),
        ]
    ),
    Absurdity(
        "a file that says it read 2^63-1 bytes",
        [
            "qXfer:libraries": bytes(library), "vFile:open": bytes("F7fffffffffffffff"),
            "vFile:pread": bytes("F7fffffffffffffff;abc"),
            "vFile:fstat": bytes("F40;") + [UInt8](repeating: 0, count: 64),
            "vFile:setfs": bytes("F0"), "vFile:close": bytes("F-8000000000000000"),
        ]
    ),
    Absurdity(
        "a module as wide as the address space",
        [
            "qXfer:auxv": Absurdity.auxiliary([(3, 64), (9, 0)]),
            "m": bytes(
                Absurdity.wideImage.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                    .joined()
            ),
        ]
    ),
    Absurdity(
        "modules at absurd addresses",
        [
            "qXfer:libraries": bytes(
                "l<library-list-svr4 version=\"1.0\" main-lm=\"0xffffffffffffffff\"><library"
                    + " name=\"/lib/a.so\" lm=\"0xffffffffffffffff\" l_addr=\"0xffffffffffffffff\""
                    + " l_ld=\"-1\" lmid=\"0\"/></library-list-svr4>"
            ),
            "m": bytes(String(repeating: "ff", count: 24)),
        ]
    ),
    Absurdity(
        "registers of one byte",
        [
            "qXfer:features": bytes(
                "l" + Absurdity.description(registers: Absurdity.registers(width: 8))
            )
        ]
    ),
    Absurdity(
        "registers of 65536 bits",
        [
            "qXfer:features": bytes(
                "l" + Absurdity.description(registers: Absurdity.registers(width: 65_536))
            )
        ]
    ),
    Absurdity(
        "registers with absurd numbers",
        [
            "qXfer:features": bytes(
                "l"
                    + Absurdity.description(
                        registers: "<reg name=\"rip\" bitsize=\"64\" regnum=\"65535\""
                            + " dwarf_regnum=\"9223372036854775807\"/>"
                            + "<reg name=\"rsp\" bitsize=\"64\" regnum=\"65535\""
                            + " dwarf_regnum=\"-9223372036854775808\"/>"
                            + "<reg name=\"xmm-9223372036854775808\" bitsize=\"64\"/>"
                    )
            )
        ]
    ),
    Absurdity(
        "a target description that is nothing but more",
        ["qXfer:features": bytes("m<target>")]
    ),
    Absurdity(
        "a stop with absurd registers",
        [
            "?": bytes("T05thread:p5.5;ffff:ff;7fffffffffffffff:00;0:;")
        ]
    ),
    Absurdity("a packet size of 2^63", ["qSupported": bytes("PacketSize=8000000000000000")]),
    Absurdity("a packet size of 0", ["qSupported": bytes("PacketSize=0;multiprocess+")]),
    Absurdity(
        "processes with absurd numbers",
        [
            "qXfer:osdata": bytes(
                "l<osdata type=\"processes\"><item><column name=\"pid\">-2147483648</column>"
                    + "</item><item><column name=\"pid\">99999999999</column></item></osdata>"
            )
        ]
    ),
    Absurdity("signals beyond all numbers", ["vCont;": bytes("Tffthread:p5.5;")]),
    Absurdity(
        "a fork without a child",
        ["vCont;": bytes("T05thread:p5.5;fork:p-1.-1;")]
    ),
]

@Suite("cdb against absurd servers", .serialized)
struct HostileServerTests {
    private static let commands = [
        "lm", "lmv", ".tlist -v", "r", "k", "dps ffffffffffffff00 L4", "x zz!*",
        ".reload /f zz.so", "~*", ".frame 1", "u 0", "dv", "vertarget", "?1+1", "t", "qd",
    ]

    @Test("No answer makes cdb crash, hang or fall silent", arguments: absurdities)
    private func absurd(_ server: Absurdity) throws {
        let stub = try HostileStub { server.answer($0) }
        // Through a shell, since cdb may be gone before it has read all of its commands.
        let script =
            "printf '%s\\n' \"$@\" | \"$CDB\" -premote tcp:server=127.0.0.1,port=\(stub.port)"
        let shell = try PipedProcess(
            "/bin/sh",
            ["-c", "CDB='\(Cdb.path)'; \(script)", "sh"] + Self.commands
        )
        let (text, status) = try shell.finish()
        let code = try #require(status)
        #expect(code < 128, "cdb was ended by a signal:\n\(text)")
        #expect(!text.contains("Fatal error"), "\(text)")
        #expect(text.contains("cdb:") || text.contains("Evaluate expression"), "\(text)")
    }
}
