extension CParser {
    /// `(type)`, when what stands in the parentheses is one; nothing is read otherwise.
    mutating func parenthesizedType() throws(CError) -> CTypeName? {
        let saved = self
        guard try take("("), let type = try typeName(isKnown: false), try take(")") else {
            self = saved
            return nil
        }
        return type
    }

    private static let qualifiers: Set<String> = ["const", "volatile", "restrict", "__restrict"]
    private static let tags: Set<String> = ["struct", "class", "union", "enum", "typename"]

    /// A type's name, if one begins here.
    ///
    /// - Parameter isKnown: whether nothing else can stand here, so that a name need not be looked
    ///   up as a value first.
    mutating func typeName(isKnown: Bool) throws(CError) -> CTypeName? {
        guard let base = try typeBase(isKnown: isKnown) else { return nil }
        var type = CTypeName(base: base)
        while type.derivations.count < Self.depthMax {
            if try take("*") {
                type.derivations.append(.pointer)
            } else if try take("&") {
                type.derivations.append(.reference)
            } else if try take("&&") {
                type.derivations.append(.reference)
            } else if case .name(let word) = token, Self.qualifiers.contains(word) {
                try advance()
            } else {
                break
            }
        }
        // Behind the whole type: the first dimension written is the outermost.
        var dimensions: [UInt64] = []
        while token == .punctuation("["), dimensions.count < Self.depthMax {
            try advance()
            guard case .number(let count) = token, count.type.isInteger else {
                throw CError("An array's length is missing here", column)
            }
            dimensions.append(count.bits)
            try advance()
            try require("]")
        }
        type.derivations += dimensions.reversed().map { .array($0) }
        return type
    }

    mutating func typeBase(isKnown: Bool) throws(CError) -> CTypeName.Base? {
        var words: [String] = []
        var named: String?
        var isTagged = false
        while case .name(let word) = token {
            if Self.qualifiers.contains(word) {
                try advance()
            } else if CScalar.words.contains(word), named == nil {
                words.append(word)
                try advance()
            } else if words.isEmpty, named == nil, word == "void" {
                named = "void"
                try advance()
            } else if words.isEmpty, named == nil, Self.tags.contains(word) {
                isTagged = true
                try advance()
            } else if words.isEmpty, named == nil {
                let full = withTemplateArguments(word)
                guard isTagged || isKnown || names.isType(full) && !names.isValue(full) else {
                    return nil
                }
                named = full
                try advance()
            } else {
                break
            }
        }
        if named == "void" { return .void }
        if let named { return .named(named) }
        guard !words.isEmpty else { return nil }
        guard let scalar = CScalar.named(words) else {
            throw CError("\(words.joined(separator: " ")) is no type", column)
        }
        return .scalar(scalar)
    }
}
