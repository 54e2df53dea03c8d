import Foundation
import Testing

@testable import Symbols

@Suite("Forms of debug information")
struct DebugFormatTests {
    private static let source = """
        struct point { int x; long y; };
        enum colour { RED, GREEN = 5 };
        struct point origin = { 3, 4 };
        enum colour colour = GREEN;
        int work(struct point *place) { int local = place->x; return local; }
        int main(void) { return work(&origin); }

        """

    private struct NoMemory: MemoryReader {
        func read(at address: UInt64, count: Int) -> [UInt8]? {
            [UInt8](repeating: 0, count: count)
        }
    }

    /// Whether types, variables, enumerators, locals and lines are all found.
    private func check(_ module: ModuleSymbols) throws {
        let frame = FrameContext(registers: UnwindRegisters(pc: 0), bias: 0, memory: NoMemory())
        let type = try #require(module.valueType(named: "point"))
        #expect(type.byteSize == 16)
        #expect(type.fields.map(\.name) == ["x", "y"])
        #expect(module.globalValue(named: "origin", frame: frame)?.type.name == "struct point")
        #expect(module.enumerator(named: "GREEN", frame: frame)?.word == 5)
        let work = try #require(module.breakpointAddress(forFunction: "work"))
        #expect(module.sourceLocation(for: work)?.line == 5)
        let local = module.localValue(named: "local", at: work, frame: frame, inlinedDepth: 0)
        #expect(local?.type.name == "int")
        #expect(module.missingDebugFile(at: work) == nil)
    }

    @Test(
        "DWARF 4 and 5, compressed in both ways, and split into .dwo files",
        arguments: [
            ["-gdwarf-4"], ["-gdwarf-5"], ["-gdwarf-4", "-gz"], ["-gdwarf-5", "-gz"],
            ["-gdwarf-5", "-gz=zlib-gnu"], ["-gdwarf-4", "-gsplit-dwarf"],
            ["-gdwarf-5", "-gsplit-dwarf"], ["-gdwarf-4", "-fdebug-types-section"],
            ["-gdwarf-5", "-fdebug-types-section"],
        ]
    )
    func forms(flags: [String]) throws {
        let workshop = try Workshop()
        try workshop.write(Self.source, to: "forms.c")
        let program = try workshop.compile("forms.c", ["-g", "-O0"] + flags)
        try check(try ModuleSymbols(path: program, debugPaths: []))
    }

    @Test("a .dwo file that is gone is named")
    func missingSplit() throws {
        let workshop = try Workshop()
        try workshop.write(Self.source, to: "forms.c")
        let program = try workshop.compile("forms.c", ["-g", "-gsplit-dwarf"])
        let split = try #require(
            try FileManager.default.contentsOfDirectory(atPath: workshop.folder)
                .first { $0.hasSuffix(".dwo") }
        )
        try FileManager.default.removeItem(atPath: workshop.path(split))
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let work = try #require(module.symbol(named: "work"))
        #expect(module.missingDebugFile(at: work.address)?.hasSuffix(split) == true)
        #expect(
            module.variables(
                at: work.address,
                frame: FrameContext(
                    registers: UnwindRegisters(pc: work.address),
                    bias: 0,
                    memory: NoMemory()
                )
            ).isEmpty
        )
    }

    @Test(
        "what dwz moved to a shared file is found beside the program, and below a folder",
        .enabled(if: Workshop.has("dwz"), "dwz is not installed"),
        arguments: ["-gdwarf-4", "-gdwarf-5"]
    )
    func shared(version: String) throws {
        let workshop = try Workshop()
        try workshop.write(Self.source, to: "forms.c")
        for name in ["one", "two"] {
            try workshop.compile("forms.c", to: name, ["-g", "-O0", version])
        }
        try workshop.run(["dwz", "-m", "common.dwz", "one", "two"])
        try check(try ModuleSymbols(path: workshop.path("one"), debugPaths: []))
        try workshop.run(["mkdir", "-p", "tree/.dwz"])
        try workshop.run(["mv", "common.dwz", "tree/.dwz/common.dwz"])
        try check(
            try ModuleSymbols(path: workshop.path("one"), debugPaths: [workshop.path("tree")])
        )
        // Without it there is less, but no crash.
        let poor = try ModuleSymbols(path: workshop.path("two"), debugPaths: [])
        #expect(poor.symbol(named: "work") != nil)
        _ = poor.typeNames(matching: "*")
    }

    @Test("a debug file that was handed over is taken if it is of the same build")
    func handedOver() throws {
        let workshop = try Workshop()
        try workshop.write(Self.source, to: "forms.c")
        let program = try workshop.compile("forms.c", ["-g", "-Wl,--build-id"])
        try workshop.run(["objcopy", "--only-keep-debug", "program", "program.debug"])
        try workshop.run(["strip", "-g", "program"])
        let debug = workshop.path("program.debug")
        try workshop.run(["mv", "program.debug", "elsewhere"])
        #expect(try ModuleSymbols(path: program, debugPaths: []).symbolStatus == .elfSymbols)
        try check(
            try ModuleSymbols(path: program, debugPaths: [], debugFile: workshop.path("elsewhere"))
        )
        let other = try ModuleSymbols(path: program, debugPaths: [], debugFile: "/bin/true")
        #expect(other.symbolStatus == .elfSymbols)
        #expect(
            try ModuleSymbols(path: program, debugPaths: [], debugFile: debug).symbolStatus
                == .elfSymbols
        )
    }
}

@Suite("Rust's names")
struct RustNameTests {
    @Test(
        "v0 mangling",
        arguments: [
            ("_RNvCs1234_7mycrate4main", "mycrate::main"),
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
            ("_RNvMNtCs1_5crate3fooNtB2_3Bar3baz", "<crate::foo::Bar>::baz"),
            ("_RNvXCs1_5crateNtB2_3BarNtB2_5Trait3baz", "<crate::Bar as crate::Trait>::baz"),
            ("_RINvCs1_5crate3fooxE", "crate::foo::<i64>"),
            ("_RINvCs1_5crate3fooRNtB2_3BarAhj4_E", "crate::foo::<&crate::Bar, [u8; 4]>"),
            ("_RNCNvCs1_5crate4mains_0", "crate::main::{closure#1}"),
            ("_RNvNtNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal", nil),
            ("_RNvNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal", "std::rt::lang_start_internal"),
            ("_R", nil), ("_RB_", nil), ("_RNvB_4main", nil), ("_RNvC99999999999999999999a", nil),
        ] as [(String, String?)]
    )
    func v0(mangled: String, expected: String?) {
        #expect(Demangler.demangle(mangled) == expected)
    }

    @Test("back references to themselves, and endless nesting, come to an end")
    func hostile() {
        #expect(Demangler.demangle("_RIC1a" + String(repeating: "B1_", count: 2000) + "E") == nil)
        #expect(Demangler.demangle("_RIC1a" + String(repeating: "R", count: 4000) + "uE") == nil)
        _ = Demangler.demangle("_RIC1a" + String(repeating: "TB3_B3_E", count: 300) + "E")
    }
}
