"""64 sessions redeem one coupon at the same moment: one gets it."""
import subprocess
import unittest

from harness import SystemTest, wait_until

SESSIONS = 64
TENANT = "00000000-0000-7000-8000-000000000001"


class Redeem(SystemTest):
    CONF = ("max_connections = 90", "switchboard.workers = 0")
    STUB = False

    def setUp(self):
        self.create_extension()
        self.cluster.sql(f"""DROP SCHEMA IF EXISTS race CASCADE; CREATE SCHEMA race;
            CREATE TABLE race.outcomes (client int, outcome text);
            CREATE FUNCTION race.redeem(coupon text) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
              PERFORM switchboard.set_identity('{TENANT}');
              PERFORM switchboard.redeem_coupon(coupon, 10);
              RETURN 'redeemed';
            EXCEPTION WHEN OTHERS THEN
              RETURN SQLSTATE;
            END $$""")
        self.cluster.sql("DELETE FROM switchboard.coupons")
        self.cluster.sql("DELETE FROM switchboard.audit_log")

    def waiting(self):
        return int(self.cluster.sql("""SELECT count(*) FROM pg_stat_activity
                                        WHERE wait_event_type = 'Lock' AND query LIKE '%race.redeem%'"""))

    def race(self, coupon, sessions, end):
        """All sessions wait for somebody who has the coupon in hand and who then ends like this."""
        script = self.cluster.directory / f"redeem-{coupon}"
        script.write_text(f"INSERT INTO race.outcomes SELECT :client_id, race.redeem('{coupon}');\n")
        holder = subprocess.Popen(["psql", "-XAtq", "-d", "postgres"], text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, env=self.cluster.environment())
        holder.stdin.write(f"BEGIN; SELECT race.redeem('{coupon}');\n")
        holder.stdin.flush()
        wait_until("somebody has the coupon", lambda: self.cluster.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") == "1")
        crowd = subprocess.Popen(["pgbench", "-n", "-c", str(sessions), "-j", "2", "-t", "1", "-f", script,
                                  "postgres"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env=self.cluster.environment())
        wait_until("all are waiting", lambda: self.waiting() == sessions, 60)
        holder.communicate(f"{end};\n")
        self.assertEqual(crowd.wait(60), 0, crowd.stdout.read())
        crowd.stdout.close()

    def outcomes(self):
        return self.cluster.sql("SELECT outcome, count(*) FROM race.outcomes GROUP BY 1 ORDER BY 1").split()

    def coupon(self, code):
        self.cluster.sql(f"INSERT INTO switchboard.coupons (tenant_id, code, discount_percent) "
                         f"VALUES ('{TENANT}', '{code}', 10)")

    def test_one_of_64(self):
        """The holder gives up: of the 64 who wait one redeems."""
        self.coupon("RACE")
        self.race("RACE", SESSIONS, "ROLLBACK")
        self.assertEqual(self.outcomes(), [f"SB011|{SESSIONS - 1}", "redeemed|1"])
        self.assertEqual(self.cluster.sql("""SELECT redeemed_amount, (SELECT count(*) FROM switchboard.audit_log
            WHERE action = 'redeem-coupon') FROM switchboard.coupons"""), "10.00|1")

    def test_one_and_63(self):
        """The holder redeems: nobody else does."""
        self.coupon("LATE")
        self.race("LATE", SESSIONS - 1, "COMMIT")
        self.assertEqual(self.outcomes(), [f"SB011|{SESSIONS - 1}"])
        self.assertEqual(self.cluster.sql("SELECT redeemed_amount FROM switchboard.coupons"), "10.00")


if __name__ == "__main__":
    unittest.main()
