import DebugTarget
import GDBRemoteProtocol
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
private func hex(_ text: String) -> String {
    Hex.encode(text.utf8).reduce(into: "") { $0 += String(Unicode.Scalar($1)) }
}

@Suite struct JSONTests {
    @Test(
        "what is written is read again",
        arguments: [
            "null", "true", "[]", "{}", "[1,-2,{\"a\":\"b \\\"c\\\" \\\\\"}]",
            "{\"file\":\"/lib/ü\",\"list\":[false,1.5]}", "\"\\u0001\"",
        ]
    )
    func roundTrip(_ document: String) {
        #expect(JSON(parsing: bytes(document))?.description == document)
    }

    @Test("spaces and escapes are understood")
    func tolerant() {
        let value = JSON(parsing: bytes(" { \"a\" : [ 1 , \"\\u0041\\n\\/\" ] } "))
        #expect(value?["a"]?.elements?.first?.numberValue == 1)
        #expect(value?["a"]?.elements?.last?.textValue == "A\n/")
    }

    @Test(
        "malformed documents, and ones that nest without end, are refused",
        arguments: [
            "", "[", "[1,]", "{\"a\"}", "{a:1}", "tru", "1 2", "\"", "\"\\x\"", "\"\\u12\"", "-",
            String(repeating: "[", count: 100_000), "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
        ]
    )
    func malformed(_ document: String) {
        #expect(JSON(parsing: bytes(document)) == nil)
    }

    @Test("in a packet the closing brace is escaped")
    func escaped() {
        let payload = JSON.object([.init("a", .number(1))]).payload
        #expect(text(payload) == "{\"a\":1}]")
        #expect(Escaping.unescape(payload[...]).flatMap { JSON(parsing: $0) }?["a"] == .number(1))
    }
}

@Suite struct ProcessQueryTests {
    static let identity = ProcessIdentity(
        process: ProcessID(70),
        parent: 1,
        user: 1000,
        group: 100,
        effectiveUser: 0,
        effectiveGroup: 0,
        executable: "/usr/bin/worker",
        arguments: ["worker", "a b"]
    )

    @Test(
        "a process is found by its program's name and its numbers, or not",
        arguments: [
            ("", true), ("pid:70;", true), ("pid:71;", false), ("parent_pid:1;uid:1000;", true),
            ("euid:5;", false), ("name_match:equals;name:\(hex("worker"));", true),
            ("name_match:equals;name:\(hex("work"));", false),
            ("name_match:starts_with;name:\(hex("work"));", true),
            ("name_match:ends_with;name:\(hex("ker"));", true),
            ("name_match:contains;name:\(hex("ork"));", true),
            ("name_match:contains;name:\(hex("bin"));", false),
            ("name_match:regex;name:\(hex("w.*r"));all_users:0;", true),
        ]
    )
    func matches(_ filter: String, _ isFound: Bool) throws {
        let packet = filter.isEmpty ? "qfProcessInfo" : "qfProcessInfo:" + filter
        let query = try #require(ProcessQuery(payload: bytes(packet)))
        #expect(query.matches(Self.identity) == isFound)
        #expect(ProcessQuery(payload: query.payload) == query)
    }

    @Test(
        "malformed queries are refused",
        arguments: ["qfProcessInfox", "qfProcessInfo:name_match:odd;", "qfProcessInfo:name:1;"]
    )
    func malformed(_ packet: String) {
        #expect(ProcessQuery(payload: bytes(packet)) == nil)
    }

    @Test("a process in a list has decimal numbers, in qProcessInfo hexadecimal ones")
    func entries() {
        let entry = KeyValueList(
            parsing: Self.identity.listPayload(.x86_64, payloadBytesMax: 4096)
        )
        #expect(entry["pid"] == "70" && entry["uid"] == "1000")
        #expect(entry.hexText("name") == "/usr/bin/worker")
        #expect(entry["args"] == "\(hex("worker"))-\(hex("a b"))")
        let info = KeyValueList(parsing: Self.identity.payload(.x86_64))
        #expect(info["pid"] == "46" && info["real-uid"] == "3e8")
        #expect(info.hexText("triple") == "x86_64-pc-linux-gnu")
    }

    @Test("a command line that does not fit is cut off between arguments")
    func longCommandLine() {
        var long = Self.identity
        long.arguments = (0..<1000).map { "argument \($0)" }
        let payload = long.listPayload(.x86_64, payloadBytesMax: 1000)
        #expect(payload.count <= 1000)
        #expect(KeyValueList(parsing: payload).hexText("triple") == "x86_64-pc-linux-gnu")
    }
}

@Suite struct LLDBRequestTests {
    @Test("thread suffixes are taken off")
    func suffixes() throws {
        let plain = try #require(ThreadSuffix.split(bytes("p10")))
        #expect(text(plain.packet) == "p10" && plain.thread == nil)
        let one = try #require(ThreadSuffix.split(bytes("p10;thread:1f;")))
        #expect(text(one.packet) == "p10")
        #expect(one.thread == ThreadReference(process: nil, thread: .number(0x1f)))
        let two = try #require(ThreadSuffix.split(bytes("P0=00;thread:p1.2;")))
        #expect(two.thread == ThreadReference(process: .number(1), thread: .number(2)))
        #expect(ThreadSuffix.split(bytes("p10;thread:zz;")) == nil)
    }

    @Test("memory is asked for and given back")
    func allocation() {
        let ask = AllocationRequest(payload: bytes("_M1000,rx"))
        #expect(ask == .allocate(0x1000, [.read, .execute]))
        let giveBack = AllocationRequest(payload: bytes("_m7f0010"))
        #expect(giveBack == .release(TargetAddress(0x7f0010)))
        for packet in ["_M", "_M0,r", "_M10", "_M10,q", "_m", "_mzz", "_m1,2"] {
            #expect(AllocationRequest(payload: bytes(packet)) == nil, "\(packet)")
        }
        #expect(text(AllocationRequest.reply(TargetAddress(0x1f))) == "000000000000001f")
    }

    @Test("arguments of a program are read, their lengths checked")
    func arguments() {
        let line = "A4,0,6162,0,1,,2,2,63"
        #expect(ArgumentsRequest.arguments(in: bytes(line)) == ["ab", "", "c"])
        for packet in ["A", "A4,0,61", "A4,1,6162", "A3,0,616", "A-2,0,", "A4,0,6162x"] {
            #expect(ArgumentsRequest.arguments(in: bytes(packet)) == nil, "\(packet)")
        }
    }

    @Test("platform requests are read")
    func platform() {
        let folder = PlatformRequest(payload: bytes("qPlatform_mkdir:000001c0,\(hex("/tmp/a"))"))
        #expect(folder == .makeFolder(path: "/tmp/a", mode: 0o700))
        let mode = PlatformRequest(payload: bytes("qPlatform_chmod:1ed,\(hex("/tmp/a"))"))
        #expect(mode == .setPermissions(path: "/tmp/a", mode: 0o755))
        let run = PlatformRequest(payload: bytes("qPlatform_shell:\(hex("ls")),a,\(hex("/"))"))
        #expect(run == .run(line: "ls", seconds: 10, folder: "/"))
        for packet in ["qPlatform_mkdir:zz,61", "qPlatform_shell:6", "qPlatform_fly:61"] {
            #expect(PlatformRequest(payload: bytes(packet)) == nil, "\(packet)")
        }
    }

    @Test("modules are asked for one by one and in a list")
    func modules() throws {
        let one = try #require(
            ModuleRequest.module(inQuery: bytes("qModuleInfo:\(hex("/lib/a"));\(hex("t"))"))
        )
        #expect(one == ("/lib/a", "t"))
        let list = bytes("jModulesInfo:[{\"file\":\"/lib/a\",\"triple\":\"t\"}]]")
        let modules = try #require(ModuleRequest.modules(inList: list))
        #expect(modules.count == 1 && modules[0] == ("/lib/a", "t"))
        #expect(ModuleRequest.modules(inList: bytes("jModulesInfo:[{}]]")) == nil)
        #expect(ModuleRequest.modules(inList: bytes("jModulesInfo:7")) == nil)
    }

    @Test("an environment variable may come plain")
    func environment() {
        let request = EnvironmentRequest(payload: bytes("QEnvironment:A=b=c"))
        #expect(request == .set(name: "A", value: "b=c"))
        #expect(EnvironmentRequest(payload: bytes("QEnvironment:=c")) == nil)
    }

    @Test("lldb's file requests are read and written")
    func files() {
        for request: FileRequest in [
            .permissions(path: "/a b"), .size(path: "/x"), .exists(path: "/x"),
            .link(destination: "/to", path: "/from"),
        ] {
            #expect(FileRequest.parse(request.payload) == .request(request))
        }
    }

    @Test("what a thread does is told in JSON")
    func threadStates() {
        let state = ThreadState(
            thread: 7,
            name: "a\"b",
            reason: LLDBStopReason("watchpoint", details: "16 0 16"),
            signal: 5,
            registers: [.init(number: 16, bytes: [1, 2])],
            memory: [MemoryPiece(address: TargetAddress(16), bytes: [255])]
        )
        let json = ThreadState.document([state])
        #expect(JSON(parsing: Array(json.description.utf8)) == json)
        let first = json.elements?.first
        #expect(first?["reason"]?.textValue == "watchpoint")
        #expect(first?["description"]?.textValue == "16 0 16")
        #expect(first?["registers"]?["16"]?.textValue == "0102")
        #expect(state.memory[0].note == .init("memory", "0x10=ff"))
    }
}

@Suite struct DebugServerPortTests {
    private static let request = PacketEncoder.packet(bytes("qLaunchGDBServer;host:desk;"))
    private static let changed = PacketEncoder.packet(
        bytes("qLaunchGDBServer;host:desk;port:5106;")
    )

    @Test("a relay's port is named in a request for a debug server, however the bytes come")
    func named() {
        let before = bytes("+") + PacketEncoder.packet(bytes("qL")) + [3]
        let after = PacketEncoder.packet(bytes("qLaunchSuccess")) + bytes("$#")
        let whole = before + Self.request + after
        for index in whole.indices {
            var relay = DebugServerPort(5106)
            let passed = relay.pass(Array(whole[..<index])) + relay.pass(Array(whole[index...]))
            #expect(passed == before + Self.changed + after.dropLast(0), "\(index)")
        }
        #expect(
            DebugServerRequest(payload: Array(Self.changed.dropFirst().dropLast(3)))?.port == 5106
        )
    }

    @Test("a request without an end is passed on when it gets too long")
    func endless() {
        var relay = DebugServerPort(1)
        let long = bytes("$qLaunchGDBServer") + [UInt8](repeating: 0x61, count: 5000)
        #expect(relay.pass(long) == long)
    }
}
