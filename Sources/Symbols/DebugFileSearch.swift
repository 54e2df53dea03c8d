import CElfutils
import Glibc

/// Finds the file that `objcopy --only-keep-debug` made for a stripped one.
///
/// The order is gdb's ("Debugging Information in Separate Files"): by build-id under each folder,
/// then by `.gnu_debuglink` beside the file, in `.debug` beside it, and under each folder at the
/// same path. A folder may also hold the debug files themselves.
enum DebugFileSearch {
    /// Always searched, after the folders that were given.
    static let systemFolder = "/usr/lib/debug"

    static func debugFile(for file: ELFFile, in folders: [String]) -> ELFFile? {
        let buildID = file.buildID
        let link = file.debugLink
        for candidate in candidates(buildID, link?.name, beside: file.path, folders) {
            guard candidate != file.path, let found = try? ELFFile(path: candidate),
                found.header.e_machine == file.header.e_machine,
                found.hasDWARF || found.section(named: ".symtab") != nil
            else { continue }
            if matches(found, buildID: buildID, checksum: link?.checksum) { return found }
        }
        return nil
    }

    /// The file that `dwz` made for several to share, by its build-id: at the place that `.gnu_debugaltlink`
    /// names, beside the file that names it, in `.dwz` below the folders, or by build-id below them.
    static func sharedFile(
        of dwarf: OpaquePointer,
        beside path: String,
        in folders: [String]
    ) -> ELFFile? {
        var name: UnsafePointer<CChar>?
        var start: UnsafeRawPointer?
        let count = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &start)
        guard count > 1, count <= 64, let name, let start else { return nil }
        let wanted = Array(UnsafeRawBufferPointer(start: start, count: count))
        let link = String(cString: name)
        let base = link.split(separator: "/").last.map(String.init) ?? link
        let folder = absoluteFolder(of: path)
        var found = [link.hasPrefix("/") ? link : "\(folder)/\(link)", "\(folder)/\(base)"]
        for root in folders.filter({ $0 != systemFolder }) + [systemFolder] {
            found += ["\(root)/.dwz/\(base)", "\(root)/\(base)", root + "/" + place(of: wanted)]
        }
        return found.lazy.compactMap { try? ELFFile(path: $0) }.first { $0.buildID == wanted }
    }

    private static func place(of buildID: [UInt8]) -> String {
        let digits = buildID.map(hexadecimal)
        return ".build-id/\(digits[0])/\(digits.dropFirst().joined()).debug"
    }

    private static func candidates(
        _ buildID: [UInt8],
        _ link: String?,
        beside path: String,
        _ folders: [String]
    ) -> [String] {
        let roots = folders.filter { $0 != systemFolder } + [systemFolder]
        var found: [String] = []
        if buildID.count > 1 {
            found += roots.map { "\($0)/\(place(of: buildID))" }
        }
        if let link, !link.isEmpty, !link.contains("/") {
            let folder = absoluteFolder(of: path)
            found += ["\(folder)/\(link)", "\(folder)/.debug/\(link)"]
            found += roots.flatMap { ["\($0)\(folder)/\(link)", "\($0)/\(link)"] }
        }
        return found
    }

    private static func matches(_ file: ELFFile, buildID: [UInt8], checksum: UInt32?) -> Bool {
        let found = file.buildID
        if !buildID.isEmpty, !found.isEmpty { return found == buildID }
        return checksum.map { $0 == CRC32.checksum(ofFile: file.path) } ?? false
    }

    private static func absoluteFolder(of path: String) -> String {
        var full = path
        if let resolved = realpath(path, nil) {
            full = String(cString: resolved)
            free(resolved)
        }
        guard let slash = full.lastIndex(of: "/") else { return "." }
        return String(full[..<slash])
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

/// The CRC-32 of `.gnu_debuglink` (reflected, polynomial 0xEDB88320).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in
            value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1
        }
    }

    static func checksum(ofFile path: String) -> UInt32? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var value: UInt32 = 0xFFFF_FFFF
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 { return nil }
            if count == 0 { return ~value }
            value = update(value, with: buffer[..<count])
        }
    }

    static func update(_ value: UInt32, with bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(value) { ($0 >> 8) ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
    }
}
