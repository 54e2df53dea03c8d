import Testing

@testable import TelnetSerial

@Suite("A serial port of another machine (RFC 2217)")
struct RemotePortTests {
    private let agreement: [UInt8] = [
        255, 253, 44, 255, 253, 0, 255, 251, 0, 255, 251, 3, 255, 253, 3,
    ]

    private func setting(_ code: UInt8, _ value: [UInt8]) -> [UInt8] {
        Telnet.encode(option: 44, parameters: [code] + value)
    }

    /// What a server answers that grants 115200 8N1.
    private var grants: [UInt8] {
        setting(101, [0, 1, 0xC2, 0]) + setting(102, [8]) + setting(103, [1])
            + setting(104, [1]) + setting(105, [1])
    }

    private func readyPort() -> RemotePort {
        var port = RemotePort(RemoteLineSettings(baudRate: 115_200))
        _ = port.receive(agreement + grants)
        _ = port.takeOutput()
        return port
    }

    @Test(
        "is asked for all settings once it agrees to be asked, and is ready when they are answered"
    )
    func opened() {
        var settings = RemoteLineSettings(baudRate: 115_200, parity: .even, stopBits: 2, dtr: false)
        settings.rts = true
        var port = RemotePort(settings)
        let hello = port.takeOutput()
        #expect(hello.starts(with: [255, 251, 0, 255, 253, 0]))
        #expect(hello.suffix(3) == [255, 251, 44])
        #expect(port.receive(agreement) == [])
        let asked = port.takeOutput()
        let expected =
            setting(1, [0, 1, 0xC2, 0]) + setting(2, [8]) + setting(3, [3]) + setting(4, [2])
            + setting(5, [1]) + setting(5, [9]) + setting(5, [11]) + setting(10, [0x1E])
            + setting(11, [255]) + setting(12, [3])
        #expect(asked == expected)
        let answers =
            setting(101, [0, 1, 0xC2, 0]) + setting(102, [8]) + setting(103, [3])
            + setting(104, [2]) + setting(105, [9])
        #expect(port.receive(answers) == [])
        #expect(
            port.receive(setting(105, [1]) + [65]) == [.ready(baudRate: 115_200), .received([65])]
        )
        #expect(port.takeOutput() == [])
    }

    @Test("gives nothing of what arrived before it was ready")
    func early() {
        var port = RemotePort(RemoteLineSettings(baudRate: 115_200))
        #expect(
            port.receive([1, 2] + agreement + [3] + grants + [4]) == [
                .ready(baudRate: 115_200), .received([4]),
            ]
        )
    }

    @Test("that answers another value fails with both")
    func notGranted() {
        let cases: [(UInt8, [UInt8], String)] = [
            (101, [0, 0, 0x25, 0x80], "asked for baud rate 115200, it granted 9600"),
            (102, [7], "asked for data bits 8, it granted 7"),
            (103, [2], "asked for parity none, it granted odd"),
            (103, [99], "asked for parity none, it granted number 99"),
            (104, [3], "asked for stop bits 1, it granted 3"),
            (105, [2], "asked for flow control none, it granted xonXoff"),
            (101, [], "asked for baud rate 115200, it granted 0"),
        ]
        for (code, value, words) in cases {
            var port = RemotePort(RemoteLineSettings(baudRate: 115_200))
            guard case .failed(let failure)? = port.receive(agreement + setting(code, value)).first
            else {
                Issue.record("\(code) \(value)")
                continue
            }
            #expect(failure.description == words)
            #expect(port.receive(grants + [65]) == [])
        }
    }

    @Test("may run at a rate that is 2 % off")
    func nearRate() {
        var port = RemotePort(RemoteLineSettings(baudRate: 115_200))
        let near = setting(101, [0, 1, 0xC8, 0])
        let others = grants.dropFirst(setting(101, [0, 1, 0xC2, 0]).count)
        #expect(port.receive(agreement + near + others) == [.ready(baudRate: 116_736)])
    }

    @Test("that speaks telnet only, or takes bytes for text, is refused in words")
    func refusals() {
        for (answer, failure) in [
            ([255, 254, 44], RemotePortFailure.noComPortControl),
            ([255, 254, 0], .notTransparent), ([255, 252, 0], .notTransparent),
        ] as [([UInt8], RemotePortFailure)] {
            var port = RemotePort(RemoteLineSettings(baudRate: 9600))
            #expect(port.receive(answer) == [.failed(failure)])
        }
    }

    @Test("is told that other options are not wanted, and each agreement is answered at most once")
    func otherOptions() {
        var port = readyPort()
        #expect(port.receive([255, 253, 1, 255, 251, 1, 255, 251, 44]) == [])
        #expect(port.takeOutput() == [255, 252, 1, 255, 254, 1, 255, 254, 44])
        #expect(port.receive(agreement) == [])
        #expect(port.takeOutput() == [])
    }

    @Test("tells of errors and modem lines, holds us up, and asks for our name")
    func news() {
        var port = readyPort()
        #expect(
            port.receive(setting(106, [0x1E]) + setting(106, [0x08]) + setting(107, [0xB0])) == []
        )
        #expect(
            port.figures
                == RemoteLineFigures(
                    overruns: 1,
                    parityErrors: 1,
                    frameErrors: 2,
                    breaks: 1,
                    modemLines: 0xB0
                )
        )
        #expect(port.receive(setting(108, []) + setting(109, [])) == [.held(true), .held(false)])
        #expect(port.receive(setting(0, [])) == [])
        #expect(port.takeOutput() == setting(0, Array("dbgsrv".utf8)))
    }

    @Test("survives any bytes, and answers no more than it is asked")
    func hostile() {
        var random = SplitMix(state: 2217)
        for round in 0..<2000 {
            var port = round.isMultiple(of: 2) ? readyPort() : RemotePort(.init(baudRate: 9600))
            var sent = port.takeOutput().count
            var received = 0
            for _ in 0..<20 {
                let bytes = (0..<Int(random.next() % 64)).map { _ in Self.likely(&random) }
                received += bytes.count
                _ = port.receive(bytes)
                sent += port.takeOutput().count
            }
            #expect(sent <= received * 4 + 200, "round \(round)")
        }
    }

    /// Bytes that mean something to telnet, more often than others.
    private static func likely(_ random: inout SplitMix) -> UInt8 {
        let telling: [UInt8] = [255, 255, 250, 240, 251, 252, 253, 254, 44, 0, 3, 101, 105, 108]
        let number = random.next()
        return number & 1 == 0
            ? UInt8(truncatingIfNeeded: number >> 8)
            : telling[Int((number >> 8) % UInt64(telling.count))]
    }

    private struct SplitMix {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    @Test(
        "has an address",
        arguments: [
            ("rfc2217://rack7:4001", "rfc2217://rack7:4001"),
            ("RFC2217://Rack7.LAB:1", "rfc2217://rack7.lab:1"),
            ("rfc2217://[::1]:65535", "rfc2217://[::1]:65535"),
            ("rfc2217://127.0.0.1:2217", "rfc2217://127.0.0.1:2217"),
        ]
    )
    func addresses(text: String, shown: String) {
        #expect(NetworkPortAddress(text)?.description == shown)
    }

    @Test(
        "has no other address",
        arguments: [
            "rack7:4001", "rfc2217://", "rfc2217://rack7", "rfc2217://:4001", "rfc2217://a:0",
            "rfc2217://a:65536", "rfc2217://a:x", "rfc2217://::1:5", "rfc2217://[a]:5",
            "rfc2217://a/b:5", "rfc2217://a b:5", "rfc2217://-a:5", "rfc2217://é:5",
        ]
    )
    func noAddresses(text: String) {
        #expect(NetworkPortAddress(text) == nil)
    }
}
