"""labgrid drivers for boards with a dbgsrv on their serial port (docs/lab.md).

An environment names this file in `imports:` and gives a target either a serial port of labgrid's, local or exported, or a
DebugServerPort with any connection string:

    targets:
      main:
        resources:
          RawSerialPort: {port: /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0, speed: 115200}
        drivers:
          DebugServerDriver: {channel: 3}
    imports: [dbgsrv_labgrid.py]
"""

import shlex
import subprocess

import attr
from labgrid.driver.common import Driver
from labgrid.factory import target_factory
from labgrid.resource import SerialPort
from labgrid.resource.common import Resource
from labgrid.step import step
from labgrid.util.proxy import proxymanager


class DebugSessionError(Exception):
    """A debugger did not do what it was told; the text is what it said."""


@target_factory.reg_resource
@attr.s(eq=False)
class DebugServerPort(Resource):
    """Where a debug server is, in dbgsrv's words.

    Args:
        connection (str): for instance com:port=com2,baud=115200,channel=3 or tcp:server=board7,port=5005
    """

    connection = attr.ib(validator=attr.validators.instance_of(str))


@target_factory.reg_driver
@attr.s(eq=False)
class DebugServerDriver(Driver):
    """Debugs programs of a board.

    The programs cdb, dbgbridge and gdb are taken from `tools:` of the environment, else from the PATH.

    Args:
        channel (int): the channel of a serial port that the server is on, 0-254
        timeout (int): seconds that a debugger gets
    """

    bindings = {"port": {"SerialPort", "NetworkSerialPort", "DebugServerPort"}}

    channel = attr.ib(default=0, validator=attr.validators.instance_of(int))
    timeout = attr.ib(default=120, validator=attr.validators.instance_of(int))

    @property
    def connection(self):
        """The connection string of the server."""
        if isinstance(self.port, DebugServerPort):
            return self.port.connection
        if isinstance(self.port, SerialPort):
            place = self.port.port
        elif self.port.protocol == "rfc2217":
            host, port = proxymanager.get_host_and_port(self.port)
            place = f"rfc2217://{host}:{port}"
        else:
            raise ValueError(f"{self.port.protocol} carries no baud rate; export the port by rfc2217")
        return f"com:port={place},baud={self.port.speed},channel={self.channel}"

    @property
    def gdb_target(self):
        """What follows gdb's `target extended-remote`."""
        return f"| {shlex.quote(self._tool('dbgbridge'))} -c {shlex.quote(self.connection)} -s stdio"

    @Driver.check_active
    @step(args=["commands", "arguments"])
    def cdb(self, commands, *arguments):
        """Runs commands of cdb (`bp worker!store;g;k;qd`) and answers what it said.

        Args:
            commands (str): the commands; the last one leaves
            arguments (str): what is debugged: `-p 812`, `-pn worker`, or a program and its arguments
        """
        program = self._tool("cdb")
        return self._run([program, "-premote", self.connection, "-lines", "-c", commands, *arguments])

    @Driver.check_active
    @step(args=["commands", "program"])
    def gdb(self, commands, program=None):
        """Runs commands of gdb on the board and answers what it said.

        Args:
            commands (list): what follows the connection to the server: `attach 812`, `break store`
            program (str): the file with the symbols
        """
        words = [self._tool("gdb"), "-nx", "-q", "-batch", "-ex", f"target extended-remote {self.gdb_target}"]
        for command in commands:
            words += ["-ex", command]
        return self._run(words + ([program] if program else []))

    def _tool(self, name):
        env = self.target.env
        return env.config.get_tool(name) if env else name

    def _run(self, words):
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=self.timeout, text=True, errors="replace", check=False,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            raise DebugSessionError(f"{words[0]} took more than {self.timeout} s: {said}") from late
        if done.returncode != 0:
            raise DebugSessionError(f"{words[0]} ended with status {done.returncode}: {done.stdout}")
        return done.stdout
