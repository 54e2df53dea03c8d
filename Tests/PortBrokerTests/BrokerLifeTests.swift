import Foundation
import LinuxSystem
import Testing

@testable import Transports

@Suite("The life of a broker", .serialized)
struct BrokerLifeTests {
    @Test("begins with the first client, and one broker serves them all (P3)")
    func shared() throws {
        let bench = try Bench()
        #expect(bench.brokers.isEmpty)
        let first = try bench.open(bench.a)
        let broker = try bench.broker(of: bench.a)
        let second = try bench.open(bench.a)
        #expect(bench.brokers == [broker])
        #expect(first.devicePath == second.devicePath)
        #expect(first.devicePath.hasPrefix("/dev/pts/"))
    }

    @Test("is one life only when many programs start it at the same moment (P3, P6)")
    func race() throws {
        let bench = try Bench()
        let starters = (0..<8).map { _ in Background { try bench.open(bench.a) } }
        let clients = try starters.map { try $0.value() }
        #expect(clients.count == 8)
        #expect(bench.brokers.count == 1)
        #expect(try bench.log(of: bench.a).components(separatedBy: "line open").count == 2)
    }

    @Test(
        "ends when nobody has used the port for the idle time, and the port's settings return (P7)"
    )
    func idle() throws {
        let bench = try Bench()
        let port = try openFile(bench.a, flags: O_RDWR | O_NOCTTY)
        let before = try TerminalSettings(of: port)
        let answer = try bench.run(
            ["connect", bench.a, "1", "--wait", "0.05"],
            environment: ["DBGSRV_BROKER_IDLE_SECONDS": "0.3"]
        )
        #expect(answer.status == 1)
        let broker = try bench.broker(of: bench.a)
        while processIsAlive(broker) { usleep(2000) }
        #expect(try TerminalSettings(of: port) == before)
        #expect(!folderEntries(bench.folder).contains { $0.hasSuffix(".sock") })
        #expect(try bench.log(of: bench.a).contains("ending: nobody uses the port any more"))
    }

    @Test("ended by SIGTERM tells the far end and gives the settings back (P8)")
    func terminated() throws {
        let bench = try Bench()
        let port = try openFile(bench.b, flags: O_RDWR | O_NOCTTY)
        let before = try TerminalSettings(of: port)
        let listener = try bench.open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        bench.endBroker(try bench.broker(of: bench.b), SIGTERM)
        #expect(try near.readToEnd().isEmpty)
        #expect(try far.readToEnd().isEmpty)
        #expect(far.lastReason == "the peer left the link")
        #expect(try TerminalSettings(of: port) == before)
    }

    @Test(
        "that was killed leaves nothing that hinders the next one, and the far end hears of it (P6)"
    )
    func killed() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        let first = try bench.broker(of: bench.b)
        bench.endBroker(first, SIGKILL)
        #expect(try near.readToEnd().isEmpty)
        #expect(near.lastReason == "the broker of the port has ended")
        let (second, again) = try bench.connect(listener, from: try bench.open(bench.b))
        #expect(try bench.broker(of: bench.b) != first)
        #expect(try far.readToEnd().isEmpty)
        #expect(far.lastReason == "the peer restarted")
        try again.writeAll([42])
        #expect(try second.read(exactly: 1) == [42])
    }

    @Test("that was killed is noticed by its listeners, which can be renewed")
    func renewed() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 7)
        bench.endBroker(try bench.broker(of: bench.a), SIGKILL)
        var requests = [PollRequest(listener.descriptor)]
        #expect(try pollDescriptors(&requests, timeoutMilliseconds: 10_000))
        let error = #expect(throws: ComError.self) { try listener.accept() }
        #expect(error?.kind == .broker)
        #expect(listener.descriptor == -1)
        try listener.renew()
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        try near.writeAll([1])
        #expect(try far.read(exactly: 1) == [1])
    }

    @Test("ends with a pseudo-terminal that was given by its own path (P10)")
    func pseudoTerminalGone() throws {
        let bench = try Bench()
        let client = try bench.open(try resolvedPath(bench.a))
        let broker = try bench.broker(of: bench.a)
        bench.unplug()
        while processIsAlive(broker) { usleep(2000) }
        withExtendedLifetime(client) {}
    }

    @Test("keeps everybody to one baud rate, and says which and whose (R2)")
    func conflict() throws {
        let bench = try Bench()
        let client = try bench.open(bench.a, baud: 115_200)
        let error = #expect(throws: ComError.self) { try bench.open(bench.a, baud: 9600) }
        #expect(error?.kind == .portUnavailable)
        #expect(
            error?.description
                == "\(bench.a) is in use at 115200 baud 8N1 by test (pid \(getpid())); "
                + "9600 baud 8N1 cannot be had at the same time."
        )
        withExtendedLifetime(client) {}
    }

    @Test("keeps everybody to the same flow control, and says which (R2)")
    func flowConflict() throws {
        let bench = try Bench()
        let client = try bench.open(bench.a, baud: 115_200)
        var settings = ComPortClient.Settings(baudRate: 115_200)
        settings.flowControl = "xon-xoff"
        let error = #expect(throws: ComError.self) {
            try ComPortClient.open(
                port: bench.a,
                settings: settings,
                program: "test",
                runtimeFolder: bench.folder
            )
        }
        #expect(
            error?.description
                == "\(bench.a) is in use at 115200 baud 8N1 by test (pid \(getpid())); "
                + "115200 baud 8N1 flow=xon-xoff cannot be had at the same time."
        )
        withExtendedLifetime(client) {}
    }

    @Test("changes the baud rate when nobody else uses the port (R2)")
    func change() throws {
        let bench = try Bench()
        let port = try openFile(bench.a, flags: O_RDWR | O_NOCTTY)
        _ = try bench.open(bench.a, baud: 115_200)
        let broker = try bench.broker(of: bench.a)
        var changed: ComPortClient?
        // The broker hears a little later that the first client is gone.
        while changed == nil { changed = try? bench.open(bench.a, baud: 9600) }
        #expect(try bench.broker(of: bench.a) == broker)
        #expect(try TerminalSettings(of: port).outputSpeed == 9600)
    }

    @Test("gives a channel to one listener, and names it to the next (R3)")
    func channelBusy() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 3)
        let error = #expect(throws: ComError.self) { try bench.open(bench.a).listen(channel: 3) }
        #expect(error?.kind == .channelBusy)
        #expect(
            error?.description
                == "Channel 3 of \(bench.a) is served by test (pid \(getpid())) already."
        )
        withExtendedLifetime(listener) {}
    }

    @Test("frees a channel when its listener goes")
    func channelFreed() throws {
        let bench = try Bench()
        _ = try bench.open(bench.a).listen(channel: 3)
        var listener: ComChannelListener?
        while listener == nil { listener = try? bench.open(bench.a).listen(channel: 3) }
        #expect(listener?.channel == 3)
    }

    @Test("does not begin on a port that somebody else has, and names the holder (P5)")
    func busy() throws {
        let bench = try Bench()
        let port = try openFile(bench.a, flags: O_RDWR | O_NOCTTY)
        #expect(try tryLock(port))
        let error = #expect(throws: ComError.self) { try bench.open(bench.a) }
        #expect(error?.kind == .portUnavailable)
        let holder = DescriptorHolder(processID: getpid())
        let device = try resolvedPath(bench.a)
        #expect(error?.description == "The port \(device) is in use by \(holder.description).")
        #expect(bench.brokers.isEmpty)
        #expect(
            try bench.run(["connect", bench.a, "1"]).error == "Error: \(error?.description ?? "")\n"
        )
    }

    @Test("does not begin on a port that is not there")
    func absent() throws {
        let bench = try Bench()
        let error = #expect(throws: ComError.self) { try bench.open("/dev/ttyUSB250") }
        #expect(error?.kind == .badPort)
        #expect(error?.description.hasPrefix("There is no port /dev/ttyUSB250") == true)
    }

    @Test("is shown by dbgcom status, as text and as JSON")
    func status() throws {
        let bench = try Bench()
        let none = try bench.run(["status", bench.a])
        #expect(none.status == 1)
        #expect(none.error == "Error: No program uses channels of \(bench.a) now.\n")
        let listener = try bench.open(bench.a).listen(channel: 7)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        let text = try bench.run(["status", bench.a])
        #expect(text.status == 0)
        #expect(text.output.contains("3000000 baud 8N1"))
        let json = try bench.run(["status", bench.a, "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let figures = try #require(object as? [String: Any])
        #expect(figures["link"] as? String == "up")
        #expect((figures["channels"] as? [[String: Any]])?.count == 1)
        #expect((figures["clients"] as? [String])?.contains("test (pid \(getpid()))") == true)
        withExtendedLifetime((far, near)) {}
    }
}
