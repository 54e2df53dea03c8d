import DebugTarget
import GDBRemoteProtocol
import Testing

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

@Suite struct ResumePacketTests {
    @Test(
        "vCont is read and written",
        arguments: [
            "vCont;c", "vCont;s:p1.1;c", "vCont;C0b:p1.2;r1000,1010:p1.3;t:-1", "vCont;S05",
        ]
    )
    func roundTrip(_ packet: String) {
        let request = ResumeRequest(payload: text(packet))
        #expect(request.map { String(decoding: $0.payload, as: UTF8.self) } == packet)
    }

    @Test(
        "malformed requests are refused",
        arguments: [
            "vCont;", "vCont;q", "vCont;C", "vCont;r10,5", "vCont;c:zz", "vCont", "vCont;cc",
        ]
    )
    func malformed(_ packet: String) {
        #expect(ResumeRequest(payload: text(packet)) == nil)
    }
}

@Suite struct MemoryPacketTests {
    static let requests: [MemoryRequest] = [
        .read(TargetAddress(0x7fff_0000), count: 64), .readBinary(TargetAddress(1), count: 4096),
        .write(TargetAddress(0x10), [1, 2, 3]), .writeBinary(TargetAddress(0x10), text("a#$}*b")),
        .writeBinary(TargetAddress(0), []),
    ]

    @Test("requests survive", arguments: requests)
    func roundTrip(_ request: MemoryRequest) {
        #expect(MemoryRequest(payload: request.payload) == request)
    }

    @Test("a length that does not fit the data is refused")
    func wrongLength() {
        #expect(MemoryRequest(payload: text("M10,2:01")) == nil)
        #expect(MemoryRequest(payload: text("X10,2:a")) == nil)
        #expect(MemoryRequest(payload: text("m10")) == nil)
        #expect(MemoryRequest(payload: text("mffffffffffffffffff,1")) == nil)
    }

    @Test("binary replies survive, cut to what fits")
    func binaryReply() {
        let bytes = (0...255).map { UInt8($0) }
        let whole = BinaryMemoryReply.payload(bytes[...], bytesMax: 1000)
        #expect(BinaryMemoryReply.bytes(ofPayload: whole) == bytes)
        let cut = BinaryMemoryReply.payload(bytes[...], bytesMax: 50)
        #expect(cut.count <= 50)
        #expect(BinaryMemoryReply.bytes(ofPayload: cut)?.count ?? 0 > 40)
    }

    @Test("the checksum is the one gdb computes")
    func checksum() {
        // CRC-32/MPEG-2 of the standard check string.
        #expect(MemoryChecksum.crc(of: text("123456789")) == 0x0376_e6e7)
        let range = MemoryChecksum(start: TargetAddress(0x1000), count: 32)
        #expect(MemoryChecksum(payload: range.payload) == range)
    }

    @Test("a search for binary bytes survives")
    func search() {
        let search = MemorySearch(start: TargetAddress(16), count: 99, pattern: text("#;$"))
        #expect(MemorySearch(payload: search.payload) == search)
        #expect(
            MemorySearch.found(inReply: MemorySearch.reply(found: TargetAddress(5)))
                == .some(TargetAddress(5))
        )
        #expect(MemorySearch.found(inReply: text("0")) == .some(nil))
        #expect(MemorySearch.found(inReply: text("E01")) == nil)
    }
}

@Suite struct RegisterPacketTests {
    private let description = TargetDescription(
        architecture: .x86_64,
        registers: [
            RegisterDescription(
                name: "a",
                number: 0,
                bitSize: 16,
                offset: 0,
                type: "int16",
                feature: "f"
            ),
            RegisterDescription(
                name: "b",
                number: 1,
                bitSize: 8,
                offset: 2,
                type: "int8",
                feature: "f"
            ),
        ]
    )

    @Test("a block with an unavailable register survives")
    func block() {
        let block = RegisterBlock(bytes: [1, 2, 0], unavailable: [1])
        let payload = RegisterReply.payload(of: block, description: description)
        #expect(String(decoding: payload, as: UTF8.self) == "0102xx")
        #expect(RegisterReply.block(ofPayload: payload, description: description) == block)
    }

    @Test("a short block is filled up as unavailable")
    func shortBlock() {
        let block = RegisterReply.block(ofPayload: text("0102"), description: description)
        #expect(block == RegisterBlock(bytes: [1, 2, 0], unavailable: [1]))
    }

    @Test(
        "requests survive",
        arguments: [RegisterRequest.readAll, .writeAll([1]), .read(16), .write(0x39, [255, 0])]
    )
    func requests(_ request: RegisterRequest) {
        #expect(RegisterRequest(payload: request.payload) == request)
    }

    @Test("the target description names the registers and defines the types they use")
    func document() {
        let vector = RegisterDescription(
            name: "xmm0",
            number: 0,
            bitSize: 128,
            offset: 0,
            type: "vec128",
            feature: "sse"
        )
        let document = TargetDescription(architecture: .x86_64, registers: [vector]).document
        #expect(document.contains("<architecture>i386:x86-64</architecture>"))
        #expect(document.contains("<union id=\"vec128\">"))
        #expect(document.contains("<vector id=\"v4_float\" type=\"ieee_single\" count=\"4\"/>"))
        #expect(
            document.contains("<reg name=\"xmm0\" bitsize=\"128\" type=\"vec128\" regnum=\"0\"")
        )
        // What lldb adds to that, and gdb passes over.
        #expect(document.contains(" group_id=\"1\"/>"))
        #expect(document.contains("<group id=\"1\" name=\"General Purpose Registers\"/>"))
    }
}

@Suite struct BreakpointPacketTests {
    static let requests: [BreakpointRequest] = [
        BreakpointRequest(insert: true, Breakpoint(.software, at: TargetAddress(0x401000))),
        BreakpointRequest(insert: false, Breakpoint(.hardware, at: TargetAddress(0x401000))),
        BreakpointRequest(
            insert: true,
            Breakpoint(.watch(.access, length: 8), at: TargetAddress(1))
        ),
        BreakpointRequest(
            insert: true,
            Breakpoint(.software, at: TargetAddress(1)),
            options: text("X1,27")
        ),
    ]

    @Test("requests survive", arguments: requests)
    func roundTrip(_ request: BreakpointRequest) {
        #expect(BreakpointRequest.parse(request.payload) == .request(request))
    }

    @Test("unknown types are told from malformed requests")
    func others() {
        #expect(BreakpointRequest.parse(text("Z9,0,0")) == .unknownType)
        #expect(BreakpointRequest.parse(text("Z0,0")) == .malformed)
        #expect(BreakpointRequest.parse(text("Z0,0,1x")) == .malformed)
    }
}

@Suite struct TransferPacketTests {
    @Test("requests survive")
    func requests() {
        let read = TransferRequest(
            object: "features",
            annex: "target.xml",
            .read(offset: 0, count: 0x1000)
        )
        #expect(
            String(decoding: read.payload, as: UTF8.self) == "qXfer:features:read:target.xml:0,1000"
        )
        #expect(TransferRequest(payload: read.payload) == read)
        let write = TransferRequest(object: "siginfo", annex: "", .write(offset: 4, text("#:}")))
        #expect(TransferRequest(payload: write.payload) == write)
        #expect(TransferRequest(payload: text("qXfer:a:read:b:0")) == nil)
    }

    @Test("an object comes back whole through portions of any size", arguments: [3, 7, 64, 1000])
    func portions(size: Int) throws {
        let object = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var read: [UInt8] = []
        while true {
            let payload = TransferReply.payload(
                of: object,
                offset: read.count,
                count: size,
                payloadBytesMax: size + 1
            )
            switch try #require(TransferReply(payload: payload)) {
            case .more(let bytes):
                try #require(!bytes.isEmpty)
                read += bytes
            case .last(let bytes):
                #expect(read + bytes == object)
                return
            }
        }
    }
}

@Suite struct LaunchPacketTests {
    @Test("arguments are kept exactly")
    func run() {
        let request = RunRequest(arguments: ["/bin/x", "", "b c", "ü'\"$"])
        #expect(RunRequest(payload: request.payload) == request)
        #expect(RunRequest(payload: text("vRun;"))?.arguments == [""])
        #expect(RunRequest(payload: text("vRun"))?.arguments.isEmpty == true)
        #expect(RunRequest(payload: text("vRun;zz")) == nil)
    }

    @Test("environment changes survive")
    func environment() {
        for request in [EnvironmentRequest.set(name: "A", value: "b=c"), .unset(name: "A"), .reset]
        {
            #expect(EnvironmentRequest(payload: request.payload) == request)
        }
        #expect(
            EnvironmentRequest(payload: HexTextRequest.payload("QEnvironmentHexEncoded:", "=x"))
                == nil
        )
    }

    @Test("thread lists come back whole through small packets")
    func threads() {
        let all = (1...50).map {
            ThreadReference(ThreadID(ProcessID(7), Int64($0)), multiprocess: true)
        }
        var rest = all[...]
        var read: [ThreadReference] = []
        while !rest.isEmpty {
            let (payload, count) = ThreadListReply.payload(rest, payloadBytesMax: 40)
            #expect(payload.count <= 40)
            read += ThreadListReply.threads(ofPayload: payload) ?? []
            rest = rest.dropFirst(count)
        }
        #expect(read == all)
    }

    @Test("error replies carry number or text and never a framing byte")
    func errors() {
        #expect(ErrorReply(payload: text("E0e"))?.number == 14)
        #expect(ErrorReply(payload: text("E.gone"))?.text == "gone")
        #expect(ErrorReply(payload: text("E01;676f6e65"))?.text == "gone")
        #expect(ErrorReply(payload: text("OK")) == nil)
        let nasty = ErrorReply(text: "a#b$c}d*e\n").payload
        #expect(String(decoding: nasty, as: UTF8.self) == "E.a?b?c?d?e?")
    }
}

@Suite struct FilePacketTests {
    static let requests: [FileRequest] = [
        .open(path: "/proc/1/maps", flags: [.readWrite, .create], mode: 0o644), .close(3),
        .read(3, count: 4096, offset: 1 << 40), .write(3, offset: 7, text("a#$")), .fileStatus(2),
        .pathStatus(path: "/x", followingLinks: true),
        .pathStatus(path: "/x", followingLinks: false),
        .unlink(path: "/tmp/ä"), .readLink(path: "/proc/self/exe"), .setFileSystem(nil),
        .setFileSystem(ProcessID(77)),
    ]

    @Test("requests survive", arguments: requests)
    func roundTrip(_ request: FileRequest) {
        #expect(FileRequest.parse(request.payload) == .request(request))
    }

    @Test("unknown operations are told from malformed requests")
    func others() {
        #expect(FileRequest.parse(text("vFile:fly:2f")) == .unknownOperation)
        #expect(FileRequest.parse(text("vFile:open:2f")) == .malformed)
        #expect(FileRequest.parse(text("vFile:close:")) == .malformed)
    }

    @Test("replies and file status survive")
    func replies() {
        var status = FileStatus()
        status.size = 1 << 33
        status.mode = 0o100644
        status.modificationTime = 1_700_000_000
        #expect(status.wireBytes.count == 64)
        #expect(FileStatus(wireBytes: status.wireBytes) == status)
        let reply = FileReply(result: 64, attachment: status.wireBytes)
        #expect(FileReply(payload: reply.payload) == reply)
        #expect(String(decoding: FileReply.failure(2).payload, as: UTF8.self) == "F-1,2")
        #expect(FileReply(payload: text("F-1,2")) == FileReply.failure(2))
    }

    @Test("error numbers are the protocol's")
    func errors() {
        #expect(FileErrors.protocolNumber(of: 36) == 91)
        #expect(FileErrors.protocolNumber(of: 110) == 9999)
        #expect(FileErrors.linuxNumber(of: 91) == 36)
    }
}

@Suite struct DocumentTests {
    @Test("names with XML's own characters are escaped")
    func escaping() {
        let entry = ThreadListEntry(
            thread: ThreadReference(text: "p1.1"),
            core: 3,
            name: "a<b>&\"c\""
        )
        let document = ThreadListEntry.document([entry])
        #expect(
            document.contains(
                "<thread id=\"p1.1\" core=\"3\" name=\"a&lt;b&gt;&amp;&quot;c&quot;\"/>"
            )
        )
    }

    @Test("the library list leaves the executable out and can start in the middle")
    func libraries() {
        let modules = (0..<3).map { index in
            LoadedModule(
                path: "/lib\(index)",
                loadBias: UInt64(index),
                dynamicSection: TargetAddress(0x10),
                linkMap: TargetAddress(0x100 + UInt64(index)),
                buildID: index == 1 ? [0xab] : []
            )
        }
        let whole = LibraryListDocument.render(modules)
        #expect(whole.contains("main-lm=\"0x100\"") && !whole.contains("/lib0"))
        #expect(whole.contains("build-id=\"ab\""))
        let start = LibraryListDocument.start(ofAnnex: "start=102;prev=101")
        let rest = LibraryListDocument.render(modules, from: start)
        #expect(rest.contains("/lib2") && !rest.contains("/lib1") && !rest.contains("main-lm"))
    }

    @Test("an address is found in its region or in the gap around it")
    func regions() {
        let region = MemoryRegion(
            range: TargetAddress(0x1000)..<TargetAddress(0x2000),
            isReadable: true,
            isWritable: false,
            isExecutable: true,
            fileOffset: 0,
            name: "/bin/x"
        )
        let inside = MemoryRegionReply(around: TargetAddress(0x1800), in: [region])
        #expect(MemoryRegionReply(payload: inside.payload) == inside)
        let below = MemoryRegionReply(around: TargetAddress(5), in: [region])
        #expect(below.start == TargetAddress(0) && below.size == 0x1000 && below.region == nil)
        let above = MemoryRegionReply(around: TargetAddress(0x2000), in: [region])
        #expect(above.start == TargetAddress(0x2000) && above.region == nil)
    }
}

extension ThreadReference {
    fileprivate init(text: String) {
        self = ThreadReference(Array(text.utf8)) ?? .any
    }
}
