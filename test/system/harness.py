"""A private server with background workers, for system tests. Standard library only."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "test" / "tools" / "cluster"
STUB = ROOT / "test" / "doubles" / "stub_worker"
SCRATCH = pathlib.Path(os.environ.get("SB_SCRATCH", tempfile.gettempdir()))
BIN = pathlib.Path(subprocess.check_output(
    [os.environ.get("PG_CONFIG", "pg_config"), "--bindir"], text=True).strip())
PORT = 6700  # only the name of a socket

WORKER = "pg_switchboard worker"
LAUNCHER = "pg_switchboard launcher"


def wait_until(what, condition, timeout=10.0):
    """Polls until `condition` gives something true and returns it with the seconds it took."""
    start = time.monotonic()
    while True:
        value = condition()
        took = time.monotonic() - start
        if value:
            return value, took
        if took > timeout:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.01)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill9(pid):
    os.kill(pid, signal.SIGKILL)


class Cluster:
    """A server in a folder of its own. With `stub`, workers start the stub instead of the program."""

    def __init__(self, *conf, stub=True, preload=True, directory=None):
        self.directory = directory or self.make_directory()
        self.data = self.directory / "data"
        lines = list(conf)
        if preload:
            lines.append("shared_preload_libraries = 'pg_switchboard'")
        if stub:
            lines.append(f"switchboard.worker_path = '{self.install_stub()}'")
        self.start(*lines)

    @staticmethod
    def make_directory():
        directory = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH, prefix="system."))
        directory.chmod(0o755)
        return directory

    def install_stub(self):
        """A copy that the server's user can read, wherever the checkout lies."""
        copy = self.directory / "stub_worker"
        shutil.copy(STUB, copy)
        copy.chmod(0o755)
        return copy

    def tool(self, command, *arguments, check=True):
        return subprocess.run([CLUSTER, command, *arguments], check=check, text=True,
                              stdout=subprocess.PIPE).stdout

    def start(self, *conf):
        self.tool("start", self.directory, str(PORT), *conf)

    def start_after_crash(self):
        """The postmaster is dead; its processes are on their way out."""
        def try_to_start():
            return subprocess.run([CLUSTER, "start", self.directory, str(PORT)],
                                  capture_output=True, check=False).returncode == 0
        wait_until("the server starts", try_to_start, 30)

    def stop(self, mode="fast"):
        self.tool("stop", self.directory, mode)

    def restart(self, *conf):
        self.tool("restart", self.directory, *conf)

    def destroy(self):
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass
        for pid in self.child_pids():
            if is_alive(pid):
                kill9(pid)
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self):
        return {**os.environ, "PGHOST": str(self.directory), "PGPORT": str(PORT),
                "PGUSER": "postgres", "PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(self, *command, check=True, **more):
        return subprocess.run(command, env=self.environment(), text=True, check=check,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **more)

    def sql(self, text, database="postgres", check=True):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database],
                              input=text, env=self.environment(), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise AssertionError(f"{text}\n{done.stderr}")
        return done.stdout.strip() if check else (done.returncode, done.stderr)

    def reload(self, *conf):
        with open(self.data / "postgresql.conf", "a") as file:
            file.writelines(line + "\n" for line in conf)
        self.sql("SELECT pg_reload_conf()")

    # --- who is there ---

    def worker_pids(self, database="postgres", kind=WORKER):
        rows = self.sql(f"""SELECT pid FROM pg_stat_activity WHERE backend_type = '{kind}'
                             AND (datname = '{database}' OR datname IS NULL) ORDER BY pid""")
        return [int(pid) for pid in rows.split()]

    def worker_pid(self, database="postgres"):
        pids = self.worker_pids(database)
        return pids[0] if len(pids) == 1 else None

    def worked_databases(self):
        """Databases with a worker, one name a worker."""
        return self.sql(f"""SELECT datname FROM pg_stat_activity WHERE backend_type = '{WORKER}'
                            ORDER BY 1""").split()

    def postmaster_pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def child_files(self):
        return sorted(self.data.glob("pg_switchboard/pgsql_tmp.*.pid"))

    def child_pids(self):
        return [int(file.read_text().split()[0]) for file in self.child_files()]

    def accepts_queries(self):
        return self.sql("SELECT 1", check=False)[0] == 0

    # --- what the stub did ---

    def stub_conf(self, **conf):
        (self.data / "stub.conf").write_text(json.dumps(conf))

    def stub_events(self, event=None, since=0.0):
        try:
            lines = (self.data / "stub.log").read_text().splitlines()
        except FileNotFoundError:
            return []
        records = [json.loads(line) for line in lines]
        return [r for r in records if (event is None or r["event"] == event) and r["t"] >= since]

    def wait_for_stub(self, event="hello", since=0.0, timeout=10.0, **fields):
        def look():
            return [r for r in self.stub_events(event, since)
                    if all(r.get(name) == value for name, value in fields.items())]
        return wait_until(f"stub: {event} {fields}", look, timeout)[0][0]

    # --- the server log ---

    def log_size(self):
        return (self.directory / "log").stat().st_size

    def log_since(self, offset=0):
        with open(self.directory / "log", errors="replace") as file:
            file.seek(offset)
            return file.read()


class SystemTest(unittest.TestCase):
    """One cluster for all tests of a class, with one tenant and a webhook account in `postgres`."""

    CONF = ()
    STUB = True

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(*cls.CONF, stub=cls.STUB)
        cls.addClassCleanup(cls.cluster.destroy)

    def create_extension(self, database="postgres"):
        self.cluster.sql("CREATE EXTENSION IF NOT EXISTS pg_switchboard", database)
        self.cluster.sql("""INSERT INTO switchboard.tenants (id, name)
            VALUES ('00000000-0000-7000-8000-000000000001', 'system test') ON CONFLICT DO NOTHING""",
                         database)

    def wait_for_child(self, database="postgres", since=0.0, timeout=10.0):
        return self.cluster.wait_for_stub("hello", since, timeout, database=database)


ENQUEUE = """INSERT INTO switchboard.jobs (tenant_id, kind, payload)
    SELECT '00000000-0000-7000-8000-000000000001', 'webhook', '{{"body":{{}}}}'
      FROM generate_series(1, {count})"""


def enqueue(count=1):
    return ENQUEUE.format(count=count)


def data_owner():
    """Owner of data directories: postgres when run as root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
