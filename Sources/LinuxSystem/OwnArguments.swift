internal import CLinuxShims
internal import Glibc

// A command line is bytes: what is not UTF-8 in it would be replaced on the way through a String.

/// The arguments that this program was started with, byte for byte, without its own name.
public func programArguments() -> [[UInt8]] {
    (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
        CommandLine.unsafeArgv[index].map { argument in
            [UInt8](UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
        }
    }
}

/// This program's command line as process lists show it.
public enum OwnArguments {
    /// Replaces the value of a parameter, in every connection string on the command line, by asterisks.
    ///
    /// Call it after the arguments have been read: they change where the kernel keeps them. Values that name a
    /// place (`@file:…`) stay.
    ///
    /// - Parameter name: the parameter with its equals sign, "password=", in small letters.
    public static func hideValues(of name: String) {
        guard var next = clinux_arguments() else { return }
        while let argument = next.pointee {
            hideValue(of: Array(name.utf8), in: argument)
            next += 1
        }
    }

    /// The words of the command line as process lists show them.
    public static var shown: [String] {
        guard var next = clinux_arguments() else { return [] }
        var words: [String] = []
        while let argument = next.pointee {
            words.append(String(cString: argument))
            next += 1
        }
        return words
    }

    private static func hideValue(of name: [UInt8], in argument: UnsafeMutablePointer<CChar>) {
        var isInside = false
        var matched = 0
        var place = argument
        while place.pointee != 0 {
            let byte = UInt8(bitPattern: place.pointee)
            if isInside {
                if byte == UInt8(ascii: ",") { isInside = false } else { place.pointee = 0x2a }
            } else if byte | 0x20 == name[matched] | 0x20 {
                matched += 1
                if matched == name.count {
                    matched = 0
                    isInside = place[1] != 0x40
                }
            } else {
                matched = byte | 0x20 == name[0] | 0x20 ? 1 : 0
            }
            place += 1
        }
    }
}
