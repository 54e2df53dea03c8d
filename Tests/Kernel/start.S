// The beginning of a kernel that QEMU's -kernel starts (PVH: an ELF note names a 32-bit entry), and that ends up as
// Linux does: in 64 bits, at the top of the address space.
#define BASE 0xffffffff80000000
#define PHYSICAL(symbol) ((symbol) - BASE)

.section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad PHYSICAL(start32)

.section .head, "ax", @progbits
.code32
.globl start32
start32:
    cli
    mov $PHYSICAL(top_table), %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax              // PAE, and SSE for whoever uses it
    mov %eax, %cr4
    mov $0xc0000080, %ecx        // EFER: long mode
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    lgdt PHYSICAL(table_pointer)
    ljmp $0x08, $PHYSICAL(low64)
.code64
low64:
    movabs $start64, %rax
    jmp *%rax

.text
.globl start64
.type start64, @function
start64:
    .cfi_startproc
    .cfi_undefined rip
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    lea stack_top(%rip), %rsp
    xor %ebp, %ebp
    call kernel_main
1:  hlt
    jmp 1b
    .cfi_endproc
.size start64, . - start64

.data
    .align 8
segments:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
table_pointer:
    .word . - segments - 1
    .long PHYSICAL(segments)

    .align 4096
top_table:
    .quad PHYSICAL(low_table) + 3
    .fill 510, 8, 0
    .quad PHYSICAL(high_table) + 3
low_table:
    .quad PHYSICAL(pages) + 3
    .fill 511, 8, 0
high_table:
    .fill 510, 8, 0
    .quad PHYSICAL(pages) + 3, 0
pages:
    .set page, 0
    .rept 512
    .quad page + 0x83
    .set page, page + 0x200000
    .endr

.bss
    .align 16
    .skip 8192
stack_top:
.section .note.GNU-stack, "", @progbits
