/// Estimates from above how long an Itanium name gets when it is demangled.
///
/// A substitution (`S1_`) stands for a whole earlier piece of the name, so that 500 bytes can mean more
/// text than there is memory, and `__cxa_demangle` has no limit of its own. Which piece a substitution
/// stands for only a full parser knows; but the pieces are numbered in the order in which they end, so
/// the one numbered n is no longer than all that came before the first mention of n or a higher number.
/// A template parameter (`T_`) is no longer than what came before it was first mentioned since the last
/// list of template arguments began.
///
/// Of 324,000 names of clang, lldb, libstdc++ and gdb, 250 are over the limit and stay as they are.
struct ManglingBound {
    /// Names that may get longer than this are not demangled.
    static let lengthMax = 67_108_864.0
    /// Each pack expansion (`Dp`) may multiply what it repeats; names in use have one or two.
    static let packsMax = 4

    /// A letter can stand for a word as long as this: `unsigned __int128`, `operator alignof`.
    private static let wordLength = 24.0
    /// `Ss` stands for this many characters: std::basic_string with all of its arguments.
    private static let standardLength = 80.0

    private let name: [UInt8]
    private var index = 2
    private var length = 0.0
    private var records: [(number: Int, length: Double)] = []
    private var parameterLength = 0.0
    private var isListNew = true
    private var packs = 0

    /// Whether the demangled name of `_Z…` certainly stays within the limits.
    static func admits(_ name: String) -> Bool {
        var bound = ManglingBound(name: Array(name.utf8))
        while bound.index < bound.name.count, bound.length <= lengthMax { bound.step() }
        return bound.length <= lengthMax && bound.packs <= packsMax
    }

    private init(name: [UInt8]) {
        self.name = name
    }

    private mutating func step() {
        switch name[index] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): identifier()
        case UInt8(ascii: "S"):
            if let number = sequence() {
                substitution(number)
            } else {
                add(Self.standardLength, 2)
            }
        case UInt8(ascii: "T"):
            if sequence() == nil { add(Self.wordLength, 1) } else { parameter() }
        default:
            if name[index] == UInt8(ascii: "I") { isListNew = true }
            if name[index...].starts(with: "Dp".utf8) { packs += 1 }
            add(Self.wordLength, 1)
        }
    }

    private mutating func add(_ characters: Double, _ bytes: Int) {
        length += characters
        index += bytes
    }

    /// A length and that many bytes of the source's own text.
    private mutating func identifier() {
        var count = 0
        while index < name.count, let digit = Self.digit(name[index]), digit < 10 {
            count = min(count * 10 + digit, name.count)
            index += 1
        }
        add(Double(count) + 4, count)
    }

    private mutating func substitution(_ number: Int) {
        if number > records.last?.number ?? -1 { records.append((number, length)) }
        let record = records.first { $0.number >= number }
        add((record?.length ?? length) + 2, sequenceBytes)
    }

    private mutating func parameter() {
        if isListNew {
            parameterLength = length
            isListNew = false
        }
        add(parameterLength + 2, sequenceBytes)
    }

    /// How many bytes the sequence number at the index takes, with its letter and underscore.
    private var sequenceBytes: Int {
        2 + name[(index + 1)...].prefix { Self.digit($0) != nil }.count
    }

    /// The number of `S_`, `S0_`, `S1_`, …, counted from 0 in base 36; nil for `St` and its like.
    private func sequence() -> Int? {
        let digits = name[(index + 1)...].prefix { Self.digit($0) != nil }
        guard digits.endIndex < name.count, name[digits.endIndex] == UInt8(ascii: "_") else {
            return nil
        }
        if digits.isEmpty { return 0 }
        return 1 + digits.reduce(0) { min($0 * 36 + (Self.digit($1) ?? 0), name.count) }
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 55
        default: nil
        }
    }
}
