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

@Suite("What lldb's stubs do in their own way")
struct LLDBStubTests {
    @Test(
        "registers stand where lldb's offsets say, parts of others are left out, rflags is eflags"
    )
    func offsets() throws {
        let document = """
            <target><architecture>x86_64</architecture><feature name="a">
            <reg name="rax" bitsize="64" regnum="0" offset="80" dwarf_regnum="0"/>
            <reg name="rip" bitsize="64" regnum="1" offset="128" generic="pc"/>
            <reg name="rflags" bitsize="64" regnum="2" offset="144" generic="flags"/>
            <reg name="eax" bitsize="32" regnum="3" offset="80" value_regnums="0"/></feature></target>
            """
        let description = try #require(TargetDescriptionReader.read { _ in Array(document.utf8) })
        #expect(description.registers.map(\.name) == ["rax", "rip", "eflags"])
        #expect(description.registers.map(\.offset) == [80, 128, 144])
        #expect(description.blockByteCount == 152)
    }

    @Test("offsets that only some registers have mean nothing")
    func someOffsets() throws {
        let document = """
            <target><architecture>x86_64</architecture><feature name="a">
            <reg name="rax" bitsize="64" offset="80"/><reg name="rip" bitsize="64"/>
            </feature></target>
            """
        let description = try #require(TargetDescriptionReader.read { _ in Array(document.utf8) })
        #expect(description.registers.map(\.offset) == [0, 8])
    }

    @Test("a stub that says nothing is nudged once with an acknowledgement")
    func nudge() throws {
        let stub = FakeStub { _ in .silence }
        let options = RemoteOptions(replyTimeoutMilliseconds: 1200)
        _ = try? RemoteTarget(stub.transport, options: options)
        #expect(stub.outside.filter { $0 == UInt8(ascii: "+") }.count == 1)
    }
}
