"""serve.py NAME PORT...: answers every TCP connection and UDP datagram, IPv4 and IPv6, with "NAME <client's address>"."""
import select
import socket
import sys

name, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]
sockets = []
for port in ports:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        server = socket.socket(socket.AF_INET6, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            server.listen(512)
        sockets.append(server)
print("ready", flush=True)


def answer(client):
    return f"{name} {client[0].replace('::ffff:', '')}".encode()


while True:
    for server in select.select(sockets, [], [])[0]:
        try:
            if server.type == socket.SOCK_STREAM:
                connection, client = server.accept()
                connection.sendall(answer(client))
                connection.close()
            else:
                _, client = server.recvfrom(99)
                server.sendto(answer(client), client)
        except OSError:
            pass
