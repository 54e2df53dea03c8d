/// An expression of C or C++ as it was written.
struct CNode {
    /// What it is.
    let form: CForm
    /// Where it begins in the text, counted in characters from 0: where an error points.
    let column: Int
}

/// The forms that expressions take.
indirect enum CForm {
    case number(CNumber)
    /// The bytes of a string literal and the type of its characters.
    case string([UInt8], CScalar)
    /// A variable, enumerator or function: `name`, `ns::name`, `module!name`.
    case name(String)
    /// `@rax`.
    case register(String)
    /// `@$ip`, `@$t0`.
    case pseudo(String)
    /// `@@masm( )` or `@@( )`.
    case masm(String)
    case unary(String, CNode)
    /// `++` and `--` behind their operand, and in front of it.
    case step(String, CNode, isPrefix: Bool)
    case binary(String, CNode, CNode)
    case conditional(CNode, CNode, CNode)
    /// The operator is empty for a plain `=`.
    case assignment(String, CNode, CNode)
    case cast(CTypeName, CNode)
    case sizeofType(CTypeName)
    case sizeofValue(CNode)
    case member(CNode, String, isArrow: Bool)
    case subscripted(CNode, CNode)
    case call(CNode, [CNode])
}

/// A type as it was written: its name and what is derived from it, innermost first.
struct CTypeName: Equatable {
    /// What the declaration begins with.
    enum Base: Equatable {
        case void
        case scalar(CScalar)
        /// A structure, class, union, enumeration or typedef.
        case named(String)
    }

    enum Derivation: Equatable {
        case pointer
        case reference
        case array(UInt64)
    }

    var base: Base
    var derivations: [Derivation] = []
}

/// What the parser has to know of names.
///
/// C cannot be read without: `(a)*b` is a cast or a product.
protocol CNameTable {
    /// Whether a type is called so.
    func isType(_ name: String) -> Bool
    /// Whether a variable, enumerator or function is called so.
    func isValue(_ name: String) -> Bool
}

/// What is wrong with an expression, and where.
struct CError: Error, Equatable {
    /// One sentence without a period.
    var message: String
    /// Where, in characters from the beginning of the text.
    var column: Int

    init(_ message: String, _ column: Int) {
        self.message = message
        self.column = column
    }
}
