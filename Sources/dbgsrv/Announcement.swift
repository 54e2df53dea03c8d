internal import ConnectionStrings
internal import DiscoveryProtocol
internal import LinuxSystem
internal import Logging
internal import ServerRegistry

/// A server's place in the lists of `cdb -QR`, and its part in answering other machines.
///
/// It is a convenience: whatever goes wrong with it is logged, and the server serves.
final class Announcement {
    private let registration: ServerRegistration?
    private let responder: DiscoveryResponder?
    private let logger: Logger

    /// Registers a server that listens, unless it is to be hidden.
    ///
    /// - Parameters:
    ///   - displayedName: the connection string as lists show it.
    ///   - answersOthers: false for `--no-discovery`.
    init(
        _ connection: ConnectionString,
        displayedName: String,
        answersOthers: Bool,
        logger: Logger
    ) {
        self.logger = logger
        guard connection.isListed else {
            registration = nil
            responder = nil
            return
        }
        do {
            registration = try ServerRegistry.register(
                type: ServerEntry.processServer,
                transport: displayedName,
                program: programName
            )
        } catch {
            logger.warning("\(error) cdb -QR does not show this server.")
            registration = nil
        }
        do {
            responder = answersOthers && registration != nil ? try DiscoveryResponder() : nil
        } catch {
            logger.warning("other machines cannot ask for this one's servers: \(error)")
            responder = nil
        }
    }

    /// What to poll for: a machine that asks.
    var request: PollRequest { PollRequest(responder?.descriptor ?? -1) }

    /// How long to poll at the most, in milliseconds; nil for as long as it takes.
    var waitMilliseconds: Int? { responder?.waitMilliseconds }

    /// Answers those who ask.
    func answer() {
        for asker in responder?.answer() ?? [] {
            logger.info("\(asker) asked for the servers here")
        }
    }
}
