/// Programs that tests compile.
enum Samples {
    /// Recursion, inlining, a signal handler, calls through the linkage table, a tail call, alloca.
    static let deep = #"""
        #include <alloca.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        struct point { int x; int y; };
        enum colour { RED, GREEN = 5, BLUE };
        typedef struct node { struct node *next; const char *name; double weight; } node_t;

        static volatile int sink;
        int counter = 7;
        static struct point origin = { 1, -2 };

        __attribute__((noinline)) int leaf(int value, const char *text)
        {
            sink += value;
            return value + (int)strlen(text);
        }

        static inline __attribute__((always_inline)) int inner(int a)
        {
            int doubled = a * 2;
            sink += doubled;
            return doubled + 1;
        }

        static inline __attribute__((always_inline)) int outer(int b)
        {
            int sum = inner(b) + inner(b + 1);
            sink += sum;
            return sum;
        }

        __attribute__((noinline)) int compare(const void *left, const void *right)
        {
            int a = *(const int *)left, b = *(const int *)right;
            sink += a;
            return (a > b) - (a < b);
        }

        __attribute__((noinline)) int recurse(int depth, unsigned char *buffer, double factor)
        {
            struct point local = { depth, depth * 2 };
            int table[4] = { depth, 2, 3, 4 };
            enum colour colour = depth & 1 ? GREEN : BLUE;
            node_t node = { 0, "node", factor * 1.5 };
            unsigned char *room = alloca(16 + depth);
            memset(room, depth, 16 + depth);
            if (depth == 0) {
                qsort(table, 4, sizeof table[0], compare);
                raise(SIGUSR1);
                return leaf(local.x + table[1] + (int)colour + (int)node.weight, node.name);
            }
            int result = recurse(depth - 1, room, factor + 0.25) + outer(depth);
            sink += buffer[0] + local.y;
            return result + room[0];
        }

        __attribute__((noinline)) void handler(int number)
        {
            sink += number + leaf(number, "signal");
        }

        int main(int argc, char **argv)
        {
            unsigned char buffer[64] = { 1 };
            signal(SIGUSR1, handler);
            int result = recurse(argc + 3, buffer, 0.5);
            result += outer(argc);
            printf("%d %d %d\n", result, counter, origin.y);
            return argv[0] == 0;
        }
        """#

    /// Names that need demangling, templates, overloads, members, lambdas, exceptions.
    static let shapes = #"""
        #include <cstdio>
        #include <stdexcept>
        #include <string>
        #include <vector>

        namespace geometry {
        struct Base {
            int tag = 3;
            virtual ~Base() = default;
            virtual double area() const { return 0; }
        };
        class Square : public Base {
        public:
            explicit Square(double side) : side_(side) {}
            double area() const override { return side_ * side_; }
            bool operator<(const Square &other) const { return side_ < other.side_; }
            static int made;
        private:
            double side_;
            unsigned flags_ : 3 = 5;
            int signed_ : 5 = -3;
        };
        int Square::made = 11;
        enum class Mode : unsigned char { Off = 0, On = 1 };

        template <typename T> __attribute__((noinline)) T largest(const std::vector<T> &all)
        {
            T best = all[0];
            for (const T &each : all)
                if (best < each) best = each;
            return best;
        }
        namespace {
        __attribute__((noinline)) int hidden(int value) { return value + 1; }
        }
        __attribute__((noinline)) int twice(int value) { return hidden(value) * 2; }
        __attribute__((noinline)) double twice(double value) { return value * 2; }
        } // namespace geometry

        __attribute__((noinline)) int thrower(int value)
        {
            if (value > 2) throw std::runtime_error("too large");
            return value;
        }

        int main(int argc, char **argv)
        {
            std::vector<int> numbers{1, 5, 3};
            std::string title = "shapes";
            geometry::Square square(1.5);
            geometry::Base &base = square;
            geometry::Mode mode = geometry::Mode::On;
            auto add = [&](int extra) { return argc + extra; };
            int total = geometry::largest(numbers) + geometry::twice(argc) + add(2);
            double area = base.area() + geometry::twice(0.5) + (square < square);
            try { total += thrower(argc + 2); } catch (const std::exception &error) { total--; }
            std::printf("%d %f %s %d %d\n", total, area, title.c_str(), (int)mode,
                        geometry::Square::made);
            return argv[0] == nullptr;
        }
        """#

    /// One variable of each kind that C has.
    static let values = #"""
        #include <stdbool.h>
        #include <stddef.h>
        struct point { int x; int y; };
        enum colour { RED, GREEN = 5, BLUE };
        enum below { MINUS = -3, ZERO = 0 };
        union either { int number; char letters[4]; };
        struct packed { unsigned three : 3; int five : 5; unsigned nine : 9; char letter; };
        volatile int touched;

        __attribute__((noinline)) void stop(void) { touched++; }
        int function(int a, const char *b, ...) { return a; }

        int main(int argc, char **argv)
        {
            int negative = -5;
            size_t count = 0x344;
            char letter = 'b';
            char newline = '\n';
            unsigned char byte = 0xe9;
            _Bool truth = true;
            float ratio = 0.25f;
            double exact = -1.5e100;
            long double wide = 2.5L;
            __int128 huge = (__int128)1 << 127;
            enum colour colour = GREEN;
            enum colour strange = (enum colour)77;
            enum below below = MINUS;
            int *nothing = NULL;
            const char *name = "hello \"you\"\n";
            char *wild = (char *)16;
            char buffer[16] = "short";
            struct point point = { 1, -2 };
            int (*handler)(int, const char *, ...) = function;
            short matrix[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
            int table[2][4] = { { 0 } };
            int (*rows)[4] = table;
            char *const constant = buffer;
            const void *anything = &point;
            struct packed packed = { 5, -3, 511, 'x' };
            union either either = { 65 };
            struct { int only; } anonymous = { 4 };
            int variable[argc + 2];
            for (int i = 0; i < argc + 2; i++) variable[i] = 7 + i;
            {
                int inner = 3;
                static int global_in_block = 12;
                stop();
                touched += inner + global_in_block;
            }
            return negative + (int)count + variable[0] + handler(anonymous.only, name) + rows[0][0]
                + letter + newline + byte + truth + (int)(ratio + exact + wide + huge) + colour
                + strange + below + (nothing == wild) + point.x + matrix[0][0] + constant[0]
                + (anything == argv) + packed.three + either.number;
        }
        """#
}

extension Samples {
    /// DWARF whose types and origins lead back to themselves, and whose expressions loop.
    static let circles = #"""
                .text
                .globl  main
                .type   main, @function
        main:   .cfi_startproc
                nop
                nop
                ret
                .cfi_endproc
        .Lend:  .size   main, .-main

                .section .debug_abbrev, "", @progbits
        .Labbrev:
                # code, tag, children, (attribute, form)…, 0, 0
                .byte 1, 0x11, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0  # unit: name low high
                .byte 2, 0x16, 0, 0x03, 0x08, 0x49, 0x13, 0, 0              # typedef: name type
                .byte 3, 0x13, 1, 0x03, 0x08, 0x0b, 0x0b, 0, 0              # struct: name size
                .byte 4, 0x0d, 0, 0x03, 0x08, 0x49, 0x13, 0x38, 0x0b, 0, 0  # member: name type offset
                .byte 5, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0x40, 0x18, 0, 0  # function
                .byte 6, 0x34, 0, 0x03, 0x08, 0x49, 0x13, 0x02, 0x18, 0, 0  # variable: name type location
                .byte 7, 0x01, 1, 0x49, 0x13, 0, 0                          # array: type
                .byte 8, 0x21, 0, 0x2f, 0x0b, 0, 0                          # subrange: upper bound
                .byte 9, 0x15, 1, 0x49, 0x13, 0, 0                          # function type: type
                .byte 10, 0x05, 0, 0x49, 0x13, 0, 0                         # parameter: type
                .byte 11, 0x1d, 1, 0x31, 0x13, 0x11, 0x01, 0x12, 0x07, 0, 0 # inlined: origin low high
                .byte 12, 0x10, 0, 0x49, 0x13, 0, 0                         # reference: type
                .byte 0

                .section .debug_info, "", @progbits
        .Linfo: .long   .Linfoend - .Lversion
        .Lversion:
                .short  4
                .long   .Labbrev
                .byte   8
                .byte   1                               # the unit
                .string "circles.c"
                .quad   main
                .quad   .Lend - main
        .Ltypedef:
                .byte   2
                .string "again"
                .long   .Ltypedef - .Linfo
        .Lstruct:
                .byte   3
                .string "nest"
                .byte   8
                .rept   40
                .byte   4
                .string "m"
                .long   .Lstruct - .Linfo
                .byte   0
                .endr
                .byte   0
        .Larray:
                .byte   7
                .long   .Larray - .Linfo
                .byte   8, 255
                .byte   0
        .Lfunction:
                .byte   9
                .long   .Lfunction - .Linfo
                .rept   40
                .byte   10
                .long   .Lfunction - .Linfo
                .endr
                .byte   0
        .Lreference:
                .byte   12
                .long   .Lreference - .Linfo
                .byte   5                               # main
                .string "main"
                .quad   main
                .quad   .Lend - main
                .byte   2, 0x91, 0                      # a frame base relative to itself
                .irp    type, .Ltypedef, .Lstruct, .Larray, .Lfunction, .Lreference
                .byte   6
                .string "v\type"
                .long   \type - .Linfo
                .byte   1, 0x9c                         # the canonical frame address
                .endr
                .byte   6
                .string "forever"
                .long   .Lstruct - .Linfo
                .byte   4, 0x30, 0x2f, 0xfc, 0xff       # lit0, skip -4
                .byte   6
                .string "based"
                .long   .Lstruct - .Linfo
                .byte   2, 0x91, 0                      # relative to the frame base
        .Linlined:
                .byte   11
                .long   .Linlined - .Linfo
                .quad   main
                .quad   .Lend - main
                .byte   0
                .byte   0
                .byte   0
        .Linfoend:
                .section .note.GNU-stack, "", @progbits
        """#
}
