import DebugTarget
import Testing

@testable import RemoteClient

@Suite("TargetDescriptionReader")
struct TargetDescriptionReaderTests {
    private func read(_ documents: [String: String]) -> TargetDescription? {
        TargetDescriptionReader.read { annex in
            guard let text = documents[annex] else { throw TestFailure("no \(annex)") }
            return Array(text.utf8)
        }
    }

    @Test("Registers of included features follow each other in the order of their numbers")
    func includes() throws {
        let description = try #require(
            read([
                "target.xml": """
                <?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">
                <target xmlns:xi="http://www.w3.org/2001/XInclude">
                <architecture>i386:x86-64</architecture>
                <xi:include href="core.xml"/><xi:include href="more.xml"/></target>
                """,
                "core.xml": """
                <feature name="core"><reg name="rax" bitsize="64"/><reg name="rip" bitsize="64"/>
                </feature>
                """,
                "more.xml": """
                <feature name="more"><reg name="eflags" bitsize="32" regnum="5"/>
                <reg name="xmm0" bitsize="128"/></feature>
                """,
            ])
        )
        #expect(description.registers.map(\.name) == ["rax", "rip", "eflags", "xmm0"])
        #expect(description.registers.map(\.number) == [0, 1, 5, 6])
        #expect(description.registers.map(\.offset) == [0, 8, 16, 20])
        #expect(description.register(playing: .programCounter)?.name == "rip")
        #expect(description.register(named: "rax")?.dwarfNumber == 0)
        #expect(description.register(named: "xmm0")?.dwarfNumber == 17)
    }

    @Test("lldb's own architecture name and generic attributes are understood")
    func lldbNames() throws {
        let description = try #require(
            read([
                "target.xml": """
                <target><architecture>x86_64</architecture><feature name="a">
                <reg name="counter" bitsize="64" generic="pc"/></feature></target>
                """
            ])
        )
        #expect(description.architecture == .x86_64)
        #expect(description.register(playing: .programCounter)?.name == "counter")
    }

    @Test("A missing document or a document that includes itself gives nothing")
    func badIncludes() {
        #expect(read([:]) == nil)
        #expect(
            read(["target.xml": "<target><xi:include href=\"target.xml\"/></target>"]) == nil
        )
    }

    @Test("The fallback has gdb's x86-64 order")
    func fallback() {
        let registers = KnownRegisters.x86Fallback.registers
        #expect(
            registers.prefix(8).map(\.name) == [
                "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
            ]
        )
        #expect(KnownRegisters.x86Fallback.register(named: "eflags")?.offset == 17 * 8)
        #expect(KnownRegisters.x86Fallback.register(named: "gs")?.offset == 17 * 8 + 6 * 4)
    }
}
