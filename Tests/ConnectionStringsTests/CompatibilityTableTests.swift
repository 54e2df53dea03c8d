import Foundation
import Testing

@testable import ConnectionStrings

@Suite("The table of parameters in docs/compatibility.md")
struct CompatibilityTableTests {
    @Test("it has every transport and every parameter that a connection string may have")
    func complete() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/compatibility.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| `") }.joined(separator: "\n")
        for side in [ConnectionString.Side.server, .client] {
            for (transport, names) in ConnectionString.parameterNames(for: side) {
                #expect(rows.contains("`\(transport):`"), "\(transport)")
                for name in names {
                    let isThere = rows.contains("`\(name)=") || rows.contains("`\(name)`")
                    #expect(isThere, "\(transport): \(name)")
                }
            }
        }
    }
}
