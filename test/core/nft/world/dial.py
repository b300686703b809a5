"""dial.py: asks servers of serve.py. stdin: JSON list of {dst, port, proto, src?, timeout}; stdout: what each answered."""
import errno
import json
import socket
import sys
import threading

WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no-route",
    errno.ENETUNREACH: "unreach",
    errno.EINVAL: "einval",
    errno.EPERM: "eperm",
}


def dial(call):
    family = socket.AF_INET6 if ":" in call["dst"] else socket.AF_INET
    kind = socket.SOCK_STREAM if call["proto"] == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as client:
        client.settimeout(call["timeout"])
        try:
            if call.get("src"):
                client.bind((call["src"], 0))
            client.connect((call["dst"], call["port"]))
            if call["proto"] == "udp":
                client.send(b"x")
            return client.recv(99).decode() or "empty"
        except socket.timeout:
            return "hang"
        except OSError as error:
            return WORDS.get(error.errno, f"errno {error.errno}")


calls = json.load(sys.stdin)
answers = [None] * len(calls)


def work(index):
    answers[index] = dial(calls[index])


threads = [threading.Thread(target=work, args=(index,)) for index in range(len(calls))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
json.dump(answers, sys.stdout)
