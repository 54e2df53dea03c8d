internal import CExpat

/// An element of an XML document.
final class XMLElement {
    let name: String
    let attributes: [String: String]
    fileprivate(set) var children: [XMLElement] = []
    fileprivate(set) var text = ""

    fileprivate init(name: String, attributes: [String: String]) {
        self.name = name
        self.attributes = attributes
    }

    /// The first child of that name.
    func child(_ name: String) -> XMLElement? {
        children.first { $0.name == name }
    }

    /// The children of that name.
    func children(_ name: String) -> [XMLElement] {
        children.filter { $0.name == name }
    }
}

/// Reads whole XML documents from a peer into a tree, within limits.
///
/// Entity declarations end the reading: no stub needs them, and they are how a small document
/// becomes a large one.
enum XMLReader {
    /// The longest document read, in bytes.
    static let documentBytesMax = 4 << 20
    /// How deep elements may nest.
    static let depthMax = 32
    /// How many elements a document may have.
    static let elementsMax = 200_000

    /// The root element; nil when the document is damaged or beyond the limits.
    static func parse(_ document: [UInt8]) -> XMLElement? {
        guard document.count <= documentBytesMax, let parser = XML_ParserCreate("UTF-8") else {
            return nil
        }
        defer { XML_ParserFree(parser) }
        let builder = TreeBuilder(parser)
        let context = Unmanaged.passUnretained(builder).toOpaque()
        XML_SetUserData(parser, context)
        install(on: parser)
        let status = document.withUnsafeBytes { bytes in
            XML_Parse(
                parser,
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count),
                1
            )
        }
        guard status == XML_STATUS_OK else { return nil }
        return withExtendedLifetime(builder) { builder.root }
    }

    private static func install(on parser: XML_Parser) {
        XML_SetElementHandler(
            parser,
            { context, name, attributes in
                TreeBuilder.of(context)?.start(name, attributes)
            },
            { context, _ in TreeBuilder.of(context)?.end() }
        )
        XML_SetCharacterDataHandler(parser) { context, text, count in
            TreeBuilder.of(context)?.characters(text, Int(count))
        }
        XML_SetEntityDeclHandler(parser) { context, _, _, _, _, _, _, _, _ in
            TreeBuilder.of(context)?.stop()
        }
    }
}

/// Builds the tree from expat's calls.
private final class TreeBuilder {
    private(set) var root: XMLElement?
    private let parser: XML_Parser
    private var open: [XMLElement] = []
    private var count = 0

    init(_ parser: XML_Parser) {
        self.parser = parser
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> TreeBuilder? {
        context.map { Unmanaged<TreeBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    func start(
        _ name: UnsafePointer<XML_Char>?,
        _ list: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        count += 1
        guard let name, open.count < XMLReader.depthMax, count <= XMLReader.elementsMax else {
            return stop()
        }
        var attributes: [String: String] = [:]
        var index = 0
        while let list, let key = list[index], let value = list[index + 1] {
            attributes[String(cString: key)] = String(cString: value)
            index += 2
        }
        let element = XMLElement(name: String(cString: name), attributes: attributes)
        open.last?.children.append(element)
        if root == nil { root = element }
        open.append(element)
    }

    func end() {
        // The end of an element that was beyond the limits may still be told.
        _ = open.popLast()
    }

    func characters(_ text: UnsafePointer<XML_Char>?, _ count: Int) {
        guard let text, let element = open.last else { return }
        let bytes = UnsafeBufferPointer(start: text, count: count).map { UInt8(bitPattern: $0) }
        element.text += String(decoding: bytes, as: UTF8.self)
    }

    func stop() {
        XML_StopParser(parser, 0)
    }
}
