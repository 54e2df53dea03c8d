import DebugTarget
import Testing

@testable import Disassembly

@Suite("Disassembler")
struct DisassemblerTests {
    /// One instruction at the address that the CDB samples have.
    private func x86(
        _ bytes: [UInt8],
        at address: UInt64 = 0x7ffc_2bd7_9ff0
    ) throws -> Instruction {
        let disassembler = try Disassembler(architecture: .x86_64)
        return try #require(
            disassembler.disassemble(bytes, at: TargetAddress(address), maximum: 1).first
        )
    }

    @Test(
        "instructions read as CDB prints them",
        arguments: [
            ([0x48, 0x89, 0x5c, 0x24, 0x10], "mov", "qword ptr [rsp+10h],rbx"),
            ([0x48, 0x8b, 0x48, 0x10], "mov", "rcx,qword ptr [rax+10h]"),
            ([0xcc], "int", "3"),
            ([0xc3], "ret", ""),
            ([0x48, 0x83, 0xec, 0x28], "sub", "rsp,28h"),
            ([0x83, 0xf8, 0x0a], "cmp", "eax,0Ah"),
            ([0x83, 0xf8, 0x09], "cmp", "eax,9"),
            ([0xb8, 0xff, 0xff, 0xff, 0xff], "mov", "eax,0FFFFFFFFh"),
            ([0x48, 0x83, 0xe4, 0xf0], "and", "rsp,0FFFFFFFFFFFFFFF0h"),
            ([0x8b, 0x45, 0xf8], "mov", "eax,dword ptr [rbp-8]"),
            ([0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0], "mov", "rax,qword ptr fs:[28h]"),
            ([0x8b, 0x84, 0x8d, 0xf0, 0xff, 0xff, 0xff], "mov", "eax,dword ptr [rbp+rcx*4-10h]"),
            ([0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8], "mov", "rax,807060504030201h"),
            ([0xe8, 0x79, 0x01, 0, 0], "call", "00007ffc`2bd7a16e"),
            ([0x74, 0x64], "je", "00007ffc`2bd7a056"),
            ([0x48, 0x8d, 0x05, 0x10, 0, 0, 0], "lea", "rax,[00007ffc`2bd7a007]"),
            ([0xff, 0x25, 0x10, 0, 0, 0], "jmp", "qword ptr [00007ffc`2bd7a006]"),
            ([0xf3, 0x0f, 0x1e, 0xfa], "endbr64", ""),
            ([0x0f, 0x1f, 0x40, 0x00], "nop", "dword ptr [rax]"),
            ([0xf2, 0x0f, 0x10, 0x45, 0xe8], "movsd", "xmm0,qword ptr [rbp-18h]"),
            ([0x06], "???", ""),
        ] as [([UInt8], String, String)]
    )
    func text(bytes: [UInt8], mnemonic: String, operands: String) throws {
        let instruction = try x86(bytes)
        #expect(instruction.mnemonic == mnemonic)
        #expect(instruction.operands == operands)
        #expect(instruction.bytes == bytes)
        #expect(instruction.next == instruction.address + UInt64(bytes.count))
    }

    @Test("calls, jumps and returns are told apart")
    func flow() throws {
        let call = try x86([0xe8, 0x79, 0x01, 0, 0])
        #expect(call.isCall && !call.isJump && !call.isReturn)
        #expect(call.branchTarget == TargetAddress(0x7ffc_2bd7_a16e))
        let indirect = try x86([0xff, 0x50, 0x08])
        #expect(indirect.isCall && indirect.branchTarget == nil)
        #expect(indirect.memoryOperand?.size == 8)
        let conditional = try x86([0x0f, 0x84, 0, 1, 0, 0])
        #expect(conditional.isJump && conditional.isConditional && !conditional.isCall)
        let jump = try x86([0xeb, 0xfe])
        #expect(jump.isJump && !jump.isConditional && jump.branchTarget == jump.address)
        let loop = try x86([0xe2, 0x02])
        #expect(loop.isJump && loop.isConditional)
        #expect(try x86([0xc3]).isReturn)
        #expect(try x86([0xc2, 0x08, 0x00]).isReturn)
        let plain = try x86([0x90])
        #expect(!plain.isCall && !plain.isJump && !plain.isReturn && plain.branchTarget == nil)
    }

    @Test("the operand in memory is described for the effective address")
    func memory() throws {
        let store = try #require(try x86([0x48, 0x89, 0x5c, 0x24, 0x10]).memoryOperand)
        #expect(
            store
                == MemoryOperand(
                    segment: "ss",
                    base: "rsp",
                    index: nil,
                    scale: 1,
                    displacement: 16,
                    size: 8
                )
        )
        let indexed = try #require(
            try x86([0x8b, 0x84, 0xc8, 0xf0, 0xff, 0xff, 0xff]).memoryOperand
        )
        #expect(indexed.segment == "ds" && indexed.base == "rax" && indexed.index == "rcx")
        #expect(indexed.scale == 8 && indexed.displacement == -16 && indexed.size == 4)
        let relative = try #require(try x86([0x8b, 0x05, 0x10, 0, 0, 0]).memoryOperand)
        #expect(relative.base == "rip" && relative.displacement == 16)
        let local = try #require(
            try x86([0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0]).memoryOperand
        )
        #expect(local.segment == "fs" && local.base == nil && local.displacement == 0x28)
        #expect(try x86([0x48, 0x8d, 0x44, 0x24, 0x08]).memoryOperand?.size == 0)
        #expect(try x86([0x48, 0x89, 0xd8]).memoryOperand == nil)
    }

    @Test("bytes that are no instruction become one each, and decoding goes on behind them")
    func undecodable() throws {
        let disassembler = try Disassembler(architecture: .x86_64)
        let found = disassembler.disassemble(
            [0x06, 0x90, 0x0e, 0xc3, 0xe8, 0x01],
            at: TargetAddress(0x1000),
            maximum: 10
        )
        #expect(found.map(\.mnemonic) == ["???", "nop", "???", "ret", "???", "???"])
        #expect(found.map(\.address.rawValue).first == 0x1000)
        #expect(found.reduce(0) { $0 + $1.bytes.count } == 6)
        #expect(disassembler.disassemble([], at: TargetAddress(0), maximum: 5).isEmpty)
        let nops = [UInt8](repeating: 0x90, count: 9)
        #expect(disassembler.disassemble(nops, at: TargetAddress(0), maximum: 3).count == 3)
    }

    @Test("random bytes are always covered without gap")
    func random() throws {
        var generator = SystemRandomNumberGenerator()
        for architecture in [Architecture.x86_64, .i386, .arm64] {
            let disassembler = try Disassembler(architecture: architecture)
            for _ in 0..<200 {
                let bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let start = TargetAddress(UInt64.max - 20)
                let found = disassembler.disassemble(bytes, at: start, maximum: 1000)
                #expect(found.flatMap(\.bytes) == bytes)
                var address = start
                for instruction in found {
                    #expect(instruction.address == address)
                    address = instruction.next
                }
            }
        }
    }

    @Test("arm64 branches have targets")
    func arm64() throws {
        let disassembler = try Disassembler(architecture: .arm64)
        let code: [UInt8] = [
            0xfd, 0x7b, 0xbf, 0xa9,  // stp x29, x30, [sp, #-16]!
            0x02, 0x00, 0x00, 0x94,  // bl +8
            0x40, 0x00, 0x00, 0x54,  // b.eq +8
            0xc0, 0x03, 0x5f, 0xd6,  // ret
        ]
        let found = disassembler.disassemble(code, at: TargetAddress(0x1000), maximum: 9)
        #expect(found.map(\.mnemonic) == ["stp", "bl", "b.eq", "ret"])
        #expect(found[0].operands == "x29,x30,[sp,#-0x10]!")
        #expect(found[1].isCall && found[1].branchTarget == TargetAddress(0x100c))
        #expect(found[2].isConditional && found[2].branchTarget == TargetAddress(0x1010))
        #expect(found[3].isReturn)
    }
}
