internal import CLinuxShims
internal import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, CustomStringConvertible {
    private var storage: sockaddr_storage
    private var length: socklen_t

    /// What getaddrinfo(3) had to say.
    public struct ResolutionError: Error, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// The addresses of a machine for TCP, in the resolver's order of preference.
    public static func resolve(
        host: String,
        port: Int,
        onlyIPv6: Bool
    ) throws(ResolutionError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = onlyIPv6 ? AF_INET6 : AF_UNSPEC
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.bracketsRemoved, "\(port)", &hints, &list)
        guard code == 0 else {
            throw ResolutionError(
                description:
                    "there is no machine '\(host)' (\(String(cString: gai_strerror(code))))"
            )
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ai_addr {
                addresses.append(SocketAddress(copying: address, length: entry.ai_addrlen))
            }
            next = entry.ai_next
        }
        return addresses
    }

    /// All addresses of this machine.
    public static func any(port: Int, isIPv6: Bool) -> SocketAddress {
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            return withUnsafeBytes(of: &address) { SocketAddress(bytes: $0) }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        return withUnsafeBytes(of: &address) { SocketAddress(bytes: $0) }
    }

    private init(bytes: UnsafeRawBufferPointer) {
        storage = sockaddr_storage()
        length = socklen_t(bytes.count)
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
    }

    private init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
        self.init(
            bytes: UnsafeRawBufferPointer(
                start: UnsafeRawPointer(address),
                count: min(Int(length), MemoryLayout<sockaddr_storage>.size)
            )
        )
    }

    private func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result)
        -> Result
    {
        withUnsafeBytes(of: storage) { bytes in
            // SAFETY: sockaddr_storage is made to be looked at as any sockaddr (POSIX sys/socket.h).
            body(bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped, length)
        }
    }

    /// Begins to connect; when the socket is writable, `pendingError` says how that went.
    public func startConnecting() throws(SystemError) -> OwnedDescriptor {
        let socket = try openSocket()
        let answer = withPointer { Glibc.connect(socket.number, $0, $1) }
        guard answer == 0 || errno == EINPROGRESS else { throw SystemError("connect") }
        return socket
    }

    /// Connects; the socket stays non-blocking.
    public func connect(timeoutMilliseconds: Int) throws(SystemError) -> OwnedDescriptor {
        let socket = try startConnecting()
        let deadline = monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        while true {
            let now = monotonicNanoseconds()
            guard now < deadline else { throw SystemError("connect", errorNumber: ETIMEDOUT) }
            var requests = [PollRequest(socket.number, read: false, write: true)]
            let left = Int((deadline - now) / 1_000_000) + 1
            if try pollDescriptors(&requests, timeoutMilliseconds: left) { break }
        }
        let failure = try pendingError(of: socket)
        if failure != 0 { throw SystemError("connect", errorNumber: failure) }
        return socket
    }

    /// Binds and listens.
    ///
    /// - Parameter sharesPort: whether other processes of this user may listen on the same port; the kernel gives
    ///   each connection to one of them (SO_REUSEPORT, socket(7)).
    /// - Returns: the listening socket and its port.
    public func listen(
        onlyIPv6: Bool,
        backlog: Int32,
        sharesPort: Bool = false
    ) throws(SystemError) -> (OwnedDescriptor, Int) {
        let socket = try openSocket()
        try setSocketOption(socket, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort { try setSocketOption(socket, SOL_SOCKET, SO_REUSEPORT, 1) }
        if storage.ss_family == sa_family_t(AF_INET6) {
            try setSocketOption(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, onlyIPv6 ? 1 : 0)
        }
        try systemCall("bind") { withPointer { bind(socket.number, $0, $1) } }
        try systemCall("listen") { Glibc.listen(socket.number, backlog) }
        return (socket, try SocketAddress.local(of: socket).port)
    }

    /// Takes a waiting connection, non-blocking; nil when there is none.
    public static func accept(
        from listener: OwnedDescriptor
    ) throws(SystemError) -> (OwnedDescriptor, SocketAddress)? {
        var address = SocketAddress(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = withUnsafeMutableBytes(of: &address.storage) { bytes in
            clinux_accept4(listener.number, bytes.baseAddress, &length, flags)
        }
        if number < 0 {
            let transient = [EAGAIN, EINTR, ECONNABORTED, EPROTO]
            if transient.contains(errno) { return nil }
            throw SystemError("accept")
        }
        address.length = length
        return (OwnedDescriptor(number), address)
    }

    /// Where a socket of this machine is bound (getsockname(2)).
    public static func local(of socket: OwnedDescriptor) throws(SystemError) -> SocketAddress {
        try asked("getsockname") { getsockname(socket.number, $0, $1) }
    }

    /// An address that a system call fills in.
    static func asked(
        _ name: String,
        _ query: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(SystemError) -> SocketAddress {
        var address = SocketAddress(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let answer = withUnsafeMutableBytes(of: &address.storage) { bytes in
            // SAFETY: sockaddr_storage is made to be looked at as any sockaddr (POSIX sys/socket.h).
            query(
                bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.unsafelyUnwrapped,
                &length
            )
        }
        guard answer == 0 else { throw SystemError(name) }
        address.length = length
        return address
    }

    /// Whether it is one of the Internet's.
    var isInternet: Bool {
        [AF_INET, AF_INET6].contains(Int32(storage.ss_family))
    }

    private func openSocket() throws(SystemError) -> OwnedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return OwnedDescriptor(
            try systemCall("socket") { socket(Int32(storage.ss_family), type, 0) }
        )
    }

    /// The port.
    public var port: Int { Int(numericParts.port) ?? 0 }

    /// `[::1]:5005` or `127.0.0.1:5005`.
    public var description: String {
        let host = machine
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The machine's address without the port; an IPv4 address as such, also where IPv6 carries it.
    public var machine: String {
        guard let bytes = addressBytes, bytes.starts(with: Self.mappedPrefix) else {
            return numericParts.host
        }
        return bytes[12...].map { "\($0)" }.joined(separator: ".")
    }

    /// Whether it is an address that only this machine reaches (127.0.0.0/8, ::1).
    public var isLoopback: Bool { machine == "::1" || machine.hasPrefix("127.") }

    /// Where the machine is, as far as an address tells: an IPv4 address, or the 64 bits of an IPv6 address that
    /// name a network (RFC 4291), in which everybody has as many addresses as they like.
    public var origin: String {
        guard let bytes = addressBytes, !bytes.starts(with: Self.mappedPrefix) else {
            return machine
        }
        let isLocal = bytes.dropLast().allSatisfy { $0 == 0 }
        if isLocal || bytes.starts(with: [0xfe, 0x80]) { return machine }
        let network = stride(from: 0, to: 8, by: 2).map { place in
            String(Int(bytes[place]) << 8 | Int(bytes[place + 1]), radix: 16)
        }
        return network.joined(separator: ":") + "::/64"
    }

    /// `::ffff:0:0/96`, which stands before an IPv4 address.
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    /// The 16 bytes of an IPv6 address.
    private var addressBytes: [UInt8]? {
        guard storage.ss_family == sa_family_t(AF_INET6),
            let start = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)
        else { return nil }
        return withUnsafeBytes(of: storage) { Array($0[start..<start + 16]) }
    }

    private var numericParts: (host: String, port: String) {
        var host = [CChar](repeating: 0, count: 128)
        var service = [CChar](repeating: 0, count: 16)
        let code = withPointer { address, length in
            getnameinfo(
                address,
                length,
                &host,
                socklen_t(host.count),
                &service,
                socklen_t(service.count),
                NI_NUMERICHOST | NI_NUMERICSERV
            )
        }
        return code == 0 ? (String(fromC: host), String(fromC: service)) : ("?", "0")
    }
}

/// Sets an integer socket option (setsockopt(2)).
public func setSocketOption(
    _ socket: OwnedDescriptor,
    _ level: Int32,
    _ name: Int32,
    _ value: Int32
) throws(SystemError) {
    var value = value
    try systemCall("setsockopt") {
        setsockopt(socket.number, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Acknowledges what has come over a TCP connection at once (TCP_QUICKACK, tcp(7)).
///
/// For peers that write an answer in two pieces and keep the second until the first is acknowledged. Linux forgets the
/// wish, so it is renewed after each read; other sockets pass over it.
public func acknowledgeAtOnce(_ socket: Int32) {
    var value: Int32 = 1
    setsockopt(
        socket,
        Int32(IPPROTO_TCP),
        TCP_QUICKACK,
        &value,
        socklen_t(MemoryLayout<Int32>.size)
    )
}

/// SO_ERROR: how a non-blocking connect ended, 0 when it succeeded.
public func pendingError(of socket: OwnedDescriptor) throws(SystemError) -> Int32 {
    var failure: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    try systemCall("getsockopt") {
        getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &failure, &length)
    }
    return failure
}

/// shutdown(2) of the writing side; without effect on what is no socket.
public func shutDownWriting(_ descriptor: OwnedDescriptor) {
    shutdown(descriptor.number, Int32(SHUT_WR))
}

extension String {
    /// The text of a C buffer up to its zero byte.
    init(fromC buffer: [CChar]) {
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        self = String(decoding: bytes, as: UTF8.self)
    }

    /// `[::1]` written as an address without its brackets.
    fileprivate var bracketsRemoved: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
