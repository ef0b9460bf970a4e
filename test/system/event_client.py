"""Listeners of /api/events over plain sockets, as strict as a browser. Standard library only."""
import base64
import json
import os
import socket
import struct
import urllib.parse


class Refused(Exception):
    def __init__(self, status, headers, body):
        super().__init__(f"{status} {body!r}")
        self.status, self.headers, self.body = status, headers, body


class Listener:
    """A connection to /api/events that has been accepted."""
    STATUS = None

    def __init__(self, url, key=None, query=None, timeout=10.0, receive_bytes=None, **headers):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect((parts.hostname, parts.port))
        self.buffer = b""
        target = "/api/events" + ("?" + urllib.parse.urlencode(query) if query else "")
        lines = {"Host": parts.netloc, **self.handshake(), **headers}
        if key:
            lines["Authorization"] = f"Bearer {key}"
        text = f"GET {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items()) + "\r\n"
        self.socket.sendall(text.encode())
        self.read_header()

    def handshake(self):
        raise NotImplementedError

    def read_header(self):
        head = self.until(b"\r\n\r\n").decode().split("\r\n")
        status = int(head[0].split()[1])
        self.headers = {name.lower(): value for name, value in
                        (line.split(": ", 1) for line in head[1:] if line)}
        if status != self.STATUS:
            body = self.exactly(int(self.headers.get("content-length", 0)))
            self.close()
            raise Refused(status, self.headers, body)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self.more()
        block, self.buffer = self.buffer.split(end, 1)
        return block

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def take(self, count):
        return [self.next() for _ in range(count)]

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends as a machine does that lost power: no farewell, what is under way is lost."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class SseListener(Listener):
    STATUS = 200
    last_id = None

    def handshake(self):
        return {"Accept": "text/event-stream"}

    def block(self):
        """The fields of the next block, which need not be an event."""
        fields = {}
        for line in self.until(b"\n\n").decode().split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        return fields

    def wait_until_ready(self):
        """The gateway has found the place in the feed: what comes from now on is not missed."""
        while self.last_id is None:
            self.block()
        return self

    def next(self):
        """The next event, its data parsed; what stands in the frame and in the data must agree."""
        while True:
            fields = self.block()
            if "data" not in fields:
                continue
            data = json.loads(fields["data"])
            if (str(data["seq"]), data["event"]) != (fields["id"], fields["event"]):
                raise AssertionError(fields)
            return data


class WebSocketListener(Listener):
    STATUS = 101

    def handshake(self):
        return {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}

    def wait_until_ready(self):
        first = self.next()
        if first["event"] != "ready":
            raise AssertionError(first)
        self.last_id = str(first["seq"])
        return self

    def frame(self):
        first, length = self.exactly(2)
        if length & 0x80:
            raise AssertionError("a server masks nothing")
        if length == 126:
            length, = struct.unpack("!H", self.exactly(2))
        elif length == 127:
            length, = struct.unpack("!Q", self.exactly(8))
        if not first & 0x80:
            raise AssertionError("an event is one frame")
        return first & 15, self.exactly(length)

    def send(self, opcode, payload=b""):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xfe, len(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def next(self):
        while True:
            opcode, payload = self.frame()
            if opcode == 9:
                self.send(10, payload)
            elif opcode == 8:
                self.close_code, = struct.unpack("!H", payload[:2])
                raise EOFError
            elif opcode == 1:
                return json.loads(payload)
