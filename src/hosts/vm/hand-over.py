"""Hands an open file to QEMU. Node cannot: a descriptor travels through a unix socket only as
ancillary data (SCM_RIGHTS, unix(7)).

    hand-over.py MONITOR FILE NAME

Opens FILE for writing, gives it under NAME to the QEMU that listens on MONITOR (QMP `getfd`), and
prints QEMU's answer. The name belongs to that monitor, not to whoever is connected to it (seen
with QEMU 7.2): the next client may use it. Needs nothing beyond Debian's python3-minimal, which
has no json.
"""
import os
import socket
import sys


def main(monitor, file, name):
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(5)
        talk.connect(monitor)
        lines = talk.makefile("rb")
        lines.readline()  # The greeting. It never comes while another client is connected.
        talk.sendall(b'{"execute": "qmp_capabilities"}\n')
        answer(lines)
        command = b'{"execute": "getfd", "arguments": {"fdname": "%s"}}\n' % name.encode()
        socket.send_fds(talk, [command], [os.open(file, os.O_WRONLY)])
        sys.stdout.buffer.write(answer(lines))


def answer(lines):
    """Events come between; an end without an answer is told apart by its emptiness."""
    return next((line for line in lines if line.startswith((b'{"return"', b'{"error"'))), b"")


main(*sys.argv[1:])
