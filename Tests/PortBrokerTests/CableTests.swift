import Foundation
import LinuxSystem
import Testing

@Suite("dbgcom cable", .serialized)
struct CableTests {
    private func read(_ count: Int, from port: OwnedDescriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var requests = [PollRequest(port.number)]
            guard try pollDescriptors(&requests, timeoutMilliseconds: 20_000) else { break }
            bytes += try port.read(maximum: count - bytes.count) ?? []
        }
        return bytes
    }

    private func open(_ path: String) throws -> OwnedDescriptor {
        try openFile(path, flags: O_RDWR | O_NOCTTY)
    }

    private func write(_ bytes: [UInt8], to port: OwnedDescriptor) throws {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try port.write(rest)) }
    }

    private func report(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let object = try JSONSerialization.jsonObject(with: data)
        return try #require(object as? [String: Any])
    }

    @Test("carries every byte both ways at once, and reports how many")
    func bothWays() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let file = "\(folder)/cable-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let bench = try Bench(baud: 1_000_000, cable: ["--report", file])
        let (a, b) = (try open(bench.a), try open(bench.b))
        let (out, back) = (noise(60_000, seed: 1), noise(30_000, seed: 2))
        let writers = [Background { try write(out, to: a) }, Background { try write(back, to: b) }]
        let readers = [
            Background { try read(out.count, from: b) == out },
            Background { try read(back.count, from: a) == back },
        ]
        for writer in writers { try writer.value() }
        for reader in readers { #expect(try reader.value()) }
        bench.unplug()
        let figures = try report(file)
        #expect((figures["a-to-b"] as? [String: Int])?["bytes-out"] == 60_000)
        #expect((figures["b-to-a"] as? [String: Int])?["bytes-out"] == 30_000)
        #expect(figures["baud"] as? Int == 1_000_000)
    }

    @Test("is no faster than its baud rate")
    func paced() throws {
        let bench = try Bench(baud: 9600)
        let (a, b) = (try open(bench.a), try open(bench.b))
        let start = monotonicNanoseconds()
        try write([UInt8](repeating: 0x55, count: 480), to: a)
        #expect(try read(480, from: b).count == 480)
        // Only the lower bound: a busy machine makes anything late, but nothing may be early.
        #expect(monotonicNanoseconds() - start >= 499_000_000)
    }

    @Test("holds a writer up when nobody reads, and loses nothing")
    func backPressure() throws {
        let bench = try Bench(baud: 20_000_000)
        let (a, b) = (try open(bench.a), try open(bench.b))
        try a.setNonBlocking()
        var written = 0
        var requests = [PollRequest(a.number, read: false, write: true)]
        while try pollDescriptors(&requests, timeoutMilliseconds: 500) {
            written += try a.write([UInt8](repeating: UInt8(written & 0xFF), count: 1)[...])
        }
        #expect(written < 200_000)
        let bytes = try read(written, from: b)
        #expect(bytes == (0..<written).map { UInt8($0 & 0xFF) })
    }

    @Test("does the same damage for the same seed")
    func seeded() throws {
        func run() throws -> [UInt8] {
            let bench = try Bench(
                baud: 1_000_000,
                cable: ["--bit-error-rate", "1e-3", "--seed", "5"]
            )
            let (a, b) = (try open(bench.a), try open(bench.b))
            try write(noise(5000, seed: 3), to: a)
            // Some are lost: what matters is where the damage lies.
            return try read(4800, from: b)
        }
        let first = try run()
        #expect(first != Array(noise(5000, seed: 3).prefix(4800)))
        #expect(try run() == first)
    }

    @Test("loses everything while it is cut")
    func cut() throws {
        let bench = try Bench(baud: 1_000_000, cable: ["--cut-after", "0", "--cut-for", "1000"])
        let (a, b) = (try open(bench.a), try open(bench.b))
        try write(noise(500, seed: 3), to: a)
        var requests = [PollRequest(b.number)]
        #expect(try !pollDescriptors(&requests, timeoutMilliseconds: 200))
    }

    @Test("is cut and joined again on a schedule")
    func cutSchedule() throws {
        let options = ["--cut-after", "0", "--cut-for", "0.2", "--cut-every", "0.4"]
        let bench = try Bench(baud: 1_000_000, cable: options)
        let (a, b) = (try open(bench.a), try open(bench.b))
        var got = 0
        var requests = [PollRequest(b.number)]
        for _ in 0..<200 {
            try write([0x55], to: a)
            if try pollDescriptors(&requests, timeoutMilliseconds: 5) {
                got += try b.read(maximum: 64)?.count ?? 0
            }
        }
        #expect(got > 0 && got < 200)
    }

    @Test("is cut by SIGUSR1 and joined by SIGUSR2")
    func cutByHand() throws {
        let bench = try Bench(baud: 1_000_000)
        let (a, b) = (try open(bench.a), try open(bench.b))
        var requests = [PollRequest(b.number)]
        bench.signalCable(SIGUSR1)
        while true {
            // Until the signal has arrived, bytes do too.
            try write([1], to: a)
            guard try pollDescriptors(&requests, timeoutMilliseconds: 200) else { break }
            _ = try b.read(maximum: 64)
        }
        bench.signalCable(SIGUSR2)
        repeat {
            try write([2], to: a)
        } while try !pollDescriptors(&requests, timeoutMilliseconds: 50)
        #expect(try b.read(maximum: 1) == [2])
    }

    @Test("damages and loses the bytes that it is told to")
    func plannedFaults() throws {
        let bench = try Bench(
            baud: 1_000_000,
            cable: ["--flip-at", "3", "--drop-at", "5", "--drop-at", "6"]
        )
        let (a, b) = (try open(bench.a), try open(bench.b))
        try write([0, 1, 2, 3, 4, 5, 6, 7, 8], to: a)
        #expect(try read(7, from: b) == [0, 1, 2, 2, 4, 7, 8])
    }

    @Test("lets an end be closed and opened again without any harm")
    func reopened() throws {
        let bench = try Bench()
        for round in 0..<5 {
            let (a, b) = (try open(bench.a), try open(bench.b))
            try write([UInt8(round)], to: a)
            #expect(try read(1, from: b) == [UInt8(round)])
        }
    }

    @Test("takes its links away when it ends, and replaces those of a cable that was killed")
    func links() throws {
        let bench = try Bench()
        #expect(symbolicLinkTarget(bench.a)?.hasPrefix("/dev/pts/") == true)
        bench.unplug()
        #expect(symbolicLinkTarget(bench.a) == nil)
        #expect(symbolicLinkTarget(bench.b) == nil)
        symlink("/dev/pts/9999", bench.a)
        try bench.plugIn()
        #expect(symbolicLinkTarget(bench.a) != "/dev/pts/9999")
    }

    @Test("does not touch a file that is in the place of a link")
    func fileInTheWay() throws {
        let bench = try Bench()
        let file = bench.folder + "/file"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
        let answer = try bench.run(["cable", "--link-a", file])
        #expect(answer.status == 1)
        #expect(answer.error == "Error: The link \(file) cannot be made: File exists.\n")
        #expect(fileText(file) == "mine")
    }

    @Test(
        "says what is wrong with an option",
        arguments: [
            (["--baud", "1"], "baud=1: baud must be 50–20000000."),
            (["--bit-error-rate", "2"], "bit-error-rate=2.0: a chance is 0–1."),
            (["--drop-rate", "nan"], "drop-rate=nan: a chance is 0–1."),
            (["--latency-ms", "-1"], "latency-ms"),
            (["--burst-every", "0"], "burst-every=0.0: a number of bytes is at least 1."),
            (["--link-a", "/tmp/x", "--link-b", "/tmp/x"], "link-a and link-b are both /tmp/x."),
            (["--wobble"], "Unknown option '--wobble'"),
        ]
    )
    func badOptions(options: [String], words: String) throws {
        let bench = try Bench()
        let answer = try bench.run(["cable"] + options)
        #expect(answer.status != 0)
        #expect(answer.error.contains(words), "\(answer.error)")
    }
}
