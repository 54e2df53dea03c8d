import Foundation
import LinuxSystem
import Testing
import WireCore

@testable import BrokerProtocol
@testable import PortBroker
@testable import Transports

@Suite("BREAKs of a channel", .serialized)
struct BreakTests {
    /// What a reader of a stream gets, in order.
    enum Item: Equatable {
        case bytes(Int)
        case lineBreak(Int)
    }

    private func items(_ stream: ComChannelStream, bytes: Int, breaks: Int) throws -> [Item] {
        var (items, left, breaksLeft): ([Item], Int, Int) = ([], bytes, breaks)
        while left > 0 || breaksLeft > 0 {
            while let milliseconds = stream.takeBreak() {
                items.append(.lineBreak(milliseconds))
                breaksLeft -= 1
            }
            if let read = try stream.read(maximum: 1000) {
                guard !read.isEmpty else { break }
                left -= read.count
                if case .bytes(let before) = items.last {
                    items[items.count - 1] = .bytes(before + read.count)
                } else {
                    items.append(.bytes(read.count))
                }
            } else if !stream.hasBreak, left > 0 || breaksLeft > 0 {
                var requests = [
                    PollRequest(stream.descriptor.number), PollRequest(stream.noticeDescriptor),
                ]
                guard try pollDescriptors(&requests, timeoutMilliseconds: 30_000) else {
                    throw BenchError(description: "nothing more comes after \(items)")
                }
            }
        }
        return items
    }

    @Test("arrive between the bytes where they were sent, both ways (MUX-47, R7, E3)")
    func inPlace() throws {
        let bench = try Bench()
        let (server, client) = (try bench.open(bench.a), try bench.open(bench.b))
        server.takesBreaks = true
        client.takesBreaks = true
        let listener = try server.listen(channel: 9)
        let (far, near) = try bench.connect(listener, from: client)
        for (from, to) in [(near, far), (far, near)] {
            let reader = Background { try items(to, bytes: 50_001, breaks: 2) }
            var rest = [UInt8](repeating: 0x61, count: 50_000)[...]
            while !rest.isEmpty {
                rest = rest.dropFirst(try from.write(rest))
                var requests = [PollRequest(from.descriptor.number, read: false, write: true)]
                try pollDescriptors(&requests, timeoutMilliseconds: 30_000)
            }
            try from.sendBreak(milliseconds: 250)
            #expect(try from.write([0x62]) == 1)
            try from.sendBreak(milliseconds: 300)
            #expect(
                try reader.value() == [
                    .bytes(50_000), .lineBreak(250), .bytes(1), .lineBreak(300),
                ]
            )
        }
    }

    @Test("are not told to a program that did not ask for them, which reads on")
    func unasked() throws {
        let bench = try Bench()
        let listener = try bench.open(bench.a).listen(channel: 9)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        for _ in 0..<10 { try near.sendBreak(milliseconds: 250) }
        try near.writeAll(Array("after".utf8))
        #expect(try far.read(exactly: 5) == Array("after".utf8))
        #expect(!far.hasBreak && far.takeBreak() == nil)
    }

    @Test("that were sent before anybody read are there when somebody does")
    func early() throws {
        let bench = try Bench()
        let server = try bench.open(bench.a)
        server.takesBreaks = true
        let listener = try server.listen(channel: 9)
        let (far, near) = try bench.connect(listener, from: try bench.open(bench.b))
        try near.sendBreak(milliseconds: 100)
        #expect(try near.write([1, 2, 3]) == 3)
        #expect(try items(far, bytes: 3, breaks: 1) == [.lineBreak(100), .bytes(3)])
    }
}

@Suite("Where BREAKs stand")
struct ConnectionBreaksTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test("outwards: bytes go up to the next one, then it, then bytes again")
    func outwards() {
        var breaks = ConnectionBreaks()
        #expect(breaks.bytesUntilNext == Int.max && !breaks.isDue)
        let ahead = breaks.append(LineBreak(after: 10, milliseconds: 1))
        let same = breaks.append(LineBreak(after: 10, milliseconds: 2))
        let earlier = breaks.append(LineBreak(after: 9, milliseconds: 3))
        #expect(ahead && same && !earlier)
        #expect(breaks.bytesUntilNext == 10)
        breaks.sent(10)
        #expect(breaks.takeDue() == 1)
        #expect(breaks.takeDue() == 2)
        #expect(breaks.takeDue() == nil && breaks.bytesUntilNext == Int.max)
        let behind = breaks.append(LineBreak(after: 9, milliseconds: 4))
        #expect(!behind, "its place has gone by")
    }

    @Test("no more than 64 wait, outwards or for a reader")
    func limits() {
        var breaks = ConnectionBreaks()
        let taken = (0..<100).filter { _ in breaks.append(LineBreak(after: 5, milliseconds: 1)) }
        #expect(taken.count == ConnectionBreaks.waitingMax)
        for index in 0..<100 { _ = breaks.received(milliseconds: 1, at: at(UInt64(index) * 50)) }
        #expect(breaks.attach(takesBreaks: true).count == ConnectionBreaks.waitingMax)
    }

    @Test("inwards: each is told with the number of bytes before it")
    func inwards() {
        var breaks = ConnectionBreaks()
        breaks.received(5)
        #expect(breaks.received(milliseconds: 7, at: at(0)) == nil, "nobody reads yet")
        #expect(breaks.attach(takesBreaks: true) == [LineBreak(after: 5, milliseconds: 7)])
        breaks.received(2)
        #expect(breaks.received(milliseconds: 9, at: at(0)) == LineBreak(after: 7, milliseconds: 9))
    }

    @Test("inwards: a flood becomes what a line could carry (E3)")
    func flood() {
        var breaks = ConnectionBreaks()
        _ = breaks.attach(takesBreaks: true)
        let told = (0..<2000).filter { breaks.received(milliseconds: 1, at: at($0)) != nil }
        #expect(told.count == ConnectionBreaks.burstMax + 99)
    }
}
