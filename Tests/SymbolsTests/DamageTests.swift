import Foundation
import Testing

@testable import Symbols

/// Opens damaged files and asks everything of them. Nothing is expected of the answers: the test
/// fails by a crash or by never ending.
@Suite("Damaged files")
struct DamageTests {
    private struct AnyMemory: MemoryReader {
        func read(at address: UInt64, count: Int) -> [UInt8]? {
            guard address < 0x7fff_ffff_0000 else { return nil }
            return (0..<count).map { UInt8(truncatingIfNeeded: (address &+ UInt64($0)) / 8 &* 37) }
        }
    }

    /// What to ask about: places of the intact file.
    private struct Questions {
        var addresses: [UInt64]
        var globals = ["counter", "origin", "sink"]
        var types = ["point", "node_t", "colour"]

        func ask(_ module: ModuleSymbols) {
            _ = module.symbols(matching: "*e*").count
            _ = module.breakpointAddresses(forFunction: "recurse")
            _ = module.addresses(forFile: "deep.c", line: 50)
            for address in addresses { ask(module, at: address) }
            let frame = frame(at: 0)
            for name in globals {
                _ = module.globalVariable(named: name, frame: frame, limits: ValueLimits(depth: 3))
            }
            for name in types {
                _ = module.typeLayout(named: name)
                _ = module.value(ofType: name, at: 0x1000, frame: frame)
            }
        }

        private func ask(_ module: ModuleSymbols, at address: UInt64) {
            _ = module.symbol(containing: address)
            _ = module.sourceLocation(for: address)
            _ = module.lineRange(containing: address)
            _ = module.inlinedCalls(at: address)
            let frame = frame(at: address)
            _ = module.unwind(frame.registers, bias: 0, memory: AnyMemory())
            _ = module.variables(at: address, frame: frame, limits: ValueLimits(depth: 3))
        }

        func frame(at address: UInt64) -> FrameContext {
            var registers = UnwindRegisters(pc: address)
            for number in 0..<33 { registers[number] = 0x7fff_0000 + UInt64(number) * 64 }
            return FrameContext(registers: registers, bias: 0, memory: AnyMemory())
        }
    }

    private func sample(_ flags: [String]) throws -> (bytes: [UInt8], questions: Questions) {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let functions = ["main", "recurse", "leaf", "_start"].compactMap(module.symbol(named:))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: program)))
        return (
            bytes, Questions(addresses: functions.flatMap { [$0.address + 4, $0.address + 40] })
        )
    }

    /// A generator that gives the same numbers for the same seed.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    @Test(
        "changed bytes anywhere neither crash nor hang",
        arguments: [["-O2", "-g", "-gdwarf-5"], ["-O0", "-g", "-gdwarf-4"]]
    )
    func changed(flags: [String]) throws {
        let (bytes, questions) = try sample(flags)
        for seed in 0..<UInt64(rounds) {
            var generator = Seeded(state: seed + firstSeed)
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...24, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                damaged[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if let trace {
                try "\(seed + firstSeed)".write(toFile: trace, atomically: false, encoding: .utf8)
            }
            guard let module = try? ModuleSymbols(image: damaged, name: "damaged") else { continue }
            questions.ask(module)
        }
    }

    @Test("files cut anywhere neither crash nor hang")
    func cut() throws {
        let (bytes, questions) = try sample(["-O2", "-g"])
        for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 300)) {
            guard let module = try? ModuleSymbols(image: Array(bytes[..<count]), name: "cut") else {
                continue
            }
            questions.ask(module)
        }
    }

    @Test("types, origins and expressions that go in circles come to an end")
    func circles() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.circles, to: "circles.s")
        try workshop.run(["gcc", "-o", "program", "circles.s"])
        let module = try ModuleSymbols(path: workshop.path("program"), debugPaths: [])
        let main = try #require(module.symbol(named: "main"))
        var questions = Questions(addresses: [main.address, main.address + 1])
        questions.types = ["again", "nest"]
        questions.ask(module)
        let variables = module.variables(
            at: main.address + 1,
            frame: questions.frame(at: main.address + 1),
            limits: ValueLimits(depth: 1000, elements: 1000)
        )
        let named = Dictionary(variables.map { ($0.name, $0) }) { first, _ in first }
        #expect(named.count == 7)
        #expect(named["v.Ltypedef"]?.value == .unavailable)
        #expect(named["v.Lstruct"]?.value.children.count == 40)
        #expect(named["v.Lreference"]?.typeName.hasPrefix("... &") == true)
        #expect(named["forever"]?.value == .unavailable && named["based"]?.value == .unavailable)
        #expect(module.inlinedCalls(at: main.address).count == 1)
    }

    private var rounds: Int {
        ProcessInfo.processInfo.environment["DAMAGE_ROUNDS"].flatMap(Int.init) ?? 300
    }
    private var firstSeed: UInt64 {
        ProcessInfo.processInfo.environment["DAMAGE_SEED"].flatMap(UInt64.init) ?? 0
    }
    private var trace: String? { ProcessInfo.processInfo.environment["DAMAGE_TRACE"] }
}
