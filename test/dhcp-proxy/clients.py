"""Clients of the daemon's socket as no plugin is: slow, half open, garbled. Each has to end, or to be answered.

  clients.py CALL    a whole call for a pod that is not there, in hexadecimal
"""
import random
import socket
import sys
import threading
import time

CALL = bytes.fromhex(sys.argv[1])
HEAD = CALL.index(b"\n\n") + 2
random.seed(7)


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect("/run/cni/dhcp.sock")
    return s


def rest(s):
    said = b""
    try:
        while part := s.recv(65536):
            said += part
    except ConnectionError:
        pass
    return said


def garbled():
    """The call with some bytes changed, left out or doubled."""
    data = bytearray(CALL)
    for _ in range(random.randrange(1, 9)):
        at = random.randrange(HEAD, len(data))
        kind = random.randrange(4)
        if kind == 0:
            data[at] = random.randrange(256)
        elif kind == 1:
            del data[at : at + random.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = data[at : at + random.randrange(1, 200)]
        else:
            data[at] ^= 1 << random.randrange(8)
        if len(data) <= HEAD + 20:
            break
    return bytes(data)


def slow():
    """A byte at a time is a call as well."""
    s = connect()
    for at in range(len(CALL)):
        s.send(CALL[at : at + 1])
        time.sleep(0.005)
    s.shutdown(socket.SHUT_WR)
    said = rest(s)
    assert b"Allocate" in said, said
    print("slow answered", flush=True)


def half_open():
    """Says a part and nothing more, and does not read."""
    kept = []
    for _ in range(50):
        s = connect()
        s.send(CALL[: random.randrange(1, len(CALL))])
        kept.append(s)
    return kept


threads = [threading.Thread(target=slow) for _ in range(5)]
for thread in threads:
    thread.start()
kept = half_open()
print("started", flush=True)
for n in range(1, 3001):
    s = connect()
    try:
        s.sendall(garbled())
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it was ended before all was sent
    rest(s)
    s.close()
    if n % 500 == 0:
        print("garbled", n, flush=True)
for thread in threads:
    thread.join()
