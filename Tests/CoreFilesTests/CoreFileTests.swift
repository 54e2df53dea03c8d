import DebugTarget
import RegisterSets
import Testing

@testable import CoreFiles

@Suite("Core files: what is written is read, and any bytes are borne with")
struct CoreFileTests {
    /// A process of two threads with a writable page, a page of a file that is not in the core, and a piece that is cut.
    static func image(_ architecture: Architecture = .x86_64) -> CoreImage.Process {
        let width: X86Width = architecture == .i386 ? .bits32 : .bits64
        let general = (0..<width.generalByteCount).map { UInt8(truncatingIfNeeded: $0) }
        var area = [UInt8](repeating: 0, count: 832)
        area[X86ExtendedState.enabledOffset] = 7
        area[576] = 0xaa
        var remarks = CoreRemarks()
        remarks.comment = "first\nsecond"
        remarks.extent = "full"
        remarks.threadNames = [101: "worker bee"]
        return CoreImage.Process(
            architecture: architecture,
            process: CoreProcess(
                id: 100,
                parent: 1,
                user: 33,
                group: 44,
                name: "a-name-longer-than-it-may-be",
                commandLine: "/bin/app one"
            ),
            threads: [
                CoreThread(
                    id: 101,
                    signal: 11,
                    general: general,
                    legacy: Array(area[..<512]),
                    extended: area,
                    signalInformation: [UInt8](repeating: 5, count: 128)
                ),
                CoreThread(id: 100, general: general.reversed()),
            ],
            auxiliaryVector: [9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0],
            files: [
                CoreMappedFile(range: page(1)..<page(3), fileOffset: 0, path: "/bin/app"),
                CoreMappedFile(range: page(3)..<page(4), fileOffset: 8192, path: "/lib/ä.so"),
            ],
            remarks: remarks
        )
    }

    static func page(_ number: UInt64) -> TargetAddress { TargetAddress(number << 12) }

    static let segments = [
        CoreSegment(
            range: page(1)..<page(3),
            fileOffset: 0,
            fileByteCount: 4096,
            isReadable: true,
            isWritable: false,
            isExecutable: true
        ),
        CoreSegment(
            range: page(8)..<page(9),
            fileOffset: 0,
            fileByteCount: 4096,
            isReadable: true,
            isWritable: true,
            isExecutable: false
        ),
    ]

    static func bytes(_ architecture: Architecture = .x86_64) -> [UInt8] {
        let image = CoreImage(image(architecture), segments: segments)
        var bytes = image.head
        for (index, segment) in image.segments.enumerated() {
            bytes += repeatElement(0, count: Int(segment.fileOffset) - bytes.count)
            bytes += repeatElement(UInt8(index + 1), count: Int(segment.fileByteCount))
        }
        return bytes
    }

    @Test("a core is read as it was written", arguments: [Architecture.x86_64, .i386])
    func roundTrip(_ architecture: Architecture) throws {
        let written = Self.image(architecture)
        let core = try CoreFile(CoreBuffer(Self.bytes(architecture)))
        #expect(core.architecture == architecture)
        #expect(core.complaints == [])
        #expect(core.process.id == 100)
        #expect(core.process.user == 33 && core.process.group == 44)
        #expect(core.process.name == "a-name-longer-t")
        #expect(core.process.commandLine == "/bin/app one")
        #expect(core.threads.map(\.id) == [101, 100])
        #expect(core.threads.map(\.name) == ["worker bee", ""])
        #expect(core.threads.map(\.general) == written.threads.map(\.general))
        #expect(core.threads[0].signal == 11)
        #expect(core.threads[0].extended == written.threads[0].extended)
        #expect(core.threads[0].signalInformation == written.threads[0].signalInformation)
        #expect(core.auxiliaryVector == written.auxiliaryVector)
        #expect(core.files == written.files)
        #expect(core.remarks.comment == "first second")
        #expect(core.remarks.extent == "full")
        #expect(core.segments.map(\.range) == Self.segments.map(\.range))
        #expect(core.segments.map(\.isWritable) == [false, true])
    }

    @Test("addresses are found in segments and mapped files, and between them nothing is")
    func lookup() throws {
        let core = try CoreFile(CoreBuffer(Self.bytes()))
        #expect(core.segment(at: Self.page(0)) == nil)
        #expect(core.segment(at: Self.page(1))?.range == Self.segments[0].range)
        #expect(core.segment(at: Self.page(9) - 1)?.range == Self.segments[1].range)
        #expect(core.segment(at: Self.page(9)) == nil)
        #expect(core.file(at: Self.page(3) - 1)?.path == "/bin/app")
        #expect(core.file(at: Self.page(3))?.path == "/lib/ä.so")
        #expect(core.file(at: Self.page(4)) == nil)
    }

    @Test("registers are where the kernel has them, and what was cut off is unavailable")
    func registers() throws {
        let core = try CoreFile(CoreBuffer(Self.bytes()))
        let description = core.layout(of: core.threads[0]).description
        let block = core.registers(of: core.threads[0])
        let pc = try #require(description.register(playing: .programCounter))
        #expect(block.value(of: pc) == 0x8786_8584_8382_8180)
        let vector = try #require(description.register(named: "ymm0h"))
        #expect(block.bytes(of: vector)?.first == 0xaa)
        // The other thread has no vector registers.
        let other = core.registers(of: core.threads[1])
        #expect(other.value(of: pc) != nil)
        #expect(other.bytes(of: vector) == nil)
        #expect(other.bytes.count == block.bytes.count)
    }

    @Test("a target's registers become the kernel's sets by name, and back")
    func sets() throws {
        let core = try CoreFile(CoreBuffer(Self.bytes()))
        let description = core.layout(of: core.threads[0]).description
        let block = core.registers(of: core.threads[0])
        let thread = CoreThread(id: 7, signal: 0, block, description)
        #expect(thread.extended.count == 832)
        #expect(thread.extended[X86ExtendedState.enabledOffset] == 7)
        let layout = X86Layout(.bits64, components: .init(coreArea: thread.extended, layout: [:]))
        #expect(layout.block(general: thread.general, extended: thread.extended) == block)
    }

    @Test("a core that is cut off anywhere gives what is left or a sentence")
    func truncated() {
        let whole = Self.bytes()
        for count in stride(from: 0, to: whole.count, by: 13) {
            do {
                let core = try CoreFile(CoreBuffer(Array(whole[..<count])))
                #expect(!core.threads.isEmpty)
                #expect(core.complaints.contains { $0.contains("cut off") }, "\(count)")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test("a wrong byte anywhere in the head is borne with")
    func damaged() {
        let whole = Self.bytes()
        for position in 0..<4096 {
            for value: UInt8 in [0, 0x7f, 0xff] {
                var bytes = whole
                bytes[position] = value
                guard let core = try? CoreFile(CoreBuffer(bytes)) else { continue }
                for thread in core.threads { _ = core.registers(of: thread) }
                _ = core.segment(at: Self.page(2))
            }
        }
    }

    @Test(
        "what is no core is named",
        arguments: [
            ([], "is no core file"), (Array("#!/bin/sh\n".utf8), "is no core file"),
            ([0x7f, 0x45, 0x4c, 0x46, 2, 2] + [UInt8](repeating: 0, count: 60), "big-endian"),
            (header(type: 3, machine: 62), "is a program or a library"),
            (header(type: 4, machine: 183), "arm64"), (header(type: 4, machine: 40), "number 40"),
            (header(type: 4, machine: 62), "damaged header"),
        ] as [([UInt8], String)]
    )
    func noCore(_ bytes: [UInt8], _ words: String) throws {
        let error = #expect(throws: CoreFileError.self) { try CoreFile(CoreBuffer(bytes)) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    private static func header(type: UInt8, machine: UInt8) -> [UInt8] {
        var header = CoreFieldWriter(count: 64)
        header.put([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0)
        header.put(UInt64(type), 16, 2)
        header.put(UInt64(machine), 18, 2)
        return header.bytes
    }

    @Test("a core of more program headers than the header can count is read by its section")
    func manyHeaders() throws {
        var bytes = Self.bytes()
        // As the kernel does it: PN_XNUM, and section header 0 at the end of the file has the number.
        let count = bytes[56]
        bytes[56] = 0xff
        bytes[57] = 0xff
        var place = CoreFieldWriter(count: 8)
        place.put(UInt64(bytes.count), 0, 8)
        bytes.replaceSubrange(40..<48, with: place.bytes)
        var section = [UInt8](repeating: 0, count: 64)
        section[44] = count
        let core = try CoreFile(CoreBuffer(bytes + section))
        #expect(core.segments.count == Self.segments.count)
    }
}
