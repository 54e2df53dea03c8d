internal import DebugTarget

/// Reads target.xml and the documents it includes.
struct TargetDescriptionReader {
    /// How many documents a description may consist of.
    static let documentsMax = 64
    /// How many registers it may have.
    static let registersMax = 4096
    /// The widest register, in bits.
    static let bitSizeMax = 65_536

    private let load: (_ annex: String) throws -> [UInt8]
    private var documents = 0
    private var architecture: Architecture?
    private var registers: [RegisterDescription] = []
    private var nextNumber = 0
    /// Where registers stand in the `g` packet, by lldb's attribute, which goes by number.
    private var offsets: [Int: Int] = [:]

    private init(load: @escaping (String) throws -> [UInt8]) {
        self.load = load
    }

    /// Reads the description.
    ///
    /// - Parameter load: gives the document of that name.
    /// - Returns: nil when the documents cannot be read or name no architecture that is known.
    static func read(load: @escaping (_ annex: String) throws -> [UInt8]) -> TargetDescription? {
        var reader = TargetDescriptionReader(load: load)
        guard reader.include("target.xml") else { return nil }
        return reader.finish()
    }

    private mutating func include(_ annex: String) -> Bool {
        documents += 1
        guard documents <= Self.documentsMax, let bytes = try? load(annex),
            let root = XMLReader.parse(bytes)
        else { return false }
        switch root.name {
        case "target":
            return root.children.allSatisfy { take($0) }
        case "feature":
            return takeFeature(root)
        default:
            return false
        }
    }

    private mutating func take(_ element: XMLElement) -> Bool {
        switch element.name {
        case "architecture":
            architecture = Self.architecture(named: element.text)
            return true
        case "feature":
            return takeFeature(element)
        case "xi:include":
            guard let annex = element.attributes["href"] else { return false }
            return include(annex)
        default:
            return true
        }
    }

    /// Names of lldb's that differ from gdb's.
    private static let lldbNames = ["rflags": "eflags"]

    private static func architecture(named text: String) -> Architecture? {
        let name = text.filter { !$0.isWhitespace }
        // lldb's stubs write their own names.
        let others: [String: Architecture] = [
            "x86_64": .x86_64, "i386:x86-64:intel": .x86_64, "arm64": .arm64,
        ]
        return Architecture(rawValue: name) ?? others[name]
    }

    private mutating func takeFeature(_ feature: XMLElement) -> Bool {
        let name = feature.attributes["name"] ?? ""
        for element in feature.children {
            if element.name == "xi:include" {
                guard let annex = element.attributes["href"], include(annex) else { return false }
            } else if element.name == "reg" {
                guard takeRegister(element, feature: name) else { return false }
            }
        }
        return true
    }

    private mutating func takeRegister(_ element: XMLElement, feature: String) -> Bool {
        let attributes = element.attributes
        guard let name = attributes["name"], let bits = attributes["bitsize"].flatMap({ Int($0) }),
            bits > 0, bits <= Self.bitSizeMax, bits % 8 == 0,
            registers.count < Self.registersMax
        else { return false }
        let number = attributes["regnum"].flatMap { Int($0) } ?? nextNumber
        guard number >= 0, number <= UInt16.max else { return false }
        nextNumber = number + 1
        // lldb's stubs list parts of registers (`eax` of `rax`), which are known without them.
        if attributes["value_regnums"] != nil { return true }
        if let offset = attributes["offset"].flatMap({ Int($0) }),
            (0...Self.bitSizeMax).contains(offset)
        {
            offsets[number] = offset
        }
        registers.append(
            RegisterDescription(
                name: Self.lldbNames[name] ?? name,
                number: number,
                bitSize: bits,
                offset: 0,
                type: attributes["type"] ?? "int",
                feature: feature,
                group: attributes["group"],
                dwarfNumber: attributes["dwarf_regnum"].flatMap { Int($0) },
                role: attributes["generic"].flatMap { RegisterDescription.Role(rawValue: $0) }
            )
        )
        return true
    }

    /// Puts the registers in the order of their numbers, which is the order of the `g` packet.
    private func finish() -> TargetDescription? {
        guard !registers.isEmpty else { return nil }
        let names = Set(registers.map(\.name))
        let guessed: Architecture? =
            names.contains("rip") ? .x86_64 : names.contains("x30") ? .arm64 : nil
        guard let architecture = architecture ?? guessed else { return nil }
        var sorted = registers.sorted { $0.number < $1.number }
        var offset = 0
        // Those stubs have their own order, and tell it of every register.
        let isTold = sorted.allSatisfy { offsets[$0.number] != nil }
        for index in sorted.indices {
            sorted[index].offset = isTold ? offsets[sorted[index].number] ?? 0 : offset
            offset += sorted[index].byteCount
            KnownRegisters.complete(&sorted[index], architecture)
        }
        return TargetDescription(architecture: architecture, registers: sorted)
    }
}
