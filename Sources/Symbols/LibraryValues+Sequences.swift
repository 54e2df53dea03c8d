import CElfutils

// Strings and containers whose elements lie side by side, as libstdc++ and libc++ lay them out.
extension LibraryValues {
    // MARK: Strings

    func string(_ view: ValueView) -> VariableValue? {
        if let start = view["_M_dataplus._M_p"] {
            let width = start.type.type?.byteSize ?? 1
            guard let address = start.number else { return nil }
            // The ABI before C++11 keeps the length in front of the text.
            let length =
                view["_M_string_length"]?.number
                ?? formatter.number(
                    ValueSource(.memory(address &- 3 * start.pointerSize)),
                    start.pointerSize
                )
            return length.flatMap { text(at: address, count: $0, width: width) }
        }
        if let value = otherString(view) { return value }
        // clang leaves the library's own templates out of the DWARF; the layout is the ABI's.
        guard view.type.flag(DW_AT_declaration), let place = view.source.address,
            let width = characterWidth(view.qualifiedName),
            let bytes = formatter.evaluator.frame.memory.read(at: place, count: 16)
        else { return nil }
        return text(at: word(bytes[0..<8]), count: word(bytes[8..<16]), width: width)
    }

    private func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func characterWidth(_ name: String) -> UInt64? {
        let widths: [(String, UInt64)] = [
            ("<char,", 1), ("<wchar_t,", 4), ("<char8_t,", 1), ("<char16_t,", 2), ("<char32_t,", 4),
        ]
        return widths.first { name.contains($0.0) }?.1
    }

    /// libc++'s: short ones inside the object, which the lowest bit of the first byte tells.
    private func otherString(_ view: ValueView) -> VariableValue? {
        guard let whole = view["__r_.__value_"] ?? view["__rep_"], let long = whole["__l"],
            let short = whole["__s"],
            let first = formatter.bytes(whole.source, 1)?.first
        else { return nil }
        if first & 1 == 1 {
            guard let address = long["__data_"]?.number, let count = long["__size_"]?.number else {
                return nil
            }
            return text(at: address, count: count)
        }
        guard let data = short["__data_"],
            let bytes = formatter.bytes(data.source, UInt64(first >> 1))
        else { return nil }
        return text(bytes)
    }

    func stringView(_ view: ValueView) -> VariableValue? {
        guard let start = view["_M_str"] ?? view["__data_"] ?? view["__data"],
            let count = (view["_M_len"] ?? view["__size_"] ?? view["__size"])?.number,
            let address = start.number
        else { return nil }
        return text(at: address, count: count, width: start.type.type?.byteSize ?? 1)
    }

    // MARK: vector, array, deque

    func vector(_ view: ValueView) -> VariableValue? {
        if let start = view["_M_impl._M_start"], let finish = view["_M_impl._M_finish"] {
            if start.type.isStructure { return bits(start, finish) }
            return range(start, finish)
        }
        guard let start = view["__begin_"] else { return nil }
        if let count = view["__size_"]?.number { return bits(at: start.number, 0..<count) }
        return view["__end_"].flatMap { range(start, $0) }
    }

    private func range(_ start: ValueView, _ finish: ValueView) -> VariableValue? {
        guard let first = start.number, let last = finish.number, last >= first,
            let element = start.type.type, let size = element.byteSize, size > 0
        else { return nil }
        return elements(element, at: first, count: (last - first) / size)
    }

    /// libstdc++'s `vector<bool>`: a pointer to a word and a bit in it at each end.
    private func bits(_ start: ValueView, _ finish: ValueView) -> VariableValue? {
        guard let first = start["_M_p"]?.number, let offset = start["_M_offset"]?.number,
            let last = finish["_M_p"]?.number, let end = finish["_M_offset"]?.number,
            last >= first, offset < 64, end < 64, last - first < Self.countMax
        else { return nil }
        let (low, high) = (offset, (last - first) * 8 + end)
        return high >= low ? bits(at: first, low..<high) : nil
    }

    private func bits(at address: UInt64?, _ range: Range<UInt64>) -> VariableValue? {
        guard let address, range.upperBound <= Self.countMax else { return nil }
        let count = range.upperBound - range.lowerBound
        let shown = min(count, UInt64(max(0, formatter.limits.elements)))
        let byteCount = Int((range.lowerBound + shown + 7) / 8)
        let bytes =
            formatter.isExpanded(depth)
            ? formatter.evaluator.frame.memory.read(at: address, count: byteCount) : nil
        return list(count: count) { index in
            let bit = Int(range.lowerBound + index)
            guard let bytes, bit / 8 < bytes.count else { return nil }
            let isSet = bytes[bit / 8] >> UInt8(bit % 8) & 1 == 1
            return Variable(
                name: "[\(index)]",
                typeName: "bool",
                value: VariableValue(text: isSet ? "true" : "false", scalar: isSet ? 1 : 0)
            )
        }
    }

    func array(_ view: ValueView) -> VariableValue? {
        guard let all = view["_M_elems"] ?? view["__elems_"] else {
            return view.templateNumbers.first == 0
                ? VariableValue(text: "{ size=0 }", isSummary: true) : nil
        }
        guard all.type.tag == DW_TAG_array_type, let element = all.type.type,
            let size = element.byteSize, let count = all.type.dimensions.first?.constantCount
        else { return nil }
        return list(count: count) { index in
            all.source.advanced(by: index &* size).map { child("[\(index)]", element, $0) }
        }
    }

    func deque(_ view: ValueView) -> VariableValue? {
        guard let start = view["_M_impl._M_start"], let finish = view["_M_impl._M_finish"],
            let element = start["_M_cur"]?.type.type, let size = element.byteSize, size > 0,
            let first = start["_M_cur"]?.number, let firstEnd = start["_M_last"]?.number,
            let node = start["_M_node"]?.number, let lastNode = finish["_M_node"]?.number,
            let last = finish["_M_cur"]?.number, let lastStart = finish["_M_first"]?.number,
            lastNode >= node, lastNode - node < Self.countMax
        else { return nil }
        let perNode = size < 512 ? 512 / size : 1
        let head = firstEnd >= first ? (firstEnd - first) / size : 0
        let tail = last >= lastStart ? (last - lastStart) / size : 0
        let nodes = (lastNode - node) / start.pointerSize
        let count =
            nodes == 0
            ? (last >= first ? (last - first) / size : 0) : head + (nodes - 1) * perNode + tail
        var buffer: (number: UInt64, source: ValueSource)?
        return list(count: count) { index in
            if index < head || nodes == 0 {
                return child("[\(index)]", element, ValueSource(.memory(first &+ index &* size)))
            }
            let (number, inside) = (index - head).quotientAndRemainder(dividingBy: perNode)
            if buffer?.number != number {
                let place = ValueSource(.memory(node &+ (number + 1) * start.pointerSize))
                guard let address = formatter.number(place, start.pointerSize) else { return nil }
                let whole = ValueSource(.memory(address))
                buffer = (number, formatter.fetched(whole, perNode * size))
            }
            return buffer?.source.advanced(by: inside &* size).map {
                child("[\(index)]", element, $0)
            }
        }
    }

    /// libc++'s: blocks of a size that follows from the element's, and a table of them.
    func blockDeque(_ view: ValueView) -> VariableValue? {
        guard let table = view["__map_.__begin_"], let first = table.number,
            let element = table.type.type?.type, let size = element.byteSize, size > 0,
            let start = view["__start_"]?.number,
            let count = (view["__size_.__value_"] ?? view["__size_"])?.number
        else { return nil }
        let perBlock = size < 256 ? 4096 / size : 16
        let word = table.pointerSize
        var block: (number: UInt64, address: UInt64)?
        return list(count: count) { index in
            let (number, inside) = (start &+ index).quotientAndRemainder(dividingBy: perBlock)
            if block?.number != number {
                let place = ValueSource(.memory(first &+ number &* word))
                guard let address = formatter.number(place, word) else { return nil }
                block = (number, address)
            }
            return block.map {
                child("[\(index)]", element, ValueSource(.memory($0.address &+ inside &* size)))
            }
        }
    }
}
