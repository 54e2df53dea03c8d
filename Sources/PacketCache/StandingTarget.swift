internal import DebugTarget
internal import GDBRemoteProtocol

/// What an answer was given to: the words, and what the words leave open.
struct Question: Hashable {
    /// The thread or process that was chosen; empty where it does not matter.
    var subject: String
    var request: [UInt8]
}

/// What is known of the target for as long as it stands.
struct StandingTarget {
    /// The most memory kept, in bytes.
    static let memoryBytesMax = 4 << 20
    /// The most answers kept, and the most bytes of all of them.
    static let answersMax = 4096
    static let answerBytesMax = 4 << 20
    /// The longest object kept, in bytes.
    static let objectBytesMax = 1 << 20

    /// The length of a line of memory in bytes, a power of two.
    let lineBytes: Int
    /// Answers by what was asked.
    private(set) var answers: [Question: [UInt8]] = [:]
    /// Whole objects, unescaped; the request is that for the first portion, up to the offset.
    private(set) var objects: [Question: [UInt8]] = [:]
    private var answerBytes = 0
    /// Threads that are there, as they are written.
    private(set) var threads: Set<String> = []
    /// The thread that the last stop was of.
    var stopped: ThreadReference?
    /// The last list of them, in the server's order.
    private(set) var threadList: [ThreadReference] = []
    /// By process: the memory that others may change; nothing of a process is kept before that is known.
    private(set) var shared: [String: SharedRanges] = [:]
    private var lines: [String: [UInt64: [UInt8]]] = [:]
    private var lineCount = 0

    init(lineBytes: Int) {
        self.lineBytes = lineBytes
    }

    // MARK: Answers

    mutating func keep(_ answer: [UInt8], to question: Question) {
        guard answers.count + objects.count < Self.answersMax,
            answerBytes + answer.count <= Self.answerBytesMax
        else { return }
        answerBytes += answer.count
        answers[question] = answer
    }

    mutating func keep(object: [UInt8], as question: Question) {
        guard answers.count + objects.count < Self.answersMax,
            answerBytes + object.count <= Self.answerBytesMax
        else { return }
        answerBytes += object.count
        objects[question] = object
    }

    /// Forgets memory and answers; the threads and what is shared stay as they are.
    mutating func forgetValues() {
        answers = [:]
        objects = [:]
        answerBytes = 0
        lines = [:]
        lineCount = 0
    }

    mutating func learn(thread: ThreadReference) { threads.insert(thread.text) }

    mutating func learn(threads list: [ThreadReference]) {
        threadList = list
        threads.formUnion(list.map(\.text))
    }

    // MARK: Memory

    mutating func learn(_ ranges: SharedRanges, of process: String) {
        shared[process] = ranges
        // What came before in the same stop must not contradict it.
        lines[process] = lines[process]?.filter { !ranges.touch($0.key, lineBytes) }
    }

    /// Whether memory may be kept: its process is known, and nobody else may change it.
    func mayKeep(_ address: UInt64, _ count: Int, of process: String) -> Bool {
        guard let ranges = shared[process] else { return false }
        return !ranges.touch(address, count)
    }

    /// Keeps the whole lines among these bytes.
    mutating func keep(_ bytes: [UInt8], at address: UInt64, of process: String) {
        let size = UInt64(lineBytes)
        let skipped = (size - address % size) % size
        guard skipped < UInt64(bytes.count) else { return }
        for offset in stride(from: Int(skipped), through: bytes.count - lineBytes, by: lineBytes) {
            let (start, overflows) = address.addingReportingOverflow(UInt64(offset))
            guard !overflows, lineCount * lineBytes < Self.memoryBytesMax,
                mayKeep(start, lineBytes, of: process)
            else { continue }
            let line = Array(bytes[offset..<(offset + lineBytes)])
            if lines[process, default: [:]].updateValue(line, forKey: start) == nil {
                lineCount += 1
            }
        }
    }

    /// The bytes, if all of them are known.
    func memory(at address: UInt64, count: Int, of process: String) -> [UInt8]? {
        guard count > 0, let known = lines[process] else { return nil }
        var bytes: [UInt8] = []
        for start in lineStarts(address, count) {
            guard let line = known[start] else { return nil }
            let from = start < address ? Int(address - start) : 0
            bytes += line[from...].prefix(count - bytes.count)
        }
        return bytes.count == count ? bytes : nil
    }

    /// Where the lines begin that hold these bytes; none where addresses end.
    func lineStarts(_ address: UInt64, _ count: Int) -> [UInt64] {
        let size = UInt64(lineBytes)
        let (end, overflows) = address.addingReportingOverflow(UInt64(count))
        guard count > 0, !overflows else { return [] }
        return Array(stride(from: address & ~(size - 1), to: end, by: lineBytes))
    }

    func isKnown(_ line: UInt64, of process: String) -> Bool { lines[process]?[line] != nil }
}
