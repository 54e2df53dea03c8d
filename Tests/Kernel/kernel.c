// A kernel that does next to nothing, for debuggers to look at: it counts, and it has a list of modules as Linux has.
typedef unsigned long u64;

struct list_head { struct list_head *next, *prev; };
struct module_layout { void *base; unsigned int size; };
struct module {
    int state;
    struct list_head list;
    char name[56];
    struct module_layout core_layout;
};

const char linux_banner[] = "Linux version 6.1.0-tiny (tests) #1";
volatile u64 jiffies;
static struct module first = {.name = "e1000", .core_layout = {(void *)0xffffffffa0000000, 0x4000}};
static struct module second = {.name = "usb_core", .core_layout = {(void *)0xffffffffa0010000, 0x8000}};
struct list_head modules = {&first.list, &second.list};

struct task { int pid; const char *comm; };

static __attribute__((noinline)) int tick(struct task *task, int step) {
    jiffies += step;
    return task->pid + step;
}

static __attribute__((noinline)) int schedule(struct task *task) {
    int result = 0;
    for (int step = 1; step < 4; step++) result += tick(task, step);
    return result;
}

/// The port that QEMU's debug console listens on.
static void say(const char *text) {
    for (; *text; text++) __asm__ volatile("outb %0, $0xe9" : : "a"(*text));
}

void kernel_main(void) {
    struct task idle = {0, "swapper/0"};
    first.list = (struct list_head){&second.list, &modules};
    second.list = (struct list_head){&modules, &first.list};
    say("kernel is up\n");
    for (;;) {
        schedule(&idle);
        for (volatile int pause = 0; pause < 1000; pause++) {}
    }
}
