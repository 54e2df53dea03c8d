import Foundation
import Glibc
import LinuxSystem
import Testing

/// A program at a terminal of its own, with what it shows there.
final class Screen {
    private let terminal: PseudoTerminal
    private let process: Int32
    private var hasEnded = false
    private(set) var text = ""

    init(_ path: String, _ arguments: [String]) throws {
        terminal = try PseudoTerminal()
        let slave = try terminal.openSlave()
        process = try ProgramLauncher.start(path, arguments: arguments, onTerminal: terminal.path)
        withExtendedLifetime(slave) {}
        try terminal.master.setNonBlocking()
    }

    deinit {
        guard !hasEnded else { return }
        kill(process, SIGKILL)
        ProgramLauncher.waitForEnd(of: process)
    }

    func type(_ keys: String) {
        _ = try? terminal.master.write(Array(keys.utf8)[...])
    }

    /// Waits until the screen has shown a text, also before this call.
    ///
    /// - Parameter place: a text behind which it is to be.
    func wait(for words: String, behind place: String = "") throws {
        let deadline = monotonicNanoseconds() + 60_000_000_000
        func isShown() -> Bool {
            guard !place.isEmpty else { return text.contains(words) }
            return text.range(of: place).map { text[$0.upperBound...].contains(words) } ?? false
        }
        while !isShown() {
            var requests = [PollRequest(terminal.master.number)]
            try #require(
                try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline),
                "'\(words)' is not on the screen: \(text)"
            )
            do {
                text += String(
                    decoding: try terminal.master.read(maximum: 4096) ?? [],
                    as: UTF8.self
                )
            } catch {
                Issue.record("'\(words)' is not on the screen: \(text)")
                return
            }
        }
    }

    func waitForExit() -> Int32? {
        hasEnded = true
        return ProgramLauncher.waitForEnd(of: process)
    }
}
