import ConnectionStrings
import Testing

@Suite("TLS in connection strings")
struct SecurityTests {
    private func failure(_ text: String, _ side: ConnectionString.Side) -> String {
        do {
            _ = try ConnectionString(text, for: side)
            return "accepted"
        } catch {
            return error.description
        }
    }

    @Test("tls1, tls12 and tls13 in any case; the dead protocols by name (TLS-1, TLS-2)")
    func versions() throws {
        for (written, version) in [
            ("tls1", ConnectionString.Security.Version.tls1), ("TLS12", .tls12), ("tls13", .tls13),
        ] {
            let text = "ssl:proto=\(written),certuser=lab,port=1"
            #expect(try ConnectionString(text, for: .server).security?.version == version)
        }
        for (name, full) in [("pct1", "PCT 1.0"), ("ssl2", "SSL 2.0"), ("SSL3", "SSL 3.0")] {
            for (text, side) in [
                ("ssl:proto=\(name),certuser=lab,port=1", ConnectionString.Side.server),
                ("spipe:proto=\(name),certuser=lab,server=a,pipe=b", .client),
                ("com:port=1,baud=9600,channel=1,proto=\(name),certuser=lab", .client),
            ] {
                let said = failure(text, side)
                #expect(said.contains("proto was '\(name)': \(full) is broken"), "\(said)")
                #expect(said.contains("write proto=tls1"), "\(said)")
            }
        }
        #expect(failure("ssl:proto=tls9,certuser=a,port=1", .server).contains("tls1, tls12, tls13"))
    }

    @Test("a channel of a cable may have TLS inside, on both sides, and shows it (TLS-16)")
    func serial() throws {
        let text = "com:port=com2,baud=9600,channel=3,proto=tls1,machuser=ab 38 f7"
        for side in [ConnectionString.Side.server, .client] {
            let parsed = try ConnectionString(text, for: side)
            #expect(parsed.security?.certificate == .machine("ab 38 f7"))
            let shown = parsed.displayed()
            #expect(shown == "com:Port=com2,Baud=9600,Channel=3,Proto=tls1,MachUser=ab 38 f7")
            #expect(try ConnectionString(shown, for: side) == parsed)
        }
        let plain = try ConnectionString("com:port=com2,baud=9600,channel=3", for: .client)
        #expect(plain.security == nil)
        #expect(
            failure("com:port=1,baud=9600,channel=3,certuser=lab", .server)
                .contains("proto= is missing")
        )
        #expect(
            failure("com:port=1,baud=9600,channel=3,proto=tls1", .server)
                .contains("certuser= or machuser= is missing")
        )
    }

    @Test("a client may trust an authority and name the host (TLS-11)")
    func authorities() throws {
        let text = "ssl:proto=tls1,ca=root,server=\\\\lab7,port=5"
        let parsed = try ConnectionString(text, for: .client)
        #expect(parsed.security?.authority == "root" && parsed.security?.host == "lab7")
        #expect(parsed.displayed() == "ssl:Proto=tls1,CA=root,Port=5,Server=lab7")
        let other = try ConnectionString(text + ",host=lab8", for: .client)
        #expect(other.security?.host == "lab8")
        let shown = other.displayed()
        #expect(shown == "ssl:Proto=tls1,CA=root,Host=lab8,Port=5,Server=lab7")
        #expect(try ConnectionString(shown, for: .client) == other)
        let local = try ConnectionString("spipe:proto=tls1,ca=root,server=.,pipe=p", for: .client)
        #expect(local.security?.host == "localhost")
        let reverse = try ConnectionString("ssl:proto=tls1,ca=r,clicon=lab9,port=5", for: .client)
        #expect(reverse.security?.host == "lab9")
    }

    @Test("a certificate may be demanded of clients, and shown by them (TLS-12)")
    func clientCertificates() throws {
        let server = try ConnectionString(
            "ssl:proto=tls1,certuser=lab,clientcert=root,port=5",
            for: .server
        )
        #expect(server.security?.clientCertificate == "root")
        #expect(server.displayed() == "ssl:Proto=tls1,CertUser=lab,ClientCert=root,Port=5")
        #expect(
            failure("ssl:proto=tls1,certuser=lab,clientcert=anna,server=x,port=5", .client)
                == "accepted"
        )
    }

    @Test(
        "what excludes each other, and what is missing",
        arguments: [
            ("ssl:proto=tls1,server=x,port=5", "certuser= or machuser= is missing"),
            ("ssl:proto=tls1,ca=r,certuser=a,server=x,port=5", "ca excludes certuser and machuser"),
            ("ssl:proto=tls1,certuser=a,host=b,server=x,port=5", "host belongs to ca"),
            ("com:port=1,baud=9600,channel=1,proto=tls1,ca=r", "host= is missing"),
            ("ssl:certuser=a,server=x,port=5", "proto= is missing"),
            ("tcp:server=x,port=5,proto=tls1", "there is no parameter 'proto'"),
            ("ssl:proto=tls1,certuser=a,host=a b,server=x,port=5", "which holds a space"),
        ]
    )
    func mistakes(text: String, words: String) {
        #expect(failure(text, .client).contains(words), "\(failure(text, .client))")
    }

    @Test("ca and host are a client's")
    func serverSide() {
        #expect(
            failure("ssl:proto=tls1,certuser=a,ca=r,port=5", .server).contains("no parameter 'ca'")
        )
    }
}
