"""Kills at every dangerous moment, and counts at the carrier what really happened.

For each place where the worker program may be struck (after a claim, after "sending" was noted, after
the bytes left, after the answer, before the result is recorded) and each victim (the child, the
background worker, some backend, the postmaster): kill -9, let everything come back, go on. At the
end no job may be lost, no call placed twice, no doubt left open, and a message or webhook repeated
only if it was in flight when its child was killed.

usage: crash_table.py [--rounds 200] [--seed 1] [--place NAME] [--victim NAME]
Needs switchboard-worker-faults and switchboard-carrier in $SB_BUILD and the installation in $STAGE.
"""
import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time

from harness import Cluster, wait_until
from programs import BUILD, Carrier

POINTS = ("after_claim", "after_sending_noted", "after_bytes_left", "after_answer", "before_record")
VICTIMS = ("child", "worker", "backend", "postmaster")
PER_ROUND = 12  # jobs of each kind
TENANT = "00000000-0000-7000-8000-000000000001"

ENQUEUE = """
WITH wanted AS (
    SELECT 'call' AS kind, n, '+1212' || to_char({round} * 100 + n, 'FM0000000') AS phone
      FROM generate_series(1, {count}) n
    UNION ALL
    SELECT 'message', n, '+1646' || to_char({round} * 100 + n, 'FM0000000')
      FROM generate_series(1, {count}) n
    UNION ALL
    SELECT 'webhook', n, NULL FROM generate_series(1, {count}) n
), enqueued AS (
    INSERT INTO switchboard.jobs (tenant_id, kind, account_id, payload, max_attempts)
    SELECT '{tenant}', w.kind, a.id, CASE w.kind
               WHEN 'webhook' THEN jsonb_build_object('body', jsonb_build_object('n', w.n))
               WHEN 'call' THEN jsonb_build_object('to', w.phone, 'from', '+12125550000',
                                                   'say', jsonb_build_object('text', 'hello'))
               ELSE jsonb_build_object('channel', 'sms', 'to', w.phone, 'from', '+12125550000',
                                       'body', 'hello ' || w.n) END, 50
      FROM wanted w
      JOIN switchboard.provider_accounts a
        ON a.name = CASE w.kind WHEN 'webhook' THEN 'hooks' ELSE 'carrier' END
    RETURNING id, kind, payload ->> 'to' AS phone)
INSERT INTO public.asked SELECT {round}, id, kind, phone FROM enqueued;
"""


class Round:
    def __init__(self, number, point, victim):
        self.number, self.point, self.victim = number, point, victim
        self.back_after_s = 0.0


class CrashTable:
    def __init__(self, rounds, seed, place=None, victim=None):
        self.random = random.Random(seed)
        # The first rounds already meet every place and every victim.
        pairs = [(p, VICTIMS[(i + j) % 4]) for j in range(4) for i, p in enumerate(POINTS)]
        pairs = [(p, v) for p, v in pairs if place in (None, p) and victim in (None, v)]
        self.rounds = [Round(n, *pair) for n, pair in
                       zip(range(rounds), itertools.cycle(pairs))]
        self.carrier = Carrier()
        self.carrier.configure(answer_ms=30)
        self.order = None

    def start(self):
        os.environ["SB_TEST_TOKEN"] = "token"
        os.environ["SB_TEST_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        directory = Cluster.make_directory()
        os.environ["SB_FAULT_FILE"] = str(directory / "fault" / "order")
        worker = directory / "switchboard-worker"
        shutil.copy(BUILD / "switchboard-worker-faults", worker)
        worker.chmod(0o755)
        folder = directory / "fault"
        folder.mkdir()
        folder.chmod(0o777)  # the child removes the order
        self.order = folder / "order"
        self.cluster = Cluster("fsync = on", f"switchboard.worker_path = '{worker}'",
                               "switchboard.allow_http = on", "max_connections = 20",
                               "switchboard.egress_allow = '127.0.0.0/8'", stub=False,
                               directory=directory)
        self.cluster.sql(f"""
            CREATE EXTENSION pg_switchboard;
            CREATE TABLE public.asked (round int, id uuid, kind text, phone text);
            INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('{TENANT}', 'crash', 'UTC');
            INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
            VALUES ('{TENANT}', 'calling_window', '{{"start":"00:00","end":"24:00"}}', 'test');
            BEGIN;
            SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.add_provider_account('twilio', 'carrier', jsonb_build_object(
                'account_sid', 'AC00000000000000000000000000000000', 'base_url', '{self.carrier.url}',
                'settle_seconds', 2), '{{"auth_token":"env:SB_TEST_TOKEN"}}');
            SELECT switchboard.add_provider_account('webhook', 'hooks', jsonb_build_object(
                'base_url', '{self.carrier.url}/hooks/crash'),
                '{{"signing_secret":"env:SB_TEST_SECRET"}}');
            COMMIT;""")

    def stop(self):
        self.carrier.stop()
        self.cluster.destroy()

    # --- one round ---

    def victim_pid(self, victim):
        if victim == "child":
            return 0
        if victim == "postmaster":
            return self.cluster.postmaster_pid()
        if victim == "worker":
            return wait_until("a worker", self.cluster.worker_pid, 30)[0]
        self.backend = subprocess.Popen(["psql", "-XAtq", "-d", "postgres"], text=True,
                                        env=self.cluster.environment(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.backend.stdin.write("SELECT pg_backend_pid();\n")
        self.backend.stdin.flush()
        return int(self.backend.stdout.readline())

    def give_order(self, this):
        # These come with every transfer of the round, the others once for a whole batch.
        most = 3 * PER_ROUND if this.point in ("after_bytes_left", "after_answer") else 1
        aside = self.order.with_suffix(".new")
        aside.write_text(f"{this.point} {self.random.randint(1, most)} {self.victim_pid(this.victim)}\n")
        aside.chmod(0o666)
        aside.rename(self.order)

    def run_round(self, this):
        if this.point == "before_record":
            # A look-up that is recorded would be struck before the jobs of the round are there.
            self.wait_until_over("TRUE")
        self.give_order(this)
        # The kill may be quicker than the answer: then what was asked and the jobs have both been
        # committed, or neither.
        self.cluster.sql(ENQUEUE.format(round=this.number, count=PER_ROUND, tenant=TENANT),
                         check=False)
        wait_until(f"round {this.number}: killed {this.victim} {this.point}",
                   lambda: not self.order.exists(), 30)
        killed = time.monotonic()
        if this.victim == "postmaster":
            self.cluster.start_after_crash()
        # A server that goes down may still answer once.
        time.sleep(0.05)
        wait_until("the server is back", self.cluster.accepts_queries, 30)
        wait_until("a worker is back", lambda: self.cluster.accepts_queries() and
                   self.cluster.worker_pid(), 30)
        this.back_after_s = time.monotonic() - killed
        if this.victim == "backend":
            self.backend.communicate()
        # Doubts may take their time. Nothing else may be in flight when the next child is killed.
        self.wait_until_over("state <> 'in_doubt'")

    def wait_until_over(self, which):
        wait_until(f"jobs that are {which} are over", lambda: self.cluster.sql(
            f"SELECT count(*) FROM switchboard.jobs_open WHERE {which}") == "0", 120)

    def run(self):
        for this in self.rounds:
            self.run_round(this)
        self.wait_until_over("TRUE")

    def describe(self):
        """For whoever has to find out why it did not work."""
        print(self.cluster.log_since()[-6000:])
        print(self.cluster.run("psql", "-X", "-d", "postgres", "-c", """
            SELECT kind, state, last_code, last_error, locked_by, count(*), min(run_at)
              FROM switchboard.jobs GROUP BY 1, 2, 3, 4, 5""", check=False).stdout)

    # --- what happened ---

    def sent(self):
        """How often the carrier saw each phone number or webhook id."""
        counts = {}
        for what in ("calls", "messages"):
            for entry in self.carrier.get(what)[what]:
                counts[entry["to"]] = counts.get(entry["to"], 0) + 1
        for webhook_id, count in self.carrier.get("hooks")["by_id"].items():
            counts[webhook_id.removeprefix("msg_")] = count
        return counts

    def judge(self):
        """Adds what the rounds did to rows of (point, victim); returns them and what is wrong."""
        sent = self.sent()
        by_round = {this.number: this for this in self.rounds}
        rows, wrong = {}, []
        for this in self.rounds:
            row = rows.setdefault((this.point, this.victim), dict.fromkeys(COLUMNS, 0))
            row["rounds"] += 1
            row["back s"] = max(row["back s"], round(this.back_after_s, 1))
        for line in self.cluster.sql("""
                SELECT a.round, a.id, a.kind, coalesce(a.phone, ''), coalesce(j.state::text, 'lost'),
                       coalesce(j.last_code, ''), coalesce(j.last_error, '')
                  FROM public.asked a LEFT JOIN switchboard.jobs j USING (id)""").splitlines():
            number, job, kind, phone, state, code, error = line.split("|", 6)
            this = by_round[int(number)]
            row = rows[(this.point, this.victim)]
            times = sent.get(phone or job, 0)
            row[f"{kind}s"] += 1
            row["lost"] += state == "lost"
            self.judge_job(row, this, kind, state, times,
                           f"round {number} {this.point}/{this.victim}: {kind} {job} {state} "
                           f"{code} {error}, sent {times} times", wrong)
        return rows, wrong

    @staticmethod
    def judge_job(row, this, kind, state, times, text, wrong):
        row[f"{kind}s twice"] += times > 1
        row["not placed"] += kind == "call" and state == "dead" and times == 0
        if state == "done":
            allowed = (1,) if kind == "call" else (1, 2) if this.victim == "child" else (1,)
        elif kind == "call" and state == "dead":
            allowed = (0,)  # a doubt that was settled: the carrier has no such call
        else:
            allowed = ()
        if times not in allowed:
            wrong.append(text)


COLUMNS = ("rounds", "calls", "not placed", "calls twice", "messages", "messages twice", "webhooks",
           "webhooks twice", "lost", "back s")


def print_table(rows):
    print(f"{'place':<20} {'victim':<11}" + "".join(f"{c:>{max(7, len(c)) + 1}}" for c in COLUMNS))
    total = dict.fromkeys(COLUMNS, 0)
    for point, victim in itertools.product(POINTS, VICTIMS):
        if row := rows.get((point, victim)):
            print_row(point, victim, row)
            for column in COLUMNS:
                total[column] = (max if column == "back s" else sum)((total[column], row[column]))
    print_row("all", "", total)


def print_row(point, victim, row):
    print(f"{point:<20} {victim:<11}" +
          "".join(f"{row[c]:>{max(7, len(c)) + 1}}" for c in COLUMNS))


def run(rounds, seed, place=None, victim=None):
    """Runs, prints the table and returns what is wrong."""
    table = CrashTable(rounds, seed, place, victim)
    try:
        table.start()
        table.run()
        rows, wrong = table.judge()
    except BaseException:
        table.describe()
        raise
    finally:
        table.stop()
    print_table(rows)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--place", choices=POINTS)
    parser.add_argument("--victim", choices=VICTIMS)
    wrong = run(**vars(parser.parse_args()))
    print("\n".join(wrong) or "no job lost, no call placed twice, every doubt settled")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
