"""A machine on the link that means no good, or a server as no honest one is.

  rogue.py moves           serves: 192.0.2.50 first, and 192.0.2.60 with another router when that is renewed
  rogue.py garbage RATE    listens for clients and sends so many frames a second, none of which is an answer
"""
import random
import socket
import struct
import sys
import time

SERVER, ROUTER, OTHER_ROUTER = "192.0.2.2", "192.0.2.2", "192.0.2.9"
REQUEST, ACK, NAK, OFFER = 3, 5, 6, 2


def link():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    s.bind(("eth0", 0))
    return s


def total(data):
    data += b"\0" * (len(data) % 2)
    sum_ = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while sum_ >> 16:
        sum_ = (sum_ & 0xFFFF) + (sum_ >> 16)
    return ~sum_ & 0xFFFF


def frame(destination, payload, udp_length=None, first=0x45, fragment=0, ip_length=None):
    udp = struct.pack("!HHHH", 67, 68, udp_length or 8 + len(payload), 0) + payload
    length = ip_length or 20 + len(udp)
    addresses = socket.inet_aton(SERVER) + b"\xff" * 4
    head = lambda sum_: struct.pack("!BBHHHBBH", first, 0, length, 0, fragment, 64, 17, sum_)
    own = bytes.fromhex("02bad0bad0ba")
    return destination + own + b"\x08\0" + head(total(head(0) + addresses)) + addresses + udp


def message(client, kind, address, router=ROUTER, op=2, xid=None, chaddr=None, options=b"", file=b""):
    xid, chaddr = xid or client["xid"], chaddr or client["chaddr"]
    ip = socket.inet_aton
    fixed = struct.pack("!BBBB4sHH", op, 1, 6, 0, xid, 0, 0)
    fixed += bytes(4) + ip(address) + bytes(8) + chaddr.ljust(16, b"\0") + bytes(64) + file.ljust(128, b"\0")
    known = [(53, bytes([kind])), (54, ip(SERVER)), (1, b"\xff\xff\xff\0"), (3, ip(router))]
    known += [(51, struct.pack("!I", 4)), (58, struct.pack("!I", 1))]
    body = b"".join(bytes([code, len(value)]) + value for code, value in known)
    return fixed + b"\x63\x82\x53\x63" + options + body + b"\xff"


def heard(data):
    """The client that sent this frame to a server, or None."""
    if len(data) < 282 or data[23] != 17 or data[36:38] != b"\0\x43":
        return None
    at, kind = 282, 0
    while at + 2 < len(data) and data[at] != 255:
        if data[at] == 53:
            kind = data[at + 2]
        at += 2 + data[at + 1] if data[at] else 1
    bootp = data[42:]
    return {"mac": data[6:12], "xid": bootp[4:8], "ciaddr": bootp[12:16], "chaddr": bootp[28:34], "kind": kind}


def moves():
    s = link()
    print("started", flush=True)
    while True:
        client = heard(s.recv(2000))
        if client is None or client["kind"] not in (1, REQUEST):
            continue
        moved = client["ciaddr"] != bytes(4)
        address, router = ("192.0.2.60", OTHER_ROUTER) if moved else ("192.0.2.50", ROUTER)
        kind = OFFER if client["kind"] == 1 else ACK
        s.send(frame(client["mac"], message(client, kind, address, router)))


def bad_frames(client):
    other = bytes([client["xid"][0] ^ 1]) + client["xid"][1:]
    stranger = bytes(5) + b"\x01"
    good = message(client, ACK, "192.0.2.66")
    send = lambda payload, **more: frame(client["mac"], payload, **more)
    yield send(random.randbytes(random.randrange(600)))
    for kind in (ACK, NAK, OFFER):
        yield send(message(client, kind, "192.0.2.66", xid=other))
        yield send(message(client, kind, "192.0.2.66", chaddr=stranger))
        yield send(message(client, kind, "192.0.2.66", op=1))
    yield send(message(client, ACK, "0.0.0.0"))
    yield send(good[: random.randrange(240)])
    yield send(message(client, ACK, "192.0.2.66", options=b"\x0c\xff"))  # longer than what is left
    yield send(message(client, ACK, "192.0.2.66", options=b"\x34\x01\x01", file=b"\x0c\xff"))  # overload
    yield send(good, udp_length=4)
    yield send(good, udp_length=60000)
    yield send(good, ip_length=30)
    yield send(good, ip_length=60000)
    yield send(good, first=0x4F)
    yield send(good, first=0x41)
    yield send(good, fragment=0x2000)
    yield send(good, fragment=5)
    yield send(good)[: random.randrange(14, 300)]


def garbage(rate):
    s = link()
    s.setblocking(False)
    client = {"mac": b"\xff" * 6, "xid": b"\1\2\3\4", "chaddr": b"\2\0\0\0\0\1"}
    count, began = 0, time.monotonic()
    print("started", flush=True)
    while True:
        for bad in bad_frames(client):
            try:
                while True:
                    client = heard(s.recv(2000)) or client
            except BlockingIOError:
                pass
            try:
                s.send(bad)
            except OSError:
                pass  # the queue is full, which is as good
            count += 1
            time.sleep(max(0, began + count / rate - time.monotonic()))


if sys.argv[1] == "moves":
    moves()
else:
    garbage(float(sys.argv[2]))
