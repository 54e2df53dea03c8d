import Foundation
import LinuxSystem
import Testing

@testable import Transports

/// ser2net serving one of a bench's ports on the loopback interface.
private final class Ser2net {
    let port: Int
    private let file: String
    private var process: Int32 = 0

    init(_ bench: Bench, serving device: String, accepter: String = "telnet(rfc2217)") throws {
        port = try SocketAddress.any(port: 0, isIPv6: false).listen(onlyIPv6: false, backlog: 1).1
        file = bench.folder + "/ser2net-\(port).yaml"
        let text = """
            connection: &port
              accepter: \(accepter),tcp,127.0.0.1,\(port)
              connector: serialdev,\(device),9600n81,local

            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try start()
    }

    deinit { stop() }

    var address: String { "rfc2217://127.0.0.1:\(port)" }

    func start() throws {
        let null = try openFile("/dev/null", flags: O_RDWR)
        process = try ProgramLauncher.start(
            "/usr/sbin/ser2net",
            arguments: ["-n", "-c", file],
            descriptors: [null, null, null],
            newSession: false
        )
        // "0100007F:5E11 00000000:0000 0A" is a listener; connecting would take the port from the test.
        let place = "0100007F:" + String(format: "%04X", port) + " 00000000:0000 0A"
        while fileText("/proc/net/tcp", maximum: 1 << 20)?.contains(place) != true {
            guard processIsAlive(process) else { throw BenchError(description: "no ser2net") }
            usleep(2000)
        }
    }

    func stop() {
        kill(process, SIGTERM)
        ProgramLauncher.waitForEnd(of: process)
    }
}

@Suite("A port of another machine", .serialized)
struct NetworkPortTests {
    @Test("carries connections like any other, with every byte, at the rate that was asked for")
    func carries() throws {
        let bench = try Bench()
        let server = try Ser2net(bench, serving: bench.a)
        let listener = try bench.open(bench.b, baud: 57_600).listen(channel: 7)
        let client = try bench.open(server.address, baud: 57_600)
        #expect(client.devicePath == server.address)
        let (far, near) = try bench.connect(listener, from: client)
        let bytes = [UInt8](repeating: 255, count: 3000) + (0..<5000).map { UInt8($0 & 0xFF) }
        let writer = Background { try near.writeAll(bytes) }
        #expect(try far.read(exactly: bytes.count) == bytes)
        try writer.value()
        try far.writeAll(bytes)
        #expect(try near.read(exactly: bytes.count) == bytes)
        let line = try openFile(bench.a, flags: O_RDWR | O_NOCTTY)
        #expect(try TerminalSettings(of: line).outputSpeed == 57_600)
        #expect(folderEntries(bench.folder).contains("rfc2217-127.0.0.1-\(server.port).sock"))
    }

    @Test("keeps its connections when the other machine's server comes back")
    func comesBack() throws {
        let bench = try Bench()
        let server = try Ser2net(bench, serving: bench.a)
        let listener = try bench.open(bench.b).listen(channel: 7)
        let client = try bench.open(server.address)
        let broker = try bench.broker(of: server.address)
        let (far, near) = try bench.connect(listener, from: client)
        try near.writeAll([1])
        #expect(try far.read(exactly: 1) == [1])
        server.stop()
        try near.writeAll([2])
        while try bench.figure("line", of: server.address) == "open" { usleep(2000) }
        try server.start()
        #expect(try far.read(exactly: 1) == [2])
        try far.writeAll([3])
        #expect(try near.read(exactly: 1) == [3])
        #expect(try bench.broker(of: server.address) == broker)
    }

    @Test("that another program uses is refused in words")
    func busy() throws {
        let bench = try Bench()
        let server = try Ser2net(bench, serving: bench.a)
        let taken = try #require(
            try SocketAddress.resolve(host: "127.0.0.1", port: server.port, onlyIPv6: false).first
        ).connect(timeoutMilliseconds: 5000)
        var requests = [PollRequest(taken.number)]
        #expect(try pollDescriptors(&requests, timeoutMilliseconds: 10_000))
        let error = #expect(throws: ComError.self) { try bench.open(server.address) }
        #expect(error?.kind == .portUnavailable)
        #expect(error?.description.contains("ends the connection at once") == true, "\(error)")
    }

    @Test("that is served without RFC 2217 is refused with what to do")
    func plainTelnet() throws {
        let bench = try Bench()
        let server = try Ser2net(bench, serving: bench.a, accepter: "telnet")
        let error = #expect(throws: ComError.self) { try bench.open(server.address) }
        #expect(error?.description.contains("without RFC 2217") == true, "\(error)")
        #expect(error?.description.contains("telnet(rfc2217)") == true)
    }

    @Test("where nobody listens is refused, with the system's reason")
    func nobody() throws {
        let bench = try Bench()
        let port = try SocketAddress.any(port: 0, isIPv6: false)
            .listen(onlyIPv6: false, backlog: 1).1
        let error = #expect(throws: ComError.self) { try bench.open("rfc2217://127.0.0.1:\(port)") }
        #expect(
            error?.description.contains("cannot be reached: connect: Connection refused") == true
        )
        #expect(bench.brokers.isEmpty)
    }

    @Test("whose server talks nonsense, or nothing, is given up in time")
    func nonsense() throws {
        let bench = try Bench()
        for flood in [true, false] {
            let (listener, port) = try SocketAddress.any(port: 0, isIPv6: false)
                .listen(onlyIPv6: false, backlog: 1)
            let opening = Background { try bench.open("rfc2217://127.0.0.1:\(port)") }
            var requests = [PollRequest(listener.number)]
            #expect(try pollDescriptors(&requests, timeoutMilliseconds: 20_000))
            let peer = try #require(try SocketAddress.accept(from: listener)).0
            let bytes = noise(4096, seed: 9).map { $0 & 1 == 0 ? 255 : $0 }[...]
            var isOpen = true
            while flood && isOpen {
                requests = [PollRequest(peer.number, read: false, write: true)]
                _ = try pollDescriptors(&requests, timeoutMilliseconds: 100)
                isOpen = (try? peer.write(bytes)) != nil
            }
            #expect(throws: ComError.self) { try opening.value() }
        }
    }

    @Test("needs an address that is one")
    func badAddress() throws {
        let bench = try Bench()
        let error = #expect(throws: ComError.self) { try bench.open("rfc2217://rack") }
        #expect(error?.kind == .badPort)
        #expect(
            error?.description
                == "port=rfc2217://rack is no address: it must be rfc2217://host:port, "
                + "such as rfc2217://rack7:4001."
        )
    }
}
