internal import COpenSSL

/// One end of a TLS connection: bytes in, bytes out; sockets, clocks and files are other people's affair.
///
/// What arrives goes into `receive`; then `advance` until the handshake is done, and `read`. What is to leave
/// is taken with `takeOutput` after any call. Nothing grows past the named limits as long as the owner gives
/// no more bytes in while `outputCount` is over `outputBytesMax`.
public final class TLSConnection {
    /// Which end it is; it says nothing about who connected to whom.
    public enum Role: Sendable {
        /// The end that begins to speak.
        case client
        /// The end that shows its certificate first.
        case server
    }

    /// How the handshake stands.
    public enum Progress: Sendable, Equatable {
        /// Bytes of the peer are needed.
        case needsInput
        /// The handshake is done.
        case done
        /// It has failed; words for the user. The alert for the peer waits to be taken.
        case failed(String)
    }

    /// What one read gave.
    public enum ReadResult: Sendable, Equatable {
        /// Bytes, at least one.
        case bytes([UInt8])
        /// More bytes of the peer are needed.
        case needsInput
        /// The peer has ended its direction in order (close_notify).
        case closed
        /// The connection has failed; words for the user.
        case failed(String)
    }

    /// While so many bytes wait to be taken, nothing more is enciphered.
    public static let outputBytesMax = 65_536
    /// The longest chain of certificates that a peer may show, in bytes.
    static let chainBytesMax = 32_768
    /// OpenSSL's level at the least: 112 bits, RSA from 2048 bits on, no SHA-1.
    static let securityLevelMin: Int32 = 2
    /// TLS 1.2: a fresh key for each connection, and ciphers that detect tampering.
    static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"

    private let role: Role
    private let verifier: PeerVerifier
    private let keyLog: ((String) -> Void)?
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    /// Owned by `ssl`.
    private let input: OpaquePointer
    private let output: OpaquePointer
    private var hasFinishedWriting = false
    /// The first bytes that came, when they are no TLS.
    public private(set) var plainBeginning: [UInt8]?
    private var hasSeenInput = false
    private var failure: String?

    /// Makes an end of a new connection.
    public init(_ configuration: TLSConfiguration, role: Role) {
        precondition(role == .client || configuration.identity != nil, "a server has a certificate")
        self.role = role
        keyLog = configuration.keyLog
        verifier = PeerVerifier(
            configuration.trust,
            checks: role == .client ? .server : .client
        )
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_method()), let input = BIO_new(BIO_s_mem()),
            let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("OpenSSL has TLS") }
        Self.limit(context, configuration.versions)
        if let identity = configuration.identity, !Self.show(identity, in: context) {
            failure = "this end's certificate cannot be used (see TLSIdentity.weakness)"
        }
        verifier.install(in: context)
        guard let ssl = SSL_new(context) else { preconditionFailure("OpenSSL has TLS") }
        copenssl_wait_at_end(input)
        copenssl_wait_at_end(output)
        SSL_set_bio(ssl, input, output)
        (self.context, self.ssl, self.input, self.output) = (context, ssl, input, output)
        if role == .client { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
        if case .systemAuthorities(let host) = configuration.trust { name(host) }
        if case .authorities(_, let host?) = configuration.trust { name(host) }
        installKeyLog()
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    private static func limit(_ context: OpaquePointer, _ versions: TLSVersions) {
        let lowest = versions == .only13 ? TLS1_3_VERSION : TLS1_2_VERSION
        let highest = versions == .only12 ? TLS1_2_VERSION : TLS1_3_VERSION
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(lowest), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(highest), nil)
        SSL_CTX_set_options(context, copenssl_connection_options)
        // Sessions are not resumed: each connection is authenticated, and no ticket crosses a slow line.
        SSL_CTX_set_num_tickets(context, 0)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, chainBytesMax, nil)
        SSL_CTX_set_max_early_data(context, 0)
        SSL_CTX_set_security_level(
            context,
            max(securityLevelMin, SSL_CTX_get_security_level(context))
        )
        precondition(SSL_CTX_set_cipher_list(context, ciphers) == 1, "OpenSSL has AES-GCM")
    }

    /// Makes a context show an identity; false leaves the reason in OpenSSL's error queue.
    private static func show(_ identity: TLSIdentity, in context: OpaquePointer) -> Bool {
        SSL_CTX_use_certificate(context, identity.chain[0].pointer) == 1
            && identity.chain.dropFirst().allSatisfy {
                copenssl_add_chain_certificate(context, $0.pointer) == 1
            }
            && SSL_CTX_use_PrivateKey(context, identity.key.pointer) == 1
    }

    /// Why nobody could use an identity, `ee key too small`; nil for one that is good enough.
    static func weakness(of identity: TLSIdentity) -> String? {
        guard let context = SSL_CTX_new(TLS_method()) else {
            preconditionFailure("OpenSSL has TLS")
        }
        defer {
            SSL_CTX_free(context)
            ERR_clear_error()
        }
        ERR_clear_error()
        limit(context, .family)
        guard !show(identity, in: context) else { return nil }
        return ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "unknown"
    }

    /// Tells a server with several certificates which one is meant (RFC 6066, section 3).
    private func name(_ host: String) {
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        guard role == .client, !isAddress else { return }
        var bytes = Array(host.utf8) + [0]
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &bytes)
    }

    private func installKeyLog() {
        guard keyLog != nil else { return }
        // SAFETY: the callback runs in calls on this object only.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_CTX_set_keylog_callback(context) { ssl, line in
            guard let ssl, let line, let this = SSL_get_ex_data(ssl, 0) else { return }
            let connection = Unmanaged<TLSConnection>.fromOpaque(this).takeUnretainedValue()
            connection.keyLog?(String(cString: line))
        }
    }

    // MARK: - Bytes of the wire

    /// Takes bytes that arrived from the peer.
    public func receive(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty, failure == nil else { return }
        if !hasSeenInput {
            hasSeenInput = true
            if let words = words(forBeginning: bytes) {
                plainBeginning = Array(bytes.prefix(16))
                failure = words
            }
        }
        bytes.withUnsafeBytes { buffer in
            _ = BIO_write(input, buffer.baseAddress, Int32(clamping: buffer.count))
        }
    }

    /// How many bytes wait to be taken.
    public var outputCount: Int { BIO_ctrl_pending(output) }

    /// Takes bytes that are to go to the peer.
    public func takeOutput(maximum: Int = outputBytesMax) -> [UInt8] {
        takeAll(from: output, maximum: maximum)
    }

    /// What somebody who does not speak TLS at all begins with, in words; nil for TLS.
    ///
    /// A record's first byte is 22 (handshake) or 21 (alert), its second the protocol's major version, 3.
    private func words(forBeginning bytes: ArraySlice<UInt8>) -> String? {
        let isRecord = bytes.first == 22 || bytes.first == 21 && role == .client
        let version = bytes.dropFirst().first ?? 3
        guard !isRecord || version != 3 else { return nil }
        let shown = bytes.prefix(100).prefix { $0 != 10 && $0 != 13 }.map { byte in
            (0x20..<0x7f).contains(byte) ? String(UnicodeScalar(byte)) : "."
        }
        let peer = role == .client ? "server" : "client"
        return "the \(peer) does not speak TLS: it begins with '\(shown.joined())'"
    }

    // MARK: - Handshake

    /// Goes on with the handshake as far as the bytes received allow.
    public func advance() -> Progress {
        if let failure { return .failed(failure) }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsInput
        case SSL_ERROR_ZERO_RETURN: return .failed(fail("the peer ended the TLS handshake"))
        default: return .failed(fail(describeFailure(role: role, refusal: verifier.refusal)))
        }
    }

    /// Whether the handshake is done.
    public var isEstablished: Bool { SSL_is_init_finished(ssl) == 1 }

    private func fail(_ words: String) -> String {
        failure = failure ?? words
        return words
    }

    // MARK: - Bytes of the application

    /// Deciphers what has arrived.
    public func read(maximum: Int) -> ReadResult {
        if let failure { return .failed(failure) }
        ERR_clear_error()
        var taken: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
            taken = SSL_read(ssl, buffer.baseAddress, Int32(clamping: maximum))
            count = max(0, Int(taken))
        }
        if taken > 0 { return .bytes(bytes) }
        switch SSL_get_error(ssl, taken) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsInput
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: return .failed(fail(describeFailure(role: role, refusal: verifier.refusal)))
        }
    }

    /// Enciphers bytes, as many as the limit of what may wait allows.
    ///
    /// - Returns: how many were taken; nil when the connection has failed or was finished.
    public func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard failure == nil, !hasFinishedWriting, isEstablished else { return nil }
        let room = Self.outputBytesMax - outputCount
        guard room > 0, !bytes.isEmpty else { return 0 }
        ERR_clear_error()
        let taken = bytes.prefix(room).withUnsafeBytes { buffer in
            SSL_write(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        }
        guard taken > 0 else {
            _ = fail(describeFailure(role: role, refusal: verifier.refusal))
            return nil
        }
        return Int(taken)
    }

    /// Says to the peer that nothing more comes from this end (close_notify); reading goes on.
    public func finishWriting() {
        guard !hasFinishedWriting else { return }
        hasFinishedWriting = true
        ERR_clear_error()
        if failure == nil, isEstablished { SSL_shutdown(ssl) }
        ERR_clear_error()
    }

    // MARK: - What was agreed

    /// `TLSv1.3, TLS_AES_256_GCM_SHA384`.
    public var agreement: String {
        let version = String(cString: SSL_get_version(ssl))
        let cipher = SSL_get_current_cipher(ssl).flatMap { SSL_CIPHER_get_name($0) }
        return "\(version), " + (cipher.map { String(cString: $0) } ?? "no cipher")
    }

    /// The certificate that the peer showed.
    public var peerCertificate: Certificate? {
        SSL_get1_peer_certificate(ssl).map { Certificate(owning: $0) }
    }

    /// The channel binding `tls-exporter` (RFC 9266), 32 bytes.
    ///
    /// It is nil before the handshake is done, and on TLS 1.2 with a peer without extended master secrets
    /// (RFC 7627), where it would name more than this one connection.
    public var channelBinding: [UInt8]? {
        let isUnique =
            SSL_version(ssl) >= TLS1_3_VERSION || copenssl_has_extended_master_secret(ssl) == 1
        guard isEstablished, isUnique else { return nil }
        var bytes = [UInt8](repeating: 0, count: 32)
        let label = "EXPORTER-Channel-Binding"
        let context: [UInt8] = [0]
        let result = SSL_export_keying_material(
            ssl,
            &bytes,
            bytes.count,
            label,
            label.utf8.count,
            context,
            0,
            1
        )
        ERR_clear_error()
        return result == 1 ? bytes : nil
    }
}
