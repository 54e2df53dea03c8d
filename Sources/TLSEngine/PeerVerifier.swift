internal import COpenSSL

/// Decides about the certificate that a peer shows, and keeps the words for its refusal.
final class PeerVerifier {
    private let trust: PeerTrust
    /// Whose certificates are looked at.
    private let purpose: Certificate.Purpose
    /// Why the peer was refused.
    private(set) var refusal: String?

    init(_ trust: PeerTrust, checks purpose: Certificate.Purpose) {
        self.trust = trust
        self.purpose = purpose
    }

    private var peer: String { purpose == .server ? "server" : "client" }

    /// Makes a context ask this verifier; it must live as long as the context.
    func install(in context: OpaquePointer) {
        if case .anybody = trust {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            return
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        let this = Unmanaged.passUnretained(self).toOpaque()
        // SAFETY: the connection that owns the context owns this object too.
        SSL_CTX_set_cert_verify_callback(
            context,
            { store, argument in
                guard let store, let argument else { return 0 }
                let verifier = Unmanaged<PeerVerifier>.fromOpaque(argument).takeUnretainedValue()
                return verifier.accepts(store) ? 1 : 0
            },
            this
        )
        switch trust {
        case .authorities(let roots, _):
            let store = SSL_CTX_get_cert_store(context)
            for root in roots { X509_STORE_add_cert(store, root.pointer) }
        case .systemAuthorities:
            SSL_CTX_set_default_verify_paths(context)
        case .anybody, .pinned:
            break
        }
    }

    /// The host whose name the peer's certificate must have.
    private var host: String? {
        switch trust {
        case .authorities(_, let host): host
        case .systemAuthorities(let host): host
        case .anybody, .pinned: nil
        }
    }

    private func accepts(_ store: OpaquePointer) -> Bool {
        guard let leaf = X509_STORE_CTX_get0_cert(store) else { return false }
        X509_up_ref(leaf)
        let certificate = Certificate(owning: leaf)
        if case .pinned(let thumbprint) = trust {
            return checkPin(certificate, thumbprint, store)
        }
        return checkChain(certificate, store)
    }

    private func checkPin(
        _ certificate: Certificate,
        _ thumbprint: [UInt8],
        _ store: OpaquePointer
    ) -> Bool {
        let shown = thumbprint.count == 20 ? certificate.sha1 : certificate.sha256
        guard Cryptography.areEqual(shown, thumbprint) else {
            return refuse(
                store,
                X509_V_ERR_CERT_REJECTED,
                "the \(peer) shows another certificate than the one demanded: its thumbprint is"
                    + " \(hexText(shown)), not \(hexText(thumbprint))"
            )
        }
        switch certificate.validity {
        case .valid: break
        case .expired: return refuse(store, X509_V_ERR_CERT_HAS_EXPIRED, expired(certificate))
        case .notYet: return refuse(store, X509_V_ERR_CERT_NOT_YET_VALID, notYet(certificate))
        }
        guard certificate.allows(purpose) else {
            return refuse(store, X509_V_ERR_INVALID_PURPOSE, wrongPurpose)
        }
        return true
    }

    private func checkChain(_ certificate: Certificate, _ store: OpaquePointer) -> Bool {
        let parameters = X509_STORE_CTX_get0_param(store)
        // A certificate that is trusted itself needs no authority above it.
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        if let host, X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1 {
            X509_VERIFY_PARAM_set_hostflags(
                parameters,
                UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
            )
            guard X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1 else {
                return refuse(store, X509_V_ERR_HOSTNAME_MISMATCH, "'\(host)' is no host's name")
            }
        }
        if X509_verify_cert(store) == 1 { return true }
        let code = X509_STORE_CTX_get_error(store)
        refusal = words(for: code, certificate)
        return false
    }

    private func words(for code: Int32, _ certificate: Certificate) -> String {
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return expired(certificate)
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return notYet(certificate)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the \(peer)'s certificate (\(certificate.commonName)) is not for the host"
                + " '\(host ?? "")'"
        case X509_V_ERR_INVALID_PURPOSE:
            return wrongPurpose
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "no authority that is trusted here vouches for the \(peer)'s certificate"
                + " (\(certificate.commonName), SHA-256 \(hexText(certificate.sha256)))"
        default:
            let reason = String(cString: X509_verify_cert_error_string(Int(code)))
            return "the \(peer)'s certificate (\(certificate.commonName)) is refused: \(reason)"
        }
    }

    private func expired(_ certificate: Certificate) -> String {
        "the \(peer)'s certificate (\(certificate.commonName)) expired on \(certificate.validUntil)"
    }

    private func notYet(_ certificate: Certificate) -> String {
        "the \(peer)'s certificate (\(certificate.commonName)) holds only from"
            + " \(certificate.validFrom) on; is this machine's clock right?"
    }

    private var wrongPurpose: String {
        "the \(peer)'s certificate does not allow \(peer) authentication (extended key usage)"
    }

    private func refuse(_ store: OpaquePointer, _ code: Int32, _ words: String) -> Bool {
        X509_STORE_CTX_set_error(store, code)
        refusal = words
        return false
    }
}

/// Bytes as lower-case hexadecimal digits.
public func hexText(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
