import CCapstone
public import DebugTarget

/// Why there is no disassembler.
public struct DisassemblyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One clear sentence.
    public var message: String

    /// Builds an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

/// Turns machine code into text; the fence around Capstone.
///
/// Copies share one decoder; not for use from two threads at a time.
public struct Disassembler {
    private let decoder: Decoder

    /// Makes a disassembler for a processor.
    public init(architecture: Architecture) throws(DisassemblyError) {
        decoder = try Decoder(architecture: architecture)
    }

    /// The instructions of `bytes`, which lie at `address`, at most `maximum` of them.
    ///
    /// A byte that is no instruction, and each byte of an instruction that the end of `bytes` cuts
    /// off, becomes one of its own, `???`.
    public func disassemble(
        _ bytes: [UInt8],
        at address: TargetAddress,
        maximum: Int
    ) -> [Instruction] {
        bytes.withUnsafeBufferPointer { buffer in
            var found: [Instruction] = []
            var offset = 0
            while offset < buffer.count, found.count < maximum {
                let rest = UnsafeBufferPointer(rebasing: buffer[offset...])
                let next = decoder.decode(rest, at: address + UInt64(offset))
                found.append(next)
                offset += next.bytes.count
            }
            return found
        }
    }
}

/// Owns a Capstone handle and the room for one instruction.
private final class Decoder {
    private let architecture: Architecture
    private var handle: csh = 0
    private let room: UnsafeMutablePointer<cs_insn>

    init(architecture: Architecture) throws(DisassemblyError) {
        self.architecture = architecture
        let (family, mode) =
            switch architecture {
            case .x86_64: (CS_ARCH_X86, CS_MODE_64)
            case .i386: (CS_ARCH_X86, CS_MODE_32)
            case .arm64: (CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN)
            }
        let status = cs_open(family, mode, &handle)
        guard status == CS_ERR_OK else {
            throw DisassemblyError(
                "Capstone cannot disassemble \(architecture.rawValue): "
                    + String(cString: cs_strerror(status))
            )
        }
        cs_option(handle, CS_OPT_DETAIL, Int(CS_OPT_ON.rawValue))
        guard let room = cs_malloc(handle) else {
            cs_close(&handle)
            throw DisassemblyError("Capstone has no memory left")
        }
        self.room = room
    }

    deinit {
        cs_free(room, 1)
        cs_close(&handle)
    }

    /// The instruction that the bytes, at least one, begin with.
    func decode(_ bytes: UnsafeBufferPointer<UInt8>, at address: TargetAddress) -> Instruction {
        var code = bytes.baseAddress
        var count = bytes.count
        var next = address.rawValue
        guard cs_disasm_iter(handle, &code, &count, &next, room), room.pointee.size > 0 else {
            return Instruction(
                address: address,
                bytes: Array(bytes.prefix(1)),
                mnemonic: "???",
                operands: ""
            )
        }
        let decoded = Array(bytes.prefix(Int(room.pointee.size)))
        let form = InstructionForm(instruction: room.pointee, handle: handle, architecture)
        return form.instruction(bytes: decoded, at: address)
    }
}
