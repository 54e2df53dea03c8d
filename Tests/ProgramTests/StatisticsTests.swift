import Foundation
import Glibc
import Testing

@Suite("dbgcom stats")
struct StatisticsTests {
    @Test("figures of the link and of each channel, as JSON and as text")
    func figures() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab)
        try lab.serve(line, 31, ["--exec", "cat"])
        let client = try lab.start(
            "dbgcom",
            ["connect", line.desk, "31", "--baud", "\(line.baudRate)"]
        )
        client.type(String(repeating: "x", count: 999) + "\n")
        try client.wait(for: "x\n")

        let result = try lab.run("dbgcom", ["stats", line.desk, "--json"])
        #expect(result.status == 0, "\(result)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let figures = try #require(object as? [String: Any])
        #expect(figures["link"] as? String == "up")
        #expect(figures["line-bytes-per-second"] as? Int == 92_160)
        #expect(try #require(figures["payload-bytes-out"] as? Int) >= 1000)
        #expect(try #require(figures["payload-bytes-in"] as? Int) >= 1000)
        #expect(try #require(figures["round-trip-us"] as? Int) > 0)
        #expect(figures["payload-bytes-per-second-in"] is Int)
        let channel = try #require((figures["channels"] as? [[String: Any]])?.first)
        #expect(channel["channel"] as? Int == 31)
        #expect(channel["sent"] as? Int == 1000 && channel["received"] as? Int == 1000)
        #expect((channel["program"] as? String)?.hasPrefix("dbgcom connect (pid") == true)

        let text = try lab.run("dbgcom", ["status", line.desk])
        #expect(text.output.contains("921600 baud 8N1"), "\(text.output)")
        #expect(text.output.contains("link        up: "), "\(text.output)")
        #expect(text.output.contains("CHANNEL  SENT"), "\(text.output)")
    }

    @Test("damage on the line is counted")
    func damage() throws {
        let lab = try Lab()
        let line = try SerialLine(.cable, in: lab, faults: ["--bit-error-rate", "1e-4"])
        try lab.serve(line, 32, ["--session", "--exec", "cat"])
        let client = try lab.start(
            "dbgcom",
            ["connect", line.desk, "32", "--baud", "\(line.baudRate)"]
        )
        let copy = try lab.shell(
            "head -c 60000 /dev/urandom | \(lab.connect(line, 32)) --session | wc -c"
        )
        #expect(copy.output == "60000\n", "\(copy)")
        let result = try lab.run("dbgcom", ["stats", line.desk, "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        let figures = try #require(object as? [String: Any])
        #expect(try #require(figures["retransmitted-frames"] as? Int) > 0)
        #expect(try #require(figures["damaged-frames"] as? Int) > 0)
        client.signal(SIGTERM)
    }

    @Test("with an interval it goes on, and rates are of the interval")
    func interval() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        try lab.serve(line, 33, ["--exec", "cat"])
        let stats = try lab.start("dbgcom", ["stats", line.lab, "--json", "--interval", "0.1"])
        for _ in 1...3 {
            try stats.wait(for: "payload-bytes-per-second-out")
            stats.forgetOutput()
        }
        stats.signal(SIGTERM)
        #expect(try stats.waitForExit() == 0)
    }

    @Test("without a broker there is nothing to show")
    func nobody() throws {
        let lab = try Lab()
        let line = try SerialLine(.socat, in: lab)
        let result = try lab.run("dbgcom", ["stats", line.desk])
        #expect(result.status == 1)
        #expect(result.errors.contains("No program uses channels"), "\(result)")
    }
}
