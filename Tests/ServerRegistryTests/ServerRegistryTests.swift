import DiscoveryProtocol
import Foundation
import LinuxSystem
import Testing

@testable import ServerRegistry

/// The registry's place comes from the environment, which a process has one of.
@Suite("The registry of servers", .serialized)
struct ServerRegistryTests {
    /// A folder for root's registrations, where the tests of one case put theirs.
    private final class Place {
        let folder: String

        init() throws {
            var template = Array("/tmp/dbgsrv-registry-XXXXXX".utf8CString)
            let made = try #require(mkdtemp(&template).map { String(cString: $0) })
            folder = made + "/servers.d"
            chmod(made, 0o755)
            setenv("DBGSRV_SERVERS_DIR", folder, 1)
            setenv("DBGSRV_RUNTIME_DIR", made + "/run", 1)
        }

        deinit {
            unsetenv("DBGSRV_SERVERS_DIR")
            unsetenv("DBGSRV_RUNTIME_DIR")
            try? FileManager.default.removeItem(
                atPath: (folder as NSString).deletingLastPathComponent
            )
        }

        /// The files that are there.
        var files: [String] { folderEntries(folder) }

        func write(_ text: String, to name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
    }

    private func register(_ transport: String) throws -> ServerRegistration {
        try ServerRegistry.register(
            type: ServerEntry.processServer,
            transport: transport,
            program: "test/1"
        )
    }

    /// The file of a server whose process does not run.
    private func record(
        process: Int32,
        start: UInt64 = 1,
        boot: String? = nil
    ) throws -> String {
        let bootID = try boot ?? #require(ProcFS.text(of: "/proc/sys/kernel/random/boot_id"))
        let record = ServerRecord(
            entry: ServerEntry(
                type: ServerEntry.processServer,
                transport: "npipe:Pipe=old",
                program: "test/1",
                processID: process
            ),
            startTicks: start,
            bootID: bootID,
            startedAt: 1
        )
        return String(decoding: record.encoded, as: UTF8.self)
    }

    @Test(
        "DIS-1: a server is listed as long as it is held, in a file that others may read and not write"
    )
    func life() throws {
        let place = try Place()
        do {
            let server = try register("tcp:Port=53:60,Password=*")
            let listed = ServerRegistry.visibleServers()
            #expect(listed.map(\.transport) == ["tcp:Port=53:60,Password=*"])
            #expect(listed.first?.processID == getpid())
            #expect(listed.first?.isStale == false)
            let file = try #require(place.files.first)
            let status = try FileAttributes(linkPath: "\(place.folder)/\(file)")
            #expect(status.permissions == 0o644)
            #expect(try FileAttributes(linkPath: place.folder).permissions == 0o755)
            withExtendedLifetime(server) {}
        }
        #expect(place.files.isEmpty)
        #expect(ServerRegistry.visibleServers().isEmpty)
    }

    @Test("several servers are listed in the order of their beginning")
    func several() throws {
        let place = try Place()
        let servers = try (0..<5).map { try register("npipe:Pipe=\($0)") }
        #expect(ServerRegistry.visibleServers().count == 5)
        #expect(place.files.count == 5)
        withExtendedLifetime(servers) {}
    }

    @Test("DIS-2: an entry of a dead process, of its successor, or of before a restart is stale")
    func stale() throws {
        let place = try Place()
        _ = try register("x")
        let own = getpid()
        let start = try #require(ProcFS.statistics(of: own)?.startTicks)
        try place.write(record(process: 4_194_304), to: "1-1.server")
        try place.write(record(process: own, start: start &+ 1), to: "1-2.server")
        try place.write(record(process: own, start: start, boot: "another"), to: "1-3.server")
        try place.write(record(process: own, start: start), to: "1-4.server")
        let listed = ServerRegistry.visibleServers()
        #expect(listed.count == 4)
        #expect(listed.filter(\.isStale).count == 3)
    }

    @Test("DIS-2: a killed process is stale even before its parent has looked after it")
    func zombie() throws {
        let place = try Place()
        _ = try register("x")
        let null = try openFile("/dev/null", flags: O_RDWR)
        let process = try ProgramLauncher.start(
            "/bin/sleep",
            arguments: ["100"],
            descriptors: [null, null, null],
            newSession: false
        )
        let start = try #require(ProcFS.statistics(of: process)?.startTicks)
        try place.write(record(process: process, start: start), to: "1-1.server")
        #expect(ServerRegistry.visibleServers().map(\.isStale) == [false])
        kill(process, SIGKILL)
        let deadline = Date(timeIntervalSinceNow: 30)
        while ProcFS.statistics(of: process)?.state != "Z", Date() < deadline { usleep(1000) }
        #expect(ServerRegistry.visibleServers().map(\.isStale) == [true])
        ProgramLauncher.waitForEnd(of: process)
        #expect(ServerRegistry.visibleServers().map(\.isStale) == [true])
    }

    @Test("DIS-2: the next server of the same user clears away what a killed one has left")
    func cleared() throws {
        let place = try Place()
        _ = try register("x")
        try place.write(record(process: 4_194_304), to: "1-1.server")
        try place.write("half a l", to: ".4194304-7.server")
        try place.write(record(process: getpid(), start: 0), to: "1-2.server")
        #expect(place.files.count == 3)
        let server = try register("npipe:Pipe=new")
        #expect(ServerRegistry.visibleServers().map(\.transport) == ["npipe:Pipe=new"])
        #expect(place.files.count == 1)
        withExtendedLifetime(server) {}
    }

    @Test("DIS-8: symlinks, FIFOs, folders, long files and other people's files do no harm")
    func foreign() throws {
        let place = try Place()
        let server = try register("npipe:Pipe=good")
        let folder = place.folder
        try place.write(record(process: getpid()), to: "outside")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/a.server",
            withDestinationPath: "\(folder)/outside"
        )
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/b.server",
            withDestinationPath: "/dev/zero"
        )
        mkfifo("\(folder)/c.server", 0o644)
        try FileManager.default.createDirectory(
            atPath: "\(folder)/d.server",
            withIntermediateDirectories: false
        )
        try place.write(String(repeating: "x", count: 1 << 20), to: "e.server")
        try place.write("", to: "f.server")
        if geteuid() == 0 {
            try place.write(record(process: getpid()), to: "g.server")
            chown("\(folder)/g.server", 65534, 65534)
        } else {
            print("another user's file is not tried: only root can make one")
        }
        #expect(ServerRegistry.visibleServers().map(\.transport) == ["npipe:Pipe=good"])
        // Nor does clearing up follow a link or remove what is not its own.
        let second = try register("npipe:Pipe=better")
        #expect(Files.exists("\(folder)/outside"))
        #expect(place.files.count == (geteuid() == 0 ? 10 : 9))
        withExtendedLifetime((server, second)) {}
    }

    @Test(
        "DIS-8: a folder that others can write to, or that is a symlink, is not believed, nor written to"
    )
    func untrusted() throws {
        let place = try Place()
        _ = try register("x")
        try place.write(record(process: getpid()), to: "1.server")
        #expect(ServerRegistry.visibleServers().count == 1)
        chmod(place.folder, 0o777)
        #expect(ServerRegistry.visibleServers().isEmpty)
        if geteuid() == 0 {
            #expect(throws: ServerRegistryError.self) { try register("y") }
        }
        chmod(place.folder, 0o755)
        let real = place.folder + ".real"
        rename(place.folder, real)
        symlink(real, place.folder)
        #expect(ServerRegistry.visibleServers().isEmpty)
        unlink(place.folder)
    }

    @Test("a thousand files are read in a moment")
    func many() throws {
        let place = try Place()
        _ = try register("x")
        for number in 0..<1200 {
            try place.write(record(process: 4_194_304), to: "\(number).server")
        }
        let start = Date()
        let listed = ServerRegistry.visibleServers()
        #expect(listed.count == ServerRegistry.filesMax)
        #expect(Date().timeIntervalSince(start) < 10)
    }
}
