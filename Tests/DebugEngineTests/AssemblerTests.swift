import DebugTarget
import Disassembly
import Foundation
import Testing

@testable import DebugEngine

/// `a` beside GNU's assembler, as the disassembler reads both.
@Suite("Assembler")
struct AssemblerTests {
    private static let wide = """
        nop
        ret
        ret 8
        leave
        int3
        ud2
        syscall
        cpuid
        endbr64
        push rax
        push r12
        push 10
        push 100000
        push qword ptr [rax]
        pop rbx
        pop r15
        mov eax, 1
        mov rax, 1
        mov rax, -1
        mov rax, 81985529216486895
        mov r10, 5
        mov r10d, 4294967295
        mov bx, 77
        mov spl, 3
        mov r9b, 3
        mov ah, 3
        mov rax, rbx
        mov eax, r8d
        mov sil, dl
        mov rdi, [rbx]
        mov edi, [rbp]
        mov [r13], rdi
        mov [rsp], eax
        mov [rsp+8], rax
        mov [r12+r9*4-300], cx
        mov byte ptr [rax+rbx*1], 7
        mov dword ptr [rbp-4], 1000000
        mov qword ptr [rcx*8+64], -2
        mov word ptr [rdx], 600
        mov eax, [rip+16]
        mov eax, [4096]
        lea rdi, [rbx+rcx*4-8]
        lea eax, [r14+r15*8+100000]
        add rsp, 40
        add eax, 1000
        add [rax], ecx
        add rcx, [rax]
        adc al, 3
        sub rsp, 200
        cmp byte ptr [rax], 200
        cmp rax, -1
        cmp dil, 1
        and eax, 15
        or bl, cl
        xor r8d, r8d
        sbb rdx, rdx
        test eax, eax
        test byte ptr [rdi], 1
        test rcx, 4096
        inc eax
        inc dword ptr [rax]
        dec r11
        neg rdx
        not cl
        mul rbx
        imul rax, rcx
        imul eax, [rbx+4]
        idiv ecx
        shl rax, 3
        shr eax, 1
        sar dword ptr [rbp-8], 2
        rol cl, 1
        shl rdx, cl
        xchg rbx, rcx
        movzx eax, byte ptr [rdi]
        movzx ecx, ax
        movsx rax, cx
        movsx edx, sil
        jmp rax
        jmp qword ptr [rax+8]
        call r11
        call qword ptr [rip+64]
        sete al
        setnbe byte ptr [rbp-1]
        setl r9b
        """

    private static let narrow = """
        push eax
        pop edi
        push dword ptr [eax]
        mov eax, [ebp+8]
        mov [4096], eax
        mov eax, 4294967295
        lea esi, [ebx+ecx*4-8]
        add dword ptr [esp+4], 10
        inc ecx
        call eax
        jmp dword ptr [ebx]
        sete cl
        leave
        ret
        """

    private func assemble(_ line: String, is64Bit: Bool, at address: UInt64 = 0) throws -> [UInt8] {
        try Assembler(is64Bit: is64Bit, address: address) { text in
            guard let value = Int64(text) else { throw EngineError(.unresolved, text) }
            return UInt64(bitPattern: value)
        }.assemble(line)
    }

    private func expectAgreement(_ text: String, is64Bit: Bool) throws {
        let path = "/tmp/dbgsrv-assembler-\(getpid())-\(is64Bit ? 64 : 32)"
        defer { for end in [".s", ".o", ".bin"] { unlink(path + end) } }
        try (".intel_syntax noprefix\n" + text + "\n")
            .write(toFile: path + ".s", atomically: true, encoding: .utf8)
        for command in [
            ["/usr/bin/as", is64Bit ? "--64" : "--32", "-o", path + ".o", path + ".s"],
            ["/usr/bin/objcopy", "-O", "binary", "-j", ".text", path + ".o", path + ".bin"],
        ] {
            let process = try PipedProcess(command[0], Array(command.dropFirst()))
            let ended = try process.finish()
            try #require(ended.status == 0, "\(ended.text)")
        }
        let expected = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + ".bin")))
        let disassembler = try Disassembler(architecture: is64Bit ? .x86_64 : .i386)
        let lines = text.split(separator: "\n").map(String.init)
        var rest = expected[...]
        for line in lines {
            func read(_ bytes: [UInt8]) throws -> Instruction {
                let place = TargetAddress(0x1000)
                let all = disassembler.disassemble(bytes, at: place, maximum: 1)
                return try #require(all.first, "\(line): \(bytes)")
            }
            let wanted = try read(Array(rest))
            rest = rest.dropFirst(wanted.bytes.count)
            let bytes = try assemble(line, is64Bit: is64Bit, at: 0x1000)
            let found = try read(bytes)
            #expect(found.bytes.count == bytes.count, "\(line)")
            #expect(
                found.mnemonic == wanted.mnemonic && found.operands == wanted.operands,
                "\(line): \(bytes) is \(found.mnemonic) \(found.operands)"
            )
            #expect(bytes.count <= wanted.bytes.count + 1, "\(line) is long: \(bytes)")
        }
        #expect(rest.isEmpty)
    }

    @Test("What it assembles is what GNU's assembler makes of it, in 64 bits and in 32")
    func agreement() throws {
        try expectAgreement(Self.wide, is64Bit: true)
        try expectAgreement(Self.narrow, is64Bit: false)
    }

    @Test("Jumps and calls go where they say, near and far, and no further than they reach")
    func branches() throws {
        #expect(try assemble("jmp 4096", is64Bit: true, at: 4096) == [0xeb, 0xfe])
        #expect(try assemble("jne 4200", is64Bit: true, at: 4096) == [0x75, 102])
        #expect(try assemble("je 8192", is64Bit: true, at: 4096) == [0x0f, 0x84, 0xfa, 0x0f, 0, 0])
        #expect(
            try assemble("call 4096", is64Bit: true, at: 8192) == [0xe8, 0xfb, 0xef, 0xff, 0xff]
        )
        #expect(throws: EngineError.self) {
            try assemble("jmp 140737488355328", is64Bit: true, at: 4096)
        }
    }

    @Test("db takes bytes; what is no instruction is refused in words, and nothing traps")
    func refusals() throws {
        #expect(try assemble("db 144, 204 195", is64Bit: true) == [0x90, 0xcc, 0xc3])
        for line in [
            "mov", "mov eax", "mov eax,", "mov [rax], [rbx]", "mov 1, eax", "frobnicate eax",
            "mov eax, rbx", "mov [rax], 1", "add eax, 99999999999", "lea eax, ebx", "push eax",
            "mov ah, r8b", "mov rax, [rsp*4]", "mov rax, [rax*3]", "mov rax, [rax+rbx+rcx]",
            "mov rax, [eax]", "db", "db 300", "db x", "jmp nowhere", "ret 70000", "int 300",
            "mov rax, [rip+rax]", "shl eax, 300", "movzx eax, dword ptr [rax]", "[", "mov [, ]",
            String(repeating: "nop", count: 1000),
        ] {
            #expect(throws: EngineError.self, "\(line)") { try assemble(line, is64Bit: true) }
        }
        #expect(throws: EngineError.self) { try assemble("mov rax, rbx", is64Bit: false) }
    }
}
