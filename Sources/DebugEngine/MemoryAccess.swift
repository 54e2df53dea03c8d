internal import DebugTarget
internal import Symbols

extension DebugSession {
    /// As many bytes as can be read, none when not even the first can.
    public func readMemory(at address: UInt64, count: Int) throws -> [UInt8] {
        guard let process = currentProcess else { throw EngineError(.noDebuggee, "") }
        return try readMemory(at: address, count: count, in: process)
    }

    func readMemory(
        at address: UInt64,
        count: Int,
        in process: ProcessState
    ) throws -> [UInt8] {
        guard count > 0 else { return [] }
        // A range never wraps around the end of the address space.
        let room = UInt64.max - address
        let asked = room >= UInt64(count) ? count : Int(room) + 1
        do {
            return try target.readMemory(
                at: TargetAddress(address),
                count: asked,
                in: process.id
            )
        } catch {
            guard error.code == .badAddress || error.code == .invalid else { throw error }
            return []
        }
    }

    /// Code from the client's copy of the file, which saves a slow line the reading of memory.
    ///
    /// Only from segments that cannot be written and of files whose build-id was compared; a program that
    /// changes its own code all the same is not noticed, so a fast line is always asked.
    func localCode(at address: UInt64, count: Int, in process: ProcessState) -> [UInt8]? {
        guard isLineSlow, let module = process.modules.first(where: { $0.range.contains(address) }),
            let symbols = module.loadedSymbols, let path = module.localPath,
            !module.buildID.isEmpty
        else { return nil }
        let offset = address &- module.bias
        guard
            let segment = symbols.segments.first(where: { segment in
                !segment.isWritable && segment.isExecutable && offset >= segment.address
                    && offset &- segment.address < segment.fileSize
            })
        else { return nil }
        let inside = offset &- segment.address
        let available = min(UInt64(count), segment.fileSize &- inside)
        return host.files.read(path, at: segment.fileOffset &+ inside, count: Int(available))
    }

    /// Writes memory of the current process.
    public func writeMemory(_ bytes: [UInt8], at address: UInt64) throws {
        guard let process = currentProcess else { throw EngineError(.noDebuggee, "") }
        do {
            try target.writeMemory(bytes, at: TargetAddress(address), in: process.id)
        } catch {
            guard error.code == .badAddress else { throw error }
            throw EngineError(.memoryAccess, Format.address(address))
        }
        stackCache = nil
    }

    /// The longest text read at an address, in characters.
    static let textCharactersMax = 4096

    /// The text at an address up to its NUL: UTF-8, or 16 bits a character.
    public func text(at address: UInt64, isWide: Bool) throws -> String {
        let size = isWide ? 2 : 1
        var units: [UInt16] = []
        while units.count < Self.textCharactersMax {
            let place = address &+ UInt64(units.count * size)
            // Up to the end of a page at a time: what lies behind it may not be there.
            let count = min(256 * size, 4096 - Int(place & 4095))
            let bytes = try readMemory(at: place, count: max(count, size))
            guard bytes.count >= size else {
                if units.isEmpty { throw EngineError(.memoryAccess, Format.address(address)) }
                break
            }
            for index in stride(from: 0, to: bytes.count - size + 1, by: size) {
                let unit = UInt16(LittleEndian.value(bytes[index..<(index + size)]))
                if unit == 0 { return Self.text(of: units, isWide: isWide) }
                units.append(unit)
            }
        }
        return Self.text(of: units, isWide: isWide)
    }

    private static func text(of units: [UInt16], isWide: Bool) -> String {
        isWide
            ? String(decoding: units, as: UTF16.self)
            : String(decoding: units.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    /// What symbols read memory through.
    func memoryReader(for process: ProcessState) -> any MemoryReader {
        ProcessMemory(session: self, process: process)
    }
}

private struct ProcessMemory: MemoryReader {
    let session: DebugSession
    let process: ProcessState

    func read(at address: UInt64, count: Int) -> [UInt8]? {
        guard let bytes = try? session.readMemory(at: address, count: count, in: process),
            bytes.count == count
        else { return nil }
        return bytes
    }
}
