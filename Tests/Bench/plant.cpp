// What `make bench-session` debugs: ten threads, C++ values, and a function that is called often.
//
//     plant
//
// It runs until it is killed. Ten threads wait for their turns; one of them at a time walks through `shift`.
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct Valve {
    int number;
    double bar;
    bool open;
    std::string name;
};

// A debugger sets `wanted` for its breakpoint's condition.
volatile long calls = 0;
volatile long wanted = -1;
char page[4096];

static long tick(long round) {
    calls = calls + 1;
    return calls + round;
}

static double settle(Valve &valve, std::vector<int> &readings, int round) {
    int sum = 0;
    for (int reading : readings) sum += reading;
    double mean = sum / 8.0;
    valve.bar = mean + round;
    valve.open = round % 2 == 0;
    readings[round % 8] = round;
    return valve.bar;
}

static long shift(int number, int round) {
    Valve valve{number, 1.5, false, "inlet"};
    std::vector<int> readings{1, 2, 3, 5, 8, 13, 21, 34};
    long total = 0;
    for (int step = 0; step < 3; step++) {
        double bar = settle(valve, readings, round + step);
        total += (long)bar;
        total += step;
    }
    for (int call = 0; call < 40; call++) total += tick(round);
    page[round % 4096] = (char)total;
    return total;
}

static std::mutex turn;

static void work(int number) {
    for (int round = 0;; round++) {
        {
            std::lock_guard<std::mutex> guard(turn);
            shift(number, round);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

int main() {
    for (int index = 0; index < 4096; index++) page[index] = (char)(index * 7);
    std::vector<std::thread> threads;
    for (int number = 1; number < 10; number++) threads.emplace_back(work, number);
    work(0);
}
