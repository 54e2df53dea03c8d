import GDBRemoteProtocol
import PacketCache

/// A debugger and a server with the cache between them; the tests play both.
struct CachedLine {
    /// What a server of ours has.
    static let features = "PacketSize=1000;multiprocess+;stop-snapshot+;shared-ranges+"
    /// Where the thread stands that `stopped` shows: its stack and the code before it.
    static let stack = "memory:0x7f00=" + String(repeating: "11", count: 64)

    var cache = CachedConversation(bitsPerSecond: 115_200)
    /// What has gone each way since it was looked at last, without acknowledgements.
    private var sent: [String] = []
    private var shown: [String] = []
    private(set) var rawToServer: [UInt8] = []
    private(set) var rawToDebugger: [UInt8] = []

    /// The debugger says something; what goes to the server because of it.
    @discardableResult
    mutating func ask(_ packet: String) -> [String] {
        askRaw(PacketEncoder.packet(Array(packet.utf8)))
        return takeSent()
    }

    mutating func askRaw(_ bytes: [UInt8]) { note(cache.request(bytes)) }

    /// The server says something.
    mutating func reply(_ packets: String...) {
        for packet in packets { replyRaw(PacketEncoder.packet(Array(packet.utf8))) }
    }

    mutating func replyRaw(_ bytes: [UInt8]) { note(cache.reply(bytes)) }

    mutating func takeSent() -> [String] {
        defer { sent = [] }
        return sent
    }

    /// What the debugger has got since it was asked last.
    mutating func takeShown() -> [String] {
        defer { shown = [] }
        return shown
    }

    private mutating func note(_ passed: CachedConversation.Passed) {
        rawToServer += passed.toServer
        rawToDebugger += passed.toDebugger
        sent += Self.packets(passed.toServer)
        shown += Self.packets(passed.toDebugger)
    }

    private static func packets(_ bytes: [UInt8]) -> [String] {
        var parser = PacketParser(payloadBytesMax: 1 << 20)
        parser.append(bytes)
        var packets: [String] = []
        while let item = parser.next() {
            if case .packet(let payload) = item {
                packets.append(String(decoding: payload, as: UTF8.self))
            }
        }
        return packets
    }

    /// gdb and a server of ours have met, and a process stands.
    static func gdb(shared: String = "") -> CachedLine {
        var line = CachedLine()
        line.ask("qSupported:multiprocess+")
        line.reply(features)
        line.replyRaw(Array("+".utf8))
        line.reply("OK")
        line.ask("QStartNoAckMode")
        line.ask("vCont;c")
        line.reply(stop("shared:\(shared);block:10,0=0102030405060708;\(stack);"))
        line.reply("E01")
        _ = line.takeShown()
        return line
    }

    static func stop(_ notes: String, signal: String = "05") -> String {
        "T\(signal)swbreak:;thread:p1.1;07:007f000000000000;\(notes)"
    }

    /// The debugger asks and is answered at once, without the server.
    mutating func answer(_ packet: String) -> String? {
        let sent = ask(packet)
        return sent.isEmpty ? takeShown().last : nil
    }
}
