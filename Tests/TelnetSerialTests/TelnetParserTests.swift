import Testing

@testable import TelnetSerial

@Suite("Telnet")
struct TelnetParserTests {
    private func parse(_ pieces: [[UInt8]]) -> [Telnet.Element] {
        var parser = TelnetParser()
        return joined(pieces.flatMap { parser.parse($0) })
    }

    /// Data that arrived in pieces as one.
    private func joined(_ elements: [Telnet.Element]) -> [Telnet.Element] {
        elements.reduce(into: []) { all, element in
            if case .data(let before)? = all.last, case .data(let more) = element {
                all[all.count - 1] = .data(before + more)
            } else {
                all.append(element)
            }
        }
    }

    private let vectors: [(wire: [UInt8], elements: [Telnet.Element])] = [
        ([65, 0, 13, 10, 254], [.data([65, 0, 13, 10, 254])]),
        ([65, 255, 255, 66], [.data([65, 255, 66])]),
        ([255, 251, 44, 255, 253, 0], [.option(.will, 44), .option(.perform, 0)]),
        ([255, 252, 44, 255, 254, 255], [.option(.wont, 44), .option(.dont, 255)]),
        ([255, 250, 44, 101, 0, 255, 255, 255, 240], [.parameters(option: 44, [101, 0, 255])]),
        ([255, 250, 255, 240, 7], [.data([7])]),
        ([1, 255, 241, 2, 255, 249, 3], [.data([1, 2, 3])]),
        (
            [255, 250, 44, 1, 255, 251, 0, 9],
            [.parameters(option: 44, [1]), .option(.will, 0), .data([9])]
        ),
    ]

    @Test("means the same whole, byte by byte, and cut anywhere")
    func vectorsAnyhow() {
        for (wire, elements) in vectors {
            #expect(parse([wire]) == elements, "\(wire)")
            #expect(parse(wire.map { [$0] }) == elements, "\(wire)")
            for index in wire.indices {
                #expect(parse([Array(wire[..<index]), Array(wire[index...])]) == elements)
            }
        }
    }

    @Test("carries every byte as data, whatever stands beside it")
    func transparent() {
        let bytes = (0...255).map { UInt8($0) } + [255, 255, 255, 0, 255]
        #expect(parse([Telnet.escaped(bytes)]) == [.data(bytes)])
    }

    @Test("that never ends an option's parameters costs no more memory than the limit")
    func endless() {
        var parser = TelnetParser()
        _ = parser.parse([255, 250, 44])
        for _ in 0..<100 { _ = parser.parse([UInt8](repeating: 7, count: 10_000)) }
        let elements = parser.parse([255, 240, 65])
        guard case .parameters(44, let collected)? = elements.first else {
            Issue.record("\(elements)")
            return
        }
        #expect(collected.count < TelnetParser.parametersMax)
        #expect(elements.last == .data([65]))
    }
}
