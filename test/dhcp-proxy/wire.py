"""Whoever has the other end of a tap, as a virtual machine has it.

  wire.py TAP LINK   carries frames between the tap, which may come later, and a link beside it
"""
import fcntl
import os
import select
import socket
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000


def there(name):
    return any(each == name for _, each in socket.if_nameindex())


tap, link = sys.argv[1:]
# what lies in a tap when its link goes is lost: a machine that works on its frames does so at once, however busy this one is
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
while not there(tap):  # or it would be made here
    time.sleep(0.005)
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", tap.encode(), IFF_TAP | IFF_NO_PI))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((link, 0))
membership = struct.pack("iHH8x", socket.if_nametoindex(link), 1, 0)
wire.setsockopt(263, 1, membership)  # PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC
while True:
    for ready in select.select([fd, wire], [], [])[0]:
        try:
            if ready == fd:
                wire.send(os.read(fd, 65536))
            else:
                os.write(fd, wire.recv(65536))
        except OSError:
            pass  # the tap is down, or gone
