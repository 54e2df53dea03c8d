import GDBRemoteProtocol
import Testing

@Suite("What goes to a kernel's stub of what a debugger sends")
struct KernelRequestsTests {
    private func taken(_ pieces: [[UInt8]]) -> [KernelRequests.Element] {
        var requests = KernelRequests()
        return pieces.flatMap { requests.take($0) }.reduce(into: []) { joined, element in
            if case .bytes(let more) = element, case .bytes(let before)? = joined.last {
                joined[joined.count - 1] = .bytes(before + more)
            } else {
                joined.append(element)
            }
        }
    }

    @Test("packets and acknowledgements pass, a greeting and other noise do not, 0x03 halts")
    func everything() {
        let greeting = Array("DBGSRV 1 smart-client cdb/0.1.0\n".utf8)
        let packet = Array("+$X10,2:a\u{03}#00".utf8)
        let bytes = greeting + packet + Array("noise".utf8) + [0x03] + Array("+".utf8)
        let expected: [KernelRequests.Element] = [
            .bytes(packet), .breakIn, .bytes(Array("+".utf8)),
        ]
        #expect(taken([bytes]) == expected)
        #expect(taken(bytes.map { [$0] }) == expected)
    }

    @Test("a plain debugger's first bytes pass as they are")
    func plain() {
        let bytes = Array("+$qSupported#37".utf8)
        #expect(taken(bytes.map { [$0] }) == [.bytes(bytes)])
        #expect(taken([[0x03]]) == [.breakIn])
    }
}
