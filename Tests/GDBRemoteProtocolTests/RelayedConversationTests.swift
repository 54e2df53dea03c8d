import GDBRemoteProtocol
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("What a relay knows of a conversation")
struct RelayedConversationTests {
    @Test("an answer is owed from the end of a request to the end of its reply")
    func owed() {
        var conversation = RelayedConversation()
        conversation.request(bytes("+$qSuppor"))
        #expect(!conversation.owesAnswer)
        conversation.request(bytes("ted#37"))
        #expect(conversation.owesAnswer)
        #expect(conversation.reply(bytes("+")) == bytes("+"))
        #expect(conversation.owesAnswer)
        #expect(conversation.reply(bytes("$OK#9a")) == bytes("$OK#9a"))
        #expect(!conversation.owesAnswer)
    }

    @Test("a packet is passed on whole, so that a keepalive never lies inside one")
    func whole() {
        let reply = bytes("+$l<threads>#00+%Stop:T05#00$OK#9a")
        for cut in 0...reply.count {
            var conversation = RelayedConversation()
            conversation.request(bytes("$?#3f"))
            let first = conversation.reply(Array(reply[..<cut]))
            let text = String(decoding: first, as: UTF8.self)
            let ends = ["", "+", "#00", "#00+", "#9a"]
            #expect(ends.contains { text.hasSuffix($0) && ($0 != "" || text.isEmpty) }, "\(text)")
            #expect(first + conversation.reply(Array(reply[cut...])) == reply)
        }
    }

    @Test(
        "a program that runs may do so without a word",
        arguments: ["vCont;c:p1.-1", "c", "s", "C05", "S05", "k"]
    )
    func running(request: String) {
        var conversation = RelayedConversation()
        conversation.request(bytes("$\(request)#00"))
        #expect(conversation.owesAnswer, "the acknowledgement")
        _ = conversation.reply(bytes("+"))
        #expect(!conversation.owesAnswer)
        conversation.request(bytes("$QStartNoAckMode#b0"))
        _ = conversation.reply(bytes("+$OK#9a"))
        conversation.request(bytes("+$\(request)#00"))
        #expect(!conversation.owesAnswer)
        conversation.request(bytes("$vCont?#49"))
        #expect(conversation.owesAnswer)
    }

    @Test("a notification answers nothing")
    func notification() {
        var conversation = RelayedConversation()
        conversation.request(bytes("$m10,4#00"))
        #expect(conversation.reply(bytes("%Stop:T05#00")) == bytes("%Stop:T05#00"))
        #expect(conversation.owesAnswer)
    }

    @Test("what is no packet goes through untouched")
    func opaque() {
        var conversation = RelayedConversation()
        conversation.request(bytes("dbgsrv 1\n$m10,4#00"))
        #expect(!conversation.owesAnswer)
        #expect(conversation.reply(bytes("hello $half")) == bytes("hello $half"))
    }

    @Test("a packet without an end is not held for ever")
    func endless() {
        var conversation = RelayedConversation()
        conversation.request(bytes("$?#3f"))
        let portion = [UInt8](repeating: 0x61, count: 65_536)
        var sent = bytes("$")
        var passed = conversation.reply(sent)
        for _ in 0...(RelayedConversation.packetBytesMax / portion.count) {
            sent += portion
            passed += conversation.reply(portion)
        }
        #expect(passed == sent)
        #expect(!conversation.owesAnswer)
    }

    @Test("what is held when the stub goes away is given up")
    func surrendered() {
        var conversation = RelayedConversation()
        conversation.request(bytes("$?#3f"))
        #expect(conversation.reply(bytes("+$T05th")) == bytes("+"))
        #expect(conversation.surrender() == bytes("$T05th"))
    }
}
