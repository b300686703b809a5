"""flow.py sink PORT: tells each TCP client how fast it was. flow.py send ADDRESS PORT SECONDS [SOURCE]: sends, and prints that.

What is told: bytes of the first second, bytes a second of the time after the first 0.4 s. Both are of the payload.
"""
import socket
import sys
import time

SETTLED = 0.4
CHUNK = b"x" * 65536


def measure(connection):
    begin = last = None
    first = settled = 0
    settled_at = None
    while True:
        data = connection.recv(65536)
        if not data:
            break
        last = time.monotonic()
        if begin is None:
            begin = last
        if last - begin <= 1:
            first += len(data)
        if settled_at is not None:
            settled += len(data)
        elif last - begin >= SETTLED:
            settled_at = last
    rate = settled / (last - settled_at) if settled_at and last > settled_at else 0
    return f"{first} {rate:.0f}"


def sink(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    server.listen(8)
    while True:
        connection, _ = server.accept()
        connection.sendall(measure(connection).encode())
        connection.close()


def connect(address, port, bound):
    for _ in range(500):
        try:
            return socket.create_connection((address, port), 10, bound)
        except ConnectionRefusedError:
            time.sleep(0.01)  # the sink is just starting
    raise TimeoutError("nobody listens")


def send(address, port, seconds, source=None):
    connection = connect(address, port, (source, 0) if source else None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 262144)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(CHUNK)
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(30)
    print(connection.recv(99).decode())


if sys.argv[1] == "sink":
    sink(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), *sys.argv[5:])
