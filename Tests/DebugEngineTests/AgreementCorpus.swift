/// Programs on whose stacks and variables gdb and cdb are to agree. Each calls `stop_here` from wherever it is
/// interesting: both debuggers stop there.
enum AgreementCorpus {
    /// Recursion, alloca, a callback out of libc, a signal handler, longjmp, a leaf without a frame.
    static let c = #"""
        #include <alloca.h>
        #include <setjmp.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        struct point { int x; short y; unsigned char flags : 3, kind : 5; };
        enum colour { RED, GREEN = 5, BLUE = -2 };
        union either { int number; float real; };

        static volatile long sink;
        static jmp_buf place;
        int counter = 7;
        const char *title = "agreement";

        __attribute__((noinline)) void stop_here(int number) { sink += number; }

        static inline __attribute__((always_inline)) int scaled(int value, int factor)
        {
            int product = value * factor;
            stop_here(product);
            return product + 1;
        }

        static inline __attribute__((always_inline)) int outer(int value)
        {
            int sum = scaled(value, 3) + scaled(value + 1, 5);
            sink += sum;
            return sum;
        }

        __attribute__((noinline)) long leaf(long value, const char *text)
        {
            long length = (long)strlen(text);
            sink += length;
            return value * 2 + length;
        }

        __attribute__((noinline)) int compare(const void *left, const void *right)
        {
            int first = *(const int *)left, second = *(const int *)right;
            if (first == 2 && second == 3) stop_here(first);
            return (first > second) - (first < second);
        }

        __attribute__((noinline)) int recurse(int depth, unsigned char *buffer, double factor)
        {
            struct point local = { depth, depth * 2, 5, 9 };
            int table[4] = { 4, 2, 3, depth };
            enum colour colour = depth & 1 ? GREEN : BLUE;
            union either either = { .real = 1.5f };
            unsigned char *room = alloca(16 + depth);
            memset(room, depth, 16 + depth);
            if (depth == 0) {
                qsort(table, 4, sizeof table[0], compare);
                stop_here(table[0]);
                return (int)leaf(local.x + table[1] + colour + either.number, title);
            }
            int result = recurse(depth - 1, room, factor + 0.25) + outer(depth);
            sink += buffer[0] + local.y + local.kind;
            return result + room[0];
        }

        __attribute__((noinline)) void handler(int number)
        {
            int doubled = number * 2;
            stop_here(doubled);
            sink += doubled;
        }

        __attribute__((noinline)) void jumper(int depth)
        {
            int here = depth * 3;
            sink += here;
            if (depth == 0) {
                stop_here(here);
                longjmp(place, 42);
            }
            jumper(depth - 1);
            sink += here;
        }

        __attribute__((noinline)) long many(int a, long b, char c, unsigned short d, float e, double f,
                                            const char *g, struct point h, long i, long j)
        {
            long total = a + b + c + d + (long)e + (long)f + g[0] + h.x + i + j;
            stop_here((int)total);
            return total + sink;
        }

        int main(int argc, char **argv)
        {
            unsigned char buffer[64] = { 1 };
            struct point corner = { 3, -4, 1, 2 };
            signal(SIGUSR1, handler);
            int result = recurse(argc + 3, buffer, 0.5);
            raise(SIGUSR1);
            int code = setjmp(place);
            if (code == 0) jumper(2);
            result += outer(argc) + code;
            result += (int)many(1, -2, 'c', 65535, 1.25f, -2.5, "text", corner, 9, 10);
            for (int i = 0; i < argc + 1; i++) {
                long square = (long)i * i;
                stop_here((int)square);
                sink += square;
            }
            printf("%d %d\n", result, counter);
            return argv[0] == 0;
        }
        """#

    /// Templates, lambdas, exceptions, virtual functions, algorithms that call back.
    static let cPlusPlus = #"""
        #include <algorithm>
        #include <cstdio>
        #include <functional>
        #include <memory>
        #include <stdexcept>
        #include <string>
        #include <vector>

        static volatile long sink;
        __attribute__((noinline)) void stop_here(int number) { sink = sink + number; }

        namespace shapes {
        enum class Mode : unsigned char { Off, On };
        struct Shape {
            int sides;
            explicit Shape(int count) : sides(count) {}
            virtual ~Shape() { stop_here(sides); }
            virtual double area(double scale) const = 0;
        };
        struct Square : Shape {
            double side;
            explicit Square(double length) : Shape(4), side(length) {}
            double area(double scale) const override
            {
                double result = side * side * scale;
                stop_here((int)result);
                return result;
            }
        };
        template <typename T, int Size> struct Ring {
            T items[Size];
            int next = 0;
            __attribute__((noinline)) void push(T item)
            {
                items[next] = item;
                next = (next + 1) % Size;
                if (next == 0) stop_here(Size);
            }
        };
        } // namespace shapes

        namespace {
        template <typename Function> __attribute__((noinline)) int apply(Function function, int value)
        {
            int result = function(value) + function(value + 1);
            sink = sink + result;
            return result;
        }
        __attribute__((noinline)) int thrower(int value)
        {
            struct Guard {
                int level;
                ~Guard() { stop_here(level); }
            } guard{value};
            if (value > 2) throw std::runtime_error("too large");
            return value;
        }
        inline int clamp(int value, int low, int high)
        {
            int bounded = value < low ? low : value > high ? high : value;
            stop_here(bounded);
            return bounded;
        }
        } // namespace

        int main(int argc, char **)
        {
            std::vector<int> numbers{5, 1, 4, 2, 3};
            shapes::Mode mode = argc > 1 ? shapes::Mode::Off : shapes::Mode::On;
            std::unique_ptr<shapes::Shape> shape = std::make_unique<shapes::Square>(1.5);
            shapes::Ring<short, 3> ring{};
            int total = 0;
            bool caught = false;
            auto add = [&total, argc](int extra) {
                int sum = argc + extra;
                total += sum;
                stop_here(sum);
                return sum;
            };
            for (short i = 0; i < 4; i++) ring.push(i);
            total += apply(add, 10);
            std::function<int(int)> erased = add;
            total += erased(3);
            std::sort(numbers.begin(), numbers.end(), [](int left, int right) {
                if (left == 5 && right == 1) stop_here(left);
                return left < right;
            });
            double area = shape->area(2.0);
            try {
                total += thrower(argc) + thrower(argc + 2);
            } catch (const std::exception &error) {
                caught = true;
                stop_here((int)error.what()[0]);
            }
            total += clamp(total, 0, 100) + (int)area + (int)mode + caught + numbers[0];
            shape.reset();
            std::printf("%d\n", total);
            return 0;
        }
        """#
}
