internal import Glibc
internal import Synchronization

/// A question to the resolver that nobody waits for: getaddrinfo(3) may take half a minute where a name server does not
/// answer, so it runs on a thread of its own.
///
/// Who gives it up does not end the thread, which ends with the resolver's own patience.
public final class NameLookup {
    /// What came of it.
    public typealias Answer = Result<[SocketAddress], SocketAddress.ResolutionError>

    /// Readable (at its end) when there is an answer; for poll(2).
    public let descriptor: OwnedDescriptor
    private let question: Question

    /// Asks for a machine's addresses for TCP.
    ///
    /// - Throws: when there is no descriptor or no thread to be had.
    public init(host: String, port: Int, onlyIPv6: Bool) throws(SystemError) {
        let pipe = try ProgramLauncher.makePipe()
        descriptor = pipe.read
        question = Question(host, port, onlyIPv6, pipe.write)
        let work = Unmanaged.passRetained(question)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { work in
                if let work { Unmanaged<Question>.fromOpaque(work).takeRetainedValue().ask() }
                return nil
            },
            work.toOpaque()
        )
        guard failure == 0 else {
            work.release()
            throw SystemError("pthread_create", errorNumber: failure)
        }
        pthread_detach(thread)
    }

    /// The answer; nil while there is none.
    public var answer: Answer? { question.answer.withLock { $0 } }

    /// What both threads hold.
    private final class Question {
        let host: String
        let port: Int
        let onlyIPv6: Bool
        /// Closed when there is an answer; the asking thread's.
        private var end: OwnedDescriptor?
        let answer = Mutex<Answer?>(nil)

        init(_ host: String, _ port: Int, _ onlyIPv6: Bool, _ end: OwnedDescriptor) {
            self.host = host
            self.port = port
            self.onlyIPv6 = onlyIPv6
            self.end = end
        }

        func ask() {
            let result: Answer
            do {
                result = .success(
                    try SocketAddress.resolve(host: host, port: port, onlyIPv6: onlyIPv6)
                )
            } catch {
                result = .failure(error)
            }
            answer.withLock { $0 = result }
            end = nil
        }
    }
}
