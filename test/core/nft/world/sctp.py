"""sctp.py FROM TO ADDRESS PORT: sends an SCTP INIT from one namespace and prints what the other's raw socket sees of it."""
import ctypes
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
IPPROTO_SCTP = 132
libc = ctypes.CDLL(None, use_errno=True)


def raw_socket(path):
    if libc.setns(os.open(path, os.O_RDONLY), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, IPPROTO_SCTP)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 & -(crc & 1)
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


source, target, address, port = sys.argv[1:]
receiver = raw_socket(target)
receiver.settimeout(1.5)
sender = raw_socket(source)
chunk = bytes([1, 0, 0, 20]) + struct.pack(">IIHHI", 7, 65536, 1, 1, 9)
packet = bytearray(struct.pack(">HHII", 5555, int(port), 0, 0) + chunk)
packet[8:12] = crc32c(packet)
sender.sendto(bytes(packet), (address, 0))
try:
    got, client = receiver.recvfrom(2000)
except socket.timeout:
    print("nothing")
else:
    got = got[(got[0] & 15) * 4 :]
    right = crc32c(got[:8] + bytes(4) + got[12:]) == got[8:12]
    print(f"from {client[0]} to port {struct.unpack('>H', got[2:4])[0]}, checksum {'right' if right else 'wrong'}")
