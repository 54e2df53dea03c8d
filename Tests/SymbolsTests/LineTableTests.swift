import Foundation
import Testing

@testable import Symbols

@Suite("Lines of a module")
struct LineTableTests {
    static let flavours: [[String]] = [
        ["-O0", "-g", "-gdwarf-5"], ["-O0", "-g", "-gdwarf-4"], ["-O2", "-g", "-gdwarf-5"],
        ["-O2", "-g", "-gdwarf-4", "-no-pie"], ["-O1", "-g", "-static"],
        ["-O2", "-g", "-gsplit-dwarf"], ["-Os", "-g", "-gz"],
        ["-O2", "-g", "-ffunction-sections", "-Wl,--gc-sections"],
    ]

    /// The addresses of all instructions of the functions that come from the source file.
    private func instructions(_ workshop: Workshop, _ program: String) throws -> [UInt64] {
        var found: [UInt64] = []
        var isOurs = false
        let ours: Set = ["leaf", "compare", "recurse", "handler", "main"]
        for line in try workshop.lines([
            "objdump", "-d", "-j", ".text", "--no-show-raw-insn", program,
        ]) {
            if line.hasSuffix(">:") {
                let name = line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" && $0 != "." }
                isOurs = ours.contains(String(name))
            } else if isOurs, line.hasPrefix(" "), let colon = line.firstIndex(of: ":"),
                let address = String(line[..<colon].trimmingPrefix { $0 == " " }).hexadecimal
            {
                found.append(address)
            }
        }
        return found
    }

    /// What addr2line says of one address: function and place, the innermost first.
    private func truth(
        _ workshop: Workshop,
        _ program: String,
        _ addresses: [UInt64]
    ) throws -> [[(function: String, place: String)]] {
        let digits = addresses.map { "0x" + String($0, radix: 16) }
        let lines = try workshop.lines(
            ["addr2line", "-a", "-f", "-i", "-C", "-e", program] + digits
        )
        var found: [[(function: String, place: String)]] = []
        var index = 0
        while index < lines.count {
            if lines[index].hasPrefix("0x") {
                found.append([])
                index += 1
            } else if index + 1 < lines.count {
                let place = lines[index + 1].split(separator: " ").first.map(String.init) ?? ""
                found[found.count - 1].append((lines[index], place))
                index += 2
            } else {
                break
            }
        }
        return found
    }

    /// The lines that gdb finds for addresses.
    private func gdbLines(
        _ workshop: Workshop,
        _ program: String,
        _ addresses: [UInt64]
    ) throws -> [String] {
        let script = """
            import gdb
            for address in [\(addresses.map(String.init).joined(separator: ","))]:
                sal = gdb.find_pc_line(address)
                print('AT', sal.symtab.fullname() + ':' + str(sal.line) if sal.symtab else '??:?')
            """
        try workshop.write(script, to: "lines.py")
        return try workshop.lines(["gdb", "-nx", "-batch", "-ex", "source lines.py", program])
            .filter { $0.hasPrefix("AT ") }.map { String($0.dropFirst(3)) }
    }

    @Test("every instruction has the file and line that gdb finds", arguments: flavours)
    func everyInstruction(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        #expect(module.symbolStatus == .dwarf)
        let addresses = try instructions(workshop, program)
        #expect(addresses.count > 80)
        let truth = try gdbLines(workshop, program, addresses)
        #expect(truth.count == addresses.count)
        for (address, expected) in zip(addresses, truth) {
            let location = module.sourceLocation(for: address)
            let place = location.map { "\($0.file):\($0.line)" } ?? "??:?"
            #expect(place == expected, "\(String(address, radix: 16)) \(flags)")
        }
    }

    @Test("every instruction has addr2line's inlined calls", arguments: flavours)
    func inlinedCalls(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        // addr2line does not read .dwo files; what it says of the same code without them is the
        // truth.
        let plain = try workshop.compile(
            "deep.c",
            to: "plain",
            flags.filter { $0 != "-gsplit-dwarf" }
        )
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let addresses = try instructions(workshop, program)
        var depth = 0
        for (address, expected) in zip(addresses, try truth(workshop, plain, addresses)) {
            let inlined = module.inlinedCalls(at: address)
            #expect(inlined.map(\.function) == expected.dropLast().map(\.function))
            let sites = inlined.map { $0.callSite.map { "\($0.file):\($0.line)" } ?? "" }
            #expect(sites == expected.dropFirst().map(\.place))
            depth = max(depth, inlined.count)
        }
        #expect(depth == 2)
    }

    @Test("C++ lines and inlined calls agree with addr2line too")
    func cplusplus() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let program = try workshop.compile("shapes.cpp", ["-O2", "-g"])
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let main = try #require(module.symbol(named: "main"))
        let addresses = (main.address..<main.address + main.size).map { $0 }
        let lines = try gdbLines(workshop, program, addresses)
        let calls = try truth(workshop, program, addresses)
        for (address, (place, expected)) in zip(addresses, zip(lines, calls)) {
            let location = module.sourceLocation(for: address)
            #expect(location.map { "\($0.file):\($0.line)" } ?? "??:?" == place)
            let inlined = module.inlinedCalls(at: address)
            #expect(inlined.count == expected.count - 1)
            // Of a lambda, which has no linkage name, addr2line says where it was written.
            for (call, wanted) in zip(inlined, expected) where call.function != "operator()" {
                #expect(wanted.function.contains(call.function), "\(call) \(wanted)")
            }
        }
    }

    @Test("the range of a line holds the address and nothing of another line", arguments: flavours)
    func ranges(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        for address in try instructions(workshop, program) {
            guard module.sourceLocation(for: address) != nil else { continue }
            let range = try #require(module.lineRange(containing: address))
            #expect(range.addresses.contains(address))
            for other in range.addresses {
                #expect(module.lineRange(containing: other)?.addresses == range.addresses)
            }
            let after = module.lineRange(containing: range.addresses.upperBound)
            #expect(
                after?.location.line != range.location.line
                    || after?.location.file != range.location.file
            )
        }
    }

    /// The addresses at which gdb plants breakpoints, by what it was asked for.
    private func gdbBreakpoints(
        _ workshop: Workshop,
        _ program: String,
        _ places: [String]
    ) throws -> [String: [UInt64]] {
        let script = """
            import gdb
            for place in '\(places.joined(separator: " "))'.split():
                try:
                    b = gdb.Breakpoint(place, internal=False)
                    print('AT', place, *[hex(l.address) for l in b.locations])
                    b.delete()
                except Exception as e:
                    print('NO', place, e)
            """
        try workshop.write(script, to: "breakpoints.py")
        var found: [String: [UInt64]] = [:]
        let command = ["gdb", "-nx", "-batch", "-ex", "source breakpoints.py", program]
        for line in try workshop.lines(command) where line.hasPrefix("AT ") {
            let words = line.split(separator: " ").map(String.init)
            found[words[1]] = words.dropFirst(2).compactMap(\.hexadecimal).sorted()
        }
        return found
    }

    @Test(
        "breakpoints on functions and on all lines lie where gdb puts them",
        arguments: [["-O0", "-g"], ["-O0", "-g", "-gdwarf-4", "-no-pie"]]
    )
    func breakpoints(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", flags)
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let functions = ["main", "leaf", "recurse", "compare", "handler"]
        let count = Samples.deep.split(separator: "\n", omittingEmptySubsequences: false).count
        let lines = (1...count).map { "deep.c:\($0)" }
        let truth = try gdbBreakpoints(workshop, program, functions + lines)
        for name in functions {
            let address = try #require(module.breakpointAddress(forFunction: name))
            #expect([address] == truth[name], "\(name)")
        }
        var agreeing = 0
        for line in 1...count {
            let found = module.addresses(forFile: "deep.c", line: line)
            guard let expected = truth["deep.c:\(line)"] else { continue }
            #expect(found == expected, "line \(line)")
            agreeing += 1
        }
        #expect(agreeing > 60)
    }

    @Test(
        "in what clang compiled, too",
        .enabled(if: Workshop.has("clang"), "clang is not installed"),
        arguments: [["clang", "-O0", "-g"], ["clang", "-O0", "-g", "-gdwarf-4"]]
    )
    func clangBreakpoints(flags: [String]) throws {
        try breakpoints(flags: flags)
        try everyInstruction(flags: flags)
    }

    @Test("in optimised code a function's breakpoint is its first instruction, as gdb's")
    func optimisedBreakpoints() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", ["-O2", "-g"])
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let functions = ["main", "leaf", "recurse", "compare", "handler"]
        let truth = try gdbBreakpoints(workshop, program, functions)
        for name in functions {
            #expect(module.breakpointAddresses(forFunction: name) == truth[name], "\(name)")
        }
    }

    @Test("a file may be given by name or by the end of its path; unknown ones have no lines")
    func fileNames() throws {
        let workshop = try Workshop()
        try FileManager.default.createDirectory(
            atPath: workshop.path("deps/more"),
            withIntermediateDirectories: true
        )
        try workshop.write("int value(int a)\n{\n    return a + 1;\n}\n", to: "deps/more/value.c")
        try workshop.write(
            "int value(int);\nint main(int c, char **v)\n{\n    return value(c);\n}\n",
            to: "main.c"
        )
        try workshop.run(["gcc", "-g", "-o", "program", "main.c", "deps/more/../more/value.c"])
        let module = try ModuleSymbols(path: workshop.path("program"), debugPaths: [])
        let address = try #require(module.addresses(forFile: "value.c", line: 3).first)
        for name in ["more/value.c", "deps/more/value.c", workshop.path("deps/more/value.c")] {
            #expect(module.addresses(forFile: name, line: 3) == [address], "\(name)")
        }
        #expect(module.sourceLocation(for: address)?.line == 3)
        #expect(module.addresses(forFile: "alue.c", line: 3).isEmpty)
        #expect(module.addresses(forFile: "other/value.c", line: 3).isEmpty)
        #expect(module.addresses(forFile: "value.c", line: 5).isEmpty)
        #expect(
            module.addresses(forFile: "value.c", line: -1)
                == module.addresses(forFile: "value.c", line: 1)
        )
        #expect(module.addresses(forFile: "", line: 1).isEmpty)
    }
}
