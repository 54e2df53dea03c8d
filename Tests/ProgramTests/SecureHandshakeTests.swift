import Foundation
import Glibc
import TestPrograms
import Testing

@Suite("TLS handshakes with the openssl program, with other certificates, and with hostile peers")
struct SecureHandshakeTests {
    @Test(
        "openssl's client gets in with 1.2 and 1.3, never with 1.1, 1.0 or a weak cipher (TLS-1, TLS-3)"
    )
    func opensslClient() throws {
        let secure = try SecureLab()
        let (server, port) = try secure.startServer()
        let trust = ["-CAfile", secure.bench.certificate("lab"), "-verify_return_error"]
        for (arguments, expected) in [
            (["-tls1_3"], "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"),
            (["-tls1_2"], "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"),
            (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20"),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "ECDHE-ECDSA-CHACHA20"),
        ] {
            let said = try secure.openssl(port, trust + arguments)
            #expect(said.contains(expected) && said.contains("Verify return code: 0"), "\(said)")
            #expect(said.contains("Compression: NONE"), "\(said)")
            #expect(!said.contains("TLS session ticket:"), "\(said)")
        }
        for arguments in [
            ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "AES128-SHA:DES-CBC3-SHA:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
        ] {
            let said = try secure.openssl(port, arguments)
            #expect(said.contains("Cipher is (NONE)"), "\(arguments): \(said)")
        }
        try server.waitForSessions(ended: 10)
        #expect(server.errors.contains("offers no version of TLS that is spoken here"))
        #expect(server.errors.contains("offers no cipher that is taken here"))
    }

    @Test("renegotiation is refused; a flood of key updates is survived (TLS-3, TLS-4)")
    func renegotiation() throws {
        let secure = try SecureLab()
        let (server, port) = try secure.startServer()
        let address = "127.0.0.1:\(port)"
        let old = try secure.lab.startOther(
            "/usr/bin/openssl",
            ["s_client", "-tls1_2", "-connect", address]
        )
        try old.wait(for: "Verify return code")
        old.type("R\n")
        try old.wait(for: "no renegotiation", in: \.errors)
        old.closeInput()
        _ = try old.waitForExit()

        let new = try secure.lab.startOther(
            "/usr/bin/openssl",
            ["s_client", "-tls1_3", "-connect", address]
        )
        try new.wait(for: "Verify return code")
        for _ in 0..<50 {
            new.forgetErrors()
            new.type("K\n")
            try new.wait(for: "KEYUPDATE", in: \.errors)
        }
        new.type("+$qSupported#37\n")
        try new.wait(for: "PacketSize=")
        new.closeInput()
        _ = try new.waitForExit()
        try server.waitForSessions(ended: 2)
    }

    @Test(
        "our client takes no old version of openssl's server, and no other certificate (TLS-1, TLS-10)"
    )
    func opensslServer() throws {
        let secure = try SecureLab()
        try secure.bench.make("other")
        for (name, arguments, words) in [
            (
                "lab", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                "none of the versions of TLS offered"
            ),
            (
                "lab", ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                "none of the versions of TLS offered"
            ),
            ("lab", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "no cipher in common"),
            ("other", [], "another certificate than the one demanded"),
        ] {
            let server = try secure.lab.startOther(
                "/usr/bin/openssl",
                [
                    "s_server", "-accept", "127.0.0.1:0", "-cert", secure.bench.certificate(name),
                    "-key", secure.bench.key(name),
                ] + arguments
            )
            let text = try server.wait(for: "ACCEPT")
            let port = try #require(text.firstMatch(of: /ACCEPT \S+:(\d+)/)).output.1
            let result = try secure.cdb(secure.client(try #require(Int(port))))
            #expect(result.status == 2 && result.errors.contains(words), "\(name): \(result)")
            server.signal(SIGKILL)
        }
    }

    @Test("pct1, ssl2 and ssl3 are refused on both sides, with what to write instead (TLS-2)")
    func obsolete() throws {
        let lab = try Lab()
        for name in ["pct1", "ssl2", "SSL3"] {
            let server = try lab.run("dbgsrv", ["-t", "ssl:proto=\(name),certuser=lab,port=0"])
            let cdb = try lab.run(
                "cdb",
                ["-premote", "ssl:proto=\(name),certuser=lab,server=x,port=1", "-p", "1"]
            )
            let bridge = try lab.run(
                "dbgbridge",
                ["-c", "spipe:proto=\(name),certuser=a,server=.,pipe=p", "-s", "stdio"]
            )
            for result in [server, cdb, bridge] {
                #expect(result.status == 1, "\(result)")
                #expect(result.errors.contains("proto was '\(name)'"), "\(result)")
                #expect(result.errors.contains("write proto=tls1"), "\(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
            }
        }
    }

    @Test("a server does not start with a certificate that no client could take (TLS-8)")
    func serverCertificates() throws {
        let secure = try SecureLab()
        let lab = secure.lab
        try secure.bench.make("old", days: -30 ... -2)
        try secure.bench.make("open")
        chmod(secure.bench.key("open"), 0o604)
        for (name, words) in [
            ("old", "the certificate expired on"), ("open", "chmod 600"),
            ("nobody", "there is no certificate 'nobody'"),
        ] {
            let result = try lab.run("dbgsrv", ["-t", "ssl:proto=tls1,certuser=\(name),port=0"])
            #expect(result.status == 2 && result.errors.contains(words), "\(result)")
        }
    }

    @Test("a certificate that goes bad while the server runs ends sessions, not the server (TLS-8)")
    func certificateGoesBad() throws {
        let secure = try SecureLab()
        let (server, port) = try secure.startServer()
        chmod(secure.bench.key("lab"), 0o644)
        #expect(try secure.cdb(secure.client(port)).status == 2)
        try server.wait(for: "chmod 600", in: \.errors)
        chmod(secure.bench.key("lab"), 0o600)
        #expect(try secure.cdb(secure.client(port)).status == 0)
        // Renewed: the next session shows the new one.
        try secure.bench.make("lab")
        #expect(try secure.cdb(secure.client(port)).status == 0)
    }

    @Test("an authority and the host's name (TLS-11), a client's certificate (TLS-12)")
    func authorities() throws {
        let secure = try SecureLab()
        let bench = secure.bench
        try bench.makeAuthority("root")
        try bench.make(
            "rack",
            extensions: ["extendedKeyUsage=serverAuth", "subjectAltName=DNS:localhost"],
            authority: "root"
        )
        try bench.make("anna", extensions: ["extendedKeyUsage=clientAuth"], authority: "root")
        try bench.make("otto")
        let (server, port) = try secure.startServer("proto=tls1,certuser=rack,clientcert=root")
        for (parameters, status, words) in [
            ("ca=root,clientcert=anna", 0, ""),
            ("ca=\(bench.certificate("root")),clientcert=anna", 0, ""),
            ("certuser=rack,clientcert=anna", 0, ""),
            ("ca=root,host=elsewhere,clientcert=anna", 2, "is not for the host 'elsewhere'"),
            ("ca=lab,clientcert=anna", 2, "no authority that is trusted here"),
            ("ca=root", 2, "name yours with clientcert="),
            ("ca=root,clientcert=otto", 2, "trusts nobody who vouches"),
            ("ca=root,clientcert=rack", 2, "does not allow client authentication"),
        ] {
            let result = try secure.cdb(secure.client(port, "proto=tls1,\(parameters)"))
            #expect(
                result.status == status && (words.isEmpty || result.errors.contains(words)),
                "\(parameters): \(result)"
            )
        }
        try server.wait(for: "the client's certificate is anna (SHA-256 ", in: \.errors)
    }

    @Test("who speaks no TLS is told so in words it understands, on both sides (TLS-19)")
    func plainPeers() throws {
        let secure = try SecureLab()
        let (_, port) = try secure.startServer()
        let cdb = try secure.cdb("tcp:server=localhost,port=\(port)")
        #expect(cdb.status == 2 && cdb.errors.contains("speaks TLS only"), "\(cdb)")
        let gdb = try secure.lab.gdb(["target extended-remote localhost:\(port)"])
        #expect(gdb.contains("this server speaks TLS only"), "\(gdb)")
        let (_, plainPort) = try secure.lab.startTCPServer()
        let result = try secure.cdb(secure.client(plainPort))
        #expect(result.status == 2, "\(result)")
        #expect(result.errors.contains("this server speaks no TLS: write tcp:"), "\(result)")
    }

    @Test(
        "keys are logged only when SSLKEYLOGFILE says so, said at start, for the owner alone (TLS-18)"
    )
    func keyLog() throws {
        let secure = try SecureLab()
        let (silent, port) = try secure.startServer()
        #expect(!silent.errors.contains("SSLKEYLOGFILE"))
        let file = "\(secure.lab.folder)/keys"
        secure.lab.variables = ["SSLKEYLOGFILE": file]
        let (loud, loudPort) = try secure.startServer()
        #expect(loud.errors.contains("SSLKEYLOGFILE is set"), "\(loud.errors)")
        #expect(try secure.cdb(secure.client(port)).errors.contains("SSLKEYLOGFILE is set"))
        let plain = try secure.lab.run(
            "cdb",
            ["-premote", "tcp:server=localhost,port=1", "-p", "1"]
        )
        #expect(!plain.errors.contains("SSLKEYLOGFILE"))
        secure.lab.variables = [:]
        #expect(try secure.cdb(secure.client(loudPort)).status == 0)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let secrets = text.split(separator: "\n").filter { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0") }
        #expect(secrets.count == 2, "\(text)")
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(
        "clients that are slow, silent, cut short or noisy hold up nobody and leave nothing (TLS-13)"
    )
    func hostileHandshakes() throws {
        let secure = try SecureLab()
        secure.lab.variables = ["DBGSRV_TLS_HANDSHAKE_MILLISECONDS": "10000"]
        let (server, port) = try secure.startServer()
        #expect(try secure.cdb(secure.client(port)).status == 0)
        try server.waitForSessions(ended: 1)
        let descriptors = server.descriptorCount
        let hello: [UInt8] = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]
        let beginnings: [[UInt8]] = [
            [], [22], Array(hello.prefix(5)), hello, hello + Array(repeating: 0, count: 100),
        ]
        let slow = try (0..<20).map { number in
            let connection = try RawConnection(port: port)
            connection.send(beginnings[number % beginnings.count])
            return connection
        }
        // They wait; whoever means it is served meanwhile.
        #expect(try secure.cdb(secure.client(port)).status == 0)
        #expect(server.children.count >= slow.count, "\(server.children)")
        for connection in slow { _ = connection.readToEnd() }
        let noise: [[UInt8]] = [
            Array(repeating: 0xff, count: 5000),
            [22, 3, 3, 0xff, 0xff] + Array(repeating: 1, count: 70_000),
            [22, 3, 1, 0, 4, 1, 0, 0, 0], [21, 3, 3, 0, 2, 2, 40], [23, 3, 3, 0, 1, 0],
            [0x80, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16], Array("GET / HTTP/1.0\r\n\r\n".utf8),
        ]
        for bytes in noise {
            let connection = try RawConnection(port: port)
            connection.send(bytes)
            shutdown(connection.descriptor, Int32(SHUT_WR))
            _ = connection.readToEnd()
        }
        try server.waitForSessions(ended: 2 + slow.count + noise.count)
        #expect(server.errors.contains("took longer than 10.0 s"), "\(server.errors)")
        #expect(server.errors.contains("longer than TLS allows"), "\(server.errors)")
        #expect(server.errors.contains("begins with 'GET / HTTP/1.0'"), "\(server.errors)")
        #expect(try secure.cdb(secure.client(port)).status == 0)
        try server.waitForSessions(ended: 3 + slow.count + noise.count)
        #expect(server.descriptorCount == descriptors)
    }

    @Test("a session process killed in its handshake takes nothing along (TLS-13)")
    func killedInHandshake() throws {
        let secure = try SecureLab()
        let (server, port) = try secure.startServer()
        let connection = try RawConnection(port: port)
        connection.send([22, 3, 1, 0, 200])
        try server.wait(for: "session process", in: \.errors)
        let session = try #require(server.children.first)
        kill(session, SIGKILL)
        #expect(connection.readToEnd().isEmpty)
        try server.wait(for: "signal 9 ended session process", in: \.errors)
        #expect(server.children.isEmpty)
        #expect(try secure.cdb(secure.client(port)).status == 0)
    }

    @Test("SIGTERM ends a server whose clients are in their handshakes at once (TLS-13)")
    func endInHandshake() throws {
        let secure = try SecureLab()
        let (server, port) = try secure.startServer()
        let connection = try RawConnection(port: port)
        connection.send([22, 3, 1])
        try server.wait(for: "session process", in: \.errors)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
        #expect(connection.readToEnd().isEmpty)
    }
}
