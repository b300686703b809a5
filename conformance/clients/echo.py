"""echo.py serve PROTOCOL:FIRST-LAST...           answers on every port, both families: "tcp 9000 from 192.0.2.2"
echo.py ask PROTOCOL ADDRESS PORT...            asks each once, all at the same time: a line with the answer or the error each"""
import concurrent.futures, selectors, socket, sys

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def answer(protocol, port, peer):
    return f"{protocol} {port} from {peer[0].removeprefix('::ffff:')}\n".encode()


def listen(protocol, port):
    server = socket.socket(socket.AF_INET6, KINDS[protocol])
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    if protocol == "tcp":
        server.listen(16)
    return server


def reply(server, protocol, port):
    if protocol == "udp":
        _, peer = server.recvfrom(2048)
        server.sendto(answer(protocol, port, peer), peer)
        return
    connection, peer = server.accept()
    with connection:
        connection.sendall(answer(protocol, port, peer))


def serve(ranges):
    selector = selectors.DefaultSelector()
    for text in ranges:
        protocol, ports = text.split(":")
        first, last = map(int, ports.split("-"))
        for port in range(first, last + 1):
            selector.register(listen(protocol, port), selectors.EVENT_READ, (protocol, port))
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            reply(key.fileobj, *key.data)


def ask(protocol, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, KINDS[protocol]) as client:
            client.settimeout(3)
            client.connect((address, int(port)))
            client.sendall(b"?")
            return client.recv(2048).decode().strip()
    except OSError as error:
        return type(error).__name__


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
else:
    words = sys.argv[2:]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        for line in pool.map(ask, words[0::3], words[1::3], words[2::3]):
            print(line)
