"""frames.py: sends each frame from one network namespace and tells whether another receives it.

stdin: JSON {"from": path, "to": path, "frames": [hex]}; stdout: JSON list of true and false. Both namespaces' link is eth0.
"""
import ctypes
import json
import os
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
WAIT_SECONDS = 0.3
libc = ctypes.CDLL(None, use_errno=True)


def packet_socket(path, protocol):
    descriptor = os.open(path, os.O_RDONLY)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    opened.bind(("eth0", protocol))
    return opened


def arrives(sender, receiver, frame):
    """The kernel takes a VLAN tag out of the frame, so a tagged one is known by its source alone."""
    sender.send(frame)
    end = time.time() + WAIT_SECONDS
    while time.time() < end:
        receiver.settimeout(max(end - time.time(), 0.001))
        try:
            got = receiver.recv(2000)
        except socket.timeout:
            return False
        is_tagged = frame[12:14] == b"\x81\x00"
        if got[6:12] == frame[6:12] and (is_tagged or got[12:42] == frame[12:42]):
            return True
    return False


order = json.load(sys.stdin)
receiver = packet_socket(order["to"], ETH_P_ALL)
receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, struct.pack("I", 1))
sender = packet_socket(order["from"], 0)
json.dump([arrives(sender, receiver, bytes.fromhex(frame)) for frame in order["frames"]], sys.stdout)
