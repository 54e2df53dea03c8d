import SharedSession

// A shared session: whatever clients send, in whatever pieces and order, the session answers with frames that a client
// can read, keeps its limits, and stays as it was for the others. The hub's line to its debugger takes any bytes too.

private let clientsMax = 4
private let historyBytesMax = 4096

private struct Client {
    let number: UInt16
    var decoder = SharedFrameDecoder()
}

private struct Crowd {
    var session = SharedSession(number: 7, program: "fuzz", historyBytesMax: historyBytesMax)
    var clients: [Client] = []

    mutating func act(_ input: inout FuzzInput) {
        let which = Int(input.byte())
        switch which % 8 {
        case 0 where clients.count < clientsMax:
            if let number = session.admit(peerName: "tcp [::1]:\(which)", at: 0) {
                clients.append(Client(number: number))
            }
        case 1:
            session.write(text(&input))
        case 2:
            if let command = session.takeCommand() { session.show(command, prompt: "0:000> ") }
            session.set(which < 128 ? .prompt("0:000> ") : .busy(targetRuns: which % 3 == 0))
        case 3 where !clients.isEmpty:
            session.setReadOnly(which < 128, clients[which / 8 % clients.count].number)
        case 4 where !clients.isEmpty:
            session.remove(clients.remove(at: which / 8 % clients.count).number)
        case 5 where !clients.isEmpty:
            session.answer(clients[which / 8 % clients.count].number, query: 1, ["one", "two"])
        case 6 where !clients.isEmpty:
            let name = text(&input)
            let frame: SharedFrame =
                which < 128
                ? .join(.init(user: name, host: name, historyLines: input.number()))
                : .command(name)
            _ = session.receive(
                frame.encoded,
                from: clients[which / 8 % clients.count].number,
                at: 1
            )
        default:
            guard !clients.isEmpty else { return }
            let number = clients[which / 8 % clients.count].number
            let bytes = input.take(Int(input.byte()))
            _ = session.receive(bytes, from: number, at: 1)
        }
        pump()
    }

    private func text(_ input: inout FuzzInput) -> String {
        String(decoding: input.take(Int(input.byte())), as: UTF8.self)
    }

    private mutating func pump() {
        for index in clients.indices {
            while let frame = session.takeFrame(for: clients[index].number) {
                clients[index].decoder.append(frame)
            }
            do {
                while try clients[index].decoder.next() != nil {}
            } catch {
                preconditionFailure("a client cannot read what it is sent: \(error)")
            }
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzShared(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var input = FuzzInput(start, count)
    var crowd = Crowd()
    while !input.isAtEnd { crowd.act(&input) }
    var messages = DebuggerMessageDecoder()
    messages.append(bytes)
    while let message = messages.next() {
        var again = DebuggerMessageDecoder()
        again.append(message.encoded)
        precondition(again.next() == message, "a message is not stable")
    }
    var screen = ScreenText()
    _ = screen.take(bytes)
    return 0
}
