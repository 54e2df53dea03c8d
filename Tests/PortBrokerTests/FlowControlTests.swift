import Foundation
import LinuxSystem
import Testing

@testable import Transports

@Suite("A line with XON and XOFF", .serialized)
struct FlowControlTests {
    @Test("carries every byte, though the tty takes two of them for itself")
    func everyByte() throws {
        let bench = try Bench()
        var settings = ComPortClient.Settings(baudRate: 3_000_000)
        settings.flowControl = "xon-xoff"
        func open(_ port: String) throws(ComError) -> ComPortClient {
            try ComPortClient.open(
                port: port,
                settings: settings,
                program: "test",
                runtimeFolder: bench.folder
            )
        }
        let listener = try open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try open(bench.b))
        let line = try openFile(bench.a, flags: O_RDWR | O_NOCTTY)
        var raw = termios()
        #expect(tcgetattr(line.number, &raw) == 0)
        #expect(raw.c_iflag & tcflag_t(IXON) != 0 && raw.c_iflag & tcflag_t(IXOFF) != 0)
        let bytes = (0..<20_000).map { UInt8($0 & 0xFF) } + [UInt8](repeating: 0x13, count: 5000)
        let writer = Background { try near.writeAll(bytes) }
        #expect(try far.read(exactly: bytes.count) == bytes)
        try writer.value()
        let answerer = Background { try far.writeAll(bytes) }
        #expect(try near.read(exactly: bytes.count) == bytes)
        try answerer.value()
    }
}
