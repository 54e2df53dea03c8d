import CoreFiles
import DebugTarget
import Testing

@testable import DebugEngine

@Suite("Which memory goes into a dump, and what is said of signals")
struct DumpPlanTests {
    private static func region(
        _ pages: Range<UInt64>,
        _ permissions: String,
        _ name: String = "",
        offset: UInt64 = 0
    ) -> MemoryRegion {
        MemoryRegion(
            range: TargetAddress(pages.lowerBound << 12)..<TargetAddress(pages.upperBound << 12),
            isReadable: permissions.contains("r"),
            isWritable: permissions.contains("w"),
            isExecutable: permissions.contains("x"),
            fileOffset: offset << 12,
            name: name
        )
    }

    /// A program as linkers lay it out, a heap, a guard page and a stack.
    private static let regions = [
        region(16..<17, "r", "/app"), region(17..<20, "rx", "/app", offset: 1),
        region(20..<22, "r", "/app", offset: 4), region(22..<23, "r", "/app", offset: 6),
        region(23..<24, "rw", "/app", offset: 7), region(24..<28, "rw"), region(30..<31, ""),
        region(31..<41, "rw", "[stack]"), region(50..<51, "r", "[vvar]"),
        region(60..<70, "rw", "/dev/card0"),
    ]

    /// The pages that have their bytes in the dump.
    private func pages(_ extent: DumpExtent, _ change: (inout DumpPlan) -> Void = { _ in })
        -> [UInt64]
    {
        var plan = DumpPlan(Self.regions)
        plan.want(extent)
        change(&plan)
        return plan.segments.filter { $0.fileByteCount > 0 }.flatMap { segment in
            (segment.range.lowerBound.rawValue >> 12)..<(segment.range.upperBound.rawValue >> 12)
        }
    }

    @Test("mini: heads of files and what is asked for; its letters add to that")
    func mini() {
        #expect(pages(DumpExtent(.mini)) == [16])
        let stack = pages(DumpExtent(.mini)) { $0.want((35 << 12) + 8, count: 3 << 12) }
        #expect(stack == [16, 35, 36, 37, 38])
        #expect(pages(DumpExtent(.mini, parts: [.data])) == [16, 22, 23])
        #expect(pages(DumpExtent(.mini, parts: [.code])) == [16, 17, 18, 19, 20, 21, 22])
        #expect(pages(DumpExtent(.mini, parts: [.heap])) == [16, 24, 25, 26, 27] + Array(31..<41))
    }

    @Test("full: all that is not in files unchanged, what the linker protected too; never devices")
    func full() {
        #expect(pages(DumpExtent(.full)) == [16] + Array(22..<28) + Array(31..<41))
        #expect(pages(DumpExtent(.all)) == Array(16..<28) + Array(31..<41))
    }

    @Test("every region is in the dump, with or without its bytes, in order and without gaps")
    func cover() {
        var plan = DumpPlan(Self.regions)
        plan.want(DumpExtent(.mini))
        plan.want(18 << 12, count: 1)
        let segments = plan.segments
        for region in Self.regions where region.name != "[vvar]" {
            let own = segments.filter { region.range.contains($0.range.lowerBound) }
            #expect(own.first?.range.lowerBound == region.range.lowerBound)
            #expect(own.last?.range.upperBound == region.range.upperBound)
            for (left, right) in zip(own, own.dropFirst()) {
                #expect(left.range.upperBound == right.range.lowerBound)
            }
        }
        #expect(segments.count == Self.regions.count - 1 + 2)
    }

    @Test("the linker's list is walked as far as it makes sense, and a ring ends")
    func linkerWalk() {
        var memory = [UInt8](repeating: 0, count: 4096)
        func put(_ value: UInt64, _ offset: Int) {
            for index in 0..<8 {
                memory[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
        }
        // PT_DYNAMIC at 512; its DT_DEBUG leads to r_debug at 1024, whose list is two entries and a ring.
        put(2, 64)
        put(512, 64 + 16)
        put(64, 64 + 32)
        put(21, 512)
        put(1024, 520)
        put(2048, 1032)
        put(3000, 2056)
        put(2200, 2072)
        put(3100, 2208)
        put(2048, 2224)
        var vector: [UInt8] = []
        for value: UInt64 in [3, 64, 5, 1, 0, 0] { vector += LittleEndian.bytes(value, count: 8) }
        let walk = LinkerWalk(auxiliaryVector: vector, isNarrow: false) { address, count in
            guard address < 4096 else { return [] }
            return Array(memory[Int(address)...].prefix(count))
        }
        let places = walk.places().map(\.address)
        #expect(places == [512, 1024, 2048, 3000, 2200, 3100])
        let empty = LinkerWalk(auxiliaryVector: [1, 2], isNarrow: false) { _, _ in [] }
        #expect(empty.places() == [])
    }

    @Test("siginfo in words: codes, addresses, senders")
    func signals() {
        func bytes(_ signal: UInt64, _ code: UInt64, _ value: UInt64) -> [UInt8] {
            LittleEndian.bytes(signal, count: 4) + [0, 0, 0, 0] + LittleEndian.bytes(code, count: 4)
                + [0, 0, 0, 0] + LittleEndian.bytes(value, count: 8)
                + [UInt8](repeating: 0, count: 100)
        }
        func text(_ signal: UInt64, _ code: UInt64, _ value: UInt64) -> String? {
            SignalDetails(bytes(signal, code, value), isNarrow: false)?.text
        }
        #expect(
            text(11, 2, 0x1000)
                == "SIGSEGV, SEGV_ACCERR at 00000000`00001000: the mapping does not allow it"
        )
        #expect(
            text(8, 1, 16) == "SIGFPE, FPE_INTDIV at 00000000`00000010: integer division by zero"
        )
        #expect(text(6, 0xffff_fffa, 77) == "SIGABRT, SI_TKILL, sent by process 77")
        #expect(
            text(11, 0x80, 0)?.hasPrefix("SIGSEGV, SI_KERNEL: an address that no process") == true
        )
        #expect(text(11, 99, 0) == "SIGSEGV, si_code 99 at 00000000`00000000")
        #expect(SignalDetails([1, 2, 3], isNarrow: false) == nil)
    }
}
