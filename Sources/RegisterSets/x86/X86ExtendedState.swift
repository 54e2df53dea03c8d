// The XSAVE area as NT_X86_XSTATE gives it: 512 bytes FXSAVE, 64 bytes header, then the components, in
// the standard (not compacted) form (Intel SDM volume 1, chapter 13).
//
// FXSAVE keeps the x87 tag word as one bit a register, by physical register, "not empty". gdb wants the
// full word of FSAVE: two bits a register, whose value for a register in use follows from its contents.

/// The XSAVE area's fixed part.
public enum X86ExtendedState {
    /// The FXSAVE part.
    public static let legacyByteCount = 512
    /// Where the header's XSTATE_BV stands: which components are not in their initial state.
    public static let presenceOffset = 512
    /// x87, SSE, AVX, the three of AVX-512, protection keys.
    public static let presenceOfKnownComponents: [UInt8] = [0b1110_0111, 0b10]
    /// Where Linux notes XCR0, the components that are enabled.
    public static let enabledOffset = 464
    /// The most a kernel gives; AMX alone is 8 KiB.
    public static let byteCountMax = 16384

    private static let statusOffset = 2
    private static let tagOffset = 4
    private static let firstRegisterOffset = 32

    /// FSAVE's tag word.
    public static func fullTagWord(_ area: [UInt8]) -> UInt32 {
        let inUse = area[tagOffset]
        let top = Int(area[statusOffset + 1] >> 3) & 7
        var word: UInt32 = 0
        for physical in 0..<8 {
            var tag: UInt32 = 3
            if inUse & (1 << physical) != 0 {
                let start = firstRegisterOffset + 16 * ((physical + 8 - top) % 8)
                tag = contentTag(area[start..<(start + 10)])
            }
            word |= tag << (2 * UInt32(physical))
        }
        return word
    }

    /// 0 valid, 1 zero, 2 special (denormal, infinite, not a number).
    private static func contentTag(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let digits = Array(bytes)
        let exponent = UInt16(digits[9] & 0x7f) << 8 | UInt16(digits[8])
        let isIntegerBitSet = digits[7] & 0x80 != 0
        if exponent == 0x7fff { return 2 }
        if exponent == 0 { return digits[..<8].allSatisfy { $0 == 0 } ? 1 : 2 }
        return isIntegerBitSet ? 0 : 2
    }

    /// FXSAVE's tag byte for FSAVE's tag word.
    public static func shortTagByte(_ word: UInt32) -> UInt8 {
        (0..<8).reduce(0) { byte, physical in
            (word >> (2 * UInt32(physical))) & 3 == 3 ? byte : byte | (1 << UInt8(physical))
        }
    }

    /// Stores FSAVE's tag word.
    public static func setTagWord(_ word: UInt32, in area: inout [UInt8]) {
        area[tagOffset] = shortTagByte(word)
    }
}

/// Where the XSAVE area has what not every processor has; nil for what this one lacks or does not have enabled.
public struct X86ExtendedComponents: Sendable, Equatable {
    /// The upper halves of ymm0 to ymm15.
    public var upperHalves: Int?
    /// k0 to k7.
    public var masks: Int?
    /// The upper halves of zmm0 to zmm15.
    public var wideHalves: Int?
    /// zmm16 to zmm31.
    public var furtherVectors: Int?
    /// The rights of protection keys.
    public var protectionKeys: Int?

    /// None of them.
    public init() {}

    /// Takes places and sizes from the processor (CPUID leaf 13) and what is enabled from an area.
    ///
    /// - Parameter place: offset and size of a component, in bytes.
    public init(area: [UInt8], place: (_ component: Int) -> (offset: Int, size: Int)) {
        guard area.count > X86ExtendedState.presenceOffset else { return }
        func start(_ component: Int, _ byteCount: Int) -> Int? {
            let mask = area[X86ExtendedState.enabledOffset + component / 8]
            guard mask & (1 << UInt8(component % 8)) != 0 else { return nil }
            let (offset, size) = place(component)
            guard offset > X86ExtendedState.presenceOffset, size >= byteCount,
                offset + size <= area.count
            else { return nil }
            return offset
        }
        upperHalves = start(2, 256)
        masks = start(5, 64)
        wideHalves = start(6, 512)
        furtherVectors = start(7, 1024)
        protectionKeys = start(9, 4)
    }
}

// Where components are in a core file, whose reader cannot ask the processor that wrote it.
extension X86ExtendedComponents {
    /// The layout of Intel's processors, which debuggers write too.
    public static let standard: X86ExtendedComponents = {
        var components = X86ExtendedComponents()
        components.upperHalves = 576
        components.masks = 1088
        components.wideHalves = 1152
        components.furtherVectors = 1664
        components.protectionKeys = 2688
        return components
    }()

    /// AMD's processors leave no room for the registers of MPX.
    private static let compact: X86ExtendedComponents = {
        var components = X86ExtendedComponents()
        components.upperHalves = 576
        components.masks = 832
        components.wideHalves = 896
        components.furtherVectors = 1408
        components.protectionKeys = 2432
        return components
    }()

    /// The sizes that the areas of AMD's processors have: with protection keys and with AVX-512 (Zen 4), without (Zen 3).
    private static let compactByteCounts: Set<Int> = [2440, 840]

    /// The places in an area from a core file.
    ///
    /// - Parameter layout: components by number as NT_X86_XSAVE_LAYOUT tells them; empty where the core has no such note.
    public init(coreArea area: [UInt8], layout: [Int: (offset: Int, size: Int)]) {
        var places = Self.compactByteCounts.contains(area.count) ? Self.compact : Self.standard
        if area.count == 840 { places.protectionKeys = 832 }
        self.init(area: area) { component in
            if let known = layout[component] { return known }
            switch component {
            case 2: return (places.upperHalves ?? 0, 256)
            case 5: return (places.masks ?? 0, 64)
            case 6: return (places.wideHalves ?? 0, 512)
            case 7: return (places.furtherVectors ?? 0, 1024)
            case 9: return (places.protectionKeys ?? 0, 4)
            default: return (0, 0)
            }
        }
    }

    /// XCR0 for a processor with these components.
    var enabledBits: UInt16 {
        var bits: UInt16 = 0b11
        if upperHalves != nil { bits |= 1 << 2 }
        if masks != nil { bits |= 0b111 << 5 }
        if protectionKeys != nil { bits |= 1 << 9 }
        return bits
    }

    /// How long an area in the standard layout is that has these components.
    static func standardByteCount(_ components: X86ExtendedComponents) -> Int {
        if components.protectionKeys != nil { return 2696 }
        if components.masks != nil { return 2688 }
        return components.upperHalves != nil ? 832 : 576
    }
}
