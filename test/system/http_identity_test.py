"""Tokens and pages of other origins, for which the server has to be configured: keys in a file that changes and vanishes,
one session that serves many people, and the same through the gateway."""
import base64
import hashlib
import hmac
import json
import subprocess
import time
import unittest

from harness import SystemTest
from programs import Gateway

TENANT_A = "00000000-0000-0000-0000-00000000000a"
TENANT_B = "00000000-0000-0000-0000-00000000000b"
AGENT = "00000000-0000-0000-0000-0000000000a1"
SECRET = b"0123456789abcdef0123456789abcdef"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header, claims):
    return b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())


def claims(tenant=TENANT_A, **more):
    return {"tenant_id": tenant, "exp": time.time() + 600, **more}


def hs256(body, secret=SECRET, **header):
    text = unsigned({"alg": "HS256", **header}, body)
    return text + "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


class RsaKey:
    def __init__(self, folder, name):
        self.file = folder / f"{name}.pem"
        subprocess.run(["openssl", "genrsa", "-out", self.file, "2048"], check=True, capture_output=True)
        modulus = subprocess.check_output(["openssl", "rsa", "-in", self.file, "-noout", "-modulus"], text=True)
        self.jwk = {"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "e": "AQAB",
                    "n": b64(bytes.fromhex(modulus.strip().partition("=")[2]))}

    def sign(self, body, **header):
        text = unsigned({"alg": "RS256", "kid": self.jwk["kid"], **header}, body)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.file], input=text.encode(),
                              check=True, capture_output=True)
        return text + "." + b64(done.stdout)


class HttpIdentity(SystemTest):
    CONF = ("switchboard.workers = 0",)
    STUB = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secrets = cls.cluster.directory / "secrets"
        cls.secrets.mkdir()
        cls.secrets.chmod(0o755)
        cls.rsa = RsaKey(cls.cluster.directory, "first")
        cls.cluster.sql(f"""CREATE EXTENSION pg_switchboard;
            CREATE ROLE gateway LOGIN IN ROLE switchboard_gateway;
            INSERT INTO switchboard.tenants (id, name) VALUES ('{TENANT_A}', 'a'), ('{TENANT_B}', 'b');
            INSERT INTO switchboard.users (id, tenant_id, name) VALUES ('{AGENT}', '{TENANT_A}', 'agent');
            INSERT INTO switchboard.contacts (tenant_id, phone_number, name)
            VALUES ('{TENANT_A}', '+12025550101', 'of a'), ('{TENANT_B}', '+12025550102', 'of b')""")

    def setUp(self):
        self.keys({"keys": [self.rsa.jwk, {"kty": "oct", "kid": "shared", "k": b64(SECRET)}]})
        self.configure()

    def keys(self, content):
        text = content if isinstance(content, str) else json.dumps(content)
        (self.secrets / "keys.json").write_text(text)

    def configure(self, audience="", issuer="", origins=""):
        self.cluster.reload(f"switchboard.secrets_dir = '{self.secrets}'", "switchboard.jwt_keys = 'keys.json'",
                            f"switchboard.jwt_audience = '{audience}'", f"switchboard.jwt_issuer = '{issuer}'",
                            f"switchboard.cors_origins = '{origins}'")
        time.sleep(0.05)

    def ask_all(self, all_headers, method="GET", path="/api/customers/phone"):
        """Answers to requests that one session serves, a transaction each: status, headers, body."""
        one = """SELECT json_build_array(r.status, r.headers, convert_from(r.body, 'UTF8')) FROM switchboard.handle_http(
                   '{}', '{}', '{{}}', '{}', '') r;"""
        lines = self.cluster.sql("SET SESSION AUTHORIZATION gateway;\n" + "\n".join(
            one.format(method, path, json.dumps(h)) for h in all_headers)).splitlines()
        return [json.loads(line) for line in lines]

    def says(self, *tokens):
        """For each token, whose customers it shows, else why not."""
        answers = self.ask_all([{"authorization": f"Bearer {t}"} if t else {} for t in tokens])
        bodies = [json.loads(body) for _, _, body in answers]
        return [body["detail"] if "detail" in body else ",".join(c["name"] for c in body["customers"])
                for body in bodies]

    UNPROVED = "the token is not signed by a key that is known here"
    NOBODY = "the request does not say on whose behalf it is made"

    def test_one_session_serves_many_and_nothing_stays(self):
        a, b = self.rsa.sign(claims()), hs256(claims(TENANT_B))
        broken = a[:-4] + "AAAA"
        self.assertEqual(self.says(a, None, b, broken, None, hs256(claims(sub=AGENT), kid="shared"), None),
                         ["of a", self.NOBODY, "of b", self.UNPROVED, self.NOBODY, "of a", self.NOBODY])

    def test_tokens_that_are_not_good(self):
        public = subprocess.check_output(["openssl", "rsa", "-in", self.rsa.file, "-pubout"], stderr=subprocess.DEVNULL)
        jwks = (self.secrets / "keys.json").read_bytes()
        other = RsaKey(self.cluster.directory, "other")
        forged = [hs256(claims(), secret) for secret in (public, public.strip(), jwks, b"", b"x" * 32)]
        forged += [hs256(claims(), public, kid="first"), unsigned({"alg": "none"}, claims()) + ".",
                   self.rsa.sign(claims(), kid="unknown"), other.sign(claims()), other.sign(claims(), kid="first"),
                   hs256(claims(), kid="first"), self.rsa.sign(claims(), alg="RS512"), hs256(claims(), crit=["exp"])]
        self.assertEqual(set(self.says(*forged)), {self.UNPROVED})
        self.assertEqual(self.says(hs256({"tenant_id": TENANT_A}), hs256(claims(exp=time.time() - 31)),
                                   hs256(claims(nbf=time.time() + 60)), hs256(claims(aud="switchboard")),
                                   hs256(claims("nonsense")), hs256(claims(sub="auth0|1")), hs256(claims(TENANT_B, sub=AGENT)),
                                   hs256({"exp": time.time() + 60})),
                         ["the token does not say when it expires", "the token has expired", "the token is not valid yet",
                          "the token is for another audience"] + ["the credential names nobody who is known here"] * 4)

    def test_audience_and_issuer(self):
        self.configure("switchboard, https://api.example", "https://id.example")
        good = claims(aud=["x", "https://api.example"], iss="https://id.example")
        self.assertEqual(self.says(hs256(good), hs256({**good, "aud": "x"}), hs256({**good, "iss": "https://evil.example"}),
                                   hs256(claims(iss="https://id.example"))),
                         ["of a", "the token is for another audience", "the token is from another issuer",
                          "the token is for another audience"])

    def test_keys_that_change_and_vanish(self):
        session = subprocess.Popen(["psql", "-XAtq", "-U", "gateway", "-d", "postgres"], text=True, bufsize=1,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.cluster.environment())
        self.addCleanup(session.stdout.close)
        self.addCleanup(session.communicate, "\\q\n")
        token = hs256(claims())

        def status():
            session.stdin.write(f"""SELECT status, convert_from(body, 'UTF8')::jsonb ->> 'detail' FROM switchboard.handle_http(
                'GET', '/api/customers/phone', '{{}}', '{{"authorization": "Bearer {token}"}}', '');\n""")
            return session.stdout.readline().strip()
        self.assertEqual(status(), "200|")
        self.keys("f" * 32)
        self.assertEqual(status(), f"401|{self.UNPROVED}")
        self.keys(SECRET.decode() + "\n")
        self.assertEqual(status(), "200|")
        offset = self.cluster.log_size()
        for broken in ('{"keys": [', "<html>not found</html>" * 3, "short", ""):
            self.keys(broken)
            self.assertEqual(status(), "503|try again later", broken)
        (self.secrets / "keys.json").unlink()
        self.assertEqual(status(), "503|try again later")
        log = self.cluster.log_since(offset)
        self.assertIn('secret file "keys.json" cannot be found', log)
        self.assertNotIn(SECRET.decode(), log)
        self.keys(SECRET.decode())
        self.assertEqual(status(), "200|")

    def test_pages_of_other_origins(self):
        self.configure(origins="https://app.example, http://localhost:5173")
        preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        headers = [h for _, h, _ in self.ask_all([{"origin": "https://app.example"}, {"origin": "https://evil.example"},
                                                  {"origin": "https://app.example.evil.example"}, {"origin": "null"}, {}])]
        allowed = "access-control-allow-origin"
        self.assertEqual([h.get(allowed) for h in headers], ["https://app.example"] + [None] * 4)
        self.assertEqual([h.get("vary") for h in headers], ["Origin"] * 4 + [None])
        good, bad = self.ask_all([{"origin": "http://localhost:5173", **preflight},
                                  {"origin": "https://evil.example", **preflight}], "OPTIONS")
        self.assertEqual((good[0], good[1][allowed], good[1]["access-control-allow-methods"]),
                         (204, "http://localhost:5173", "GET"))
        self.assertIn("idempotency-key", good[1]["access-control-allow-headers"])
        self.assertFalse([name for name in bad[1] if name.startswith("access-control")])
        self.configure(origins="*")
        answer = self.ask_all([{"origin": "https://any.example"}])[0][1]
        self.assertEqual(answer[allowed], "*")
        self.assertNotIn("access-control-allow-credentials", answer)

    def test_through_the_gateway(self):
        gateway = Gateway(self.cluster)
        self.addCleanup(gateway.stop)
        get = lambda **h: gateway.request("/api/customers/phone", **h)[0]
        bearer = f"Bearer {self.rsa.sign(claims())}"
        self.assertEqual([get(), get(Authorization=bearer), get(), get(Authorization=bearer + "x")], [401, 200, 401, 401])
        spoofed = {"X-Tenant-Id": TENANT_A, "request.jwt.claims": json.dumps({"tenant_id": TENANT_A})}
        self.assertEqual(gateway.request("/api/customers/phone", **spoofed)[0], 401)
        self.assertEqual(gateway.request(f"/api/customers/phone?access_token={bearer[7:]}")[0], 401)
        body = json.dumps({"name": "once", "type": "manual"}).encode()
        once = {"Authorization": bearer, "Idempotency-Key": "k", "Content-Type": "application/json"}
        answers = [gateway.request("/api/dialer/campaigns", body, **once) for _ in range(3)]
        self.assertEqual([status for status, _ in answers], [201] * 3)
        self.assertEqual(len({answer for _, answer in answers}), 1)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM switchboard.campaigns"), "1")


if __name__ == "__main__":
    unittest.main()
