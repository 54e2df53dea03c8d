import Foundation
import LinuxSystem

/// A folder of a test's own, removed with the object.
final class ScratchFolder {
    let path: String

    init() throws {
        let template = strdup("/tmp/dbgsrv-serial-XXXXXX")
        defer { free(template) }
        guard let template, mkdtemp(template) != nil else { throw SystemError("mkdtemp") }
        path = String(cString: template)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// A pseudo-terminal whose slave stays open, so that its settings outlive the port under test.
struct Line {
    let terminal: PseudoTerminal
    let kept: OwnedDescriptor
    let folder: ScratchFolder

    init() throws {
        terminal = try PseudoTerminal()
        kept = try terminal.openSlave()
        try terminal.master.setNonBlocking()
        folder = try ScratchFolder()
    }

    var path: String { terminal.path }

    /// Reads from the simulating end until `count` bytes have come.
    func receive(_ count: Int) throws -> [UInt8] {
        try collect(count, from: terminal.master)
    }
}

/// Reads until `count` bytes have come or ten seconds have passed.
func collect(_ count: Int, from descriptor: OwnedDescriptor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
        var requests = [PollRequest(descriptor.number)]
        guard try pollDescriptors(&requests, timeoutMilliseconds: 10_000) else { break }
        bytes += try descriptor.read(maximum: count - bytes.count) ?? []
    }
    return bytes
}
