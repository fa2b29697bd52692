"""What systemd does with a socket unit: holds the listening socket, starts the service with it, and again whenever it ends by itself.

    socket-keeper.py NAME PORT COUNT COMMAND…

COUNT sockets of one port (ReusePort=yes), each handed over under NAME. Ends with the service on SIGTERM.
"""

import os
import signal
import socket
import subprocess
import sys

name, port, count, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
sockets = []
for _ in range(count):
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(1024)
    sockets.append(listening)


def hand_over():
    """In the child, between fork and exec: descriptors from 3 on, and who they are for."""
    for index, listening in enumerate(sockets):
        os.dup2(listening.fileno(), 100 + index)
    for index in range(count):
        os.dup2(100 + index, 3 + index)
        os.set_inheritable(3 + index, True)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(count)
    os.environ["LISTEN_FDNAMES"] = ":".join([name] * count)
    os.execvp(command[0], command)


ending = False
service = None


def end(_signal, _frame):
    global ending
    ending = True
    if service is not None:
        service.send_signal(signal.SIGTERM)


signal.signal(signal.SIGTERM, end)
while not ending:
    service = subprocess.Popen(command, preexec_fn=hand_over, close_fds=False)
    print("started", service.pid, flush=True)
    service.wait()
