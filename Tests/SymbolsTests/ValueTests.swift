import Foundation
import Testing

@testable import Symbols

@Suite("Looks of values")
struct ValueTests {
    private struct Stop {
        var module: ModuleSymbols
        var address: UInt64
        var frame: FrameContext

        func variables(_ limits: ValueLimits = ValueLimits()) -> [String: Variable] {
            let all = module.variables(at: address, frame: frame, limits: limits)
            return Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }

        /// The frame that called this one.
        func caller() throws -> Stop {
            let registers = try #require(
                module.unwind(frame.registers, bias: frame.bias, memory: frame.memory)
            )
            var next = self
            next.frame.registers = registers
            next.address = registers.lookupAddress &- frame.bias
            return next
        }
    }

    /// A program stopped at a place, in the frame of its innermost function.
    private func stop(
        _ workshop: Workshop,
        _ source: String,
        _ flags: [String],
        at place: String
    ) throws -> Stop {
        let program = try workshop.compile(source, flags)
        let taken = try Snapshot.take(
            of: program,
            in: workshop,
            at: [place],
            stops: 1,
            next: "continue"
        )
        let snapshot = try #require(taken.first)
        let found = try ModuleCache().module(at: snapshot.frames[0].pc, in: snapshot)
        let (module, bias) = try #require(found)
        let memory = SnapshotMemory(snapshot, module: module, bias: bias)
        let frame = FrameContext(registers: snapshot.innermost, bias: bias, memory: memory)
        return Stop(module: module, address: snapshot.frames[0].pc &- bias, frame: frame)
    }

    @Test("C values look as CDB shows them", arguments: ["-gdwarf-5", "-gdwarf-4", "-gdwarf-3"])
    func cValues(version: String) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.values, to: "values.c")
        let main = try stop(workshop, "values.c", ["-O0", "-g", version], at: "stop").caller()
        let all = main.variables(ValueLimits(depth: 2))
        func text(_ name: String) -> String { all[name]?.value.text ?? "not listed" }
        func type(_ name: String) -> String { all[name]?.typeName ?? "not listed" }
        #expect(text("negative") == "0n-5" && type("negative") == "int")
        #expect(text("count") == "0x344" && type("count") == "size_t")
        #expect(text("letter") == "98 'b'" && text("byte") == "0xe9 ''")
        #expect(text("newline") == "10 '\\n'")
        #expect(text("truth") == "true" && type("truth") == "_Bool")
        #expect(text("ratio") == "0.25" && text("exact") == "-1.5e+100" && text("wide") == "2.5")
        #expect(text("huge") == "0n-170141183460469231731687303715884105728")
        #expect(text("colour") == "GREEN (0n5)" && type("colour") == "enum colour")
        #expect(text("strange") == "0n77 (no matching enumerator)")
        #expect(text("below") == "MINUS (0n-3)")
        #expect(text("nothing") == "0x00000000`00000000")
        #expect(text("name").hasSuffix(#" "hello \"you\"\n""#))
        #expect(type("name") == "const char *")
        #expect(
            text("wild").hasSuffix("--- memory read error at address 0x00000000`00000010 ---\"")
        )
        #expect(text("buffer") == "char [16] \"short\"" && type("buffer") == "char [16]")
        #expect(text("point") == "struct point" && type("point") == "struct point")
        #expect(type("handler") == "int (*)(int, const char *, ...)")
        #expect(type("matrix") == "short int [2][3]" && text("matrix") == "short int [2][3]")
        #expect(type("rows") == "int (*)[4]" && type("constant") == "char * const")
        #expect(type("anything") == "const void *")
        #expect(all["either"]?.typeName == "union either")
        #expect(all["anonymous"]?.typeName == "struct <unnamed-tag>")
        #expect(all["global_in_block"]?.value.text == "0n12")
        #expect(all["inner"]?.scopeDepth == 1 && all["negative"]?.scopeDepth == 0)
    }

    @Test("aggregates have children", arguments: ["-gdwarf-5", "-gdwarf-4", "-gdwarf-3"])
    func children(version: String) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.values, to: "values.c")
        let main = try stop(workshop, "values.c", ["-O0", "-g", version], at: "stop").caller()
        let all = main.variables(ValueLimits(depth: 2, elements: 5))
        let matrix = try #require(all["matrix"]?.value.children)
        #expect(matrix.map(\.name) == ["[0]", "[1]"])
        #expect(matrix[1].value.children.map(\.value.text) == ["0n4", "0n5", "0n6"])
        let point = try #require(all["point"]?.value.children)
        #expect(point.map(\.name) == ["x", "y"] && point.map(\.offset) == [0, 4])
        #expect(point.map(\.value.text) == ["0n1", "0n-2"])
        #expect(point[1].address == (all["point"]?.address).map { $0 + 4 })
        let packed = try #require(all["packed"]?.value.children)
        #expect(packed.map(\.value.text) == ["0x5", "0n-3", "0x1ff", "120 'x'"])
        #expect(all["variable"]?.value.children.map(\.value.text) == ["0n7", "0n8", "0n9"])
        let buffer = try #require(all["buffer"]?.value)
        #expect(buffer.children.count == 5 && buffer.isTruncated)
        #expect(main.variables()["point"]?.value.children.isEmpty == true)
    }

    @Test("C++ objects show members, bases, references and enumerators")
    func cplusplusValues() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let stop = try stop(workshop, "shapes.cpp", ["-O0", "-g"], at: "thrower").caller()
        let all = stop.variables(ValueLimits(depth: 2))
        #expect(all["square"]?.typeName == "class geometry::Square")
        #expect(all["square"]?.value.text == "class geometry::Square")
        let members = try #require(all["square"]?.value.children)
        #expect(members.map(\.name) == ["Base", "side_", "flags_", "signed_"])
        #expect(members.dropFirst().map(\.value.text) == ["1.5", "0x5", "0n-3"])
        #expect(members.first?.value.children.last?.value.text == "0n3")
        #expect(all["mode"]?.value.text == "On (0n1)")
        #expect(all["mode"]?.typeName == "enum geometry::Mode")
        #expect(all["base"]?.typeName == "struct geometry::Base &")
        #expect(all["base"]?.value.text.hasSuffix(" struct geometry::Base") == true)
        #expect(all["argc"]?.isParameter == true && all["argc"]?.value.text == "0n1")
    }

    @Test("global variables are found by name, with their value")
    func globals() throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let stop = try stop(workshop, "shapes.cpp", ["-O0", "-g"], at: "main")
        let (module, frame) = (stop.module, stop.frame)
        let symbol = try #require(module.symbol(named: "geometry::Square::made"))
        let made = module.globalVariable(named: "geometry::Square::made", frame: frame)
        #expect(made?.typeName == "int" && made?.value.text == "0n11")
        #expect(made?.address == symbol.address + frame.bias)
        #expect(module.globalVariable(named: "nothing", frame: frame) == nil)
        let value = module.value(ofType: "int", at: symbol.address + frame.bias, frame: frame)
        #expect(value?.text == "0n11")
        #expect(module.value(ofType: "nowhere", at: symbol.address, frame: frame) == nil)
    }

    @Test("types show their fields with offsets and bits", arguments: ["-gdwarf-5", "-gdwarf-4"])
    func layouts(version: String) throws {
        let workshop = try Workshop()
        try workshop.write(Samples.shapes, to: "shapes.cpp")
        let program = try workshop.compile("shapes.cpp", ["-g", version])
        let module = try ModuleSymbols(path: program, debugPaths: [])
        let layout = try #require(module.typeLayout(named: "geometry::Square"))
        #expect(layout.name == "class geometry::Square" && layout.size == 32)
        #expect(layout.fields.map(\.name) == ["Base", "side_", "flags_", "signed_"])
        #expect(layout.fields.map(\.offset) == [0, 16, 24, 24])
        #expect(layout.fields.map(\.isBaseClass) == [true, false, false, false])
        #expect(layout.fields[2].bits == 0..<3 && layout.fields[3].bits == 3..<8)
        let mode = try #require(module.typeLayout(named: "enum geometry::Mode"))
        #expect(mode.isEnumeration && mode.fields.map(\.name) == ["Off", "On"])
        #expect(mode.fields.map(\.offset) == [0, 1])
        #expect(module.typeLayout(named: "geometry::Nowhere") == nil)
        #expect(
            module.typeNames(matching: "geometry::*")
                == ["geometry::Base", "geometry::Mode", "geometry::Square"]
        )
    }
}
