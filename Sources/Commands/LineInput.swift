internal import DebugEngine
internal import DebugTarget

/// A command that takes lines of its own, one after the other, as `a` does and `eb` without values.
struct LineInput {
    /// What a line leads to.
    enum Outcome {
        /// One more is wanted, behind this prompt.
        case more(prompt: String)
        /// That was all.
        case done
    }

    /// What stands in front of the next line.
    var prompt: String
    /// Takes a line as it was typed, spaces and all; an error leaves the command waiting.
    let take: (String) throws -> Outcome
}

extension CommandInterpreter {
    /// What stands in front of the next line.
    public var prompt: String {
        guard session.outputMask.contains(.prompt) else { return "" }
        return lineInput?.prompt ?? session.prompt
    }

    /// Hands a line to the command that waits for it.
    func give(_ line: String, to input: LineInput) throws {
        switch try input.take(line) {
        case .more(let prompt): lineInput?.prompt = prompt
        case .done: lineInput = nil
        }
    }

    /// Carries out a script's line, or hands it to the command that waits for one.
    func runScriptLine(_ line: String) throws {
        if let lineInput { return try give(line, to: lineInput) }
        try run(line)
    }
}

// MARK: - e without values

/// `eb Address` alone: shows what is there and asks for what is to be there, place by place.
struct PlaceByPlace {
    let size: Int
    let isFloat: Bool

    /// Begins at a place.
    func begin(at address: UInt64, _ call: CommandCall) throws {
        let interpreter = call.interpreter
        let name = call.name
        var place = address
        let first = try prompt(at: place, call.session)
        interpreter.lineInput = LineInput(prompt: first) { [unowned interpreter] line in
            if line.isEmpty { return .done }
            var reader = CommandCall(interpreter: interpreter, name: name, suffix: "", rest: line)
            var count = size
            if !reader.isAtEnd {
                let bytes = try EnteredValues.read(&reader, size: size, isFloat: isFloat)
                try interpreter.session.writeMemory(bytes, at: place)
                count = bytes.count
            }
            place &+= UInt64(count)
            return .more(prompt: try prompt(at: place, interpreter.session))
        }
    }

    /// ``00007fff`ffffe000 41 Input> ``.
    private func prompt(at address: UInt64, _ session: DebugSession) throws -> String {
        let bytes = try session.readMemory(at: address, count: size)
        guard bytes.count == size else {
            throw EngineError(.memoryAccess, Format.address(address))
        }
        let value = LittleEndian.value(bytes)
        let shown =
            !isFloat
            ? Format.hex(value, width: size * 2)
            : FloatText.general(
                size == 8
                    ? Double(bitPattern: value)
                    : Double(Float(bitPattern: UInt32(truncatingIfNeeded: value))),
                digits: size == 8 ? 16 : 8
            )
        return "\(Format.address(address)) \(shown) Input> "
    }
}

// MARK: - a

let assembleCommands: [Command] = [
    Command(
        names: ["a"],
        usage: "a [Address]",
        summary: "assemble: write instructions into memory, a line each; an empty line ends it",
        details: """
            Intel's syntax, as u shows it: mov eax, 1; add rsp, 28; jne main+10; call puts; lea rdi, [rbx+rcx*4-8];
            mov dword ptr [rsp+4], eax. Numbers are in the current radix, jumps and calls go to expressions.
            There are the usual instructions of integers (mov lea add sub cmp and or xor test inc dec neg not shl shr
            sar imul push pop jmp call ret, jumps and setcc by condition, nop int3 int ud2 hlt syscall cpuid leave)
            and db with bytes; others are refused.
            """,
        run: { try assemble(&$0) }
    )
]

private func assemble(_ call: inout CommandCall) throws {
    let process = try call.process()
    let session = call.session
    let interpreter = call.interpreter
    let is64Bit: Bool
    switch try session.target.targetDescription(of: process.id).architecture {
    case .x86_64: is64Bit = true
    case .i386: is64Bit = false
    case .arm64: throw EngineError.sentence("a assembles instructions of x86 only")
    }
    var place =
        call.isAtEnd
        ? try interpreter.nextAssembly ?? session.evaluate("$ip") : try call.expression()
    try call.requireEnd()
    interpreter.lineInput = LineInput(prompt: "\(Format.address(place)) ") {
        [unowned interpreter] line in
        let text = CommandText.trim(line)
        if text.isEmpty { return .done }
        let assembler = Assembler(is64Bit: is64Bit, address: place) {
            try interpreter.session.evaluate($0)
        }
        let bytes = try assembler.assemble(text)
        try interpreter.session.writeMemory(bytes, at: place)
        place &+= UInt64(bytes.count)
        interpreter.nextAssembly = place
        return .more(prompt: "\(Format.address(place)) ")
    }
}
