import Foundation
import LinuxSystem
import Testing

/// A stop as a debugger saw it.
private struct Stop: Decodable {
    struct Frame: Decodable {
        var function: String
        var pc: UInt64
        /// Scalars by name, as numbers or `<optimized out>`.
        var values: [String: String]
        var isInline: Bool
    }

    var frames: [Frame]
    /// The stack pointer, since stacks begin elsewhere where the environment is another.
    var stack: UInt64
}

/// How much two debuggers agreed on.
private struct Score {
    var frames = 0
    var sameFrames = 0
    var values = 0
    var sameValues = 0
    /// Values that gdb gives and that the program's own argument shows to be wrong.
    var wrongForOther = 0
    var notes: [String] = []

    static func += (left: inout Score, right: Score) {
        left.frames += right.frames
        left.sameFrames += right.sameFrames
        left.values += right.values
        left.sameValues += right.sameValues
        left.wrongForOther += right.wrongForOther
        left.notes += right.notes
    }

    var text: String {
        "frames \(sameFrames)/\(frames), values \(sameValues)/\(values)"
            + " (\(wrongForOther) more where gdb is wrong)"
    }
}

@Suite("Stacks and variables beside gdb's")
struct AgreementTests {
    static let stopsMax = 16
    static let framesMax = 12

    private static let script = #"""
        import gdb, json

        def text(value):
            if value.is_optimized_out:
                return '<optimized out>'
            kind = value.type.strip_typedefs()
            if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
                value = value.referenced_value()
                kind = value.type.strip_typedefs()
            if kind.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL,
                             gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ENUM):
                return str(int(value) & ((1 << (8 * kind.sizeof)) - 1))
            if kind.code == gdb.TYPE_CODE_FLT and kind.sizeof <= 8:
                return repr(float(value))
            return None

        def variables(frame):
            found = {}
            try:
                block = frame.block()
            except RuntimeError:
                return found
            while block is not None:
                for symbol in block:
                    if not (symbol.is_variable or symbol.is_argument) or symbol.name in found:
                        continue
                    try:
                        value = text(symbol.value(frame))
                        if value is not None:
                            found[symbol.name] = value
                    except gdb.error:
                        pass
                if block.function is not None:
                    break
                block = block.superblock
            return found

        gdb.execute('set confirm off')
        gdb.execute('set pagination off')
        gdb.execute('set width 0')
        gdb.execute('set backtrace past-main on')
        gdb.execute('handle SIGUSR1 nostop noprint pass')
        gdb.execute('break *stop_here' if gdb.lookup_global_symbol('stop_here') else 'break *stop_here(int)')
        gdb.execute('run > /dev/null')
        stops = []
        while gdb.selected_inferior().pid != 0 and len(stops) < STOPS:
            frame = gdb.newest_frame()
            frames = []
            while frame is not None and len(frames) < FRAMES:
                if frame.type() != gdb.TAILCALL_FRAME:
                    name = frame.name() or ''
                    frames.append(dict(function=name, pc=frame.pc(), values=variables(frame),
                                       isInline=frame.type() == gdb.INLINE_FRAME))
                try:
                    frame = frame.older()
                except gdb.error:
                    frame = None
            stack = int(gdb.newest_frame().read_register('rsp')) & ((1 << 64) - 1)
            stops.append(dict(frames=frames, stack=stack))
            gdb.execute('continue')
        with open('stops.json', 'w') as file:
            json.dump(stops, file)
        """#

    // MARK: The two debuggers

    private func gdb(_ program: String, in folder: String) throws -> [Stop] {
        let script = Self.script
            .replacingOccurrences(of: "STOPS", with: "\(Self.stopsMax)")
            .replacingOccurrences(of: "FRAMES", with: "\(Self.framesMax)")
        try script.write(toFile: folder + "/stops.py", atomically: true, encoding: .utf8)
        try Self.run(
            [
                "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", program, "-x",
                "stops.py",
            ],
            in: folder
        )
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/stops.json"))
        return try JSONDecoder().decode([Stop].self, from: data)
    }

    private static func run(_ command: [String], in folder: String) throws {
        let process = try PipedProcess(
            "/usr/bin/env",
            ["-C", folder, "DEBUGINFOD_URLS="] + command
        )
        let (text, status) = try process.finish()
        guard status == 0 else {
            throw TestFailure("\(command.joined(separator: " ")): \(text)")
        }
    }

    private func cdb(_ program: String, like expected: [Stop]) throws -> [Stop] {
        let server = try GDBServerProcess()
        let cdb = try server.cdb([program])
        try cdb.send("bp stop_here+0")
        var stops: [Stop] = []
        for stop in expected {
            try cdb.send("g;.echo RUN")
            // A signal that the program expects stops first.
            while !(try cdb.expect("RUN\n")).contains("Breakpoint 0 hit") {
                try cdb.send("g;.echo RUN")
            }
            try cdb.send("r rsp")
            try cdb.expect("rsp=")
            let stack = UInt64(try cdb.expect("\n").dropLast(), radix: 16) ?? 0
            var lines = ["kn \(String(stop.frames.count + 1, radix: 16))", ".echo ENDSTACK"]
            for index in stop.frames.indices {
                lines += [
                    ".frame \(String(index, radix: 16))", ".echo VARIABLES", "dv", ".echo ENDFRAME",
                ]
            }
            for line in lines { try cdb.send(line) }
            var text = try cdb.expect("ENDSTACK\n")
            var frames = Self.frames(text)
            for index in stop.frames.indices {
                try cdb.expect("VARIABLES\n")
                text = try cdb.expect("ENDFRAME\n")
                if frames.indices.contains(index) { frames[index].values = Self.values(text) }
            }
            stops.append(Stop(frames: frames, stack: stack))
        }
        try cdb.send("q")
        _ = try cdb.finish()
        return stops
    }

    /// The rows of `kn`: where each frame is, and the function's name without module and offset.
    private static func frames(_ text: String) -> [Stop.Frame] {
        var frames: [Stop.Frame] = []
        var next: UInt64 = 0
        for line in text.split(separator: "\n") {
            guard
                let match = line.firstMatch(
                    of:
                        /([0-9a-f]+) (\(Inline Function\) --------`--------|[0-9a-f`]+ ([0-9a-f`]+))     (.*)/
                )
            else { continue }
            let isInline = match.output.2.hasPrefix("(Inline")
            var place = String(match.output.4)
            if let bracket = place.range(of: " [/") { place = String(place[..<bracket.lowerBound]) }
            if let plus = place.range(of: "+0x", options: .backwards) {
                place = String(place[..<plus.lowerBound])
            }
            if let bang = place.firstIndex(of: "!") {
                place = String(place[place.index(after: bang)...])
            }
            frames.append(
                Stop.Frame(function: place, pc: next, values: [:], isInline: isInline)
            )
            if !isInline, let address = match.output.3 {
                next = UInt64(address.filter { $0 != "`" }, radix: 16) ?? 0
            }
        }
        return frames
    }

    /// The lines of `dv` as numbers.
    private static func values(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let match = line.firstMatch(of: /^(?:0:000> )?\s*([^\s=]+) = (.*)$/) else {
                continue
            }
            let name = String(match.output.1)
            guard values[name] == nil, let value = number(String(match.output.2)) else { continue }
            values[name] = value
        }
        return values
    }

    private static func number(_ text: String) -> String? {
        if text == "<value unavailable>" { return "<optimized out>" }
        if text == "true" || text == "false" { return text == "true" ? "1" : "0" }
        // References: the address, then the value.
        if let match = text.firstMatch(of: /^0x[0-9a-f]{8}`[0-9a-f]{8} ([-0-9tf].*)$/) {
            return number(String(match.output.1))
        }
        if let match = text.firstMatch(of: /\((0n-?\d+)\)$/) {
            return number(String(match.output.1))
        }
        let plain = text.filter { $0 != "`" }
        if plain.hasPrefix("0n") { return plain.dropFirst(2).prefix { $0 != " " }.description }
        if plain.hasPrefix("0x") {
            return UInt64(plain.dropFirst(2).prefix(while: \.isHexDigit), radix: 16).map { "\($0)" }
        }
        if let match = plain.firstMatch(of: /^(-?\d+) '/) { return String(match.output.1) }
        return Double(plain) == nil ? nil : plain
    }

    // MARK: Comparison

    private func compare(_ own: [Stop], _ expected: [Stop], _ label: String) -> Score {
        var score = Score()
        for (index, stop) in expected.enumerated() {
            for (level, frame) in stop.frames.enumerated() {
                score.frames += 1
                let mine =
                    own.indices.contains(index) && own[index].frames.indices.contains(level)
                    ? own[index].frames[level] : nil
                guard let mine, Self.isSame(mine, frame, level) else {
                    score.notes.append(
                        "\(label) stop \(index) frame \(level): gdb \(frame.function)"
                            + " \(String(frame.pc, radix: 16)), here \(mine?.function ?? "nothing")"
                            + " \(String(mine?.pc ?? 0, radix: 16))"
                    )
                    continue
                }
                score.sameFrames += 1
                for (name, value) in frame.values.sorted(by: { $0.key < $1.key })
                where value != "<optimized out>" && !name.hasPrefix("__closure") {
                    if Self.isWrong(name, value, level, number: stop.frames[0].values["number"]) {
                        score.wrongForOther += 1
                        continue
                    }
                    score.values += 1
                    if let other = mine.values[name],
                        Self.isSame(other, value, own[index].stack, stop.stack)
                    {
                        score.sameValues += 1
                    } else {
                        score.notes.append(
                            "\(label) stop \(index) frame \(level) \(frame.function): \(name) is \(value)"
                                + " for gdb, \(mine.values[name] ?? "not there") here"
                        )
                    }
                }
            }
        }
        return score
    }

    /// Whether gdb's value cannot be right: it takes registers that a call may destroy for unchanged.
    ///
    /// - Parameter number: the argument of `stop_here`, which is the product wherever there is one.
    private static func isWrong(
        _ name: String,
        _ value: String,
        _ level: Int,
        number: String?
    ) -> Bool {
        switch name {
        case "this", "__ptr", "__old_p": value == "0" || value == number
        // It is three times the depth, which grows by one in each frame.
        case "here": level > 1 && value == "0"
        case "argc": value != "1"
        case "product": value != number
        default: false
        }
    }

    /// Names of templates and lambdas are spelt in several ways; what is before the first bracket is not.
    private static func stem(_ name: String) -> String {
        let plain = name.replacing("(anonymous namespace)::", with: "").replacing(
            /\([^()]*\)(?: const)?::/,
            with: "::"
        )
        let end = plain.firstIndex { "<({".contains($0) } ?? plain.endIndex
        let head = String(plain[..<end])
        return head.components(separatedBy: "::").last ?? head
    }

    private static func isSame(_ mine: Stop.Frame, _ other: Stop.Frame, _ level: Int) -> Bool {
        guard mine.isInline == other.isInline else { return false }
        // The innermost frame's pc is the breakpoint's; libraries may lie elsewhere.
        let isLibrary = other.pc >> 40 == 0x7f
        if level > 0, !isLibrary, !mine.isInline, mine.pc != other.pc { return false }
        if other.function.isEmpty || other.function.contains("<signal") { return true }
        // Several names of one place: `main.cold`, `__libc_start_main_impl`.
        let (left, right) = (stem(mine.function), stem(other.function))
        return left.hasPrefix(right) || right.hasPrefix(left) || right.hasPrefix("__") || isLibrary
    }

    private static func isSame(
        _ mine: String,
        _ other: String,
        _ stack: UInt64,
        _ otherStack: UInt64
    ) -> Bool {
        if mine == other { return true }
        if let left = UInt64(mine), let right = UInt64(other),
            left &- stack &+ 0x10000 < 0x100_0000,
            abs(Int64(bitPattern: (left &- stack) &- (right &- otherStack))) < 256
        {
            return true
        }
        if let left = Int128(mine), let right = Int128(other) {
            // gdb's numbers were cut to their type's size, ours are signed.
            let difference = right - left
            return [8, 16, 32, 64].contains { difference == Int128(1) << $0 }
        }
        guard let left = Double(mine), let right = Double(other) else { return false }
        return left == right || abs(left - right) <= abs(right) * 1e-6
    }

    // MARK: Tests

    private static let gccFlavours: [[String]] = [
        ["-O0"], ["-O1", "-fno-omit-frame-pointer"], ["-O2"], ["-Os", "-fomit-frame-pointer"],
        ["-O2", "-static"], ["-O0", "-static", "-fomit-frame-pointer"],
        ["-O1", "-no-pie", "-gdwarf-4"], ["-Os", "-fno-omit-frame-pointer", "-static-pie"],
    ]

    private func agreement(
        _ compilers: (c: String, cPlusPlus: String),
        _ flavours: [[String]]
    ) throws -> Score {
        var template = Array("/tmp/agreement-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try AgreementCorpus.c.write(toFile: folder + "/c.c", atomically: true, encoding: .utf8)
        try AgreementCorpus.cPlusPlus.write(
            toFile: folder + "/cpp.cpp",
            atomically: true,
            encoding: .utf8
        )
        var total = Score()
        for flags in flavours {
            for (compiler, source) in [(compilers.c, "c.c"), (compilers.cPlusPlus, "cpp.cpp")] {
                let label = "\(compiler) \(flags.joined(separator: " ")) \(source)"
                try Self.run([compiler, "-g", "-o", "program", source] + flags, in: folder)
                let expected = try gdb("./program", in: folder)
                try #require(expected.count > 5, "\(label): gdb stopped \(expected.count) times")
                let score = compare(try cdb(folder + "/program", like: expected), expected, label)
                print("\(label): \(score.text)")
                total += score
            }
        }
        return total
    }

    @Test("What gcc compiled, in all flavours", .timeLimit(.minutes(10)))
    func gcc() throws {
        let score = try agreement(("gcc", "g++"), Self.gccFlavours)
        print("agreement with gdb on gcc's programs: \(score.text)")
        for note in score.notes.prefix(200) { print("  \(note)") }
        #expect(score.sameFrames == score.frames)
        #expect(Double(score.sameValues) >= 0.99 * Double(score.values))
        #expect(score.frames > 500 && score.values > 1000)
    }

    static let hasClang: Bool = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/clang") }
    }()

    @Test(
        "What clang compiled",
        .enabled(if: Self.hasClang, "clang is not here"),
        .timeLimit(.minutes(10))
    )
    func clang() throws {
        let score = try agreement(
            ("clang", "clang++"),
            [["-O0"], ["-O2"], ["-Os", "-fomit-frame-pointer"]]
        )
        print("agreement with gdb on clang's programs: \(score.text)")
        for note in score.notes.prefix(200) { print("  \(note)") }
        #expect(score.sameFrames == score.frames)
        #expect(Double(score.sameValues) >= 0.99 * Double(score.values))
    }
}
