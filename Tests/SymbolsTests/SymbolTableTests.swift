import DebugTarget
import Foundation
import Testing

@testable import Symbols

@Suite("Symbols of a module")
struct SymbolTableTests {
    private struct Listed {
        var address: UInt64
        var size: UInt64
        var kind: String
        var name: String
    }

    private func list(_ workshop: Workshop, _ program: String) throws -> [Listed] {
        try workshop.lines(["nm", "-S", "--defined-only", program]).compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let address = words[0].hexadecimal,
                let size = words[1].hexadecimal
            else { return nil }
            return Listed(address: address, size: size, kind: words[2], name: words[3])
        }
    }

    @Test(
        "every sized symbol that nm lists covers its first and last byte",
        arguments: [["-O0", "-g"], ["-O2", "-static"], ["-O2", "-no-pie"]]
    )
    func covers(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let listed = try list(workshop, program)
        #expect(listed.count > 10)
        for symbol in listed
        where "TtWwDdBbRrVv".contains(symbol.kind) && symbol.size > 0
            && module.symbol(named: symbol.name)?.kind != .threadLocal
        {
            for address in [symbol.address, symbol.address + symbol.size - 1] {
                let found = try #require(module.symbol(containing: address), "\(symbol)")
                #expect(found.address <= address && address - found.address < found.size)
                let same = listed.filter { $0.address == found.address }.map(\.name)
                #expect(same.contains { $0.split(separator: "@")[0] == found.linkageName })
            }
        }
    }

    @Test("C++ names are demangled as nm does, and shortened")
    func demangles() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let program = try workshop.compile("shapes.cpp", ["-O0", "-g"])
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let full = try workshop.lines(["nm", "-C", "--defined-only", program]).compactMap { line in
            line.split(separator: " ", maxSplits: 2).dropFirst(2).first.map(String.init)
        }
        let signatures = Set(module.symbols(matching: "*").map(\.signature))
        for name in full where name.contains("geometry::") {
            #expect(signatures.contains(name), "\(name)")
        }
        let twice = module.symbols(named: "geometry::twice")
        #expect(
            twice.map(\.signature).sorted() == ["geometry::twice(double)", "geometry::twice(int)"]
        )
        #expect(module.symbol(named: "geometry::largest<int>") != nil)
        #expect(module.symbol(named: "geometry::(anonymous namespace)::hidden") != nil)
        #expect(module.symbol(named: "geometry::Square::operator<") != nil)
        #expect(module.symbol(named: "_ZN8geometry5twiceEi")?.name == "geometry::twice")
        #expect(module.symbol(named: "geometry::twice(int)")?.linkageName == "_ZN8geometry5twiceEi")
        #expect(module.symbol(named: "nowhere") == nil)
    }

    @Test("wildcards match without regard to case, in demangled names too")
    func wildcards() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let module = try ModuleSymbols(
            path: try workshop.compile("shapes.cpp", ["-O0"]),
            debugPaths: []
        )
        let names = Set(module.symbols(matching: "GEOMETRY::sq*::area").map(\.name))
        #expect(names == ["geometry::Square::area"])
        #expect(module.symbols(matching: "mai?").map(\.name) == ["main"])
        #expect(module.symbols(matching: "geometry::tw?ce").count == 2)
        #expect(module.symbols(matching: "*::twice").count == 2)
        #expect(
            module.symbols(matching: "std::basic_str*").allSatisfy { $0.name.hasPrefix("std::") }
        )
        #expect(module.symbols(matching: "zz*").isEmpty)
    }

    @Test(
        "entries of the linkage table are named after what they jump to",
        arguments: [
            ["-O1"], ["-O1", "-fcf-protection=full", "-Wl,-z,ibtplt"], ["-no-pie", "-Wl,-z,now"],
        ]
    )
    func linkageTable(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        var checked = 0
        for line in try workshop.lines(["objdump", "-d", "--no-show-raw-insn", program]) {
            guard line.hasSuffix("@plt>:"), let address = line.prefix(16).description.hexadecimal
            else { continue }
            let name = String(line.dropFirst(18).dropLast(2))
            #expect(module.symbol(containing: address + 4)?.name == name)
            checked += 1
        }
        #expect(checked >= 3)
        #expect(module.symbol(named: "printf@plt")?.kind == .procedureLinkage)
    }

    @Test("header facts agree with readelf")
    func header() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        for (name, flags) in [("pie", ["-pie", "-fPIE"]), ("fixed", ["-no-pie"])] {
            let program = try workshop.compile("deep.c", to: name, flags)
            let module = try ModuleSymbols(path: program, debugPaths: [])
            let text = try workshop.run(["readelf", "-hnW", program])
            let id = module.buildID.map { String(format: "%02x", $0) }.joined()
            #expect(id.count == 40 && text.contains(id))
            #expect(text.contains("0x" + String(module.entryPoint, radix: 16)))
            #expect(module.isPositionIndependent == (name == "pie"))
            #expect(module.architecture == .x86_64)
            let loads = try workshop.lines(["readelf", "-lW", program]).filter {
                $0.contains(" LOAD ")
            }
            #expect(module.segments.count == loads.count)
            let first = try #require(loads.first?.split(separator: " ").map(String.init))
            #expect(module.segments[0].address == first[2].hexadecimal)
            #expect(module.segments[0].memorySize == first[5].hexadecimal)
            #expect(module.segments.contains { $0.isExecutable && !$0.isWritable })
        }
    }

    @Test("a file that is not there, and one that is no ELF file, are named in the error")
    func badFiles() throws {
        let workshop = try Workshop()
        let text = try workshop.write("hello", to: "text")
        let missing = #expect(throws: SymbolError.self) {
            try ModuleSymbols(path: workshop.path("missing"), debugPaths: [])
        }
        #expect(missing?.message == "\(workshop.path("missing")): No such file or directory")
        let wrong = #expect(throws: SymbolError.self) {
            try ModuleSymbols(path: text, debugPaths: [])
        }
        #expect(wrong?.message == "\(text): not an ELF file")
    }
}
