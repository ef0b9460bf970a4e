"""The gateway against clients that mean it harm: slow ones, large ones, malformed ones, very many. Others are answered meanwhile,
and its memory stays bounded. Needs switchboard-gateway in $SB_BUILD and the installation in $STAGE."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

from harness import Cluster, wait_until
from programs import BUILD, Gateway

IDLE = int(os.environ.get("SB_IDLE_CONNECTIONS", "1000"))
BODY = b'{"n": 1}'


def exchange(port, data, address="127.0.0.1", source=None, timeout=15.0):
    """Sends bytes, returns all that comes until the gateway closes the connection."""
    with socket.create_connection((address, port), timeout, (source, 0) if source else None) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                answer += piece
        return answer


def request(*headers, method="GET", target="/healthz", body=b"", version="1.1", host="Host: gateway"):
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None


def header_of(answer, name):
    found = re.search(rb"(?im)^" + name.encode() + rb": ([^\r]*)\r$", answer)
    return found and found.group(1).decode()


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


# Takes the place of handle_http in a database of its own: what the gateway says comes back.
MIRROR = """CREATE SCHEMA switchboard;
    CREATE TYPE switchboard.http_response AS (status int, headers jsonb, body bytea);
    CREATE FUNCTION switchboard.handle_http(method text, path text, query jsonb, headers jsonb, body bytea)
    RETURNS switchboard.http_response LANGUAGE sql AS $$
      SELECT (coalesce((query ->> 'status')::int, 200),
              '{"x-switchboard-route": "/mirror/{name}", "content-type": "application/json"}'::jsonb,
              convert_to(CASE method WHEN 'HEAD' THEN '' ELSE jsonb_build_object(
                'method', method, 'path', path, 'query', query, 'headers', headers, 'body', encode(body, 'escape'))::text END, 'UTF8')
             )::switchboard.http_response $$"""


def setUpModule():
    GatewayTest.cluster = Cluster("switchboard.workers = 0")
    unittest.addModuleCleanup(GatewayTest.cluster.destroy)
    GatewayTest.cluster.sql("CREATE EXTENSION pg_switchboard; CREATE DATABASE mirror")
    GatewayTest.cluster.sql(MIRROR, "mirror")


class GatewayTest(unittest.TestCase):
    """One server for all tests, and one gateway for all tests of a class that ask for the same options."""

    @classmethod
    def setUpClass(cls):
        cls.gateways = {}

    @classmethod
    def gateway(cls, *options, database="postgres"):
        key = (database, *options)
        if key not in cls.gateways:
            cls.gateways[key] = cls.start_gateway(*options, database=database)
            cls.addClassCleanup(cls.gateways[key].stop)
        return cls.gateways[key]

    @classmethod
    def start_gateway(cls, *options, database="mirror"):
        gateway = Gateway(cls.cluster, database, options)
        gateway.port = int(gateway.url.rpartition(":")[2])
        wait_until("the gateway has a database connection", lambda: gateway.request("/healthz")[0] != 503)
        return gateway

    def resident_kb(self, gateway):
        status = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def assert_answers(self, gateway, within=1.0):
        start = time.monotonic()
        self.assertEqual(gateway.request("/healthz")[0], 200)
        self.assertLess(time.monotonic() - start, within)


class Answers(GatewayTest):
    def test_every_answer_carries_the_headers(self):
        gateway = self.gateway()
        for data in (request("Connection: close"), request("Connection: close", target="/"),
                     request("Connection: close", target="/nowhere"), b"nonsense\r\n\r\n"):
            answer = exchange(gateway.port, data)
            self.assertEqual(header_of(answer, "X-Content-Type-Options"), "nosniff", data)
            self.assertIn("frame-ancestors 'none'", header_of(answer, "Content-Security-Policy"))
            self.assertEqual(header_of(answer, "Referrer-Policy"), "no-referrer")
            self.assertIn("geolocation=()", header_of(answer, "Permissions-Policy"))
            self.assertRegex(header_of(answer, "X-Request-Id"), r"^[0-9a-f-]{36}$")
            self.assertIsNone(header_of(answer, "Strict-Transport-Security"))
            self.assertIsNone(header_of(answer, "X-Switchboard-Route"))
        self.assertEqual(header_of(exchange(gateway.port, request("Connection: close")), "Cache-Control"), "no-store")

    def test_files_are_served_and_nothing_beside_them(self):
        gateway = self.gateway()
        page = exchange(gateway.port, request("Connection: close", target="/"))
        self.assertEqual(header_of(page, "Content-Type"), "text/html; charset=utf-8")
        self.assertIn("default-src 'none'; script-src 'self'", header_of(page, "Content-Security-Policy"))
        etag = header_of(page, "ETag")
        again = exchange(gateway.port, request("Connection: close", f"If-None-Match: {etag}", target="/"))
        self.assertEqual((status_of(again), body_of(again)), (304, b""))
        head = exchange(gateway.port, request("Connection: close", method="HEAD", target="/"))
        self.assertEqual((header_of(head, "Content-Length"), body_of(head)), (str(len(body_of(page))), b""))
        for target in ("/index.html/", "/..", "/../wallboard.js", "/%2e%2e/%2e%2e/etc/passwd", "/.git/config", "/web/"):
            self.assertEqual(status_of(exchange(gateway.port, request("Connection: close", target=target))), 404, target)
        post = exchange(gateway.port, request("Connection: close", "Content-Length: 0", method="POST", target="/"))
        self.assertEqual((status_of(post), header_of(post, "Allow")), (405, "GET, HEAD"))

    def test_a_request_keeps_its_name(self):
        gateway = self.gateway()
        answer = exchange(gateway.port, request("Connection: close", "X-Request-Id: order-7.a_B"))
        self.assertEqual(header_of(answer, "X-Request-Id"), "order-7.a_B")
        for name in ("a b", "x" * 65, '"', "a;b"):
            answer = exchange(gateway.port, request("Connection: close", f"X-Request-Id: {name}"))
            self.assertRegex(header_of(answer, "X-Request-Id"), r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-", name)

    def test_requests_in_a_row_are_answered_in_order(self):
        answer = exchange(self.gateway().port, request(target="/nowhere") + request(target="/") + request("Connection: close"))
        self.assertEqual([int(s) for s in re.findall(rb"HTTP/1\.1 (\d+)", answer)], [404, 200, 200])

    def test_connections_that_the_server_ended_cost_no_request(self):
        gateway = self.gateway(database="mirror")
        for _ in range(3):
            self.cluster.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'switchboard-gateway'")
            answer = exchange(gateway.port, request(target="/x") * 9 + request("Connection: close", target="/x"))
            self.assertEqual(answer.count(b"HTTP/1.1 200"), 10)

    def test_a_database_that_is_gone_is_503(self):
        gateway = Gateway(self.cluster, "nowhere", stderr=subprocess.DEVNULL)
        try:
            status, body = gateway.request("/healthz")
            self.assertEqual((status, json.loads(body)["detail"]), (503, "the database cannot answer now"))
        finally:
            gateway.stop()


class Malformed(GatewayTest):
    def test_what_is_no_request_is_refused_and_the_connection_closed(self):
        port = self.gateway().port
        chunked = "Transfer-Encoding: chunked"
        cases = {
            400: [b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
                  request(host=None), request("Host: second"), request("A B: 1"), request("A\x01: 1"), request("A: \x01"),
                  request("Content-Length: x"), request("Content-Length: -1"), request("Content-Length: 5", "Content-Length: 6"),
                  request("Content-Length: 5", chunked, body=b"0\r\n\r\n"), request("Transfer-Encoding: gzip"),
                  request("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), request(chunked, version="1.0", body=b"0\r\n\r\n"),
                  request("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), request(chunked, chunked, body=b"0\r\n\r\n"),
                  request(chunked, body=b"zz\r\n"), request(chunked, body=b"-1\r\n\r\n"), request(chunked, body=b"5\r\nabcdeX\r\n0\r\n\r\n"),
                  request(chunked, body=b"fffffffffffffffff\r\n"), request(chunked, body=b"\r\n\r\n"),
                  *(request("Connection: close", target=target) for target in ("nowhere", "*", "/%00", "/%ff", "/?a=%c3"))],
            431: [request("A: " + "x" * 20000), request(*["A: 1"] * 200), request(target="/" + "x" * 20000)],
            413: [request("Content-Length: 10000000", method="POST"), request(chunked, body=b"9000000\r\n"),
                  request("Content-Length: 9999999999999999999", method="POST")],
        }
        for expected, requests in cases.items():
            for data in requests:
                with self.subTest(data[:80]):
                    answer = exchange(port, data)
                    self.assertEqual(status_of(answer), expected)
                    self.assertEqual(answer.count(b"HTTP/1."), 1)
        self.assert_answers(self.gateway())

    def test_ten_megabytes_are_refused_and_the_answer_arrives(self):
        gateway = self.gateway()
        before = self.resident_kb(gateway)
        large = b"x" * 10_000_000
        for data in (request(f"Content-Length: {len(large)}", method="POST", body=large),
                     request("Transfer-Encoding: chunked", method="POST", body=b"989680\r\n" + large)):
            answer = exchange(gateway.port, data)
            self.assertEqual(status_of(answer), 413)
            self.assertEqual(json.loads(body_of(answer))["detail"], "the body is too large")
        expecting = exchange(gateway.port, request(f"Content-Length: {len(large)}", "Expect: 100-continue", method="POST"))
        self.assertEqual(status_of(expecting), 413)
        self.assertLess(self.resident_kb(gateway) - before, 8192)

    def test_what_surrounds_chunks_is_bounded(self):
        gateway = self.gateway()
        before = self.resident_kb(gateway)
        for endless in (b"5;" + b"a" * 5_000_000, b"0\r\n" + b"A: b\r\n" * 800_000):
            answer = exchange(gateway.port, request("Transfer-Encoding: chunked", method="POST", body=endless))
            self.assertEqual(status_of(answer), 400)
        self.assertLess(self.resident_kb(gateway) - before, 2048)

    def test_a_megabyte_is_taken(self):
        status, _ = self.gateway().request("/nowhere", b"x" * 1024 * 1024)
        self.assertEqual(status, 404)

    def test_who_waits_for_permission_to_go_on_gets_it(self):
        with socket.create_connection(("127.0.0.1", self.gateway().port), 5) as client:
            client.sendall(request("Content-Length: 8", "Expect: 100-continue", "Connection: close", method="POST", target="/x"))
            self.assertEqual(client.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(BODY)
            self.assertEqual(status_of(client.recv(65536)), 404)


class Bounds(GatewayTest):
    TIGHT = ("--header-timeout", "1", "--idle-timeout", "2", "--min-rate", "1000")

    def test_slow_headers_and_slow_bodies_are_cut_off(self):
        gateway = self.gateway(*self.TIGHT)
        start = request("Content-Length: 100000", method="POST")
        for first, piece in ((b"", b""), (b"GET / HTTP/1.1\r\n", b"A"), (start, b"x"), (start, b"")):
            with self.subTest(first[:20]), socket.create_connection(("127.0.0.1", gateway.port), 5) as client:
                began = time.monotonic()
                client.settimeout(0.1)
                client.sendall(first)
                while time.monotonic() - began < 5:
                    try:
                        client.sendall(piece)
                        if client.recv(100) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                self.assertTrue(0.5 < time.monotonic() - began < 2.5, time.monotonic() - began)
                self.assert_answers(gateway)

    def test_a_body_that_comes_fast_enough_is_taken(self):
        gateway = self.gateway(*self.TIGHT)
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as client:
            client.sendall(request("Content-Length: 20000", "Connection: close", method="POST", target="/x"))
            for _ in range(10):
                client.sendall(b"x" * 2000)
                time.sleep(0.2)
            self.assertEqual(status_of(client.recv(65536)), 404)

    def test_a_kept_connection_ends_when_nothing_comes(self):
        with socket.create_connection(("127.0.0.1", self.gateway(*self.TIGHT).port), 5) as client:
            client.sendall(request())
            self.assertEqual(status_of(client.recv(65536)), 200)
            began = time.monotonic()
            self.assertEqual(client.recv(100), b"")
            self.assertTrue(1.5 < time.monotonic() - began < 3.5, time.monotonic() - began)

    def test_a_connection_serves_so_many_requests(self):
        answer = exchange(self.gateway("--max-requests", "3").port, request() * 5)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 3)

    def test_idle_connections_keep_nobody_out(self):
        """Many that are silent, and more of them than there may be connections."""
        gateway = self.gateway("--max-connections", str(IDLE - 50))
        before = self.resident_kb(gateway)
        with contextlib.ExitStack() as stack:
            for n in range(IDLE):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 5))
                if n % 2:
                    client.sendall(b"GET / HT")
            self.assert_answers(gateway)
            print(f"\n{IDLE} connections: {self.resident_kb(gateway) - before} kB more", flush=True)
            self.assertLess(self.resident_kb(gateway) - before, IDLE * 8)

    def test_bodies_in_memory_are_bounded(self):
        gateway = self.gateway("--max-memory", "4000000")
        half = request("Content-Length: 1000000", method="POST", body=b"x" * 900_000)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 5)) for _ in range(8)]
            for client in clients:
                client.sendall(half)
            refused = [client for client in clients if self.answers_within(client, 0.5)]
            self.assertEqual({status_of(client.recv(65536)) for client in refused}, {503})
            self.assertEqual(len(refused), 4)
            self.assert_answers(gateway)

    def answers_within(self, client, seconds):
        client.settimeout(seconds)
        try:
            return client.recv(1, socket.MSG_PEEK) != b""
        except TimeoutError:
            return False

    def test_an_address_has_so_many_connections(self):
        gateway = self.gateway("--max-per-address", "5")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 5, ("127.0.0.2", 0))) for _ in range(7)]
            for client in clients:
                with contextlib.suppress(OSError):
                    client.sendall(request())
            answered = 0
            for client in clients:
                with contextlib.suppress(OSError):
                    answered += client.recv(65536).startswith(b"HTTP/1.1 200")
            self.assertEqual(answered, 5)
            self.assert_answers(gateway)  # this machine itself is exempt
        wait_until("the address is free again",
                   lambda: status_of(exchange(gateway.port, request("Connection: close"), source="127.0.0.2")) == 200)

    def test_a_client_behind_a_proxy_has_so_many_requests(self):
        gateway = self.gateway("--trusted-proxy", "127.0.0.1", "--max-per-address", "2")
        slow = request("Content-Length: 8", "X-Forwarded-For: 203.0.113.5", method="POST", target="/x")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 5)) for _ in range(3)]
            for client in clients:
                client.sendall(slow)
                time.sleep(0.05)
            self.assertEqual(status_of(clients[2].recv(65536)), 429)
            other = exchange(gateway.port, request("Connection: close", "X-Forwarded-For: 203.0.113.6"))
            self.assertEqual(status_of(other), 200)
            clients[0].sendall(BODY)
            self.assertEqual(status_of(clients[0].recv(65536)), 404)
            again = exchange(gateway.port, request("Connection: close", "X-Forwarded-For: 203.0.113.5"))
            self.assertEqual(status_of(again), 200)


class Proxies(GatewayTest):
    """What the database is told."""

    def mirror(self, *options):
        return self.gateway(*options, database="mirror")

    def told(self, gateway, *headers, **more):
        answer = exchange(gateway.port, request("Connection: close", *headers, **more))
        return json.loads(body_of(answer))

    FORGED = ("X-Forwarded-For: 198.51.100.1, 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: pbx.example",
              "X-Peer-Address: 6.6.6.6", "X-Request-Target: /forged", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6")

    def test_nobody_is_believed_unless_named(self):
        told = self.told(self.mirror(), *self.FORGED, target="/a%20b?x=1")
        headers = told["headers"]
        self.assertEqual((headers["x-peer-address"], headers["x-request-target"]), ("127.0.0.1", "/a%20b?x=1"))
        self.assertFalse({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded"} & set(headers))
        self.assertEqual((told["path"], told["query"]), ("/a b", {"x": "1"}))

    def test_a_named_proxy_is(self):
        gateway = self.mirror("--trusted-proxy", "127.0.0.0/8")
        headers = self.told(gateway, *self.FORGED)["headers"]
        self.assertEqual((headers["x-peer-address"], headers["x-forwarded-proto"], headers["x-forwarded-host"]),
                         ("203.0.113.7", "https", "pbx.example"))
        self.assertFalse({"x-forwarded-for", "x-real-ip", "forwarded"} & set(headers))
        answer = exchange(gateway.port, request("Connection: close", "X-Forwarded-Proto: https"))
        self.assertEqual(header_of(answer, "Strict-Transport-Security"), "max-age=31536000")

    def test_every_status_can_be_answered(self):
        gateway = self.mirror()
        for status in (201, 204, 205, 304, 404, 503):
            answer = exchange(gateway.port, request(target=f"/x?status={status}") + request("Connection: close", target="/x"))
            self.assertEqual([int(s) for s in re.findall(rb"HTTP/1\.1 (\d+)", answer)], [status, 200])
        head = exchange(gateway.port, request("Connection: close", method="HEAD", target="/x"))
        self.assertEqual((status_of(head), body_of(head)), (200, b""))

    def test_the_log_has_no_data_of_customers(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "access.log"
            gateway = self.start_gateway("--access-log", str(log))
            try:
                answer = exchange(gateway.port, request(
                    "Connection: close", "Authorization: Bearer secret-token", "Content-Length: 11", "X-Request-Id: r-1", method="POST",
                    target="/calls/+12025550123?access_token=secret-token&name=Ada", body=b"secret body"))
                self.assertEqual(status_of(answer), 200)
                exchange(gateway.port, request("Connection: close", method="SECRET"))
                exchange(gateway.port, b"secret nonsense\r\n\r\n")
                wait_until("the log is written", lambda: log.read_text().count("\n") >= 4)
                log.rename(log.with_suffix(".1"))
                gateway.process.send_signal(1)
                wait_until("the log is opened again", lambda: log.exists())
                gateway.request("/x")
                wait_until("the new log is written", lambda: log.read_text() != "")
            finally:
                gateway.stop()
            text = log.with_suffix(".1").read_text()
            line = next(json.loads(l) for l in text.splitlines() if '"r-1"' in l)
        self.assertEqual({k: line[k] for k in ("requestId", "method", "route", "status", "bytes", "client")},
                         {"requestId": "r-1", "method": "POST", "route": "/mirror/{name}", "status": 200, "bytes": len(body_of(answer)),
                          "client": "127.0.0.0/24"})
        self.assertEqual(set(line), {"time", "requestId", "method", "route", "status", "bytes", "ms", "client"})
        for secret in ("secret", "SECRET", "5550123", "Ada", "calls", "127.0.0.1"):
            self.assertNotIn(secret, text)

    def test_a_log_that_nobody_reads_stops_nothing(self):
        """The standard output is a pipe here, which the test never reads again."""
        gateway = self.mirror("--max-connections", "100")
        for _ in range(40):
            answer = exchange(gateway.port, request(target="/x") * 24 + request("Connection: close", target="/x"))
            self.assertEqual(answer.count(b"HTTP/1.1 200"), 25)

    def test_running_requests_are_finished_when_it_stops(self):
        gateway = self.start_gateway()
        with contextlib.ExitStack() as stack:
            client, idle = (stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), 5)) for _ in range(2))
            client.sendall(request("Content-Length: 8", method="POST", target="/x"))
            time.sleep(0.2)
            gateway.process.terminate()
            self.assertEqual(idle.recv(100), b"")
            client.sendall(BODY)
            self.assertEqual(status_of(client.recv(65536)), 200)
        self.assertEqual(gateway.process.wait(5), 0)
        gateway.process.stdout.close()


class Options(unittest.TestCase):
    def test_one_that_makes_no_sense_is_named_with_its_value(self):
        for option, value in (("--address", "localhost"), ("--port", "65536"), ("--trusted-proxy", "10.0.0"), ("--max-body", "-1")):
            ended = subprocess.run([BUILD / "switchboard-gateway", option, value], capture_output=True, text=True, timeout=10)
            self.assertEqual(ended.returncode, 2, ended.stderr)
            self.assertRegex(ended.stderr, f"^switchboard-gateway: {option} takes .*, not \"{value}\"")
