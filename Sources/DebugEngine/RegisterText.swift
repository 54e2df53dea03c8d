internal import DebugTarget

/// Registers as `r` prints them.
public enum RegisterText {
    /// The general registers: three to a line, the flags in words, the segment registers.
    public static func general(_ view: RegisterView) -> String {
        switch view.description.architecture {
        case .arm64: arm(view)
        case .x86_64: x86(view)
        case .i386: narrow(view)
        }
    }

    /// One register, `rax=000000000000005b`; nil when there is none of that name.
    public static func single(_ name: String, _ view: RegisterView) -> String? {
        let lower = name.lowercased()
        if let register = view.description.register(named: lower) {
            return "\(lower)=\(value(of: register, view))"
        }
        guard let value = view.value(lower),
            let part = RegisterPart(lower, view.description.architecture)
        else { return nil }
        let digits = max(1, (64 - part.mask.leadingZeroBitCount + 3) / 4)
        return "\(lower)=\(Format.hex(value, width: digits))"
    }

    private static func value(of register: RegisterDescription, _ view: RegisterView) -> String {
        guard let bytes = view.block.bytes(of: register) else {
            return String(repeating: "?", count: register.byteCount * 2)
        }
        return Format.bytes(bytes.reversed())
    }

    private static let x86Rows = [
        ["rax", "rbx", "rcx"], ["rdx", "rsi", "rdi"], ["rip", "rsp", "rbp"],
        ["r8", "r9", "r10"], ["r11", "r12", "r13"], ["r14", "r15"],
    ]

    private static func x86(_ view: RegisterView) -> String {
        var lines = x86Rows.map { row in
            row.map { name in
                let digits = text(name, width: 16, view)
                return Format.leftPad(name, to: 3) + "=" + digits
            }.joined(separator: " ")
        }
        lines.append(flagsLine(view.value("eflags") ?? 0))
        let segments = ["cs", "ss", "ds", "es", "fs", "gs"].map {
            "\($0)=\(text($0, width: 4, view))"
        }
        let flags = text("eflags", width: 8, view)
        lines.append(
            segments.joined(separator: "  ") + "             efl=" + flags
        )
        return lines.joined(separator: "\n")
    }

    /// Six to a line, the flags beside the last three.
    private static func narrow(_ view: RegisterView) -> String {
        func cells(_ names: [String]) -> String {
            names.map { "\($0)=\(text($0, width: 8, view))" }.joined(separator: " ")
        }
        let segments = ["cs", "ss", "ds", "es", "fs", "gs"].map {
            "\($0)=\(text($0, width: 4, view))"
        }
        let flags = text("eflags", width: 8, view)
        return [
            cells(["eax", "ebx", "ecx", "edx", "esi", "edi"]),
            cells(["eip", "esp", "ebp"]) + " " + flagsLine(view.value("eflags") ?? 0),
            segments.joined(separator: "  ") + "             efl=" + flags,
        ].joined(separator: "\n")
    }

    private static func text(_ name: String, width: Int, _ view: RegisterView) -> String {
        guard let value = view.value(name) else { return String(repeating: "?", count: width) }
        return Format.hex(value, width: width)
    }

    /// `iopl=0         nv up ei pl zr na po nc`.
    private static func flagsLine(_ flags: UInt64) -> String {
        let names: [(bit: UInt64, set: String, clear: String)] = [
            (11, "ov", "nv"), (10, "dn", "up"), (9, "ei", "di"), (7, "ng", "pl"),
            (6, "zr", "nz"), (4, "ac", "na"), (2, "pe", "po"), (0, "cy", "nc"),
        ]
        let words = names.map { flags >> $0.bit & 1 == 1 ? $0.set : $0.clear }
        return "iopl=\(flags >> 12 & 3)         " + words.joined(separator: " ")
    }

    private static func arm(_ view: RegisterView) -> String {
        let names = (0...30).map { "x\($0)" } + ["sp", "pc"]
        let cells = names.map { name in
            Format.leftPad(name == "x29" ? "fp" : name == "x30" ? "lr" : name, to: 3) + "="
                + text(name, width: 16, view)
        }
        var lines = stride(from: 0, to: cells.count, by: 4).map { start in
            cells[start..<min(start + 4, cells.count)].joined(separator: " ")
        }
        lines.append("psr=\(text("cpsr", width: 8, view))")
        return lines.joined(separator: "\n")
    }
}
