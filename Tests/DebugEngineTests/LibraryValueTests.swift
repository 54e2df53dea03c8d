import Foundation
import Testing

@Suite("Values of library types")
struct LibraryValueTests {
    private static let source = #"""
        #include <array>
        #include <atomic>
        #include <cstring>
        #include <deque>
        #include <forward_list>
        #include <list>
        #include <map>
        #include <memory>
        #include <optional>
        #include <queue>
        #include <set>
        #include <string>
        #include <string_view>
        #include <tuple>
        #include <unordered_map>
        #include <unordered_set>
        #include <variant>
        #include <vector>
        struct Pt { int x, y; };
        volatile int sink;
        void stop() { sink = sink + 1; }
        int main()
        {
            std::string s = "hello \"you\"", long_one(100, 'x'), empty;
            std::string_view sv = s;
            std::wstring ws = L"wide";
            std::vector<int> v{1, 2, 3}, ve;
            std::vector<bool> vb{true, false, true};
            std::vector<std::string> vs{"a", "bb"};
            std::vector<Pt> vp{{1, 2}, {3, 4}};
            std::array<short, 3> ar{1, 2, 3};
            std::map<std::string, int> m{{"one", 1}, {"two", 2}, {"six", 6}};
            std::map<int, double> mi{{2, 2.5}, {1, 1.5}};
            std::multimap<int, char> mm{{1, 'a'}, {1, 'b'}};
            std::set<int> st{3, 1, 2};
            std::unordered_map<int, std::string> um{{5, "five"}};
            std::unordered_set<std::string> us{"q"};
            std::list<int> li{1, 2};
            std::forward_list<int> fl{4, 5};
            std::deque<int> dq;
            for (int i = 0; i < 300; i++) dq.push_back(i);
            dq.pop_front();
            std::optional<int> o1 = 5, o2;
            std::optional<std::string> os = "opt";
            std::variant<int, std::string, double> va = "vv";
            std::pair<int, std::string> pr{1, "p"};
            std::tuple<int, double, std::string> tu{1, 2.5, "t"};
            auto up = std::make_unique<Pt>(Pt{7, 8});
            std::unique_ptr<int> ue;
            auto sp = std::make_shared<int>(8);
            auto sp2 = sp;
            std::weak_ptr<int> wp = sp;
            std::queue<int> qu;
            qu.push(3);
            std::atomic<int> at{3};
            std::vector<int> damaged{1, 2, 3};
            std::map<int, int> loop{{1, 1}, {2, 2}, {3, 3}};
            std::list<int> endless{1, 2};
        #ifdef __GLIBCXX__
            long saved[8];
            memcpy(saved, &damaged, sizeof damaged);
            ((unsigned long *)&damaged)[1] = 0x7fffffffffff0000 >> (64 - 8 * sizeof(long));
            long *node = (long *)(((long *)&loop)[2]);
            long left = node[2];
            node[2] = (long)node;
            ((long *)&endless)[2] = 1L << (sizeof(long) == 8 ? 50 : 30);
            stop();
            memcpy(&damaged, saved, sizeof damaged);
            node[2] = left;
            ((long *)&endless)[2] = 2;
        #else
            stop();
        #endif
            return 0;
        }
        """#

    /// Each container in a line of `dv`, its elements by `dx`.
    private func check(_ flags: [String], compiler: String = "g++") throws {
        let session = try LanguageSession(
            Self.source,
            suffix: "cpp",
            [compiler, "-g", "-O0", "-std=c++20", "-w"] + flags
        )
        let values = try session.run("dv")
        let isOurs = compiler == "g++"
        func expectLine(_ name: String, _ value: String) {
            let line =
                String(repeating: " ", count: max(0, 19 - name.count)) + "\(name) = \(value)\n"
            #expect(values.contains(line), "\(name): \(values)")
        }
        let lines: [(String, String)] = [
            ("s", "\"hello \\\"you\\\"\""), ("empty", "\"\""), ("sv", "\"hello \\\"you\\\"\""),
            ("ws", "\"wide\""),
            ("v", "{ size=3 }"), ("ve", "{ size=0 }"), ("vb", "{ size=3 }"), ("ar", "{ size=3 }"),
            ("m", "{ size=3 }"), ("st", "{ size=3 }"), ("um", "{ size=1 }"), ("li", "{ size=2 }"),
            ("fl", "{ size=2 }"), ("dq", "{ size=299 }"), ("o1", "0n5"), ("o2", "nullopt"),
            ("os", "\"opt\""),
            ("va", "{ index=1 } \"vv\""), ("pr", "(0n1, \"p\")"), ("tu", "(0n1, 2.5, \"t\")"),
            ("ue", "empty"),
            ("qu", "{ size=1 }"), ("at", "0n3"),
        ]
        // Wide strings and elements of strings are known of libstdc++ only.
        for (name, value) in lines where isOurs || name != "ws" { expectLine(name, value) }
        #expect(values.contains("long_one = \"xxx"))
        #expect(values.contains(/sp = 0x[0-9a-f`]+ \[2 strong, 1 weak\]/))
        let elements: [(String, [String])] = [
            ("dx v", ["[0] : 1 [Type: int]", "[2] : 3 [Type: int]", "[Type: std::vector<int>]"]),
            ("dx vb", ["[0] : true", "[1] : false", "[2] : true"]),
            ("dx vs", ["[1] : \"bb\" [Type: std::string]"]),
            ("dx -r2 vp", ["[1] [Type: struct Pt]", "y : 4 [Type: int]"]),
            ("dx m", ["[\"one\"] : 1", "[\"six\"] : 6", "[\"two\"] : 2"]),
            ("dx mi", ["[1] : 1.5", "[2] : 2.5"]), ("dx mm", ["[1] : 97 'a'", "[1] : 98 'b'"]),
            ("dx st", ["[0] : 1", "[1] : 2", "[2] : 3"]), ("dx um", ["[5] : \"five\""]),
            ("dx us", ["[0] : \"q\""]),
            ("dx li", ["[0] : 1", "[1] : 2"]), ("dx fl", ["[0] : 4", "[1] : 5"]),
            ("dx -c 0n200 dq", ["[0] : 1 ", "[127] : 128 ", "[199] : 200 "]),
            ("dx up", ["* [Type: struct Pt]"]), ("dx *up", ["x : 7", "y : 8"]),
            ("dx sp", ["* : 8 [Type: int]"]),
            ("?? up->y + *sp", ["int 0n16"]), ("?? v[1] + ar[2]", ["int 0n5"]),
            ("?? s[1]", ["char 101 'e'"]),
            ("?? sizeof(std::string)", ["unsigned long 0x"]), ("dx -n pr", ["first", "second"]),
        ]
        for (command, wanted) in elements where isOurs || command != "?? s[1]" {
            let text = try session.run(command).replacing(#/ +/#, with: " ")
            for piece in wanted where isOurs || !piece.contains("Type: std::") {
                #expect(text.contains(piece), "\(command): \(text)")
            }
        }
        guard isOurs else { return }
        // What is damaged is said, and nothing is read without end.
        #expect(try session.run("dx damaged").count < 20_000)
        #expect(try session.run("dx loop").contains("<damaged>"))
        #expect(try session.run("dx endless").count < 20_000)
    }

    @Test("libstdc++'s containers, strings and smart pointers")
    func standard() throws { try check([]) }

    @Test(
        "libc++'s containers, strings and smart pointers",
        .enabled(if: Tools.path(of: "clang++") != nil, "clang++ is not on the path")
    )
    func otherLibrary() throws { try check(["-stdlib=libc++"], compiler: "clang++") }

    @Test("libstdc++'s strings and lists by the ABI before C++11, and DWARF 4")
    func oldABI() throws {
        let source = """
            #include <string>
            #include <list>
            volatile int sink;
            void stop() { sink = sink + 1; }
            int main() {
                std::string s = "old", empty;
                std::list<int> li; li.push_back(1); li.push_back(2);
                stop();
                return 0;
            }
            """
        let session = try LanguageSession(
            source,
            suffix: "cpp",
            ["g++", "-g", "-gdwarf-4", "-D_GLIBCXX_USE_CXX11_ABI=0", "-w"]
        )
        try session.check([
            ("?? s", "std::string \"old\""), ("?? empty", "std::string \"\""),
            ("dv li", "                 li = { size=2 }"),
        ])
    }

    @Test(
        "Rust's own types",
        .enabled(if: Tools.path(of: "rustc") != nil, "rustc is not on the path")
    )
    func rust() throws {
        let source = """
            #[inline(never)] #[no_mangle] pub extern "C" fn stop() { std::hint::black_box(1); }
            struct Point { x: i32, y: i32 }
            enum Shape { Empty, Circle(f64), Rect { w: i32, h: i32 } }
            fn main() {
                let v = vec![1, 2, 3];
                let s = String::from("hello");
                let t: &str = "text";
                let some = Some(5i32);
                let none: Option<i32> = None;
                let boxed = Box::new(7i32);
                let circle = Shape::Circle(1.5);
                let rect = Shape::Rect { w: 1, h: 2 };
                let nothing = Shape::Empty;
                let point = Point { x: 1, y: 2 };
                let slice = &v[1..];
                stop();
                println!("{:?}{}{}{:?}{:?}{}{}{:?}", v, s, t, some, none, boxed, point.x + point.y, slice);
                match circle { Shape::Circle(_) => (), _ => () }
                match rect { Shape::Rect { w, h } => println!("{}", w + h), _ => () }
                match nothing { Shape::Empty => (), _ => () }
            }
            """
        let session = try LanguageSession(
            source,
            suffix: "rs",
            ["rustc", "-g", "-C", "opt-level=0"]
        )
        let values = try session.run("dv")
        for wanted in [
            " v = { size=3 }", " s = \"hello\"", " t = \"text\"", "some = Some(0n5)", "none = None",
            "circle = Circle(1.5)", "rect = Rect { w: 0n1, h: 0n2 }", "nothing = Empty",
        ] {
            #expect(values.contains(wanted), "\(wanted): \(values)")
        }
        #expect(try session.run("dx v").contains(": 2 [Type: i32]"))
    }

    @Test(
        "Swift's String, Array and Optional",
        .enabled(if: Tools.path(of: "swiftc") != nil, "swiftc is not on the path")
    )
    func swift() throws {
        let source = """
            @inline(never) func stop() { print("") }
            @inline(never) func work(_ number: Int) {
                let s = "short"
                let long = String(repeating: "y", count: 40)
                let array = [number, 2, 3]
                let texts = ["a", "bb"]
                let some: Int? = number
                let none: Int? = nil
                stop()
                print(s, long, array, texts, some as Any, none as Any)
            }
            work(1)
            """
        let session = try LanguageSession(
            source,
            suffix: "swift",
            ["swiftc", "-g", "-Onone"],
            at: "program.stop"
        )
        let values = try session.run("dv")
        for wanted in [" s = \"short\"", "long = \"yyyy", "array = { size=3 }", "number = 0n1"] {
            #expect(values.contains(wanted), "\(wanted): \(values)")
        }
        #expect(try session.run("dx array").contains(": 2 [Type: Swift.Int]"))
        #expect(try session.run("dx texts").contains(": \"bb\" [Type: Swift.String]"))
    }
}
