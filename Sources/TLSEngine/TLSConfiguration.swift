/// Which versions of TLS are spoken.
public enum TLSVersions: Sendable, Equatable {
    /// TLS 1.3, or 1.2 with a peer that has no better.
    case family
    /// TLS 1.2 (RFC 5246) alone.
    case only12
    /// TLS 1.3 (RFC 8446) alone.
    case only13
}

/// What one end shows of itself.
public struct TLSIdentity {
    /// The certificate, then those that lead from it to an authority.
    public var chain: [Certificate]
    /// The certificate's key.
    public var key: PrivateKey

    /// Puts a certificate and its key together; `Certificate.belongs(to:)` has been asked.
    public init(chain: [Certificate], key: PrivateKey) {
        precondition(!chain.isEmpty, "an identity has a certificate")
        self.chain = chain
        self.key = key
    }

    /// Why peers would not take it, in OpenSSL's words: keys too short, digests too weak; nil when it is good.
    public var weakness: String? { TLSConnection.weakness(of: self) }
}

/// Whom one end takes for its peer.
public enum PeerTrust {
    /// Anybody: a server that asks for no certificate.
    case anybody
    /// Who shows the certificate with this SHA-1 or SHA-256 thumbprint.
    case pinned([UInt8])
    /// Who shows one of these certificates, or one that leads to one of them, and has the host's name where
    /// one is given.
    case authorities([Certificate], host: String?)
    /// Who shows a certificate that leads to an authority this machine trusts, for the host.
    case systemAuthorities(host: String)
}

/// What a TLS connection is to be like.
public struct TLSConfiguration {
    /// Which versions.
    public var versions = TLSVersions.family
    /// What this end shows; a server needs it.
    public var identity: TLSIdentity?
    /// Whom this end takes for its peer.
    public var trust: PeerTrust
    /// Takes lines in the format of SSLKEYLOGFILE, for somebody who deciphers a capture.
    public var keyLog: ((String) -> Void)?

    /// A configuration.
    public init(trust: PeerTrust, identity: TLSIdentity? = nil) {
        self.trust = trust
        self.identity = identity
    }
}
