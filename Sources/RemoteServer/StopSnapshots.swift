internal import ByteTransport
internal import DebugTarget
internal import GDBRemoteProtocol

// What a client on a slow line is about to ask for, sent before it asks (EXT-8): the lines of the stack that hold return
// addresses and what is saved beside them, and all registers.

/// Which memory a stop carries.
struct SnapshotPlan: Equatable {
    /// How far up a stack is looked for return addresses, in bytes.
    static let searchedBytesMax: UInt64 = 4096
    /// What is saved below a return address: the registers that a function keeps for its caller.
    static let savedBytes: UInt64 = 48

    /// The length of a line in bytes, a power of two.
    var lineBytes: UInt64
    /// How many lines at the most.
    var linesMax: Int

    /// The lines that unwinding and printing will read.
    ///
    /// - Parameters:
    ///   - stack: memory from `start` upwards.
    ///   - code: whether an address is one of code.
    func lines(of stack: [UInt8], at start: UInt64, _ code: (UInt64) -> Bool) -> [UInt64] {
        var lines: [UInt64] = []
        func add(_ address: UInt64) {
            let line = address & ~(lineBytes - 1)
            if lines.last.map({ $0 < line }) ?? true, lines.count < linesMax { lines.append(line) }
        }
        let first = Int((8 - start % 8) % 8)
        for offset in stride(from: first, through: stack.count - 8, by: 8) {
            let address = start &+ UInt64(offset)
            let word = stack[offset..<(offset + 8)].reversed().reduce(0 as UInt64) {
                $0 << 8 | UInt64($1)
            }
            guard code(word) else { continue }
            for part in stride(from: 0, through: Self.savedBytes, by: 8) {
                add(address &- Self.savedBytes &+ part)
            }
        }
        return lines
    }
}

extension ServerSession {
    /// How much of a line's second a snapshot may take, as lines of memory.
    private static func linesMax(_ link: LinkKind) -> Int {
        guard case .serial(let baudRate) = link else { return 64 }
        return min(max(baudRate / 4800, 4), 64)
    }

    static var snapshotPackets: [PacketEntry] {
        [
            PacketEntry("qStopSnapshot") { session, _ throws(TargetError) in
                let thread = try session.currentThread()
                let notes = session.snapshotNotes(of: thread, isWhole: true)
                guard !notes.isEmpty else { return .unsupported }
                let text = notes.map { "\($0.key):\($0.value);" }.joined()
                return .payload([UInt8](text: text))
            },
            PacketEntry("qTargetDigest") { session, _ throws(TargetError) in
                guard let document = try session.targetXML(annex: "target.xml") else {
                    return .unsupported
                }
                return .payload([UInt8](text: DocumentDigest(document).text))
            },
        ]
    }

    /// What a stop reply says beyond the stop.
    ///
    /// - Parameter isWhole: with all registers and the stack as far as it is known; else what a step may have changed.
    func snapshotNotes(of thread: ThreadID, isWhole: Bool) -> [ThreadStop.Note] {
        guard let lineBytes = personality.snapshotLineBytes,
            let description = try? target.targetDescription(of: thread.process),
            let block = try? target.registers(of: thread),
            let pointer = description.register(playing: .stackPointer).flatMap({
                block.value(of: $0)
            })
        else { return [] }
        let plan = SnapshotPlan(
            lineBytes: UInt64(lineBytes),
            linesMax: Self.linesMax(transport.link)
        )
        var notes: [ThreadStop.Note] = []
        if personality.wantsSharedRanges, let note = sharedRangesNote(of: thread.process) {
            notes.append(note)
        }
        if isWhole,
            let bytes = Hex.decode(RegisterReply.payload(of: block, description: description))
        {
            notes.append(.init("block", SparseBlock(bytes).text))
        }
        // A leaf's variables stand below the stack pointer.
        let top = pointer & ~(plan.lineBytes - 1)
        let above = min(plan.lineBytes, top)
        var lines = Set(
            stride(from: top - above, through: top &+ max(64, plan.lineBytes), by: Int(lineBytes))
        )
        if isWhole { lines.formUnion(stackLines(of: thread, from: pointer, plan)) }
        for run in Self.runs(of: lines.sorted(), plan.lineBytes) {
            let address = TargetAddress(run.lowerBound)
            let count = Int(run.upperBound - run.lowerBound)
            guard
                let bytes = try? target.readMemory(at: address, count: count, in: thread.process),
                !bytes.isEmpty
            else { continue }
            notes.append(MemoryPiece(address: address, bytes: bytes).note)
        }
        return notes
    }

    /// The memory that others may change while the process stands; nil where that is not known.
    private func sharedRangesNote(of process: ProcessID) -> ThreadStop.Note? {
        guard let regions = try? target.processDetails?.memoryRegions(of: process) else {
            return nil
        }
        return SharedRanges(regions.filter(\.isShared).map(\.range))?.note
    }

    private func stackLines(
        of thread: ThreadID,
        from pointer: UInt64,
        _ plan: SnapshotPlan
    ) -> [UInt64] {
        guard let details = target.processDetails,
            let regions = try? details.memoryRegions(of: thread.process)
        else { return [] }
        let code = regions.filter(\.isExecutable).map(\.range)
        guard let stack = regions.first(where: { $0.range.contains(TargetAddress(pointer)) }),
            let bytes = try? target.readMemory(
                at: TargetAddress(pointer),
                count: Int(
                    min(stack.range.upperBound.rawValue - pointer, SnapshotPlan.searchedBytesMax)
                ),
                in: thread.process
            )
        else { return [] }
        return plan.lines(of: bytes, at: pointer) { word in
            code.contains { $0.contains(TargetAddress(word)) }
        }
    }

    /// Lines that follow each other, as ranges.
    static func runs(of lines: [UInt64], _ lineBytes: UInt64) -> [Range<UInt64>] {
        lines.reduce(into: []) { runs, line in
            let (end, overflows) = line.addingReportingOverflow(lineBytes)
            guard !overflows else { return }
            if let last = runs.last, last.upperBound == line {
                runs[runs.count - 1] = last.lowerBound..<end
            } else {
                runs.append(line..<end)
            }
        }
    }
}
