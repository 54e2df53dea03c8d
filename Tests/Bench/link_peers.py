"""The cable and the programs that are measured on it (see `link`)."""
import os
import resource
import select
import shutil
import signal
import subprocess
import threading
import time
import tty
from pathlib import Path


class Failure(Exception):
    """How a peer failed, in a few words for a table's cell."""


class Cable:
    """`dbgcom cable` as long as the block lasts, with both ends raw."""

    count = 0

    def __init__(self, work, baud, latency_ms, options):
        Cable.count += 1
        self.folder = Path(work) / f"cable-{Cable.count}-{baud}"
        self.folder.mkdir()
        self.baud = baud
        self.a, self.b = str(self.folder / "a"), str(self.folder / "b")
        self.command = [
            "dbgcom", "cable", "--link-a", self.a, "--link-b", self.b, "--baud", str(baud),
            "--latency-ms", str(latency_ms),
        ] + options
        self.started = []

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        for path in (self.a, self.b):
            end = os.open(path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(end)
            os.close(end)
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    try:
                        stream.close()
                    except OSError:
                        pass
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)

    def start(self, command, **streams):
        process = subprocess.Popen(command, **streams)
        self.started.append(process)
        return process

    def cut(self):
        self.process.send_signal(signal.SIGUSR1)

    def join(self):
        self.process.send_signal(signal.SIGUSR2)


class StreamPeer:
    """Two processes whose standard streams are the two ends of a connection."""

    opening_seconds = 7

    def __init__(self, cable):
        self.cable = cable
        self.arrivals = []
        self.right = self.start(self.right_command(cable))
        self.await_right()
        self.left = self.start(self.left_command(cable))
        try:
            self.send(self.left_out, b"!")
            self.receive(self.right_in, 1, self.opening_seconds)
        except Failure:
            raise Failure("does not open") from None

    def start(self, command):
        return self.cable.start(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def await_right(self):
        time.sleep(0.4)

    left_out = property(lambda self: self.left.stdin.fileno())
    left_in = property(lambda self: self.left.stdout.fileno())
    right_out = property(lambda self: self.right.stdin.fileno())
    right_in = property(lambda self: self.right.stdout.fileno())

    @staticmethod
    def send(descriptor, data):
        while data:
            try:
                data = data[os.write(descriptor, data[:4096]):]
            except BrokenPipeError:
                raise Failure("connection ends") from None

    def receive(self, descriptor, count, seconds):
        got, deadline = bytearray(), time.monotonic() + seconds
        self.arrivals = []
        while len(got) < count:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([descriptor], [], [], left)[0]
            piece = os.read(descriptor, 65536) if ready else b""
            if not piece:
                raise Failure(f"{'dies' if ready else 'stands'} at {100 * len(got) // count} %")
            self.arrivals.append(time.monotonic())
            got += piece
        return bytes(got)

    def transfer(self, data, limit):
        """Seconds from the first byte in to the last byte out."""
        begin = time.monotonic()
        writer = threading.Thread(target=self.send_all, args=(data,), daemon=True)
        writer.start()
        if self.receive(self.right_in, len(data), limit) != data:
            raise Failure("wrong bytes")
        return self.arrivals[-1] - begin

    def send_all(self, data):
        try:
            self.send(self.left_out, data)
        except (Failure, OSError, ValueError):
            pass

    def longest_pause(self):
        return max(b - a for a, b in zip(self.arrivals, self.arrivals[1:]))

    def ping(self, count):
        """Milliseconds of each round trip."""
        times = []
        for _ in range(count):
            begin = time.monotonic()
            self.send(self.left_out, b"8 bytes!")
            self.receive(self.right_in, 8, 10)
            self.send(self.right_out, b"and back")
            self.receive(self.left_in, 8, 10)
            times.append((time.monotonic() - begin) * 1000)
        return times


class Ours(StreamPeer):
    name = "dbgcom"

    def right_command(self, cable):
        return ["dbgcom", "serve", cable.b, "7", "--baud", str(cable.baud)]

    def left_command(self, cable):
        return ["dbgcom", "connect", cable.a, "7", "--baud", str(cable.baud)]


class Gensio(StreamPeer):
    layers = ""

    def command(self, options, layers, path):
        line = f"serialdev(nouucplock=true),{path},{self.cable.baud}n81,local"
        return ["gensiot"] + options + ["-i", "stdio(self)", f"{layers},{line}"]

    def right_command(self, cable):
        return self.command(["-a"], f"{self.layers},conacc", cable.b)

    def left_command(self, cable):
        return self.command([], self.layers, cable.a)


class RelPkt(Gensio):
    name = "gensio relpkt"
    layers = "relpkt,msgdelim"


class Mux(Gensio):
    name = "gensio mux"
    layers = "mux,relpkt,msgdelim"


class Raw(StreamPeer):
    """The cable itself, without any protocol."""

    name = "bare line"

    def __init__(self, cable):
        self.cable = cable
        self.ends = [os.open(path, os.O_RDWR | os.O_NOCTTY) for path in (cable.a, cable.b)]

    left_out = left_in = property(lambda self: self.ends[0])
    right_out = right_in = property(lambda self: self.ends[1])


class FilePeer:
    """A program that sends a file to its like."""

    def __init__(self, cable):
        self.cable = cable
        self.inbox = cable.folder / "inbox"
        self.inbox.mkdir()
        self.file = cable.folder / "file.bin"

    def transfer(self, data, limit):
        """Seconds from the moment at which both programs run to the sender's end."""
        self.file.write_bytes(data)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        sender, receiver, begin = self.start_both()
        try:
            sender.wait(limit)
            seconds = time.monotonic() - begin
            receiver.wait(5)
        except subprocess.TimeoutExpired:
            raise Failure(f"not done in {limit} s") from None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = (
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        )
        arrived = self.inbox / "file.bin"
        if sender.returncode != 0 or not arrived.exists():
            raise Failure("gives up")
        if arrived.read_bytes() != data:
            raise Failure("wrong bytes")
        return seconds

    def start_both(self):
        receiver = self.start_receiver()
        time.sleep(0.3)
        begin = time.monotonic()
        return self.start_sender(), receiver, begin

    def run(self, command, path, folder):
        end = os.open(path, os.O_RDWR | os.O_NOCTTY) if path else subprocess.DEVNULL
        process = self.cable.start(
            command, stdin=end, stdout=end, stderr=subprocess.DEVNULL, cwd=folder
        )
        if path:
            os.close(end)
        return process


class ZModem(FilePeer):
    name = "ZMODEM"

    def __init__(self, cable):
        super().__init__(cable)
        # It knows no rate above; what paces the line is the cable.
        for path in (cable.a, cable.b):
            subprocess.run(["stty", "-F", path, str(min(cable.baud, 115200))], check=True)

    def start_both(self):
        # The sender throws away what comes while it starts, and then waits ten seconds for the next word.
        sender = self.start_sender()
        time.sleep(0.3)
        begin = time.monotonic()
        return sender, self.start_receiver(), begin

    def start_receiver(self):
        return self.run(["rz", "-q", "-y", "-b"], self.cable.b, self.inbox)

    def start_sender(self):
        return self.run(["sz", "-q", "-b", str(self.file)], self.cable.a, self.cable.folder)


class Kermit(FilePeer):
    name = "Kermit"
    settings = [
        "set flow none", "set window 30", "set receive packet-length 500",
        "set send packet-length 500", "set block-check 3", "set file type binary",
        "set transfer mode manual", "set transfer display none", "set retry 60",
        "set file collision overwrite",
    ]

    def script(self, path, action):
        script = self.cable.folder / f"{action.split()[0]}.ksc"
        lines = ["set modem type none", "set carrier-watch off", f"set line {path}",
                 "if fail exit 9", f"set speed {min(self.cable.baud, 4000000)}"]
        script.write_text("\n".join(lines + self.settings + [action, "exit \\v(status)"]) + "\n")
        return ["kermit", str(script)]

    def start_receiver(self):
        return self.run(self.script(self.cable.b, "receive"), None, self.inbox)

    def start_sender(self):
        return self.run(self.script(self.cable.a, f"send {self.file}"), None, self.cable.folder)


PEERS = [Ours, RelPkt, Mux, ZModem, Kermit]
STREAM_PEERS = [Ours, RelPkt, Mux]


def cpu_seconds(peer):
    """Processor time of a peer's processes, brokers among them."""
    if isinstance(peer, FilePeer):
        return peer.cpu
    folder = str(peer.cable.folder)
    numbers = {peer.left.pid, peer.right.pid}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"broker" in words and any(folder.encode() in word for word in words):
            numbers.add(int(entry.name))
    return sum(ticks(number) for number in numbers) / os.sysconf("SC_CLK_TCK")


def ticks(number):
    fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
