internal import COpenSSL

// OpenSSL's error queue and TLS's alerts, in words for somebody who wanted to debug a program.

/// What the last call left in OpenSSL's error queue, in words; the queue is empty afterwards.
func describeFailure(role: TLSConnection.Role, refusal: String?) -> String {
    // The first error is the cause, those behind it tell who passed it on.
    let error = ERR_peek_error()
    defer { ERR_clear_error() }
    if let refusal { return refusal }
    guard error != 0 else { return "the connection broke during TLS" }
    let reason = copenssl_reason(error)
    if copenssl_library(error) == ERR_LIB_SSL {
        if reason > SSL_AD_REASON_OFFSET {
            return words(forAlert: reason - SSL_AD_REASON_OFFSET, role)
        }
        if let known = words(forReason: reason, role) { return known }
    }
    let text = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
    return "TLS failed: \(text)"
}

private func peer(of role: TLSConnection.Role) -> String {
    role == .client ? "server" : "client"
}

private func words(forReason reason: Int32, _ role: TLSConnection.Role) -> String? {
    let peer = peer(of: role)
    switch reason {
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
        SSL_R_UNKNOWN_PROTOCOL, SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
        return "the \(peer) offers no version of TLS that is spoken here (1.2 and 1.3, see proto=)"
    case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_CIPHERS_AVAILABLE, SSL_R_UNKNOWN_CIPHER_RETURNED,
        SSL_R_WRONG_CIPHER_RETURNED, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS:
        return "the \(peer) offers no cipher that is taken here (ECDHE with AES-GCM or ChaCha20)"
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return "the \(peer) cannot check the kind of key that this certificate has"
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_BAD_PACKET_LENGTH:
        return "what the \(peer) sends is not TLS"
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the \(peer) shows no certificate, and this server demands one (clientcert=)"
    case SSL_R_DATA_LENGTH_TOO_LONG, SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_R_PACKET_LENGTH_TOO_LONG,
        SSL_R_EXCESSIVE_MESSAGE_SIZE, SSL_R_RECORD_LENGTH_MISMATCH:
        return "the \(peer) sends a TLS record or message that is longer than TLS allows"
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_BAD_RECORD_TYPE,
        SSL_R_UNEXPECTED_RECORD, SSL_R_UNEXPECTED_MESSAGE:
        return "what arrives from the \(peer) is damaged or was tampered with"
    case SSL_R_BAD_SIGNATURE, SSL_R_BAD_DIGEST_LENGTH, SSL_R_DIGEST_CHECK_FAILED:
        return "the \(peer) does not have the key of the certificate that it shows"
    case SSL_R_NO_RENEGOTIATION:
        return "the \(peer) wants to renegotiate, which is not done here"
    default:
        return nil
    }
}

/// An alert that came from the peer (RFC 8446, section 6; RFC 5246, section 7.2).
private func words(forAlert alert: Int32, _ role: TLSConnection.Role) -> String {
    let peer = peer(of: role)
    let own = role == .client ? "clientcert=" : "certuser= or machuser="
    let meaning =
        switch alert {
        case SSL3_AD_HANDSHAKE_FAILURE, TLS1_AD_INSUFFICIENT_SECURITY:
            "it has no cipher in common with this end"
        case TLS1_AD_PROTOCOL_VERSION: "it speaks none of the versions of TLS offered (proto=)"
        case SSL3_AD_BAD_CERTIFICATE, SSL3_AD_CERTIFICATE_UNKNOWN:
            "it does not accept the certificate of this end; does its connection string name"
                + " the same one?"
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
            "the certificate of this end is not for this purpose (extended key usage)"
        case SSL3_AD_CERTIFICATE_EXPIRED: "the certificate of this end has expired"
        case SSL3_AD_CERTIFICATE_REVOKED: "the certificate of this end is revoked"
        case TLS1_AD_UNKNOWN_CA:
            "it trusts nobody who vouches for the certificate of this end (\(own))"
        case TLS1_AD_ACCESS_DENIED: "it grants no access"
        case TLS13_AD_CERTIFICATE_REQUIRED:
            "it demands a certificate of its clients: name yours with clientcert="
        case SSL3_AD_BAD_RECORD_MAC, TLS1_AD_DECRYPT_ERROR, TLS1_AD_DECRYPTION_FAILED:
            "what arrived there was damaged or tampered with"
        case TLS1_AD_INTERNAL_ERROR: "it has trouble of its own"
        case TLS1_AD_USER_CANCELLED: "its user gave up"
        default: "it takes what this end sends for a violation of TLS"
        }
    let name = SSL_alert_desc_string_long(alert).map { String(cString: $0) } ?? "unknown"
    return "the \(peer) ends the TLS connection: \(meaning) (alert \(alert), \(name))"
}
