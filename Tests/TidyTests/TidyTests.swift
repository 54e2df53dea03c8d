import Foundation
import Testing

@Suite("Tidy: the rules that a compiler does not keep")
struct TidyTests {
    @Test("every import is allowed by the layer table")
    func importsFollowTheLayers() throws {
        let allowed = Dictionary(uniqueKeysWithValues: layerTable.map { ($0.target, $0.mayImport) })
        for file in try SourceTree.files(below: "Sources") {
            let row = try #require(allowed[file.target], "\(file.target) has no row in LayerTable")
            for (module, line) in file.imports {
                #expect(
                    row.contains(module),
                    "\(file.path):\(line): \(file.target) may not import \(module)"
                )
            }
        }
    }

    @Test("the layer table only looks up")
    func tableIsOrdered() {
        let targets = layerTable.map(\.target)
        for (index, row) in layerTable.enumerated() {
            for module in row.mayImport where targets.contains(module) {
                let isAbove = targets[..<index].contains(module)
                #expect(isAbove, "\(row.target) imports \(module), which stands below it")
            }
        }
    }

    @Test("every folder of Sources has a row, and every row a folder")
    func tableIsComplete() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.top.appendingPathComponent("Sources").path
        )
        #expect(Set(folders) == Set(layerTable.map(\.target)))
    }

    @Test("each C module has exactly one importer")
    func cModulesAreFenced() throws {
        let fences = layerTable.map(\.target).filter { $0.hasPrefix("C") && $0 != "C" }
            .filter { name in name.dropFirst().first?.isUppercase == true }
        let files = try SourceTree.files(below: "Sources")
        for fence in fences {
            let importers = Set(
                files.filter { $0.imports.contains { $0.module == fence } }.map(\.target)
            )
            #expect(importers.count == 1, "\(fence) is imported by \(importers.sorted())")
        }
    }

    @Test("nothing but the ptrace backend and the wrapper it uses says ptrace")
    func onlyTheBackendTraces() throws {
        for file in try SourceTree.files(below: "Sources") {
            let mayTrace = file.target == "PtraceBackend" || file.path.contains("LinuxSystem/")
            guard !mayTrace else { continue }
            for (index, line) in file.code {
                #expect(
                    !line.contains("ptrace(") && !line.contains("PTRACE_"),
                    "\(file.path):\(index): only PtraceBackend traces"
                )
            }
        }
    }

    @Test("banned words, each with what to use instead")
    func bannedWords() throws {
        let banned = [
            ("try!", "throw, or #require in a test"),
            ("import Foundation", "Glibc in an edge, the standard library in a pure target"),
            (" print(", "printOut or printError in a program, OutputSink in the engine"),
            ("Thread.sleep", "poll with a deadline"),
            ("usleep(", "poll with a deadline"),
            ("Task.sleep", "a deadline of the event loop"),
            ("Task {", "the event loop or the tracer's thread"),
        ]
        for file in try SourceTree.files(below: "Sources") {
            for (index, line) in file.code {
                for (word, instead) in banned where line.contains(word) {
                    Issue.record("\(file.path):\(index): '\(word)': use \(instead)")
                }
            }
        }
    }

    @Test("@unchecked Sendable stands beside its reason")
    func uncheckedIsExplained() throws {
        for file in try SourceTree.files(below: "Sources") {
            for (index, line) in file.code where line.contains("@unchecked Sendable") {
                let before = file.lines[max(0, index - 6)..<index].joined()
                #expect(before.contains("// SAFETY:"), "\(file.path):\(index): no // SAFETY: line")
            }
        }
    }

    @Test("no file has outgrown a reader")
    func filesAreShort() throws {
        let folders = ["Sources", "Tests", "HardwareTests"]
        for file in try folders.flatMap({ try SourceTree.files(below: $0) }) {
            let isTable = file.lines.first?.contains("tidy: table") == true
            #expect(isTable || file.lines.count <= 600, "\(file.path): \(file.lines.count) lines")
        }
    }

    @Test("the top folder holds the project and nothing that a run has left there")
    func topFolder() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: SourceTree.top.path)
        let project: Set = [
            "Package.swift", "README.md", "Makefile", "Sources", "Tests", "HardwareTests", "udev",
            "docs", "packaging", ".ci", ".git", ".gitignore", ".swift-format",
        ]
        let made: Set = [".build", "Package.resolved"]
        #expect(Set(names).subtracting(project).subtracting(made) == [])
    }

    @Test("nothing is left open")
    func nothingIsLeftOpen() throws {
        let folders = ["Sources", "Tests", "HardwareTests", "udev", "docs"]
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        for folder in folders {
            for file in try SourceTree.files(below: folder, endings: [".swift", ".c", ".h", ".md"])
            {
                for (index, line) in file.lines.enumerated() {
                    for word in words
                    where line.split(whereSeparator: isNoLetter).contains(word[...]) {
                        Issue.record("\(file.path):\(index + 1): \(word)")
                    }
                }
            }
        }
    }

    private func isNoLetter(_ character: Character) -> Bool { !character.isLetter }

    @Test("every numbered requirement of a protocol has a test that names it")
    func requirementsAreTested() throws {
        let tests = try SourceTree.files(below: "Tests").flatMap(\.lines).joined(separator: "\n")
        for document in try SourceTree.files(below: "docs/protocols", endings: [".md"]) {
            for number in requirementNumbers(in: document.lines) {
                let isNamed = tests.firstRange(of: try Regex("\(number)\\b")) != nil
                #expect(isNamed, "\(document.path): no test names \(number)")
            }
        }
    }

    /// Requirements are set in bold at the start of their paragraph: `**MUX-1**`.
    private func requirementNumbers(in lines: [String]) -> [String] {
        lines.flatMap { line in
            line.matches(of: /\*\*([A-Z]+-[0-9]+)\*\*/).map { String($0.output.1) }
        }
    }
}

extension SourceTree.File {
    /// Line numbers and lines without comments.
    var code: [(Int, String)] {
        lines.enumerated().compactMap { index, line in
            let isComment = line.drop { $0 == " " }.hasPrefix("//")
            return isComment ? nil : (index + 1, line)
        }
    }
}
