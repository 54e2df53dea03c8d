import Console
import LinuxSystem
import WireCore

/// The log of a shared session: who came, and who typed what, when.
final class SessionJournal {
    private var file: OwnedDescriptor?

    /// Adds to a file from now on.
    func open(_ path: String) throws(SystemError) {
        file = try openLogFile(path, appending: true)
    }

    /// Adds a line; without effect while there is no file, and the end of it when it cannot be written.
    func note(_ text: String) {
        guard let file else { return }
        let line = Array("\(ProgramEnvironment.clockText) \(printableText(text))\n".utf8)
        guard let taken = try? file.write(line[...]), taken == line.count else {
            self.file = nil
            return printError("The log of the shared session cannot be written; it is closed.\n")
        }
    }
}
