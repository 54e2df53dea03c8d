import Foundation
import Testing

@testable import Symbols

@Suite("Separate debug files")
struct DebugFileTests {
    /// A program, and what `objcopy` kept of it apart.
    private func split(
        _ workshop: Workshop,
        _ flags: [String],
        link: Bool
    ) throws -> (program: String, debug: String) {
        try workshop.write(Samples.deep, to: "deep.c")
        let program = try workshop.compile("deep.c", ["-O0", "-g"] + flags)
        let debug = workshop.path("program.debug")
        try workshop.run(["objcopy", "--only-keep-debug", program, debug])
        try workshop.run(["strip", program])
        if link { try workshop.run(["objcopy", "--add-gnu-debuglink=program.debug", program]) }
        return (program, debug)
    }

    private func move(_ file: String, to folder: String, as name: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        try FileManager.default.moveItem(atPath: file, toPath: "\(folder)/\(name)")
    }

    private func check(_ module: ModuleSymbols) throws {
        #expect(module.symbolStatus == .dwarf)
        let leaf = try #require(module.symbol(named: "leaf"))
        #expect(module.sourceLocation(for: leaf.address)?.line == 16)
        let start = try #require(module.breakpointAddress(forFunction: "recurse"))
        #expect(start > module.symbol(named: "recurse")?.address ?? 0)
        #expect(module.symbol(named: "printf@plt") != nil, "the linkage table is the program's own")
    }

    @Test("by build-id in a tree like /usr/lib/debug")
    func byBuildID() throws {
        let workshop = try Workshop()
        let (program, debug) = try split(workshop, [], link: false)
        let stripped = try ModuleSymbols(path: program, debugPaths: [])
        #expect(stripped.symbolStatus == .elfSymbols && stripped.debugFilePath == nil)
        #expect(stripped.symbol(named: "leaf") == nil)
        let digits = stripped.buildID.map { String(format: "%02x", $0) }.joined()
        let folder = workshop.path("tree/.build-id/\(digits.prefix(2))")
        try move(debug, to: folder, as: "\(digits.dropFirst(2)).debug")
        let module = try ModuleSymbols(path: program, debugPaths: [workshop.path("tree")])
        #expect(module.debugFilePath == "\(folder)/\(digits.dropFirst(2)).debug")
        try check(module)
    }

    @Test(
        "by debuglink beside the program, in .debug, in a folder, and under its path in a tree",
        arguments: ["", ".debug", "elsewhere", "tree"]
    )
    func byLink(place: String) throws {
        let workshop = try Workshop()
        let (program, debug) = try split(workshop, ["-Wl,--build-id=none"], link: true)
        let real = try workshop.run(["realpath", workshop.folder]).trimmingCharacters(in: .newlines)
        let tree = place == "tree" ? "tree\(real)" : place
        if !place.isEmpty { try move(debug, to: workshop.path(tree), as: "program.debug") }
        let folder = workshop.path(place)
        let module = try ModuleSymbols(path: program, debugPaths: place.isEmpty ? [] : [folder])
        #expect(module.buildID.isEmpty && module.debugFilePath != nil)
        try check(module)
    }

    @Test("one of another build is not taken")
    func mismatch() throws {
        let workshop = try Workshop()
        let (program, debug) = try split(workshop, ["-Wl,--build-id=none"], link: true)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: debug))
        try (bytes + [0]).write(to: URL(fileURLWithPath: debug))
        #expect(try ModuleSymbols(path: program, debugPaths: []).debugFilePath == nil)

        let other = try split(workshop, ["-DOTHER", "-O1"], link: true)
        try workshop.compile("deep.c", to: "again", ["-O2", "-g"])
        try workshop.run(["objcopy", "--only-keep-debug", "again", "program.debug"])
        #expect(try ModuleSymbols(path: other.program, debugPaths: []).debugFilePath == nil)
    }

    @Test("the system's C library has names at least")
    func systemLibrary() throws {
        let workshop = try Workshop()
        try workshop.write("int main(void) { return 0; }\n", to: "main.c")
        let program = try workshop.compile("main.c", [])
        let line = try #require(
            try workshop.lines(["ldd", program]).first { $0.contains("libc.so.6 =>") }
        )
        let path = try #require(line.split(separator: " ").dropFirst(2).first.map(String.init))
        let module = try ModuleSymbols(path: path, debugPaths: [])
        #expect(module.symbolStatus != .none)
        let malloc = try #require(module.symbol(named: "malloc"))
        #expect(module.symbol(containing: malloc.address + 1)?.name.hasSuffix("malloc") == true)
        #expect(module.symbols(matching: "mem*").contains { $0.name == "memcpy" })
    }
}
