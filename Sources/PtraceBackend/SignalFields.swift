/// The fields of a `siginfo_t` that all signals have (sigaction(2)).
enum SignalFields {
    /// si_signo.
    static func number(_ information: [UInt8]) -> Int32 { word(information, 0) }

    /// si_code: above 0 for what the kernel raised because of an instruction.
    static func code(_ information: [UInt8]) -> Int32 { word(information, 8) }

    /// Whether an instruction of the thread raised the signal: SIGILL and its like with a code above 0.
    static func isFault(_ information: [UInt8]) -> Bool {
        [4, 5, 7, 8, 11].contains(number(information)) && code(information) > 0
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> Int32 {
        let value = bytes[offset..<(offset + 4)].reversed().reduce(0 as UInt32) {
            $0 << 8 | UInt32($1)
        }
        return Int32(bitPattern: value)
    }
}
