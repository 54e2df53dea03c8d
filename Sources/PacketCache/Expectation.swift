internal import GDBRemoteProtocol

/// What becomes of a reply; the server's come in the order of the requests (EXT-11).
struct Expectation {
    enum Purpose: Equatable {
        /// It is the debugger's.
        case deliver
        /// It is the debugger's, and kept.
        case deliverAndKeep(Question)
        /// It is the debugger's, who chooses a thread.
        case choice(ThreadReference)
        /// It is the debugger's, who plants a breakpoint.
        case insertion(PlantedBreakpoint)
        /// It is the debugger's: the stop that is still to come, or why nothing runs.
        case stop
        /// It is the debugger's, and the last stop.
        case lastStop
        /// Nobody waits for it.
        case nothing
        /// Nobody waits for it; if it fails, what was asked behind it was asked of the wrong thread.
        case selection
        /// It is kept.
        case answer(Question)
        /// It is kept, portion by portion.
        case object(TransferRequest, Question, before: [UInt8])
        /// It is kept as lines of memory (`MultiMemRead`).
        case memoryRanges([MemoryRange])
        /// It is taken apart as a stop's notes are.
        case snapshot
    }

    var purpose: Purpose
    /// Between which two resumes the request goes out.
    var epoch: Int
    /// The thread that the server has chosen when it answers; nil where that is not known (yet).
    var thread: ThreadReference?
}

/// Some bytes of memory.
struct MemoryRange: Hashable {
    var address: UInt64
    var count: Int

    func overlaps(_ other: MemoryRange) -> Bool {
        address < other.address &+ UInt64(other.count)
            && other.address < address &+ UInt64(count)
    }
}

/// A breakpoint as its packets name it.
struct PlantedBreakpoint: Hashable {
    /// The process as it is written.
    var process: String
    /// `type,address,kind`.
    var place: [UInt8]
    /// The whole payload of the `Z`.
    var insertion: [UInt8]

    /// Reads `Z` or `z`.
    init(process: String, payload: [UInt8]) {
        self.process = process
        insertion = payload
        place = Array(payload.dropFirst().prefix { $0 != UInt8(ascii: ";") })
    }

    /// The payload that removes it.
    var removal: [UInt8] { [UInt8(ascii: "z")] + place }
    /// Whether it takes up one of the processor's few registers.
    var isOfHardware: Bool { place.first != UInt8(ascii: "0") }
}
