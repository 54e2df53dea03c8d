import WireCore

@testable import ChannelMux

// A peer with right check sums that says anything at any time, and users who do anything at any time.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLink(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    let options = input.byte()
    var peer = FuzzedLink(compresses: options & 1 == 0, flowControlSafe: options & 2 != 0)
    for number in 0..<4 { try? peer.link.listen(on: ChannelNumber(number)!, at: peer.now) }
    if options & 4 == 0 { peer.greet() }
    while !input.isAtEnd { act(&peer, &input) }
    peer.pass(milliseconds: 10_000)
    return 0
}

private func act(_ peer: inout FuzzedLink, _ input: inout FuzzInput) {
    let operation = input.byte()
    switch operation & 15 {
    case 0: peer.receive(input.take(Int(input.byte())))
    case 1: peer.pass(milliseconds: UInt64(input.byte()))
    case 2: peer.connect(input.byte() & 7, waiting: operation & 16 != 0)
    case 3: peer.greet()
    case 4: peer.link.lineClosed(at: peer.now)
    case 5: peer.link.lineOpened(at: peer.now)
    case 6...9: useConnection(&peer, &input, operation)
    case 10: peer.receiveForged(input.take(Int(input.byte())))
    default: sendInOrder(&peer, &input, isData: operation & 16 != 0)
    }
    peer.settle()
}

/// A frame with the number that is expected next, or nearly, so that what is in it gets somewhere.
private func sendInOrder(_ peer: inout FuzzedLink, _ input: inout FuzzInput, isData: Bool) {
    guard let session = peer.link.session else { return }
    let ahead = input.byte() & 3
    let sequence = UInt8(truncatingIfNeeded: session.receiver.next) &+ ahead
    let kind = (isData ? Wire.data : Wire.bundle) | input.byte() & 15
    peer.receiveForged([kind, sequence] + input.take(Int(input.byte())))
}

private func useConnection(
    _ peer: inout FuzzedLink,
    _ input: inout FuzzInput,
    _ operation: UInt8
) {
    guard !peer.known.isEmpty else { return }
    let id = peer.known[Int(operation >> 4) % peer.known.count]
    switch operation & 15 {
    case 6: peer.link.accept(id, at: peer.now)
    case 7: _ = try? peer.link.send(input.take(Int(input.byte()))[...], on: id, at: peer.now)
    case 8: peer.link.consumed(Int(input.byte()) * 16, on: id, at: peer.now)
    default: endOrMark(&peer, id, input.byte())
    }
}

private func endOrMark(_ peer: inout FuzzedLink, _ id: ConnectionID, _ choice: UInt8) {
    switch choice & 3 {
    case 0: peer.link.finishWriting(id, at: peer.now)
    case 1: peer.link.reset(id, .clientDied, at: peer.now)
    case 2: _ = try? peer.link.sendBreak(milliseconds: Int(choice), on: id, at: peer.now)
    default: _ = try? peer.link.sendModemLines([.dtr], on: id, at: peer.now)
    }
}
