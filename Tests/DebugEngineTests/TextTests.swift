import Commands
import DebugEngine
import Testing

@Suite("Names, patterns and paths")
struct TextTests {
    @Test(
        "Module names drop the last extension and keep letters and digits",
        arguments: [
            ("/lib/x86_64-linux-gnu/libc.so.6", "libc_so"),
            ("/lib64/ld-linux-x86-64.so.2", "ld_linux_x86_64_so"),
            ("/usr/lib/libstdc++.so.6", "libstdc___so"), ("[vdso]", "linux_vdso_so"),
            ("/home/u/DisplayGreeting", "DisplayGreeting"), ("a.exe", "a"),
            ("/x/.hidden", "_hidden"),
        ]
    )
    func moduleNames(path: String, name: String) {
        #expect(Module.expressionName(ofPath: path) == name)
    }

    @Test(
        "Wildcards match as CDB's do",
        arguments: [
            ("*", "", true), ("mem*", "MemCpy", true), ("m?m*", "memcpy", true),
            ("*cpy", "memcpy", true), ("*x*", "memcpy", false), ("[m-n]em*", "memcpy", true),
            ("[abc]*", "memcpy", false), ("a*b*c", "aXbYbZc", true), ("", "a", false),
            ("[", "[", true), ("a**", "a", true),
        ]
    )
    func wildcards(pattern: String, text: String, fits: Bool) {
        #expect(WildcardPattern(pattern).matches(text) == fits)
    }

    @Test("A pattern of many stars is no trap")
    func manyStars() {
        let pattern = WildcardPattern(String(repeating: "a*", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 5000)))
    }

    @Test("Source files are looked for below each folder, the longest end of the path first")
    func sourceCandidates() {
        var paths = SearchPaths()
        paths.sources = SearchPaths.split("/src; /old ;")
        #expect(
            paths.sourceCandidates(for: "/build/app/main.c") == [
                "/src/build/app/main.c", "/src/app/main.c", "/src/main.c", "/old/build/app/main.c",
                "/old/app/main.c", "/old/main.c", "/build/app/main.c",
            ]
        )
    }

    @Test(
        "Binaries are looked for in the image path, then the symbol path, then at their own place"
    )
    func imageCandidates() {
        var paths = SearchPaths()
        paths.images = ["/img"]
        paths.symbols = ["/sym", "srv*https://example.com"]
        #expect(
            paths.imageCandidates(for: "/usr/bin/app") == [
                "/img/app", "/img/usr/bin/app", "/sym/app", "/sym/usr/bin/app", "/usr/bin/app",
            ]
        )
    }

    @Test("Dates are those of the calendar")
    func dates() {
        #expect(TimeText.date(0) == "Thu Jan 01 00:00:00 1970")
        #expect(TimeText.date(951_782_400) == "Tue Feb 29 00:00:00 2000")
        #expect(TimeText.date(-1) == "Wed Dec 31 23:59:59 1969")
        #expect(TimeText.date(4_107_542_399) == "Sun Feb 28 23:59:59 2100")
    }

    @Test("A command line splits at spaces outside quotes")
    func commandLines() {
        #expect(CommandLineText.split("a \"b c\" d\\\"e \"\"") == ["a", "b c", "d\"e", ""])
        #expect(CommandLineText.split("  ") == [])
    }
}
