internal import COpenSSL

/// Bytes as a source that OpenSSL can read, for the length of a call.
func withReadableBuffer<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result) -> Result {
    bytes.withUnsafeBytes { buffer in
        // SAFETY: the buffer lives as long as `body` runs, and the BIO is freed before it.
        let source = BIO_new_mem_buf(buffer.baseAddress ?? emptyPlace, Int32(clamping: bytes.count))
        guard let source else { preconditionFailure("there is memory for a BIO") }
        defer { BIO_free(source) }
        return body(source)
    }
}

/// Where no bytes are: OpenSSL refuses a missing address even for a length of zero.
private var emptyPlace: UnsafeRawPointer? { UnsafeRawPointer(bitPattern: 16) }

/// What OpenSSL writes during a call; the memory it lay in is wiped.
func collectedOutput(_ body: (OpaquePointer) -> Bool) -> [UInt8]? {
    guard let sink = BIO_new(BIO_s_secmem()) else {
        preconditionFailure("there is memory for a BIO")
    }
    defer { BIO_free(sink) }
    guard body(sink) else { return nil }
    return takeAll(from: sink, maximum: .max)
}

/// Takes what waits in a memory BIO.
func takeAll(from buffer: OpaquePointer, maximum: Int) -> [UInt8] {
    let count = min(BIO_ctrl_pending(buffer), maximum)
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, taken in
        taken = max(0, Int(BIO_read(buffer, bytes.baseAddress, Int32(clamping: count))))
    }
}
