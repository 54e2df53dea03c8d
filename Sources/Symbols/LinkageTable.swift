import CElfutils
import Glibc

/// Makes symbols for the entries of the procedure linkage table, which have none of their own.
///
/// An entry is known by the GOT slot it jumps through, and a slot by the relocation that fills it.
/// On x86-64 the slot is in the entry's `jmp *disp(%rip)` (FF 25), wherever the linker put it in
/// the entry; on arm64 in its `adrp x16` and `ldr x17, [x16, #n]`.
enum LinkageTable {
    /// The made-up entries, `puts@plt` and so on.
    static func entries(of file: ELFFile) -> [SymbolTable.Entry] {
        let names = slotNames(of: file)
        guard !names.isEmpty else { return [] }
        return file.sections.filter { $0.name.hasPrefix(".plt") }.flatMap { section in
            entries(of: section, in: file, names)
        }
    }

    private static func entries(
        of section: ELFFile.Section,
        in file: ELFFile,
        _ names: [UInt64: UnsafeRawBufferPointer]
    ) -> [SymbolTable.Entry] {
        guard let code = file.bytes(of: section) else { return [] }
        let stride = section.name == ".plt.got" && section.header.sh_entsize == 8 ? 8 : 16
        return Swift.stride(from: 0, to: code.count - stride + 1, by: stride).compactMap { start in
            let address = section.header.sh_addr &+ UInt64(start)
            let entry = UnsafeRawBufferPointer(rebasing: code[start..<start + stride])
            guard let slot = slot(of: entry, at: address, file.header.e_machine),
                let name = names[slot]
            else { return nil }
            return SymbolTable.Entry(
                address: address,
                size: UInt64(stride),
                name: name,
                kind: .procedureLinkage,
                isGlobal: false,
                limit: section.header.sh_addr &+ section.header.sh_size
            )
        }
    }

    private static func slot(
        of entry: UnsafeRawBufferPointer,
        at address: UInt64,
        _ machine: UInt16
    ) -> UInt64? {
        switch Int32(machine) {
        case EM_X86_64: slotX86(of: entry, at: address)
        case EM_AARCH64: slotARM64(of: entry, at: address)
        default: nil
        }
    }

    private static func slotX86(of entry: UnsafeRawBufferPointer, at address: UInt64) -> UInt64? {
        for index in 0..<max(entry.count - 5, 0) where entry[index] == 0xFF {
            guard entry[index + 1] == 0x25 else { continue }
            let displacement = entry.loadUnaligned(fromByteOffset: index + 2, as: Int32.self)
            return address &+ UInt64(index + 6) &+ UInt64(bitPattern: Int64(displacement))
        }
        return nil
    }

    private static func slotARM64(of entry: UnsafeRawBufferPointer, at address: UInt64) -> UInt64? {
        guard entry.count >= 12 else { return nil }
        let words = (0..<3).map { entry.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        // A BTI landing pad may come first.
        for first in 0..<2 {
            let (adrp, ldr) = (words[first], words[first + 1])
            guard adrp & 0x9F00_001F == 0x9000_0010, ldr & 0xFFC0_03FF == 0xF940_0211 else {
                continue
            }
            let pages = UInt64((adrp >> 5 & 0x7FFFF) << 2 | adrp >> 29 & 3)
            let page = (address &+ UInt64(first * 4)) & ~0xFFF
            let signed = UInt64(bitPattern: Int64(bitPattern: pages << 43) >> 43)
            return page &+ (signed << 12) &+ UInt64((ldr >> 10 & 0xFFF) * 8)
        }
        return nil
    }

    /// The names of the symbols whose addresses the dynamic linker puts in GOT slots.
    private static func slotNames(of file: ELFFile) -> [UInt64: UnsafeRawBufferPointer] {
        guard let table = file.sections.first(where: { $0.header.sh_type == UInt32(SHT_DYNSYM) }),
            let symbols = file.data(of: table),
            let strings = file.sections.first(where: { $0.index == Int(table.header.sh_link) })
                .flatMap(file.bytes(of:))
        else { return [:] }
        var names: [UInt64: UnsafeRawBufferPointer] = [:]
        for section in file.sections where section.header.sh_type == UInt32(SHT_RELA) {
            guard let data = file.data(of: section), section.header.sh_entsize > 0 else { continue }
            let count = data.pointee.d_size / Int(clamping: section.header.sh_entsize)
            for index in 0..<min(count, ELFFile.entriesMax) {
                var entry = GElf_Rela()
                var symbol = GElf_Sym()
                guard gelf_getrela(data, CInt(index), &entry) != nil,
                    fillsSlot(UInt32(truncatingIfNeeded: entry.r_info), file.header.e_machine),
                    gelf_getsym(symbols, CInt(truncatingIfNeeded: entry.r_info >> 32), &symbol)
                        != nil,
                    Int(symbol.st_name) < strings.count
                else { continue }
                names[entry.r_offset] = SymbolTable.string(at: Int(symbol.st_name), in: strings)
            }
        }
        return names
    }

    private static func fillsSlot(_ type: UInt32, _ machine: UInt16) -> Bool {
        switch Int32(machine) {
        case EM_X86_64: [R_X86_64_JUMP_SLOT, R_X86_64_GLOB_DAT].contains(Int32(bitPattern: type))
        case EM_AARCH64:
            [R_AARCH64_JUMP_SLOT, R_AARCH64_GLOB_DAT].contains(Int32(bitPattern: type))
        default: false
        }
    }
}
