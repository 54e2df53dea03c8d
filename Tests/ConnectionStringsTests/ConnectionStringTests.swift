import ConnectionStrings
import Testing
import WireCore

@Suite("Connection strings")
struct ConnectionStringTests {
    private func failure(_ text: String, _ side: ConnectionString.Side = .server) -> String? {
        do {
            _ = try ConnectionString(text, for: side)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("every form of the two seeds is understood on its side")
    func seedForms() throws {
        let server = [
            "npipe:pipe=rabbit,hidden,password=abc123,IcfEnable",
            "tcp:port=1025,hidden,password=abc,ipversion=6,IcfEnable",
            "tcp:port=51:60",
            "tcp:port=1033,clicon=\\\\BOX17,password=abc,ipversion=6",
            "com:port=com2,baud=115200,channel=7,hidden,password=abc",
            "spipe:proto=tls1,certuser=lab,pipe=rabbit,hidden,password=abc",
            "ssl:proto=tls1,machuser=ab 38 f7 34,port=1234,hidden,password=abc",
            "ssl:proto=tls1,certuser=lab,port=1234,clicon=box,password=abc",
        ]
        let client = [
            "npipe:server=\\\\BOX17,pipe=rabbit,password=abc",
            "tcp:server=box,port=1025,password=abc,ipversion=6",
            "tcp:clicon=box,port=51:60,password=abc",
            "com:port=2,baud=9600,channel=254,password=abc",
            "spipe:proto=tls1,certuser=lab,server=box,pipe=rabbit,password=abc",
            "ssl:proto=tls1,machuser=lab,server=box,port=1234,password=abc",
            "ssl:proto=tls1,machuser=lab,clicon=box,port=1234:1240,password=abc",
        ]
        for text in server { #expect(failure(text, .server) == nil, "\(text)") }
        for text in client { #expect(failure(text, .client) == nil, "\(text)") }
    }

    @Test("names are case-insensitive, passwords are not, and backslashes before a machine go")
    func details() throws {
        let text = "TCP:Server=\\\\BOX,PORT=5005,Password=AbC"
        guard case .tcp(let socket) = try ConnectionString(text, for: .client) else {
            Issue.record("not tcp")
            return
        }
        #expect(socket.server == "BOX")
        #expect(socket.ports == 5005...5005)
        #expect(socket.access.password == .literal("AbC"))
    }

    @Test("a serial channel keeps the port as written")
    func serial() throws {
        let text = "com:port=/dev/serial/by-id/usb-FTDI,baud=250000,channel=0"
        guard case .com(let serial) = try ConnectionString(text, for: .client) else {
            Issue.record("not com")
            return
        }
        #expect(serial.port == "/dev/serial/by-id/usb-FTDI")
        #expect(serial.baudRate == 250_000)
        #expect(serial.channel == 0)
    }

    @Test("a serial line may have parity, stop bits, flow control and modem lines of its own")
    func lineParameters() throws {
        let text = "com:port=1,baud=9600,channel=0,Parity=Even,stop=2,flow=xonxoff,dtr=OFF,rts=on"
        for side in [ConnectionString.Side.server, .client] {
            let parsed = try ConnectionString(text, for: side)
            guard case .com(let serial) = parsed else {
                Issue.record("not com")
                return
            }
            var expected = LineParameters()
            expected.parity = .even
            expected.stopBits = 2
            expected.flowControl = .xonxoff
            expected.dtr = .off
            expected.rts = .on
            #expect(serial.line == expected)
            let shown = parsed.displayed()
            #expect(
                shown
                    == "com:Port=1,Baud=9600,Channel=0,Parity=even,Stop=2,Flow=xonxoff,DTR=off,RTS=on"
            )
            #expect(try ConnectionString(shown, for: side) == parsed)
        }
    }

    @Test("a string without its password is the same string otherwise")
    func withoutPassword() {
        for (text, bare) in [
            ("tcp:port=5,password=abc,hidden", "tcp:port=5,hidden"),
            ("tcp:PassWord=abc,port=5", "tcp:port=5"),
            ("npipe:pipe=password,password=@file:/a", "npipe:pipe=password"),
            ("com:port=1,baud=9600,channel=3", "com:port=1,baud=9600,channel=3"), ("", ""),
        ] {
            #expect(ConnectionString.withoutPassword(text) == bare)
        }
    }

    @Test("group= is a pipe server's; clicon makes a connection reverse")
    func groupsAndReverse() throws {
        let shared = try ConnectionString("npipe:pipe=rabbit,group=lab", for: .server)
        guard case .npipe(let pipe) = shared else {
            Issue.record("no pipe")
            return
        }
        #expect(pipe.group == "lab" && !shared.isReverse)
        #expect(throws: ConnectionStringError.self) {
            _ = try ConnectionString("npipe:server=a,pipe=rabbit,group=lab", for: .client)
        }
        #expect(try ConnectionString("tcp:port=5,clicon=desk", for: .server).isReverse)
        #expect(try ConnectionString("tcp:port=5:9,clicon=lab", for: .client).isReverse)
    }

    @Test("passwords may come from a file or the environment")
    func passwordSources() throws {
        for (text, expected) in [
            ("@file:/etc/lab", ConnectionString.Password.file("/etc/lab")),
            ("@env:LABPW", .environment("LABPW")), ("abcdefghij12", .literal("abcdefghij12")),
            ("@ask", .terminal),
        ] {
            let parsed = try ConnectionString("tcp:port=1,password=\(text)", for: .server)
            #expect(parsed.access.password == expected)
        }
    }

    @Test(
        "what is wrong is said with the parameter, what it was and what would be right",
        arguments: [
            ("com:port=com2,baud=9600,channel=255", "channel must be 0–254, but was '255'"),
            ("com:port=com2,baud=9600,channel=x", "channel must be 0–254, but was 'x'"),
            ("com:port=com2,baud=9600,channel=-1", "channel must be 0–254, but was '-1'"),
            ("com:port=com2,channel=1", "baud= is missing"),
            ("com:port=com2,baud=fast,channel=1", "baud must be a rate in bits per second"),
            ("com:port=com2,baud=0,channel=1", "but was '0'"),
            ("com:baud=9600,channel=1", "port= is missing"),
            ("com:port=com2,boud=9600,channel=1", "did you mean baud?"),
            ("com:port=com2,baud=9600,channel=1,clicon=box", "there is no parameter 'clicon'"),
            ("com:port=com2,baud=9600,baud=9600,channel=1", "baud is given twice"),
            ("com:port=com2, baud=9600", "there is a space before 'baud'"),
            (
                "com:port=com2,baud=9600,channel=1,parity=mark",
                "parity must be one of none, even, odd"
            ),
            ("com:port=com2,baud=9600,channel=1,stop=3", "stop must be 1 or 2, but was '3'"),
            (
                "com:port=com2,baud=9600,channel=1,flow=hard",
                "flow must be one of none, rtscts, xonxoff, but was 'hard'"
            ),
            ("com:port=com2,baud=9600,channel=1,dtr=1", "dtr must be one of on, off, leave"),
            ("com:port=com2,baud=9600,channel=1,rts=", "rts has no value"),
            ("com:port=com2,baud=9600,channel=1,rts=on,flow=rtscts", "exclude each other"),
            ("com:port=com2,baud=9600,channel=1,partiy=even", "did you mean parity?"),
            ("com:port=com 2,baud=9600", "which holds a space"),
            ("com:port=com2,,baud=9600", "nothing between two commas"),
            ("com:port=,baud=9600,channel=1", "port has no value"),
            ("tcp:port=70000", "port must be 1–65535"),
            ("tcp:port=60:51", "from the lower port to the higher one"),
            ("tcp:port=1:2:3", "port must be 1–65535"),
            ("tcp:port=5005,hidden=1", "hidden takes no value, but was '1'"),
            ("tcp:port=5005,password=has-dash", "password must be 1–12 letters and digits"),
            ("tcp:port=5005,password=abcdefghij123", "password must be 1–12 letters and digits"),
            ("tcp:port=5005,ipversion=4", "ipversion must be 6, but was '4'"),
            ("tcp:port=1:5,clicon=box", "a range is the client's to give"),
            ("tcp:port=1,clicon=box,hidden", "hidden and clicon exclude each other"),
            ("tcp:port=1,clicon=box,IcfEnable", "IcfEnable and clicon exclude each other"),
            ("tcp:port=1,server=box", "there is no parameter 'server'"),
            ("tpc:port=1", "did you mean tcp?"),
            ("5005", "names no transport"),
            ("npipe:pipe=a'b", "quotation marks"),
            ("npipe:pipe=p%s", "'%s' is no format code"),
            ("npipe:pipe=p%d%x%d", "3 format codes"),
            ("ssl:proto=tls9,certuser=lab,port=1", "proto must be one of"),
            ("ssl:proto=tls1,port=1", "certuser= or machuser= is missing"),
            ("ssl:proto=tls1,certuser=a,machuser=b,port=1", "exclude each other"),
        ]
    )
    func mistakes(text: String, words: String) {
        #expect(failure(text)?.contains(words) == true, "\(failure(text) ?? "accepted")")
    }

    @Test(
        "a client's mistakes",
        arguments: [
            ("tcp:port=1", "server= is missing"),
            ("tcp:server=box,port=1:5", "port must be the server's one port"),
            ("tcp:server=box,clicon=box,port=1", "exclude each other"),
            ("tcp:server=box,port=0", "port must be 1–65535"),
            ("npipe:pipe=rabbit", "server= is missing"),
            ("tcp:server=box,port=1,hidden", "there is no parameter 'hidden'"),
        ]
    )
    func clientMistakes(text: String, words: String) {
        #expect(failure(text, .client)?.contains(words) == true)
    }

    @Test("an error never shows the password")
    func errorsHidePasswords() {
        let said = failure("tcp:port=5005,password=hunter-2")
        #expect(said?.contains("hunter") == false)
    }

    @Test("lists show capitalised names, the chosen port and no password")
    func display() throws {
        let tcp = try ConnectionString("tcp:port=51:60,password=abc", for: .server)
        #expect(tcp.displayed(chosenPort: 53) == "tcp:Port=53:60,Password=*")
        let com = try ConnectionString("com:port=com2,baud=9600,channel=3,hidden", for: .server)
        #expect(com.displayed() == "com:Port=com2,Baud=9600,Channel=3,Hidden")
        let pipe = try ConnectionString("npipe:server=box,pipe=rabbit", for: .client)
        #expect(pipe.displayed() == "npipe:Pipe=rabbit,Server=box")
    }

    @Test("format codes of a pipe's name become the process and thread ids")
    func pipeNames() {
        #expect(PipeName.expand("myproc%x", processID: 0x1a2c, threadID: 5) == "myproc1a2c")
        #expect(PipeName.expand("p%d_%08X%%", processID: 77, threadID: 0xab) == "p77_000000AB%")
    }

    @Test("a near word is suggested, a far one is not")
    func suggestions() {
        #expect(nearestMatch(to: "chanel", among: ["port", "baud", "channel"]) == "channel")
        #expect(nearestMatch(to: "prot", among: ["port", "baud"]) == "port")
        #expect(nearestMatch(to: "zebra", among: ["port", "baud"]) == nil)
    }
}
