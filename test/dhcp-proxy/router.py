"""A router that advertises 2001:db8:5::/64 and a resolver, over and over.

  router.py HOPS   with that hop limit: 255 as routers do, less as if another had passed it on
"""
import socket
import struct
import sys
import time

s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, int(sys.argv[1]))
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
ip = lambda text: socket.inet_pton(socket.AF_INET6, text)
head = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 1800, 0) + ip("2001:db8:5::")
resolver = struct.pack("!BBHI", 25, 3, 0, 3600) + ip("2001:db8:5::53")
print("started", flush=True)
while True:
    try:
        s.sendto(head + prefix + resolver, ("ff02::1", 0))
    except OSError:
        pass  # its address is not there yet
    time.sleep(0.1)
