import CElfutils

/// The line table of a unit, in the form look-ups need.
struct LineTable {
    /// From this address on, up to the next row's, code belongs to a line.
    struct Row {
        var address: UInt64
        var line: Int32
        var column: Int32
        /// Index in `files`, or -1 after the end of a sequence.
        var file: Int32
        var isStatement: Bool

        var isEnd: Bool { file < 0 }
    }

    /// How many rows of one unit are read.
    static let rowsMax = 1 << 24

    private let folder: String?
    /// Full paths.
    private(set) var files: [String] = []
    /// One row for each address, by address.
    private(set) var rows: [Row] = []
    /// All rows that are recommended stops, by address; several may have one address.
    private(set) var statements: [Row] = []
    /// Where compilers say that a prologue ends.
    private(set) var prologueEnds: [UInt64] = []

    init(unit: DebugEntry) {
        folder = unit.string(DW_AT_comp_dir)
        unit.withDie { die in
            var lines: OpaquePointer?
            var count = 0
            guard dwarf_getsrclines(die, &lines, &count) == 0, let lines else { return }
            read(lines, min(count, Self.rowsMax))
        }
    }

    private mutating func read(_ lines: OpaquePointer, _ count: Int) {
        var numbers: [UnsafePointer<CChar>: Int32] = [:]
        for index in 0..<count {
            guard let line = dwarf_onesrcline(lines, index) else { continue }
            var address: Dwarf_Addr = 0
            var (isEnd, isStatement, isPrologueEnd) = (false, false, false)
            dwarf_lineaddr(line, &address)
            dwarf_lineendsequence(line, &isEnd)
            dwarf_linebeginstatement(line, &isStatement)
            dwarf_lineprologueend(line, &isPrologueEnd)
            if isPrologueEnd { prologueEnds.append(address) }
            let file = isEnd ? -1 : number(ofFileOf: line, &numbers)
            var (number, column): (CInt, CInt) = (0, 0)
            dwarf_lineno(line, &number)
            dwarf_linecol(line, &column)
            add(
                Row(
                    address: address,
                    line: number,
                    column: column,
                    file: file,
                    isStatement: isStatement
                )
            )
        }
    }

    private mutating func number(
        ofFileOf line: OpaquePointer,
        _ numbers: inout [UnsafePointer<CChar>: Int32]
    ) -> Int32 {
        guard let path = dwarf_linesrc(line, nil, nil) else { return -1 }
        if let known = numbers[path] { return known }
        let number = Int32(files.count)
        files.append(Self.absolute(String(cString: path), in: folder))
        numbers[path] = number
        return number
    }

    /// Of several rows at one address the last one counts, but a recommended stop more than one
    /// that is not (gdb's rule); the end of a sequence gives way to the sequence that starts there.
    private mutating func add(_ row: Row) {
        if row.isStatement, !row.isEnd, row.line > 0 { statements.append(row) }
        guard let last = rows.last, last.address == row.address else {
            rows.append(row)
            return
        }
        if row.isEnd || (last.isStatement && !last.isEnd && !row.isStatement) { return }
        rows[rows.count - 1] = row
    }

    /// The index of the row that an address belongs to.
    private func index(of address: UInt64) -> Int? {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, low < rows.count, !rows[low - 1].isEnd else { return nil }
        return low - 1
    }

    /// The row that an address belongs to.
    func row(at address: UInt64) -> Row? { index(of: address).map { rows[$0] } }

    /// The place of a row.
    func location(of row: Row) -> SourceLocation {
        SourceLocation(file: files[Int(row.file)], line: Int(row.line), column: Int(row.column))
    }

    /// The address's row and its neighbours of the same line.
    func range(containing address: UInt64) -> LineRange? {
        guard let index = index(of: address) else { return nil }
        let row = rows[index]
        var (first, last) = (index, index)
        while first > 0, isSameLine(rows[first - 1], row) { first -= 1 }
        while last + 1 < rows.count, isSameLine(rows[last + 1], row) { last += 1 }
        guard last + 1 < rows.count else { return nil }
        return LineRange(
            location: location(of: row),
            addresses: rows[first].address..<rows[last + 1].address,
            isStatement: row.isStatement
        )
    }

    private func isSameLine(_ left: Row, _ right: Row) -> Bool {
        left.line == right.line && left.file == right.file
    }

    /// The numbers of the files that a user's words mean: the whole path, or its last components.
    func files(matching name: String) -> Set<Int32> {
        let wanted = Self.components(of: name)
        guard !wanted.isEmpty else { return [] }
        return Set(
            files.indices.filter { index in
                let path = Self.components(of: files[index])
                return path.count >= wanted.count && path.suffix(wanted.count) == wanted[...]
            }.map(Int32.init)
        )
    }

    /// Paths may be relative to the folder the compiler ran in.
    static func absolute(_ path: String, in folder: String?) -> String {
        path.hasPrefix("/") ? path : folder.map { "\($0)/\(path)" } ?? path
    }

    /// A path's components; `.` is dropped and `..` takes one away.
    private static func components(of path: String) -> [Substring] {
        path.split(separator: "/").reduce(into: []) { components, next in
            switch next {
            case ".": break
            case ".." where components.last.map { $0 != ".." } ?? false: components.removeLast()
            default: components.append(next)
            }
        }
    }
}
