import Foundation
import Glibc
import LinuxSystem

/// C programs compiled once for the tests of this target.
enum TestProgram {
    static let folder: String = {
        var template = Array("/tmp/remoteclient-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }()

    /// Compiles a program; the same name is compiled once.
    private static func compile(_ name: String, _ source: String) -> String {
        let path = "\(folder)/\(name)"
        try? source.write(toFile: path + ".c", atomically: true, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/gcc")
        compiler.arguments = ["-g", "-O0", "-pthread", "-o", path, path + ".c"]
        do {
            try compiler.run()
            compiler.waitUntilExit()
        } catch {
            fatalError("gcc: \(error)")
        }
        precondition(compiler.terminationStatus == 0, "the test program \(name) does not compile")
        return path
    }

    /// Three threads, a global array, a function to stop in, an exit status of 7.
    static let plain = compile(
        "plain",
        """
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        char marker[16] = "needle";
        int counter;
        int add(int left, int right) { counter += left + right; return left + right; }
        static void *worker(void *argument) { (void)argument; while (1) usleep(1000); return 0; }
        int main(int argc, char **argv) {
            if (argc > 1 && !strcmp(argv[1], "exit")) return 7;
            if (argc > 1 && !strcmp(argv[1], "abort")) abort();
            if (argc > 1 && !strcmp(argv[1], "environment")) {
                const char *value = getenv("REMOTE_TEST");
                return value && !strcmp(value, "a b") && argc == 3 && !strcmp(argv[2], "x;y#z")
                    && !getenv("HOME") ? 42 : 1;
            }
            pthread_t threads[2];
            for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, worker, 0);
            while (1) { add(1, 2); usleep(1000); }
        }
        """
    )
}

/// A real gdbserver on a port of its own.
final class RealGDBServer {
    let port: UInt16
    private let program: RunningProgram
    private let errors: OwnedDescriptor

    init() throws {
        let (read, write) = try ProgramLauncher.makePipe()
        errors = read
        program = try RunningProgram(
            "/usr/bin/gdbserver",
            ["--multi", "127.0.0.1:0"],
            standardError: write
        )
        var text = ""
        while !(text.contains("Listening on port") && text.hasSuffix("\n")) {
            guard let bytes = try read.read(maximum: 1), !bytes.isEmpty else { break }
            text += String(decoding: bytes, as: UTF8.self)
        }
        let digits = text.split(separator: " ").last.map { $0.filter(\.isNumber) } ?? ""
        guard let port = UInt16(digits) else {
            throw TestFailure("gdbserver does not say where it listens: \(text)")
        }
        self.port = port
    }
}

/// A program that runs by itself until the test is over.
///
/// Started with no signal blocked: gdbserver waits for SIGCHLD, which the threads of a test block.
final class RunningProgram {
    let id: Int32

    init(
        _ path: String,
        _ arguments: [String] = [],
        standardError: OwnedDescriptor? = nil
    ) throws {
        let null = try openFile("/dev/null", flags: O_RDWR)
        id = try ProgramLauncher.start(
            path,
            arguments: arguments,
            descriptors: [null, null, standardError ?? null],
            newSession: false
        )
    }

    /// The state letter of proc_pid_stat(5).
    var state: Character? {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(end, offsetBy: 2)]
    }

    deinit {
        kill(id, SIGKILL)
        ProgramLauncher.waitForEnd(of: id)
    }
}
