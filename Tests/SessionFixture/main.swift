// Serves debug sessions to tests: `SessionFixture [--serial] [--log]` listens on a loopback port, prints it,
// and starts itself again for every connection (`--session FD`), one process a session, as dbgsrv does.

import ByteTransport
import DebugTarget
import Glibc
import LinuxSystem
import PtraceBackend
import RemoteServer

/// A connected socket as a stream.
final class SocketTransport: ByteTransport {
    let socket: OwnedDescriptor
    let link: LinkKind
    let peerName = "test"
    var descriptor: Int32 { socket.number }

    init(_ number: Int32, link: LinkKind) {
        socket = OwnedDescriptor(number)
        self.link = link
        try? socket.setNonBlocking()
    }

    func read(maximum: Int) -> ReadResult {
        do {
            guard let bytes = try socket.read(maximum: maximum) else { return .wouldBlock }
            return bytes.isEmpty ? .ended(.closed) : .bytes(bytes)
        } catch {
            return .ended(.failed("\(error)"))
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        try? socket.write(bytes)
    }

    func finishWriting() {
        shutdown(socket.number, Int32(SHUT_WR))
    }

    func close() {
        shutdown(socket.number, Int32(SHUT_RDWR))
    }
}

func say(_ text: String, on descriptor: Int32) {
    let bytes = Array(text.utf8)
    Glibc.write(descriptor, bytes, bytes.count)
}

func fail(_ message: String) -> Never {
    say("SessionFixture: \(message)\n", on: 2)
    exit(1)
}

nonisolated(unsafe) var endPipe: [Int32] = [-1, -1]

func prepareEnd() {
    guard pipe(&endPipe) == 0 else { fail("pipe") }
    signal(SIGTERM) { _ in
        var byte: UInt8 = 1
        Glibc.write(endPipe[1], &byte, 1)
    }
    signal(SIGPIPE, SIG_IGN)
}

func serve(_ socket: Int32, link: LinkKind, logs: Bool) throws -> SessionResult {
    prepareEnd()
    let transport = SocketTransport(socket, link: link)
    let session = ServerSession(transport: transport, target: try PtraceTarget())
    if logs {
        session.packetObserver = { fromClient, payload in
            let text = String(decoding: payload.prefix(300), as: UTF8.self)
            say((fromClient ? "-> " : "<- ") + text + "\n", on: 2)
        }
    }
    return try session.run { interest in
        var requests = [
            PollRequest(
                interest.transport,
                read: interest.wantsRead,
                write: interest.wantsWrite
            ),
            PollRequest(interest.target),
            PollRequest(endPipe[0]),
        ]
        try pollDescriptors(&requests)
        return SessionReadiness(
            transport: requests[0].isReadable || requests[0].isWritable,
            target: requests[1].isReadable,
            endRequested: requests[2].isReadable
        )
    }
}

func listenOnLoopback() -> (socket: Int32, port: UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            bind(listener, generic, length) == 0 && listen(listener, 16) == 0
                && getsockname(listener, generic, &length) == 0
        }
    }
    guard bound else { fail("cannot listen") }
    return (listener, UInt16(bigEndian: address.sin_port))
}

func startSession(_ connection: Int32, _ options: [String]) {
    var arguments: [UnsafeMutablePointer<CChar>?] =
        (["SessionFixture", "--session", "\(connection)"] + options).map { strdup($0) }
    arguments.append(nil)
    var child: pid_t = 0
    guard posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ) == 0 else {
        fail("cannot start a session")
    }
    for argument in arguments { free(argument) }
}

let options = Array(CommandLine.arguments.dropFirst())
let link: LinkKind = options.contains("--serial") ? .serial(baudRate: 115200) : .local

if let index = options.firstIndex(of: "--session"), let number = Int32(options[index + 1]) {
    do {
        switch try serve(number, link: link, logs: options.contains("--log")) {
        case .serverExitRequested: kill(getppid(), SIGTERM)
        default: break
        }
        exit(0)
    } catch {
        fail("\(error)")
    }
}

signal(SIGCHLD, SIG_IGN)
let (listener, port) = listenOnLoopback()
_ = fcntl(listener, F_SETFD, FD_CLOEXEC)
say("port \(port)\n", on: 1)
while true {
    let connection = accept(listener, nil, nil)
    guard connection >= 0 else { continue }
    var on: Int32 = 1
    setsockopt(
        connection,
        Int32(IPPROTO_TCP),
        TCP_NODELAY,
        &on,
        socklen_t(MemoryLayout<Int32>.size)
    )
    startSession(connection, options)
    close(connection)
}
