import Foundation
import Testing

/// Thread-local variables, which the stock gdb has the server find.
@Suite struct ThreadLocalTests {
    private static let program = """
        #include <pthread.h>
        #include <semaphore.h>
        __thread int own = 11;
        extern int *of_library(void);
        sem_t ready;
        static void stop(void) { own++; own--; }
        static void *run(void *nothing) {
            own = 22;
            *of_library() = 44;
            sem_post(&ready);
            for (;;) pthread_testcancel();
        }
        int main(void) {
            pthread_t thread;
            sem_init(&ready, 0, 0);
            *of_library() = 33;
            pthread_create(&thread, 0, run, 0);
            sem_wait(&ready);
            stop();
            return 0;
        }
        """
    private static let library = """
        __thread int theirs = 1;
        int *of_library(void) { return &theirs; }
        """

    private func build() throws -> String {
        let path = Lab.folder + "/locals"
        try Data(Self.program.utf8).write(to: URL(fileURLWithPath: path + ".c"))
        try Data(Self.library.utf8).write(to: URL(fileURLWithPath: path + "-library.c"))
        let message = try shell(
            """
            cd \(Lab.folder) && gcc -g -shared -fPIC -o liblocals.so locals-library.c \
            && gcc -g -pthread -o locals locals.c -L. -llocals -Wl,-rpath,'$ORIGIN' 2>&1
            """
        )
        try #require(message == "", "\(message)")
        return path
    }

    @Test("gdb prints the variables of either thread, the program's and a library's")
    func bothModules() throws {
        let server = try FixtureServer()
        let program = try build()
        let output = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(program)",
                "break stop", "run", "print own", "print theirs", "thread 2", "print own",
                "print theirs", "set var own = 55", "print own", "thread 1", "print own", "kill",
            ],
            program: program
        )
        #expect(output.contains("$1 = 11\n"), "\(output)")
        #expect(output.contains("$2 = 33\n"), "\(output)")
        #expect(output.contains("$3 = 22\n"), "\(output)")
        #expect(output.contains("$4 = 44\n"), "\(output)")
        #expect(output.contains("$5 = 55\n"), "\(output)")
        #expect(output.contains("$6 = 11\n"), "\(output)")
    }

    @Test("before the C library has set the thread up, gdb is told so and goes on")
    func tooEarly() throws {
        let server = try FixtureServer()
        let program = try build()
        let output = try gdb(
            [
                "target extended-remote :\(server.port)", "set remote exec-file \(program)",
                "starti", "print own", "print 6 * 7", "kill",
            ],
            program: program
        )
        #expect(output.contains("Cannot find thread-local storage"), "\(output)")
        #expect(output.contains("= 42"), "\(output)")
    }
}
