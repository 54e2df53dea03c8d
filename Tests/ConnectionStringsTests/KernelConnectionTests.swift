import ConnectionStrings
import Testing

@Suite("What stands behind -k")
struct KernelConnectionTests {
    @Test("a cable, a virtual machine's pipe, a port of one, and any client's transport")
    func forms() throws {
        guard case .cable(let line) = try KernelConnection("com:port=com2,baud=115200") else {
            Issue.record("no cable")
            return
        }
        #expect(line.port == "com2" && line.baudRate == 115_200)
        let pipe = try KernelConnection("com:pipe,port=/run/vm,resets=0,reconnect")
        #expect(pipe == .pipe(path: "/run/vm", reconnects: true))
        #expect(try KernelConnection("COM:Pipe,Port=/x") == .pipe(path: "/x", reconnects: false))
        let port = try KernelConnection("com:ipport=1234,port=10.0.0.7")
        #expect(port == .address(host: "10.0.0.7", port: 1234))
        guard case .served = try KernelConnection("tcp:server=lab,port=5005"),
            case .served = try KernelConnection("com:port=com2,baud=115200,channel=3")
        else {
            Issue.record("no transport")
            return
        }
    }

    @Test("as lists show it, it can be written again")
    func displayed() throws {
        for text in [
            "com:Port=com2,Baud=9600", "com:Pipe,Port=/run/vm", "com:IpPort=12,Port=host",
            "tcp:Port=5005,Server=lab",
        ] {
            #expect(try KernelConnection(text).displayed == text)
        }
    }

    @Test("what is wrong is said in a sentence")
    func mistakes() {
        for (text, words) in [
            ("com:port=com2", "baud"), ("com:pipe", "port"), ("com:ipport=0,port=a", "1–65535"),
            ("com:pipe,port=\\\\.\\pipe\\vm", "is a path"), ("lpt:port=1", "no transport 'lpt'"),
            ("com:modem", "no parameter 'modem'"),
        ] {
            let error = #expect(throws: ConnectionStringError.self) { try KernelConnection(text) }
            #expect(
                error?.description.contains(words) == true,
                "\(text): \(error?.description ?? "")"
            )
        }
    }
}
