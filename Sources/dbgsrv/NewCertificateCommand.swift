internal import Certificates
internal import LinuxSystem

/// `dbgsrv --new-certificate NAME [--machine]`.
struct NewCertificateOptions: Equatable {
    /// What it is to be called.
    var name: String
    /// Whether it goes into the machine's folder.
    var isForMachine = false

    /// Reads what stands behind `--new-certificate`.
    init(_ rest: ArraySlice<String>) throws(UsageError) {
        let names = rest.filter { $0 != "--machine" }
        guard let name = names.first, names.count == 1 else {
            throw UsageError(
                description: names.isEmpty
                    ? "--new-certificate has no value: it takes the certificate's name"
                    : "--new-certificate takes one name, and --machine, but here is also '\(names[1])'"
            )
        }
        self.name = name
        isForMachine = rest.contains("--machine")
    }
}

/// Makes a certificate and says what to do with it.
func makeCertificate(_ options: NewCertificateOptions) -> Int32 {
    let pair: CertificatePair
    do {
        pair = try CertificatePair.make(options.name, in: options.isForMachine ? .machine : .user)
    } catch {
        return fail(error.description, status: 2)
    }
    printOut(words(for: pair))
    return 0
}

private func words(for pair: CertificatePair) -> String {
    let parameter = pair.folder.parameter
    let host = pair.hosts[0]
    let thumbprint = hexadecimal(pair.sha256)
    return """
        certificate  \(pair.certificateFile)
        private key  \(pair.keyFile) (for this machine only: whoever has it is this server)
        SHA-256      \(thumbprint)
        SHA-1        \(hexadecimal(pair.sha1))
        for          \(pair.hosts.joined(separator: ", "))
        until        \(pair.validUntil)

        On this machine:
          dbgsrv -t ssl:proto=tls1,\(parameter)=\(pair.name),port=5005

        On the client's, which needs nothing but this line:
          cdb -premote ssl:proto=tls1,certuser=\(thumbprint),server=\(host),port=5005 -p PID

        """
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
