import Foundation
import Glibc
import TestPrograms
import Testing

/// The session fixture as a server of its own, on a loopback port.
final class FixtureServer {
    let port: Int
    let process: pid_t
    private let output: FileHandle

    init(_ options: [String] = []) throws {
        let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = (test as NSString).deletingLastPathComponent + "/SessionFixture"
        let (child, output) = try spawn([path] + options)
        process = child
        self.output = output
        let line = String(decoding: output.availableData, as: UTF8.self)
        port = try #require(Int(line.dropFirst("port ".utf8.count).dropLast()), "\(line)")
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }
}

/// Runs a command line to its end and gives what it wrote to either output.
func shell(_ line: String) throws -> String {
    let (process, output) = try spawn(["/bin/sh", "-c", line])
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    waitpid(process, nil, 0)
    return text
}

/// Runs the stock gdb, without its start-up files or any setting, over commands.
func gdb(_ commands: [String], program: String = "") throws -> String {
    let words = commands.map { command in
        " -ex '" + command.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
    return try shell("timeout 100 gdb -nx -batch\(words.joined()) \(program) </dev/null")
}

/// A command for gdb that presses Ctrl-C as soon as the program has been set going.
let interruptWhenRunning = """
    python import threading, os, signal; gdb.events.cont.connect(lambda e: \
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start())
    """

/// The program that gdb debugs, compiled once.
enum Lab {
    static let folder: String = {
        var template = Array("/tmp/server-tests.XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary folder")
        atexit { try? FileManager.default.removeItem(atPath: Lab.folder) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    static let program: String = {
        let path = folder + "/lab"
        let isWritten = FileManager.default.createFile(
            atPath: path + ".c",
            contents: Data(source.utf8)
        )
        precondition(isWritten, "cannot write \(path).c")
        let message = try? shell("gcc -g -O0 -pthread -o \(path) \(path).c")
        precondition(message == "", "gcc: \(message ?? "")")
        return path
    }()

    private static let source = """
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        volatile long watched, handled;
        volatile unsigned char table[4] = {1, 2, 3, 4};
        double leaf(double x) {
            watched = (long)x;
            return x * 2;
        }
        double middle(double x) {
            double y = leaf(x);
            return y + 1;
        }
        static void handler(int unused) { handled++; }
        static void *worker(void *name) {
            pthread_setname_np(pthread_self(), name);
            for (;;) usleep(1000);
            return 0;
        }
        int main(int argc, char **argv) {
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, 0);
            alarm(3000);
            signal(SIGUSR1, handler);
            int rounds = argc > 1 ? atoi(argv[1]) : 3;
            pthread_t id;
            for (int i = 0; i < 19; i++) {
                char *name = malloc(16);
                snprintf(name, 16, "worker-%d", i);
                pthread_create(&id, 0, worker, name);
            }
            for (int i = 0; rounds == 0 || i < rounds; i++) {
                middle(i + 0.5);
                usleep(1000);
            }
            return argc == 3 && !strcmp(argv[2], "with space") ? 7 : 8;
        }
        """
}

/// The lab program, running by itself.
final class RunningLab {
    let id: pid_t

    init() throws {
        let output = try shell("\(Lab.program) 0 >/dev/null 2>&1 </dev/null & echo $!")
        id = try #require(pid_t(output.dropLast()))
        // Until it is up, gdb would find fewer threads.
        while status("Threads") != "20" { usleep(1000) }
    }

    func status(_ key: String) -> String? {
        let text = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix(key + ":") }
        return line?.split(separator: "\t").dropFirst().first.map { String($0) }
    }

    /// Waits until nobody traces it, and looks for what a debugger might have left.
    func expectUntouched(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let deadline = Date().addingTimeInterval(20)
        while status("TracerPid") != "0", Date() < deadline { usleep(1000) }
        #expect(status("TracerPid") == "0", sourceLocation: sourceLocation)
        let state = try #require(status("State"))
        #expect("SRD".contains(state.prefix(1)), "\(state)", sourceLocation: sourceLocation)
        #expect(try !textIsChanged(), sourceLocation: sourceLocation)
    }

    /// Whether the program's code in memory differs from its file.
    private func textIsChanged() throws -> Bool {
        let maps = try String(contentsOfFile: "/proc/\(id)/maps", encoding: .utf8)
        let line = try #require(
            maps.split(separator: "\n").first { $0.contains("r-xp") && $0.contains("/lab") }
        )
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        let offset = try #require(UInt64(fields[2], radix: 16))
        let memory = try #require(FileHandle(forReadingAtPath: "/proc/\(id)/mem"))
        let file = try #require(FileHandle(forReadingAtPath: Lab.program))
        try memory.seek(toOffset: ends[0])
        try file.seek(toOffset: offset)
        let count = Int(ends[1] - ends[0])
        return try memory.read(upToCount: count) != file.read(upToCount: count)
    }

    deinit { kill(id, SIGKILL) }
}
