import Console
import LinuxSystem

/// Where command lines come from: the console and the participants of the session, or with `-noio` only these.
final class PromptReader {
    private let console: LineReader?

    init(_ console: LineReader?) {
        self.console = console
    }

    func readLine(prompt: String, _ share: SessionShare) -> PromptLine {
        if let console { return console.readLine(prompt: prompt, companion: share) }
        while true {
            var requests = share.requests
            let wake = share.wakeNanoseconds.map { _ in 0 }
            guard share.isShared,
                (try? pollDescriptors(&requests, timeoutMilliseconds: wake)) != nil
            else { return .ended }
            if !share.attend(self) { return .stopped }
        }
    }
}

/// There is no line on a console that shows nothing.
extension PromptReader: PromptScreen {
    func hide() {}
    func show(prompt: String) {}
}
