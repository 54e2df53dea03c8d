public import DebugTarget

// The XML documents a stub renders. Readers are in the client, over a real XML parser: gdb's DTDs allow
// anything that XML does, and stubs differ. gdb passes over attributes and elements it does not know.

/// XML texts.
enum XML {
    /// A text with XML's own characters and control characters written as references.
    static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            // XML 1.0 has no way to write these.
            case _ where scalar.value < 0x20: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}

extension SystemTable {
    /// The document `qXfer:osdata` serves for a table of that name.
    public func document(type: String) -> String {
        var text =
            "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"osdata.dtd\">\n"
            + "<osdata type=\"\(XML.escaped(type))\">\n"
        for row in rows {
            text += "<item>"
            for cell in row {
                text +=
                    "<column name=\"\(XML.escaped(cell.column))\">"
                    + "\(XML.escaped(cell.value))</column>"
            }
            text += "</item>\n"
        }
        return text + "</osdata>\n"
    }
}

/// One thread of `qXfer:threads`.
public struct ThreadListEntry: Sendable, Equatable {
    /// Its id as it travels.
    public var thread: ThreadReference
    /// The processor it last ran on.
    public var core: Int?
    /// Its name.
    public var name: String

    /// Builds an entry.
    public init(thread: ThreadReference, core: Int?, name: String) {
        self.thread = thread
        self.core = core
        self.name = name
    }

    /// The document with all threads.
    public static func document(_ entries: [ThreadListEntry]) -> String {
        var text = "<?xml version=\"1.0\"?>\n<threads>\n"
        for entry in entries {
            text += "<thread id=\"\(entry.thread.text)\""
            if let core = entry.core { text += " core=\"\(core)\"" }
            if !entry.name.isEmpty { text += " name=\"\(XML.escaped(entry.name))\"" }
            text += "/>\n"
        }
        return text + "</threads>\n"
    }
}

/// `qXfer:libraries-svr4`: the dynamic linker's list without the executable.
public enum LibraryListDocument {
    /// Renders the list.
    ///
    /// - Parameters:
    ///   - modules: the modules, the executable first.
    ///   - start: the list entry to start at and the entry before it, where the client asked for an
    ///     increment (the annex `start=…;prev=…`).
    ///   - namesExecutable: whether the executable's entry is named (`main-lm`).
    public static func render(
        _ modules: [LoadedModule],
        from start: TargetAddress? = nil,
        namesExecutable: Bool = true
    ) -> String {
        var text = "<library-list-svr4 version=\"1.0\""
        var rest = modules[...]
        if let start {
            rest = modules.drop { $0.linkMap != start }
        } else if let main = modules.first {
            if namesExecutable { text += " main-lm=\"\(main.linkMap)\"" }
            rest = modules.dropFirst()
        }
        guard !rest.isEmpty else { return text + "/>\n" }
        text += ">\n"
        for module in rest {
            text +=
                "<library name=\"\(XML.escaped(module.path))\" lm=\"\(module.linkMap)\""
                + " l_addr=\"0x\(Hex.text(module.loadBias))\" l_ld=\"\(module.dynamicSection)\""
                + " lmid=\"0x0\""
            if !module.buildID.isEmpty {
                let digits = String(decoding: Hex.encode(module.buildID), as: UTF8.self)
                text += " build-id=\"\(digits)\""
            }
            text += "/>\n"
        }
        return text + "</library-list-svr4>\n"
    }

    /// The entry an annex `start=…;prev=…` asks to start at.
    public static func start(ofAnnex annex: String) -> TargetAddress? {
        for pair in annex.utf8.split(separator: UInt8(ascii: ";")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1)
            if parts.count == 2, parts[0].elementsEqual("start".utf8),
                let address = Hex.number(parts[1])
            {
                return TargetAddress(address)
            }
        }
        return nil
    }
}
