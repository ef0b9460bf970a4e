"""The description of the API: valid OpenAPI 3.1, and what routes take and answer is what it says."""
import json
import re
import subprocess
import unittest
import urllib.parse

import jsonschema

import harness

OAS = json.loads((harness.ROOT / "test" / "openapi" / "oas-3.1.json").read_text())
DIALECT = jsonschema.Draft202012Validator
LOOSE = {"CampaignReport", "Wallboard"}   # described by their functions


class Session:
    """A session that stays, so that what is worked out once a session is worked out once."""

    def __init__(self, cluster):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=0", "-d", "postgres"], env=cluster.environment(),
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask(self, statement):
        self.process.stdin.write(statement + ";\n\\echo ---\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "---\n":
                return "".join(lines).strip()
            lines.append(line)
        raise AssertionError("the session has ended: " + "".join(lines))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def quoted(value):
    return "'" + value.replace("'", "''") + "'"


class OpenApi(harness.SystemTest):
    CONF = ("switchboard.workers = 0",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.cluster.sql("CREATE ROLE front LOGIN; GRANT switchboard_gateway TO front")
        cls.session = Session(cls.cluster)
        cls.addClassCleanup(cls.session.close)
        cls.ids = cls.make_rows()
        cls.session.ask("SET SESSION AUTHORIZATION front")
        cls.document = cls.request("GET", "/openapi.json", claims=None)[1]
        # Clients must bear fields that they do not know; this one wants to know all.
        cls.strict = {name: {**schema, "additionalProperties": name in LOOSE}
                      for name, schema in cls.document["components"]["schemas"].items()}
        cls.seen = set()

    @classmethod
    def make_rows(cls):
        """A tenant that can call at any hour, its people, and calls of every kind."""
        ids = {}
        for name in ("tenant", "ann", "sue", "account", "alice", "product", "power", "preview", "waiting", "ended",
                     "voicemail"):
            ids[name] = cls.session.ask("SELECT switchboard.uuid_v7()")
        cls.session.ask("""
            BEGIN;
            SET LOCAL request.jwt.claims = '{{"tenant_id": "{tenant}"}}';
            INSERT INTO switchboard.tenants (id, name) VALUES ('{tenant}', 'acme');
            SELECT switchboard.set_identity('{tenant}');
            SELECT set_config('test.account', switchboard.add_provider_account('twilio', 'main',
              '{{"account_sid": "AC1", "caller_id": "+12015550100", "public_url": "https://pbx.example"}}',
              '{{"auth_token": "env:PATH"}}')::text, true);
            INSERT INTO switchboard.channel_routes (channel, account_id) VALUES ('voice', current_setting('test.account')::uuid);
            INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason)
            VALUES ('*', 'calling_window', '{{"start": "00:00", "end": "24:00"}}', 'test'),
                   ('US', 'artificial_voice_consent', '{{"required": false}}', 'test');
            INSERT INTO switchboard.users (id, name, role) VALUES ('{ann}', 'Ann', 'agent'), ('{sue}', 'Sue', 'admin');
            INSERT INTO switchboard.contacts (id, phone_number, name) VALUES ('{alice}', '+12025550101', 'Alice');
            INSERT INTO switchboard.products (id, name, price, stock) VALUES ('{product}', 'Phone', 849.99, 5);
            INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) VALUES ('{alice}', '{product}', 999.99);
            INSERT INTO switchboard.campaigns (id, user_id, name, type, status, product_id, active_hours)
            VALUES ('{power}', NULL, 'offers', 'manual', 'active', '{product}', '{{"start": "00:00", "end": "24:00"}}'),
                   ('{preview}', NULL, 'looks', 'preview', 'active', NULL, '{{"start": "00:00", "end": "24:00"}}');
            INSERT INTO switchboard.voicemail_drops (id, name, audio_url) VALUES ('{voicemail}', 'hello', 'https://a.example/1.mp3');
            INSERT INTO switchboard.call_logs (id, user_id, direction, from_number, to_number, status, provider, call_id, started_at, queued_at)
            VALUES ('{waiting}', NULL, 'inbound', '+12025550102', '+12015550100', 'ringing', 'twilio', 'CAwaits', now(), now());
            INSERT INTO switchboard.call_logs (id, user_id, direction, from_number, to_number, status, provider, account_id, call_id, answered_at)
            VALUES ('{ended}', NULL, 'outbound', '+12015550100', '+12025550101', 'answered', 'twilio', current_setting('test.account')::uuid,
                    'CAtalks', now());
            INSERT INTO switchboard.call_recordings (call_id, recording_url) VALUES ('{ended}', 'https://rec.example/1');
            COMMIT;
            RESET request.jwt.claims""".format(**ids))
        return ids

    @classmethod
    def claims_of(cls, user=None):
        return json.dumps({"tenant_id": cls.ids["tenant"], **({"sub": cls.ids[user]} if user else {})})

    @classmethod
    def request(cls, method, path, body=None, query=None, claims=None):
        """(status, document, headers) of a request."""
        statement = "SELECT jsonb_build_object('status', r.status, 'headers', r.headers, 'body', convert_from(r.body, 'UTF8')) " \
                    "FROM switchboard.handle_http({}, {}, {}, '{{}}', convert_to({}, 'UTF8')) r".format(
                        quoted(method), quoted(path), quoted(json.dumps(query or {})),
                        quoted("" if body is None else json.dumps(body)))
        if claims:
            statement = f"SET request.jwt.claims = {quoted(claims)};\n{statement};\nRESET request.jwt.claims"
        text = cls.session.ask(statement)
        try:
            answer = json.loads(text.splitlines()[-1])
        except (json.JSONDecodeError, IndexError):
            raise AssertionError(f"{method} {path}: {text}") from None
        kind = answer["headers"].get("content-type", "")
        content = json.loads(answer["body"]) if "json" in kind and answer["body"] else answer["body"]
        return answer["status"], content, answer["headers"]

    def check(self, schema, value, what):
        schema = {"components": {"schemas": self.strict}, **schema}
        errors = sorted(DIALECT(schema, format_checker=jsonschema.FormatChecker()).iter_errors(value), key=str)
        self.assertFalse(errors, f"{what}: " + "; ".join(f"{list(e.absolute_path)} {e.message[:300]}" for e in errors[:3]))

    def call(self, method, route, body=None, query=None, user="sue", status=None, **parts):
        """Makes a request of a route, and holds what it takes and answers to the description."""
        operation = self.document["paths"][route][method.lower()]
        path = re.sub(r"{(\w+)}", lambda part: str(parts[part[1]]), route)
        if body is not None and "requestBody" in operation:
            self.check(operation["requestBody"]["content"]["application/json"]["schema"], body, f"body of {method} {route}")
        got, content, headers = self.request(method, path, body, query, self.claims_of(user) if user else None)
        expected = status or min(int(code) for code in operation["responses"] if code.isdigit())
        self.assertEqual(got, expected, f"{method} {path}: {content}")
        response = operation["responses"].get(str(got)) or operation["responses"]["default"]
        if "$ref" in response:
            response = self.document["components"]["responses"]["Problem"]
        kind = headers.get("content-type", "").split(";")[0]
        if "content" in response:
            media = response["content"].get(kind) or response["content"].get("*/*")
            self.assertIsNotNone(media, f"{method} {route} answers {kind}")
            self.check(media["schema"], content, f"answer of {method} {route}")
        else:
            self.assertEqual(content, "", f"{method} {route} answers nothing")
        self.assertEqual(headers.get("x-switchboard-route"), route)
        if got < 300:
            self.seen.add((method, route))
        return content

    # --- the document ---

    def test_1_is_openapi(self):
        errors = list(DIALECT(OAS).iter_errors(self.document))
        self.assertFalse(errors, [e.message[:300] for e in errors[:3]])
        for name, schema in self.document["components"]["schemas"].items():
            DIALECT.check_schema(schema)
            self.assertTrue(schema["properties"], name)

    def test_2_refers_to_what_is_there(self):
        text = json.dumps(self.document)
        wanted = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))
        known = set(self.document["components"]["schemas"])
        self.assertEqual(wanted - known, set(), "schemas that nobody describes")
        self.assertEqual(known - wanted, set(), "schemas that nothing refers to")

    def test_3_operations(self):
        names = []
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                names.append(operation["operationId"])
                given = {p["name"] for p in operation.get("parameters", []) if p.get("in") == "path"}
                self.assertEqual(given, set(re.findall(r"{(\w+)}", path)), f"{method} {path}")
                self.assertIn("default", operation["responses"])
                self.assertTrue(operation["summary"])
                self.assertTrue(set(operation["tags"]) <= {tag["name"] for tag in self.document["tags"]})
        self.assertEqual(len(names), len(set(names)), "operations have names of their own")

    def test_4_labels_are_those_of_the_types(self):
        """Labels in bodies are written down; those of the database may get more."""
        labels = self.session.ask("SELECT jsonb_object_agg(t.typname, (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) "
                                  "FROM pg_enum e WHERE e.enumtypid = t.oid)) FROM pg_type t "
                                  "WHERE t.typnamespace = 'switchboard'::regnamespace AND t.typtype = 'e'")
        types = {name: set(values) for name, values in json.loads(labels).items()}
        schemas = self.document["components"]["schemas"]
        for schema, field, name in (
                ("NewCampaign", "type", "campaign_type"), ("CampaignChange", "status", "campaign_status"),
                ("CallChange", "status", "call_status"), ("NewDisposition", "disposition", "call_disposition"),
                ("TriggerCall", "triggerType", "trigger_type"), ("StateChange", "state", "agent_state"),
                ("NewSupportRequest", "priority", "support_priority"), ("NewApiKey", "role", "user_role"),
                ("ListedCall", "disposition", "call_disposition"), ("SupportRequestReceipt", "status", "support_status")):
            self.assertEqual(set(schemas[schema]["properties"][field]["enum"]) - {None}, types[name], f"{schema}.{field}")
        for path, parameter, name in (
                ("/api/dialer/calls", "status", "call_status"), ("/api/dialer/calls", "disposition", "call_disposition"),
                ("/api/dialer/campaigns", "status", "campaign_status"), ("/api/dialer/campaigns", "type", "campaign_type"),
                ("/api/call-center/support-requests", "status", "support_status"), ("/api/call-center/agents", "state", "agent_state")):
            found = next(p for p in self.document["paths"][path]["get"]["parameters"] if p.get("name") == parameter)
            self.assertEqual(set(found["schema"]["items"]["enum"]), types[name], f"{path} {parameter}")

    def test_4_pages_tell_of_every_route(self):
        pages = "".join(page.read_text() for page in (harness.ROOT / "docs" / "http").glob("*.md"))
        routes = [f"{method.upper()} {path}" for path, methods in self.document["paths"].items() for method in methods]
        self.assertEqual([route for route in routes if f"`{route}`" not in pages], [])

    # --- what routes do ---

    def test_5_routes_answer_what_is_described(self):
        ids = self.ids
        calls, campaigns, center = "/api/dialer/calls", "/api/dialer/campaigns", "/api/call-center"
        self.call("GET", "/openapi.json", user=None)
        self.call("GET", "/healthz", user=None)
        self.call("GET", "/metrics", user=None)
        self.call("GET", "/api/me")

        made = self.call("POST", calls, {"toNumber": "+12025550111", "metadata": {"order": 1}})
        self.call("GET", calls, query={"limit": "1"})
        self.call("GET", calls + "/{id}", id=ids["ended"])
        self.call("PATCH", calls + "/{id}", {"notes": "hello", "leadId": ids["alice"]}, id=made["id"])
        self.call("POST", calls + "/{id}/hang-up", id=made["id"])
        self.call("POST", "/api/dialer/dispositions", {"callId": ids["ended"], "disposition": "interested",
                                                       "followUpDate": "2999-05-31T09:00:00Z"})
        self.call("GET", "/api/dialer/dispositions", query={"callId": ids["ended"]})
        self.call("GET", calls + "/{id}", id=ids["ended"])
        self.call("POST", calls + "/{id}/voicemail", {"voicemailId": ids["voicemail"]}, id=ids["ended"])
        self.call("DELETE", calls + "/{id}", id=made["id"])

        served = "/api/admin/customer-service/calls"
        self.call("GET", served, query={"status": "completed"})
        logged = self.call("POST", served, {"fromNumber": "+12025550112", "duration": 60, "notes": "hello"})
        for method in ("PATCH", "PUT"):
            self.call(method, served + "/{id}", {"agentId": ids["ann"]}, id=logged["id"])

        draft = self.call("POST", campaigns, {"name": "spring", "type": "manual", "maxAbandonRate": 0.03,
                                              "activeHours": {"start": "00:00", "end": "24:00"}})
        self.call("GET", campaigns, query={"limit": "1"})
        self.call("GET", campaigns + "/{id}", id=draft["id"])
        self.call("PATCH", campaigns + "/{id}", {"description": "for all", "maxAttempts": 5, "timezone": None}, id=draft["id"])
        self.call("POST", campaigns + "/{id}/contacts", {"contacts": [{"phoneNumber": "+12025550120", "firstName": "Bo"}, {"phone_number": "x"}]},
                  id=draft["id"])
        self.call("GET", campaigns + "/{id}/contacts", id=draft["id"])
        self.call("GET", campaigns + "/{id}/preflight", id=draft["id"])
        self.call("PUT", campaigns + "/{id}/schedule", {"cronSchedule": "0 9 * * *"}, status=503, id=draft["id"])  # no pg_cron
        self.call("DELETE", campaigns + "/{id}/schedule", id=draft["id"])
        self.seen.add(("PUT", campaigns + "/{id}/schedule"))
        for step in ("start", "pause", "resume", "run", "recycle", "complete", "archive"):
            self.call("POST", campaigns + "/{id}/" + step, {} if step == "recycle" else None, id=draft["id"])
        self.call("GET", campaigns + "/{id}/report", id=draft["id"])
        self.call("DELETE", campaigns + "/{id}", id=draft["id"])
        self.call("POST", campaigns + "/{id}/contacts", {"contacts": [{"phone_number": f"+1202555013{n}"} for n in range(3)]}, id=ids["preview"])
        for step in ("skip", "accept"):
            shown = self.call("POST", campaigns + "/{id}/preview", id=ids["preview"], user="ann")["contact"]
            self.call("POST", "/api/dialer/previews/{id}/" + step, {"reason": "later"} if step == "skip" else None, user="ann", id=shown["queue_id"])
        self.call("POST", calls + "/{id}/hang-up", user="ann", id=self.call("GET", calls, query={"userId": ids["ann"]})["calls"][0]["id"])

        trigger = {"campaignId": ids["power"], "customerId": ids["alice"], "productId": ids["product"], "triggerType": "price_drop",
                   "newPrice": 849.99, "originalPrice": 999.99, "discountPercent": 15}
        made = self.call("POST", "/api/campaigns/trigger-call", trigger)
        self.call("GET", "/api/campaigns/triggers/{id}/package", id=made["callTriggerId"])
        self.call("POST", "/api/campaigns/price-drop", {"productId": ids["product"], "oldPrice": 10, "newPrice": 9})
        self.call("POST", "/api/campaigns/stock-alert", {"productId": ids["product"]})
        self.call("POST", "/api/campaigns/promotion", {"campaignId": ids["power"]})
        self.call("GET", "/api/customers/phone", query={"email": "a"})
        self.call("GET", "/api/customers/purchase-history")

        self.call("GET", center + "/queue")
        self.call("PUT", center + "/agents/{id}/state", {"state": "paused", "reason": "lunch"}, user="ann", id="me")
        self.call("GET", center + "/agents")
        self.call("GET", center + "/agents/{id}", id=ids["ann"])
        self.call("POST", center + "/calls/{id}/assign", {"userId": ids["ann"]}, id=ids["waiting"])
        self.call("POST", center + "/claim", user="sue")
        asked = self.call("POST", "/api/customer/support-request", {"userEmail": "bo@example.test", "subject": "help"}, user=None)
        self.call("POST", "/api/customer/support-request", {"phoneNumber": "+12025550140", "subject": "help", "userId": "7"}, user=None)
        self.call("POST", center + "/callbacks", {"phoneNumber": "+12025550141", "at": "2026-01-01T00:00:00Z"})
        self.call("GET", center + "/support-requests")
        self.call("GET", center + "/support-requests/{id}", id=asked["id"])
        self.call("PATCH", center + "/support-requests/{id}", {"priority": "high", "assignedTo": ids["ann"]}, id=asked["id"])
        for step, body in (("assign", {}), ("resolve", {"notes": "done"}), ("reopen", None), ("close", {})):
            self.call("POST", center + "/support-requests/{id}/" + step, body, id=asked["id"])
        self.call("POST", center + "/claim", {"kind": "request"}, user="ann")
        self.call("GET", center + "/stats")
        self.call("GET", center + "/agent-report")
        self.call("GET", "/api/wallboard")
        self.call("GET", "/api/dialer/analytics")
        events = self.call("GET", "/api/events", query={"after": "0", "limit": "2"})
        self.assertEqual(len(events["events"]), 2)

        for path, body, change in (
                ("/api/contacts", {"phoneNumber": "202-555-0150", "name": "Cy", "leadScore": 7, "metadata": {"a": None}}, {"leadStatus": "hot", "notes": None}),
                ("/api/products", {"name": "Case", "price": 19.99, "sku": "C1"}, {"stock": 3}),
                ("/api/purchases", {"contactId": ids["alice"], "productId": ids["product"], "amountPaid": 10.5}, {"refundedAt": "2026-01-01"}),
                ("/api/do-not-call", {"phoneNumber": "+12025550151", "reason": "asked"}, None),
                ("/api/dialer/voicemails", {"name": "hi", "audioUrl": "https://a.example/2.mp3"}, None)):
            made = self.call("POST", path, body)
            self.call("GET", path, query={"limit": "1"})
            self.call("GET", path + "/{id}", id=made["id"])
            if change:
                self.call("PATCH", path + "/{id}", change, id=made["id"])
            self.call("DELETE", path + "/{id}", id=made["id"])
        coupon = self.call("POST", "/api/coupons", {"discountPercent": 15, "contactId": ids["alice"]})
        self.call("POST", "/api/coupons/redeem", {"code": coupon["code"], "amount": 100})

        key = self.call("POST", "/api/keys", {"name": "shop"})
        self.call("GET", "/api/keys")
        self.call("DELETE", "/api/keys/{id}", id=key["id"])

        described = {(method.upper(), path) for path, methods in self.document["paths"].items() for method in methods}
        self.assertEqual({r for r in described - self.seen if "/webhooks/" not in r[1]}, set(), "every route was asked")

    def test_6_problems_are_as_described(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if "/webhooks/" in path:
                    continue
                parts = {"id": "00000000-0000-0000-0000-000000000000"}
                if operation.get("security") != []:
                    self.call(method.upper(), path, user=None, status=401, **parts)
                if "requestBody" in operation:
                    self.assertEqual(self.request(method.upper(), re.sub("{id}", parts["id"], path), {"nonsense": 1}, claims=self.claims_of("sue"))[0],
                                     422, f"{method} {path} with an unknown field")

    def test_7_next_pages_are_links(self):
        path, query = "/api/dialer/calls", {"limit": "2"}
        found = []
        while True:
            _, content, headers = self.request("GET", path, query=query, claims=self.claims_of())
            found += [call["id"] for call in content["calls"]]
            link = re.fullmatch(r'<([^>]*)>; rel="next"', headers.get("link", ""))
            if not link:
                break
            target = urllib.parse.urlsplit(link[1])
            path, query = target.path, dict(urllib.parse.parse_qsl(target.query))
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(len(found), self.request("GET", "/api/dialer/calls", claims=self.claims_of())[1]["total"])


if __name__ == "__main__":
    unittest.main()
