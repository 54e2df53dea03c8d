import CElfutils

/// What operations refer to outside the expression.
extension ExpressionMachine {
    /// The attribute in `.debug_addr` that an index means.
    func indexed(_ operation: DecodedOperation) -> Dwarf_Attribute? {
        withOperation(operation) { attribute, place in
            var result = Dwarf_Attribute()
            return dwarf_getlocation_attr(attribute, place, &result) == 0 ? result : nil
        }
    }

    /// The bytes of an implicit value or a typed constant.
    func implicitValue(_ operation: DecodedOperation) -> [UInt8]? {
        withOperation(operation) { attribute, place in
            var block = Dwarf_Block()
            if dwarf_getlocation_implicit_value(attribute, place, &block) != 0 {
                var value = Dwarf_Attribute()
                guard dwarf_getlocation_attr(attribute, place, &value) == 0,
                    dwarf_formblock(&value, &block) == 0
                else { return nil }
            }
            guard block.length <= UInt64(LocationReader.bytesMax), let data = block.data else {
                return nil
            }
            return Array(UnsafeBufferPointer(start: data, count: Int(block.length)))
        }
    }

    /// The base type an operation names; nil for none, which means a plain address-sized number.
    func baseType(_ operation: DecodedOperation) -> ExpressionValue.BaseType? {
        withOperation(operation) { attribute, place in
            var die = Dwarf_Die()
            guard dwarf_getlocation_die(attribute, place, &die) == 0 else { return nil }
            let entry = DebugEntry(die)
            guard entry.tag == DW_TAG_base_type, let encoding = entry.unsigned(DW_AT_encoding),
                let size = entry.unsigned(DW_AT_byte_size), (1...8).contains(size)
            else { return nil }
            return ExpressionValue.BaseType(encoding: Int(encoding), size: Int(size))
        }
    }

    /// The register whose value at the function's entry is asked for, and the type it is read as.
    func entryRegister(
        of operation: DecodedOperation
    ) -> (number: Int, type: ExpressionValue.BaseType?)? {
        withOperation(operation) { attribute, place in
            var inner = Dwarf_Attribute()
            var operations: UnsafeMutablePointer<Dwarf_Op>?
            var count = 0
            guard dwarf_getlocation_attr(attribute, place, &inner) == 0,
                dwarf_getlocation(&inner, &operations, &count) == 0, count == 1, let operations
            else { return nil }
            let first = operations.pointee
            switch Int(first.atom) {
            case DW_OP_reg0...DW_OP_reg31: return (Int(first.atom) - DW_OP_reg0, nil)
            case DW_OP_regx: return Int(exactly: first.number).map { ($0, nil) }
            case DW_OP_regval_type, DW_OP_GNU_regval_type:
                var typed = self
                typed.attribute = inner
                let type = typed.baseType(DecodedOperation(place: operations))
                return Int(exactly: first.number).map { ($0, type) }
            default: return nil
            }
        }
    }

    private func withOperation<Result>(
        _ operation: DecodedOperation,
        _ body: (UnsafeMutablePointer<Dwarf_Attribute>, UnsafePointer<Dwarf_Op>) -> Result?
    ) -> Result? {
        guard var attribute else { return nil }
        return body(&attribute, operation.place)
    }
}
