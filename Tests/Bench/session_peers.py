"""The debuggers of `Tests/Bench/sessions`: how each is started, told what to do, and when it has done it."""
import os
import re
import select
import signal
import subprocess
import time

LIMIT = 240


class Failure(Exception):
    pass


class Debugger:
    """A debugger on pipes, which is given one command at a time."""

    quit_command = "quit"
    # Commands after which it is over when the program has stopped, not when the prompt comes back.
    stop_words = None

    def __init__(self, arguments, log):
        self.log = open(log, "wb")
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.text = b""
        self.count = 0

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, pattern, start, limit=LIMIT):
        deadline = time.monotonic() + limit
        while not re.search(pattern, self.text[start:]):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                tail = self.text[-500:].decode(errors="replace")
                raise Failure(f"waited in vain for {pattern!r}: {tail}")
            self.text += data
            self.log.write(data)
            self.log.flush()

    def marker(self):
        self.count += 1
        return self.mark(f"DONE{self.count}N")

    def command(self, line, stops=False):
        """Seconds until it is done."""
        begun = time.monotonic()
        start = len(self.text)
        self.send(line)
        if stops and self.stop_words:
            self.wait_for(self.stop_words, start)
        self.marker()
        return time.monotonic() - begun

    def interrupt(self, line):
        """Sets the program going, lets it run, and interrupts it: seconds from the interrupt on."""
        start = len(self.text)
        self.send(line)
        time.sleep(0.5)
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        if self.stop_words:
            self.wait_for(self.stop_words, start)
        self.marker()
        return time.monotonic() - begun

    def finish(self):
        self.send(self.quit_command)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        return time.monotonic() - self.begun


class GDB(Debugger):
    def __init__(self, log, program):
        super().__init__(["gdb", "-nx", "-q", program], log)
        for line in ["set pagination off", "set confirm off", "set sysroot /", "set debuginfod enabled off",
                     "set width 0"]:
            self.send(line)
        self.marker()

    def mark(self, name):
        # Only the answer has it in one piece: gdb does not echo what comes by a pipe.
        start = len(self.text)
        self.send(f'echo {name[:4]}\\\n{name[4:]}\\n')
        self.wait_for(name.encode(), max(0, start - 200))

    def script(self, connect, dump):
        return [
            ("attach", connect),
            ("stack", ["bt"]),
            ("stacks of all threads", ["thread apply all bt"]),
            ("to a breakpoint", ["tbreak shift", "continue"]),
            ("20 steps", ["step"] * 20),
            ("locals of three frames", ["tbreak settle", "continue", "info locals", "up", "info locals", "up",
                                        "info locals", "down", "down"]),
            ("structure and vector", ["print valve", "print readings"]),
            ("condition false 100 times", ["set var wanted = calls + 101", "break tick if calls == wanted",
                                           "continue", "print calls == wanted", "delete"]),
            ("4 KiB of memory", [f"dump binary memory {dump} &page[0] &page[4096]"]),
            ("interrupt", "continue"),
            ("detach", ["detach"]),
        ]


class LLDB(Debugger):
    stop_words = rb"stop reason = "

    def __init__(self, log, program, packets=None):
        super().__init__(["lldb", "--no-lldbinit", "--no-use-colors"], log)
        self.send(f"target create {program}")
        self.send("settings set auto-confirm true")
        if packets:
            self.send(f"log enable -f {packets} gdb-remote packets")
        self.marker()

    def mark(self, name):
        start = len(self.text)
        self.send(name)
        self.wait_for(f"'{name}' is not a valid command".encode(), max(0, start - 200))

    def script(self, connect, dump):
        return [
            ("attach", connect),
            ("stack", ["bt"]),
            ("stacks of all threads", ["thread backtrace all"]),
            ("to a breakpoint", ["breakpoint set --one-shot true --name shift", "!continue"]),
            ("20 steps", ["!step"] * 20),
            ("locals of three frames", ["breakpoint set --one-shot true --name settle", "!continue", "frame variable",
                                        "up", "frame variable", "up", "frame variable", "down", "down"]),
            ("structure and vector", ["frame variable valve", "frame variable readings"]),
            ("condition false 100 times", ["expression wanted = calls + 101",
                                           "breakpoint set --name tick --condition 'calls == wanted'", "!continue",
                                           "expression calls == wanted", "breakpoint delete"]),
            ("4 KiB of memory", [f"memory read --force --binary --outfile {dump} --count 4096 &page"]),
            ("interrupt", "continue"),
            ("detach", ["detach"]),
        ]


class CDB(Debugger):
    quit_command = "q"

    def __init__(self, log, transport, worker):
        super().__init__(["cdb", "-premote", transport, "-lines", "-p", str(worker)], log)

    def mark(self, name):
        start = len(self.text)
        self.send(f".echo {name}")
        self.wait_for(rf"(?m)^(\d+:\d+> )*{name}".encode(), max(0, start - 200))

    def script(self, connect, dump):
        return [
            ("attach", connect),
            ("stack", ["l+t;k"]),
            ("stacks of all threads", ["~*k"]),
            ("to a breakpoint", ["bp /1 plant!shift", "g"]),
            ("20 steps", ["t"] * 20),
            ("locals of three frames", ["bp /1 plant!settle", "g", "dv", ".frame 1", "dv", ".frame 2", "dv",
                                        ".frame 0"]),
            ("structure and vector", ["dx valve", "dx readings"]),
            ("condition false 100 times", ["?? plant!wanted = plant!calls + 101",
                                           'bp /w "calls == wanted" plant!tick', "g",
                                           "?? plant!calls == plant!wanted", "bc *"]),
            ("4 KiB of memory", [f".writemem {dump} plant!page L1000"]),
            ("interrupt", "g"),
            ("detach", [".detach"]),
        ]


def turns_of(path, to_server, from_server):
    """How often something came back from the server after something had gone there."""
    turns = 0
    before = None
    try:
        with open(path, errors="replace") as lines:
            for line in lines:
                way = "to" if to_server in line[:60] else "from" if from_server in line[:60] else before
                turns += before == "to" and way == "from"
                before = way
    except OSError:
        return None
    return turns
