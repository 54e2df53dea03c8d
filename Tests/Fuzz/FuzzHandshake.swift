import WireCore

@testable import ChannelMux

// HELLOs of anybody, in any order and at any time: who does not echo the present nonce brings nothing up and
// nothing down, and no more goes out than the rates allow.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHandshake(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    var peer = FuzzedLink(compresses: true, flowControlSafe: input.byte() & 1 == 1)
    let start = peer.now
    while !input.isAtEnd {
        let operation = input.byte()
        switch operation & 3 {
        case 0: peer.pass(milliseconds: UInt64(input.byte()))
        case 1: peer.receive(input.take(Int(input.byte())))
        default: greet(&peer, &input)
        }
    }
    // Four answers at once, one every 50 ms, its own HELLOs, and a probe and an acknowledgement each time it
    // comes up.
    let milliseconds = Int(peer.now.nanoseconds(since: start) / 1_000_000)
    precondition(peer.framesOut <= 40 + milliseconds / 8 + 4 * count, "\(peer.framesOut) frames")
    return 0
}

private func greet(_ peer: inout FuzzedLink, _ input: inout FuzzInput) {
    let choices = input.byte()
    let heard = peer.lastHello
    var hello = Hello(epoch: 1 + UInt32(choices & 3), nonce: input.number(), identity: "someone")
    if choices & 4 != 0, let heard { hello.epoch = heard.epoch }
    if choices & 8 != 0, let heard { hello.peerEpoch = heard.epoch }
    let echoes = choices & 16 != 0
    if echoes, let heard { hello.echo = heard.nonce } else { hello.echo = input.number() }
    hello.isUp = choices & 32 != 0
    hello.features = Hello.Features(rawValue: UInt32(input.byte()))
    hello.wantsFlowControlSafe = choices & 64 != 0
    let wasUp = peer.link.isUp
    let epoch = peer.link.statistics.epoch
    let namesUs = hello.peerEpoch == epoch
    peer.receive(hello.wire)
    let isRight = namesUs && hello.echo == heard?.nonce
    if !isRight && !wasUp { precondition(!peer.link.isUp, "up without its nonce") }
    if !isRight && wasUp { precondition(peer.link.isUp, "down without its nonce") }
}
