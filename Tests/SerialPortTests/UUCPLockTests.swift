import Foundation
import LinuxSystem
import Testing

@testable import SerialPort

@Suite("The lock file of older programs")
struct UUCPLockTests {
    @Test("holds the process id in ten columns while the port is open, and is gone afterwards")
    func written() throws {
        let line = try Line()
        let port = try SerialPort(
            path: line.path,
            configuration: .init(baudRate: 9600),
            lockFolder: line.folder.path
        )
        let file = try #require(folderEntries(line.folder.path).first)
        #expect(file == "LCK..pts_" + line.path.dropFirst("/dev/pts/".count))
        let text = try #require(fileText("\(line.folder.path)/\(file)"))
        #expect(text.utf8.count == 11)
        #expect(text.hasSuffix("\(getpid())\n"))
        port.close()
        #expect(folderEntries(line.folder.path).isEmpty)
    }

    @Test("of a live program keeps the port from being opened")
    func respected() throws {
        let line = try Line()
        let name = "LCK..pts_" + line.path.dropFirst("/dev/pts/".count)
        _ = try line.folder.file(String(name), "         1\n")
        let error = #expect(throws: SerialPortError.self) {
            try SerialPort(
                path: line.path,
                configuration: .init(baudRate: 9600),
                lockFolder: line.folder.path
            )
        }
        guard case .lockFile(_, let file, let holder) = error else {
            Issue.record("not locked: \(String(describing: error))")
            return
        }
        #expect(holder.processID == 1)
        #expect(error?.description.contains("with the file \(file); if that program") == true)
    }

    @Test(
        "of a program that is gone is replaced",
        arguments: ["   4194305\n", "4194305", "\u{01}\u{00}@\u{00}"]
    )
    func stale(text: String) throws {
        let line = try Line()
        let name = "LCK..pts_" + line.path.dropFirst("/dev/pts/".count)
        let file = try line.folder.file(String(name), text)
        let port = try SerialPort(
            path: line.path,
            configuration: .init(baudRate: 9600),
            lockFolder: line.folder.path
        )
        #expect(UUCPLock.owner(of: file) == getpid())
        port.close()
    }

    @Test(
        "is not needed: a folder that cannot be written is no error",
        arguments: ["/proc", "/nonexistent"]
    )
    func noFolder(folder: String) throws {
        let line = try Line()
        let port = try SerialPort(
            path: line.path,
            configuration: .init(baudRate: 9600),
            lockFolder: folder
        )
        port.close()
    }

    @Test("with nonsense in it is no program's")
    func nonsense() throws {
        let folder = try ScratchFolder()
        for text in ["", "\n", "hello", "-5", "99999999999999"] {
            #expect(UUCPLock.owner(of: try folder.file("LCK..x", text)) == nil)
        }
    }
}
