import Testing

@testable import Symbols

@Suite("Names")
struct NameTests {
    @Test(
        "parameters and return types are left out of a demangled name",
        arguments: [
            ("main", "main"),
            ("foo(int)", "foo"),
            ("ns::Class<int, char>::method(char const*) const", "ns::Class<int, char>::method"),
            ("int ns::twice<int>(int)", "ns::twice<int>"),
            ("(anonymous namespace)::hidden(int)", "(anonymous namespace)::hidden"),
            ("ns::(anonymous namespace)::hidden()", "ns::(anonymous namespace)::hidden"),
            ("A::operator()(int) const", "A::operator()"),
            ("main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"),
            ("A::operator<(A const&) const", "A::operator<"),
            ("bool operator<< <char>(std::ostream&, char)", "operator<< <char>"),
            ("A::operator->() const", "A::operator->"),
            ("A::operator bool() const", "A::operator bool"),
            ("A::operator std::vector<int>() const", "A::operator std::vector<int>"),
            ("operator new(unsigned long)", "operator new"),
            ("f(int)::counter", "f(int)::counter"),
            ("vtable for geometry::Base", "vtable for geometry::Base"),
            ("foo(int) [clone .cold]", "foo"),
            ("decltype(auto) apply<int (&)(int)>(int (&)(int))", "apply<int (&)(int)>"),
            ("std::enable_if<(1 > 0), int>::type pick<3>(void (*)(int))", "pick<3>"),
            ("f(void (*)(int))", "f"),
        ]
    )
    func withoutParameters(full: String, short: String) {
        #expect(Demangler.withoutParameters(full) == short)
    }

    @Test("names of C++, Rust and Swift are demangled, others are not")
    func demangle() {
        #expect(Demangler.demangle("_ZN8geometry5twiceEi") == "geometry::twice(int)")
        #expect(
            Demangler.demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE")
                == "core::fmt::Formatter::pad"
        )
        #expect(
            Demangler.demangle(
                "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE"
            )
                == "<alloc::string::String as core::fmt::Debug>::fmt"
        )
        #expect(Demangler.demangle("$s4main5helloyyF") == "main.hello() -> ()")
        #expect(Demangler.demangle("main") == nil)
        #expect(Demangler.demangle("_Zwrong") == nil)
        #expect(Demangler.demangle("_Z" + String(repeating: "P", count: 100_000) + "i") == nil)
    }

    @Test("a short name that means gigabytes stays as it is")
    func explodingName() {
        func number(_ index: Int) -> String {
            index == 0 ? "S_" : "S\(String(index - 1, radix: 36, uppercase: true))_"
        }
        let levels = (3..<40).map { "\(number(1))I\(number($0 - 1))\(number($0 - 1))E" }
        let bomb = "_Z1f1A1BIS_S_E" + levels.joined()
        #expect(bomb.utf8.count < 600)
        #expect(Demangler.demangle(bomb) == nil)
        #expect(
            Demangler.demangle("_Z1f1A1BIS_S_E" + levels[0])
                == "f(A, B<A, A>, B<B<A, A>, B<A, A> >)"
        )
        #expect(Demangler.demangle("_Z1f" + String(repeating: "DpT_", count: 50)) == nil)
    }

    @Test(
        "wildcards",
        arguments: [
            ("*", "", true), ("*", "anything", true), ("a*", "Abc", true), ("a?c", "abc", true),
            ("a?c", "ac", false), ("*c", "abcbc", true), ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXcXb", false), ("", "", true), ("", "a", false), ("**?**", "x", true),
            ("ns::*", "ns::f", true), ("exact", "exactly", false),
        ]
    )
    func wildcards(pattern: String, name: String, matches: Bool) {
        #expect(Glob(pattern).matches(name.utf8) == matches)
    }

    @Test("a pattern of many stars does not take for ever")
    func manyStars() {
        let pattern = Glob(String(repeating: "a*", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 20_000).utf8))
    }
}
