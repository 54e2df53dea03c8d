import Foundation
import Testing

@Suite("The table of what the original has and what is here")
struct CompatibilityTests {
    private func table() throws -> [String] {
        let path = SourceTree.top.appendingPathComponent("docs/compatibility.md")
        return try String(contentsOf: path, encoding: .utf8).components(separatedBy: "\n")
    }

    @Test("every test that it names exists")
    func namedTests() throws {
        var functions: [String: Set<String>] = [:]
        for file in try SourceTree.files(below: "Tests") {
            var suite = ""
            for line in file.lines {
                if let match = line.firstMatch(
                    of: /^(?:@Suite[^)]*\) )?(?:final )?(?:struct|class) (\w+Tests)\b/
                ) {
                    suite = String(match.output.1)
                } else if let match = line.firstMatch(of: /^    func (\w+)\(/) {
                    functions[suite, default: []].insert(String(match.output.1))
                }
            }
        }
        var count = 0
        for (number, line) in try table().enumerated() {
            for match in line.matches(of: /`(\w+Tests)\.(\w+)`/) {
                let exists = functions[String(match.output.1)]?.contains(String(match.output.2))
                #expect(exists == true, "docs/compatibility.md:\(number + 1): \(match.output.0)")
                count += 1
            }
        }
        #expect(count > 50)
    }

    @Test("every row of an option names a test, or says that it is not there yet")
    func everyRowIsShown() throws {
        let rows = try table().enumerated().filter { _, line in
            line.hasPrefix("| `") && line.contains("|")
        }
        #expect(rows.count > 30)
        for (number, row) in rows {
            let isShown = row.contains(/`\w+Tests\.\w+`/) || row.contains("not yet")
            #expect(isShown, "docs/compatibility.md:\(number + 1): \(row)")
        }
    }
}
