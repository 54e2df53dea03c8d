"""The drivers of packaging/labgrid with the real labgrid: a cable, a server at its far end, a program to debug."""

import pathlib

import pytest
from labgrid import Environment

KINDS = ["RawSerialPort", "NetworkSerialPort", "DebugServerPort"]


@pytest.fixture(scope="session")
def environment(pytestconfig):
    environment = Environment(str(pathlib.Path(pytestconfig.getoption("--lab")) / "lab.yaml"))
    yield environment
    environment.cleanup()


@pytest.fixture(params=KINDS)
def board(request, environment):
    return environment.get_target(request.param).get_driver("DebugServerDriver")


@pytest.fixture
def worker(pytestconfig):
    folder = pathlib.Path(pytestconfig.getoption("--lab"))
    return (folder / "worker.pid").read_text().strip(), str(folder / "worker")


def test_cdb(board, worker):
    process, _ = worker
    said = board.cdb("bp worker!store;g;k;bc *;qd", "-p", process)
    assert "Breakpoint 0 hit" in said
    assert "worker!measure" in said


def test_gdb(board, worker):
    process, program = worker
    said = board.gdb(["set sysroot /", f"attach {process}", "break store", "continue", "bt", "delete", "detach"], program)
    assert "hit Breakpoint 1, store (sample=" in said


def test_failure_says_what_the_debugger_said(board):
    with pytest.raises(Exception, match="no such|No such|not found|cannot|Unable|error"):
        board.cdb("q", "-p", "999999999")
