import Foundation
import LinuxSystem
import Testing

@testable import Transports

@Suite("An adapter that is unplugged", .serialized)
struct HotplugTests {
    /// Reads from a pipe until so many bytes have come.
    private func read(_ count: Int, _ pipe: Pipe) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    @Test("and comes back under another name keeps its connections (T1, P9)")
    func replugged() throws {
        let bench = try Bench()
        let bed = try MockBed(bench.folder)
        try bed.plugIn(0, serialNumber: "A50285BI", terminal: try resolvedPath(bench.a))
        let listener = try bench.open(bench.b).listen(channel: 7)
        let (input, output) = (Pipe(), Pipe())
        let program = try bench.start(
            ["connect", "com1", "7", "--baud", "3000000"],
            input: input,
            output: output,
            error: FileHandle.standardError,
            environment: bed.environment
        )
        let far = try acceptOne(listener)
        input.fileHandleForWriting.write(Data("before".utf8))
        #expect(try far.read(exactly: 6) == Array("before".utf8))
        let logs = folderEntries(bench.folder).filter { $0.hasSuffix(".log") }

        bench.unplug()
        try bed.unplug(0)
        while !bench.brokers.isEmpty { usleep(2000) }
        input.fileHandleForWriting.write(Data("while".utf8))

        try bench.plugIn()
        // Another adapter comes first, and is not taken for it.
        let stranger = try PseudoTerminal()
        try bed.plugIn(1, serialNumber: "STRANGER", terminal: stranger.path)
        try bed.plugIn(3, serialNumber: "A50285BI", terminal: try resolvedPath(bench.a))
        #expect(try far.read(exactly: 5) == Array("while".utf8))
        try far.writeAll(Array("after".utf8))
        #expect(read(5, output) == Array("after".utf8))
        let said = logs.map { fileText("\(bench.folder)/\($0)", maximum: 1 << 20) ?? "" }.joined()
        #expect(said.contains("udev tells of a port: looking for COM1"), "\(said)")
        program.terminate()
        program.waitUntilExit()
        far.close()
    }

    @Test("is served on, though the path that was asked for leads nowhere any more (P9)")
    func servedOn() throws {
        let bench = try Bench()
        let bed = try MockBed(bench.folder)
        try bed.plugIn(0, serialNumber: "A50285BI", terminal: try resolvedPath(bench.a))
        let output = Pipe()
        let program = try bench.start(
            ["serve", "/dev/ttyUSB0", "7", "--baud", "3000000"],
            output: output,
            error: FileHandle.standardError,
            environment: bed.environment
        )
        while try !bench.log(of: bench.a).contains("listens on channel 7") { usleep(2000) }
        let broker = bench.brokers
        bench.unplug()
        try bed.unplug(0)
        while !bench.brokers.isEmpty { usleep(2000) }
        try bench.plugIn()
        try bed.plugIn(3, serialNumber: "A50285BI", terminal: try resolvedPath(bench.a))
        let near = try bench.open(bench.b).connect(channel: 7, waitMilliseconds: 60_000)
        try near.writeAll(Array("found".utf8))
        #expect(read(5, output) == Array("found".utf8))
        #expect(bench.brokers.contains(try #require(broker.first)))
        near.close()
        program.terminate()
        program.waitUntilExit()
    }
}
