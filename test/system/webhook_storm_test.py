"""A storm of webhooks of all providers through the gateway: each sent three times, shuffled, over 16 connections, with faults while
they are acted on. What is left of it must be what the same webhooks leave that come once and in order.
SB_STORM_EVENTS is how many different ones (20000 takes minutes)."""
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.client
import itertools
import json
import os
import random
import shutil
import threading
import time
import unittest
import urllib.parse
import uuid

from harness import Cluster, SystemTest, data_owner
from programs import Gateway

EVENTS = int(os.environ.get("SB_STORM_EVENTS", "300"))
CONNECTIONS = 16
PUBLIC = "https://pbx.example"
TENANT = "00000000-0000-7000-8000-000000000001"
WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
PROVIDERS = {"twilio": "auth_token", "vonage": "signature_secret", "whatsapp": "app_secret", "mtn": "webhook_token",
             "openai": "webhook_secret", "asterisk": "webhook_token", "voipstudio": "webhook_token",
             "omnidimension": "webhook_token", "webhook": "signing_secret"}
ACCOUNTS = {name: f"00000000-0000-7000-8001-{n:012}" for n, name in enumerate(PROVIDERS, 1)}
BASE = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(hours=1)


def secret(provider):
    return WHSEC if PROVIDERS[provider] in ("webhook_secret", "signing_secret") else f"a-long-secret-of-{provider}"


def at(seconds):
    return BASE + datetime.timedelta(seconds=seconds)


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def mac(key, data, digest="sha256"):
    return hmac.new(key.encode() if isinstance(key, str) else key, data, digest)


class Webhook:
    """One thing that a provider tells. `fields` is a form for Twilio, else JSON."""

    def __init__(self, provider, event, fields, name=None, **query):
        self.provider, self.name = provider, name
        self.path = f"/api/webhooks/{provider}/{event}?" + urllib.parse.urlencode({"account": ACCOUNTS[provider], **query})
        self.form = provider == "twilio"
        self.fields = fields
        self.body = urllib.parse.urlencode(fields).encode() if self.form else json.dumps(fields).encode()

    def proof(self):
        """Headers by which the sender proves who it is; signed anew each time it is sent."""
        key, now = secret(self.provider), str(int(time.time()))
        if self.provider == "twilio":
            data = PUBLIC + self.path + "".join(k + v for k, v in sorted(self.fields.items()))
            return {"X-Twilio-Signature": base64.b64encode(mac(key, data.encode(), "sha1").digest()).decode()}
        if self.provider == "vonage":
            claims = {"iat": int(now), "jti": str(uuid.uuid4()), "payload_hash": hashlib.sha256(self.body).hexdigest()}
            head = unpadded(b'{"alg":"HS256"}') + "." + unpadded(json.dumps(claims).encode())
            return {"Authorization": f"Bearer {head}.{unpadded(mac(key, head.encode()).digest())}"}
        if self.provider == "whatsapp":
            return {"X-Hub-Signature-256": "sha256=" + mac(key, self.body).hexdigest()}
        if self.provider in ("openai", "webhook"):
            signed = f"{self.name}.{now}.".encode() + self.body
            signature = base64.b64encode(mac(base64.b64decode(WHSEC[6:]), signed).digest()).decode()
            return {"webhook-id": self.name, "webhook-timestamp": now, "webhook-signature": "v1," + signature}
        return {"Authorization": "Basic " + base64.b64encode(f"switchboard:{key}".encode()).decode()}

    def headers(self):
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        return {"Content-Type": kind, **self.proof()}


# --- stories: what happens, and all that is told of it, in order. n makes numbers, ids and outcomes. ---

def row(n):
    return f"00000000-0000-7000-8002-{n:012}"


def phone(n):
    return f"+1202{5000000 + n}"


def twilio_call(n):
    def told(step, status, **more):
        return Webhook("twilio", "status", {"CallSid": f"CA{n}", "AccountSid": "AC1", "CallStatus": status, "Direction": "outbound-api",
                       "SequenceNumber": str(step), "Timestamp": email.utils.format_datetime(at(n % 60 + 10 * step)), **more}, call=row(n))
    if n % 3 == 0:
        return [told(0, "initiated"), told(1, "ringing"), told(3, "busy", SipResponseCode="486")]
    return [told(0, "initiated"), told(1, "ringing"), told(2, "in-progress"), told(3, "completed", CallDuration="10"),
            Webhook("twilio", "recording", {"CallSid": f"CA{n}", "RecordingSid": f"RE{n}", "RecordingStatus": "completed",
                    "RecordingUrl": f"https://rec.example/{n}", "RecordingDuration": "9"}, call=row(n))]


def vonage_call(n):
    def told(step, status, **more):
        return Webhook("vonage", "status", {"uuid": f"v-{n}", "conversation_uuid": f"CON-{n}", "status": status, "direction": "outbound",
                       "timestamp": at(n % 60 + 10 * step).isoformat(), **more}, call=row(n))
    if n % 3 == 0:
        return [told(0, "started"), told(1, "ringing"), told(3, "unanswered", detail="timeout"), told(4, "completed", duration="0")]
    return [told(0, "started"), told(1, "ringing"), told(2, "answered"),
            told(3, "completed", duration="10", start_time=at(0).isoformat(), price="0.01")]


def twilio_message(n):
    statuses = ["sent", "delivered", "read"] if n % 2 else ["sent", "undelivered"]
    return [Webhook("twilio", "message-status", {"MessageSid": f"SM{n}", "MessageStatus": s, "AccountSid": "AC1"}, message=row(n))
            for s in statuses] + [
        Webhook("twilio", "message", {"MessageSid": f"SMi{n}", "SmsStatus": "received", "From": phone(n), "To": "+15005550006",
                "Body": f"Hellö {n} & <b>", "NumMedia": "1", "MediaUrl0": f"https://m.example/{n}", "MediaContentType0": "image/png"})]


def whatsapp(n):
    def post(**value):
        return Webhook("whatsapp", "event", {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{
            "field": "messages", "value": {"metadata": {"phone_number_id": "77", "display_phone_number": "15550783881"}, **value}}]}]})
    def status(name):
        return {"id": f"wamid.S{n}", "status": name, "timestamp": str(int(at(n % 60).timestamp())), "biz_opaque_callback_data": row(n)}
    def message(part):
        return {"from": phone(n)[1:], "id": f"wamid.{n}.{part}", "timestamp": str(int(at(n % 60 + part).timestamp())), "type": "text",
                "text": {"body": f"{n} \u263a {part}"}}
    return [post(messages=[message(1), message(2)], contacts=[{"wa_id": phone(n)[1:], "profile": {"name": f"Ada {n}"}}]),
            post(statuses=[status("sent")]), post(statuses=[status("read"), status("delivered")]), post(messages=[message(3)])]


def mtn(n):
    return [Webhook("mtn", "receipt", {"id": n, "clientCorrelatorId": row(n), "deliveryStatus": s}) for s in ("ACCEPTD", "DELIVERED")] + [
        Webhook("mtn", "sms", {"senderAddress": phone(n)[1:], "receiverAddress": "SHOP", "message": f"mtn {n}", "id": n})]


def vonage_message(n):
    part = {"msisdn": phone(n)[1:], "to": "14155550101", "concat": "true", "concat-ref": str(n % 256), "concat-total": "2", "type": "text"}
    return [Webhook("vonage", "message-status", {"message_uuid": f"mu-{n}", "status": s, "client_ref": row(n)})
            for s in ("submitted", "delivered")] + [
        Webhook("vonage", "message", {"message_uuid": f"mi-{n}", "channel": "sms", "message_type": "text", "from": phone(n)[1:],
                "to": "14155550101", "text": f"vonage {n}", "timestamp": at(n % 60).isoformat()})] + [
        Webhook("vonage", "message", {**part, "messageId": f"mp-{n}-{p}", "concat-part": str(p), "text": f"part {p} of {n}. "})
        for p in (1, 2)]


def other_call(n):
    times = {"occurred_at": at(n % 60).isoformat()}
    return [Webhook("webhook", "incoming", {"call_id": f"g{n}", "from": phone(n), "to": "+15005550006", **times}, name=f"evt_{n}_1"),
            Webhook("webhook", "status", {"call_id": f"g{n}", "status": "completed", "duration": 10, "recording_url": f"https://r.example/{n}",
                    "sentiment": "positive", "occurred_at": at(n % 60 + 20).isoformat()}, name=f"evt_{n}_2"),
            Webhook("webhook", "message", {"message_id": n, "from": phone(2000000 + n), "text": f"other {n}", **times}, name=f"evt_{n}_3")]


def asterisk_call(n):
    def told(kind, step, **more):
        return Webhook("asterisk", "event", {"type": kind, "timestamp": at(n % 60 + 10 * step).isoformat(), **more, "channel": {
            "id": f"ch-{n}", "state": "Up", "caller": {"number": phone(n)}, "dialplan": {"exten": "+15005550006"}}})
    return [told("StasisStart", 0, args=[]), told("ChannelDestroyed", 2, cause=16, cause_txt="Normal Clearing")]


def voipstudio_call(n):
    def told(step, state, leg, **more):
        return Webhook("voipstudio", "call", {"id": f"uk-{n}-{step}", "call_id": 10 * n + leg, "root_call_id": 10 * n, "state": state,
                       "destination": "in", "src": phone(n)[1:], "dst": "442079460000", **more})
    return [told(1, "RINGING", 1), told(2, "MISSED", 1, final=False), told(3, "CONNECTED", 2),
            told(4, "HANGUP", 2, final=True, duration=30, connected_at="2026-01-01 11:59:30")]


def single_events(n):
    return [Webhook("openai", "event", {"type": "realtime.call.incoming", "id": f"evt_{n}", "data": {"call_id": f"rtc_{n}", "sip_headers": [
                {"name": "From", "value": f"<sip:{phone(n)}@sip.example>;tag=1"}]}}, name=f"oai_{n}"),
            Webhook("omnidimension", "post-call", {"call_id": n, "call_direction": "inbound", "from_number": phone(1000000 + n),
                    "to_number": "+15005550006", "call_request_id": False, "call_duration": 42, "call_status": "completed",
                    "call_report": {"summary": f"s {n}", "sentiment": "neutral"}})]


STORIES = (twilio_call, vonage_call, twilio_message, whatsapp, mtn, vonage_message, other_call, asterisk_call, voipstudio_call, single_events)
CALLS, MESSAGES = {twilio_call: "twilio", vonage_call: "vonage"}, {
    twilio_message: "twilio", whatsapp: "whatsapp", mtn: "mtn", vonage_message: "vonage"}


def tell(count):
    """(story, n, webhooks) until there are so many."""
    told = 0
    for n in itertools.count(1):
        story = STORIES[n % len(STORIES)]
        webhooks = story(n)
        yield story, n, webhooks
        told += len(webhooks)
        if told >= count:
            return


# --- what must be the same afterwards ---

STATE = {
    "calls that we made": """
        SELECT provider, call_id, status, duration, to_number, recording_url, started_at < answered_at, answered_at, ended_at, cost
          FROM switchboard.call_logs WHERE direction = 'outbound'""",
    "calls that came in": """
        SELECT c.provider, c.call_id, c.status, c.duration, c.from_number, c.to_number, k.phone_number, k.source
          FROM switchboard.call_logs c LEFT JOIN switchboard.contacts k ON k.id = c.lead_id WHERE c.direction = 'inbound'""",
    "trail": """
        SELECT c.call_id, e.status, count(*) FROM switchboard.call_events e JOIN switchboard.call_logs c ON c.id = e.call_log_id
         WHERE c.direction = 'outbound' OR e.status IS NOT NULL   -- nobody asks what to do with a call that has ended
         GROUP BY 1, 2""",
    "recordings": """
        SELECT c.call_id, r.provider_recording_id, r.recording_url, r.duration, r.sentiment, r.metadata
          FROM switchboard.call_recordings r JOIN switchboard.call_logs c ON c.id = r.call_id""",
    "messages": """
        SELECT m.channel, m.provider_message_id, m.body, m.media, k.phone_number, m.metadata
          FROM switchboard.messages m JOIN switchboard.contacts k ON k.id = m.contact_id WHERE m.direction = 'inbound'""",
    "deliveries": "SELECT id, provider, provider_message_id, status, error_code FROM switchboard.message_delivery_log",
    "contacts": "SELECT phone_number, name, has_whatsapp, source FROM switchboard.contacts",
    "inbox": "SELECT provider, event, dedupe_key, error, processed_at IS NULL FROM switchboard.webhook_inbox",
    "feed": """SELECT event, count(*), count(DISTINCT subject_id) FROM switchboard.events
                WHERE event IN ('new-call', 'message-received') GROUP BY 1""",
}


class WebhookStormTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        directory = Cluster.make_directory()
        cls.make_secrets(directory / "secrets")
        cls.cluster = Cluster("switchboard.workers = 0", f"switchboard.secrets_dir = '{directory / 'secrets'}'", stub=False,
                              directory=directory)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.stories = list(tell(EVENTS))
        cls.webhooks = [webhook for _, _, webhooks in cls.stories for webhook in webhooks]

    @staticmethod
    def make_secrets(folder):
        folder.mkdir()
        for provider in PROVIDERS:
            (folder / provider).write_text(secret(provider))
        for path in (*folder.iterdir(), folder):
            path.chmod(0o700)
            shutil.chown(path, data_owner().pw_uid, data_owner().pw_gid)

    def make_database(self, name):
        """One tenant, its accounts, and what is under way when the webhooks come."""
        self.cluster.sql(f"CREATE DATABASE {name}")
        self.cluster.sql("CREATE EXTENSION pg_switchboard", name)
        calls = [(row(n), CALLS[story], phone(n)) for story, n, _ in self.stories if story in CALLS]
        sent = [(row(n), MESSAGES[story], phone(n)) for story, n, _ in self.stories if story in MESSAGES]
        self.cluster.sql(f"""
            INSERT INTO switchboard.tenants (id, name) VALUES ('{TENANT}', 'storm');
            INSERT INTO switchboard.provider_accounts (id, tenant_id, provider, name, settings)
            SELECT a.id::uuid, '{TENANT}', a.provider, a.provider, '{{"public_url": "{PUBLIC}", "phone_number_id": "77"}}'
              FROM (VALUES {", ".join(f"('{i}', '{p}')" for p, i in ACCOUNTS.items())}) a (id, provider);
            INSERT INTO switchboard.provider_secrets (tenant_id, account_id, name, value)
            SELECT '{TENANT}', a.id::uuid, a.name, 'file:' || a.provider
              FROM (VALUES {", ".join(f"('{ACCOUNTS[p]}', '{p}', '{s}')" for p, s in PROVIDERS.items())}) a (id, provider, name);
            INSERT INTO switchboard.call_logs (id, tenant_id, provider, account_id, direction, to_number, started_at, dialed_at)
            SELECT c.id::uuid, '{TENANT}', c.provider, a.id, 'outbound', c.phone, '{BASE}', '{BASE}'
              FROM (VALUES {", ".join(map(str, calls))}) c (id, provider, phone)
              JOIN switchboard.provider_accounts a ON a.provider = c.provider;
            WITH people AS (
                INSERT INTO switchboard.contacts (tenant_id, phone_number)
                SELECT '{TENANT}', s.phone FROM (VALUES {", ".join(map(str, sent))}) s (id, provider, phone) RETURNING id, phone_number
            ), letters AS (
                INSERT INTO switchboard.messages (tenant_id, contact_id, channel, direction, sender)
                SELECT '{TENANT}', id, 'sms', 'outbound', 'system' FROM people RETURNING id, contact_id
            )
            INSERT INTO switchboard.message_delivery_log (id, tenant_id, message_id, contact_id, channel, provider)
            SELECT s.id::uuid, '{TENANT}', l.id, p.id, 'sms', s.provider
              FROM (VALUES {", ".join(map(str, sent))}) s (id, provider, phone)
              JOIN people p ON p.phone_number = s.phone JOIN letters l ON l.contact_id = p.id""", name)

    def send(self, gateway, webhooks, refused):
        link = http.client.HTTPConnection(gateway.url.removeprefix("http://"))
        for webhook in webhooks:
            link.request("POST", webhook.path, webhook.body, webhook.headers())
            answer = link.getresponse()
            text = answer.read()
            if answer.status != 200:
                refused.append((webhook.provider, webhook.path, answer.status, text))
        link.close()

    def send_all(self, database, lanes):
        """Each list over a connection of its own, all at once; seconds."""
        gateway = Gateway(self.cluster, database, ("--connections", "16"))
        refused, began = [], time.monotonic()
        try:
            threads = [threading.Thread(target=self.send, args=(gateway, lane, refused)) for lane in lanes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            gateway.stop()
        self.assertEqual(refused[:5], [])
        return time.monotonic() - began

    def act_on_the_rest(self, database):
        """What a worker does, without its pauses."""
        for _ in range(8):
            left = self.cluster.sql("""
                SELECT count(switchboard._act_on_webhook(w.id)) FROM (SELECT id FROM switchboard.webhook_inbox
                  WHERE processed_at IS NULL ORDER BY received_at FOR NO KEY UPDATE) w""", database)
            if left == "0":
                return

    def state(self, database):
        return {what: sorted(self.cluster.sql(query, database).splitlines()) for what, query in STATE.items()}

    def test_a_storm_leaves_what_order_leaves(self):
        for name in ("orderly", "storm"):
            self.make_database(name)
        orderly = self.send_all("orderly", [[w for _, _, webhooks in self.stories[lane::4] for w in webhooks] for lane in range(4)])
        self.act_on_the_rest("orderly")

        # One in twenty messages meets a fault; it is kept, and acted on afterwards.
        self.cluster.sql("""
            CREATE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF random() < 0.05 THEN RAISE 'fault' USING ERRCODE = '58030'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER fault BEFORE INSERT ON switchboard.messages FOR EACH ROW EXECUTE FUNCTION public.fault()""", "storm")
        random.seed(5)
        thrice = self.webhooks * 3
        random.shuffle(thrice)
        storm = self.send_all("storm", [thrice[lane::CONNECTIONS] for lane in range(CONNECTIONS)])
        faults = self.cluster.sql("SELECT count(*) FROM switchboard.webhook_inbox WHERE error LIKE '58030%'", "storm")
        waiting = self.cluster.sql("SELECT count(*) FROM switchboard.webhook_inbox WHERE processed_at IS NULL", "storm")
        self.cluster.sql("DROP TRIGGER fault ON switchboard.messages", "storm")
        self.act_on_the_rest("storm")

        print(f"\n{len(self.webhooks)} webhooks: in order {len(self.webhooks) / orderly:.0f} a second over 4 connections, "
              f"three times each {len(thrice) / storm:.0f} a second over {CONNECTIONS}; {faults} met a fault, {waiting} waited")
        wanted, got = self.state("orderly"), self.state("storm")
        for what, rows in wanted.items():
            with self.subTest(what):
                self.assertGreater(len(rows), 0)
                known = set(rows)
                self.assertEqual([r for r in got[what] if r not in known][:5], [])
                self.assertTrue(got[what] == rows)
        counted = "SELECT count(*), sum(repeats) FROM switchboard.webhook_inbox"
        self.assertEqual(self.cluster.sql(counted, "orderly"), f"{len(self.webhooks)}|0")
        self.assertEqual(self.cluster.sql(counted, "storm"), f"{len(self.webhooks)}|{2 * len(self.webhooks)}")
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM switchboard.webhook_inbox WHERE error IS NOT NULL", "storm"), "0")


if __name__ == "__main__":
    unittest.main()
