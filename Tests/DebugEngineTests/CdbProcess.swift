import Foundation
import Glibc
import LinuxSystem

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A program of this package, or another one, with its standard streams in the test's hands.
final class PipedProcess {
    /// How long a text may take to come; only a failing test waits that long.
    static let patienceSeconds = 60

    let id: Int32
    private let input: OwnedDescriptor
    private let output: OwnedDescriptor
    private var inputIsOpen = true
    private var text = ""
    private var status: Int32??

    /// Starts a program.
    ///
    /// - Parameter leadsGroup: whether it has a process group of its own; gdbserver interrupts whole
    ///   groups, by the number of the process attached to.
    init(_ path: String, _ arguments: [String], leadsGroup: Bool = false) throws {
        let (childInput, ownInput) = try ProgramLauncher.makePipe()
        let (ownOutput, childOutput) = try ProgramLauncher.makePipe()
        id = try ProgramLauncher.start(
            path,
            arguments: arguments,
            descriptors: [childInput, childOutput, childOutput],
            newSession: leadsGroup
        )
        input = ownInput
        output = ownOutput
    }

    deinit {
        guard status == nil else { return }
        kill(id, SIGKILL)
        ProgramLauncher.waitForEnd(of: id)
    }

    func send(_ line: String) throws {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty { rest = rest.dropFirst(try input.write(rest)) }
    }

    func interrupt() {
        kill(id, SIGINT)
    }

    /// Reads until a text has come, and gives everything up to its end.
    @discardableResult
    func expect(_ wanted: String) throws -> String {
        while true {
            if let range = text.range(of: wanted) {
                defer { text = String(text[range.upperBound...]) }
                return String(text[..<range.upperBound])
            }
            guard try readMore() else {
                throw TestFailure("the program ended without \"\(wanted)\":\n\(text)")
            }
        }
    }

    private func readMore() throws -> Bool {
        var requests = [PollRequest(output.number)]
        let wait = Self.patienceSeconds * 1000
        guard try pollDescriptors(&requests, timeoutMilliseconds: wait) else {
            throw TestFailure("nothing came within \(Self.patienceSeconds) s:\n\(text)")
        }
        guard let bytes = try output.read(maximum: 65_536) else { return true }
        text += String(decoding: bytes, as: UTF8.self)
        return !bytes.isEmpty
    }

    /// Reads everything up to the end and gives it with the exit status; nil for a signal.
    func finish() throws -> (text: String, status: Int32?) {
        while try readMore() {}
        let code = ProgramLauncher.waitForEnd(of: id)
        status = .some(code)
        return (text, code)
    }
}

/// A real gdbserver on a port of its own.
final class GDBServerProcess {
    let port: Int
    private let process: PipedProcess

    init() throws {
        process = try PipedProcess("/usr/bin/gdbserver", ["--multi", "127.0.0.1:0"])
        try process.expect("Listening on port ")
        let line = try process.expect("\n")
        guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw TestFailure("gdbserver does not say where it listens")
        }
        self.port = port
    }

    /// Starts cdb on this server.
    func cdb(_ arguments: [String]) throws -> PipedProcess {
        try Cdb.start(["-premote", "tcp:server=127.0.0.1,port=\(port)"] + arguments)
    }
}

/// The debugger as built beside the tests.
enum Cdb {
    static let path: String = {
        let own = (try? resolvedPath("/proc/self/exe")) ?? ""
        let candidates = [
            (CommandLine.arguments[0] as NSString).deletingLastPathComponent + "/cdb",
            (own as NSString).deletingLastPathComponent + "/cdb",
            FileManager.default.currentDirectoryPath + "/.build/debug/cdb",
        ]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "cdb"
    }()

    static func start(_ arguments: [String]) throws -> PipedProcess {
        try PipedProcess(path, arguments)
    }
}

/// A C program compiled once for the tests of the debugger.
enum Debuggee {
    static let folder: String = {
        var template = Array("/tmp/cdbtests-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }()

    static let path: String = {
        let path = "\(folder)/sample"
        try? source.write(toFile: path + ".c", atomically: true, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/gcc")
        compiler.arguments = ["-g", "-O0", "-pthread", "-o", path, path + ".c"]
        try? compiler.run()
        compiler.waitUntilExit()
        precondition(compiler.terminationStatus == 0, "the sample program does not compile")
        return path
    }()

    /// The number of the line that holds a text, from 1.
    static func line(_ text: String) -> Int {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        return (lines.firstIndex { $0.contains(text) } ?? -1) + 1
    }

    private static let source = """
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        struct point { int x; long y; };
        int counter;
        volatile int started;

        int add(int left, int right) {
            int sum = left + right;
            counter += sum;
            return sum;
        }

        int twice(int value) {
            int result = add(value, value);
            return result;
        }

        static void *worker(void *argument) {
            (void)argument;
            __sync_fetch_and_add(&started, 1);
            while (1) usleep(1000);
            return NULL;
        }

        int main(int argc, char **argv) {
            struct point place = {3, 4};
            const char *mode = argc > 1 ? argv[1] : "plain";
            pthread_t threads[2];
            for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, worker, NULL);
            while (started < 2) usleep(100);
            for (int i = 1; i < 4; i++) {
                counter = 0;
                twice(i);
            }
            if (!strcmp(mode, "crash")) *(volatile int *)8 = place.x;
            while (!strcmp(mode, "wait")) usleep(1000);
            return 7;
        }

        """
}
