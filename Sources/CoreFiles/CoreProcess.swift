public import DebugTarget

// What a core says of the process as a whole: `struct elf_prpsinfo` (<sys/procfs.h>), NT_FILE
// (fs/binfmt_elf.c, fill_files_note), and remarks of our own.

/// Who the process was: NT_PRPSINFO.
public struct CoreProcess: Sendable, Equatable {
    /// Its id.
    public var id: Int32
    /// Its parent's.
    public var parent: Int32
    /// Its user's number.
    public var user: UInt32
    /// Its group's number.
    public var group: UInt32
    /// The program's file name, 15 bytes at most.
    public var name: String
    /// The beginning of its command line, 79 bytes at most.
    public var commandLine: String

    /// Describes a process.
    public init(
        id: Int32,
        parent: Int32 = 0,
        user: UInt32 = 0,
        group: UInt32 = 0,
        name: String = "",
        commandLine: String = ""
    ) {
        self.id = id
        self.parent = parent
        self.user = user
        self.group = group
        self.name = name
        self.commandLine = commandLine
    }

    private static let nameByteCount = 16
    private static let commandLineByteCount = 80

    /// Where fields are: of both widths, the last two being text.
    private static func offsets(
        _ width: CoreWidth
    ) -> (count: Int, user: Int, userByteCount: Int, id: Int, name: Int) {
        width == .bits32 ? (124, 8, 2, 12, 28) : (136, 16, 4, 24, 40)
    }

    /// Reads the note; nil when it is too short.
    init?(_ note: ArraySlice<UInt8>, _ width: CoreWidth) {
        let fields = CoreFields(note)
        let place = Self.offsets(width)
        guard note.count >= place.count, let id = fields.integer(place.id),
            let parent = fields.integer(place.id + 4)
        else { return nil }
        self.init(
            id: id,
            parent: parent,
            user: UInt32(fields.number(place.user, place.userByteCount) ?? 0),
            group: UInt32(
                fields.number(place.user + place.userByteCount, place.userByteCount) ?? 0
            ),
            name: fields.text(place.name, Self.nameByteCount),
            commandLine: Self.trimmed(
                fields.text(place.name + Self.nameByteCount, Self.commandLineByteCount)
            )
        )
    }

    /// The kernel ends the arguments with a space.
    private static func trimmed(_ text: String) -> String {
        text.hasSuffix(" ") ? String(text.dropLast()) : text
    }

    /// The note.
    func note(_ width: CoreWidth) -> [UInt8] {
        let place = Self.offsets(width)
        var note = CoreFieldWriter(count: place.count)
        // Stopped, for whoever shows it.
        note.put(UInt64(UInt8(ascii: "T")), 1, 1)
        note.put(UInt64(user), place.user, place.userByteCount)
        note.put(UInt64(group), place.user + place.userByteCount, place.userByteCount)
        note.put(id, place.id)
        note.put(parent, place.id + 4)
        note.put(name, place.name, Self.nameByteCount)
        note.put(commandLine, place.name + Self.nameByteCount, Self.commandLineByteCount)
        return note.bytes
    }
}

/// A file that was mapped: NT_FILE.
public struct CoreMappedFile: Sendable, Equatable {
    /// How many mappings a core may name.
    public static let countMax = 1 << 20

    /// The addresses.
    public var range: Range<TargetAddress>
    /// Where in the file they begin, in bytes.
    public var fileOffset: UInt64
    /// The path.
    public var path: String

    /// Describes a mapping.
    public init(range: Range<TargetAddress>, fileOffset: UInt64, path: String) {
        self.range = range
        self.fileOffset = fileOffset
        self.path = path
    }

    /// Reads the note: number, page size, then start, end and offset in pages of each, then the names.
    static func list(_ note: ArraySlice<UInt8>, _ width: CoreWidth) -> [CoreMappedFile] {
        let word = width.wordByteCount
        let fields = CoreFields(note)
        guard let count = fields.number(0, word), let pageSize = fields.number(word, word),
            count <= UInt64(countMax), Int(count) <= note.count / (3 * word)
        else { return [] }
        var files: [CoreMappedFile] = []
        let names = note.dropFirst((2 + 3 * Int(count)) * word)
            .split(separator: 0, maxSplits: Int(count), omittingEmptySubsequences: false)
        for index in 0..<Int(count) {
            let place = (2 + 3 * index) * word
            guard names.indices.contains(index), let start = fields.number(place, word),
                let end = fields.number(place + word, word),
                let offset = fields.number(place + 2 * word, word), start < end
            else { continue }
            files.append(
                CoreMappedFile(
                    range: TargetAddress(start)..<TargetAddress(end),
                    fileOffset: offset &* pageSize,
                    path: String(decoding: names[index], as: UTF8.self)
                )
            )
        }
        return files
    }

    /// The note.
    static func note(_ files: [CoreMappedFile], _ width: CoreWidth, pageSize: UInt64) -> [UInt8] {
        let word = width.wordByteCount
        var table = CoreFieldWriter(count: (2 + 3 * files.count) * word)
        table.put(UInt64(files.count), 0, word)
        table.put(pageSize, word, word)
        var names: [UInt8] = []
        for (index, file) in files.enumerated() {
            let place = (2 + 3 * index) * word
            table.put(file.range.lowerBound.rawValue, place, word)
            table.put(file.range.upperBound.rawValue, place + word, word)
            table.put(file.fileOffset / pageSize, place + 2 * word, word)
            names += file.path.utf8.filter { $0 != 0 } + [0]
        }
        return table.bytes + names
    }
}

/// What `.dump` notes beyond what the kernel does, as lines of text: debuggers pass over what they do not know.
public struct CoreRemarks: Sendable, Equatable {
    /// What the user wanted noted (`.dump /c`).
    public var comment = ""
    /// Which program wrote it.
    public var writer = ""
    /// What part of memory it has, `mini` or `full`.
    public var extent = ""
    /// When, for people.
    public var time = ""
    /// Names of threads by their ids.
    public var threadNames: [Int32: String] = [:]

    /// None.
    public init() {}

    init(_ note: ArraySlice<UInt8>) {
        let text = String(decoding: note, as: UTF8.self)
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let value = String(line[line.index(after: space)...])
            switch line[..<space] {
            case "comment": comment = value
            case "writer": writer = value
            case "extent": extent = value
            case "time": time = value
            case "thread":
                let parts = value.split(separator: " ", maxSplits: 1)
                if parts.count == 2, let id = Int32(parts[0]) {
                    threadNames[id] = String(parts[1])
                }
            default: break
            }
        }
    }

    var note: [UInt8] {
        var lines: [String] = []
        func add(_ key: String, _ value: String) {
            let line = String(value.map { $0.isNewline ? " " : $0 })
            if !line.isEmpty { lines.append("\(key) \(line)") }
        }
        add("comment", comment)
        add("writer", writer)
        add("extent", extent)
        add("time", time)
        for (id, name) in threadNames.sorted(by: { $0.key < $1.key }) {
            add("thread", "\(id) \(name)")
        }
        return Array(lines.joined(separator: "\n").utf8)
    }
}
