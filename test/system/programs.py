"""The programs beside the server: the simulated carrier and the gateway. Built in $SB_BUILD."""
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

from harness import ROOT

BUILD = pathlib.Path(os.environ.get("SB_BUILD", ROOT / "build" / "cmake"))


class Program:
    def __init__(self, *command, **more):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
        address = self.process.stdout.readline().split()[-1]
        self.url = address if address.startswith("http") else f"http://{address}"

    def request(self, path, body=None, **headers):
        """The status and body of the answer; a POST when there is a body."""
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Carrier(Program):
    def __init__(self, *options, speed=1000):
        super().__init__(BUILD / "switchboard-carrier", "--port", "0", "--speed", str(speed), *options)

    def get(self, what):
        return json.loads(self.request(f"/control/{what}")[1])

    def configure(self, **settings):
        status, answer = self.request("/control/config", json.dumps(settings).encode())
        if status != 200:
            raise AssertionError(answer)


class Gateway(Program):
    def __init__(self, cluster, database="postgres", options=(), **more):
        super().__init__(BUILD / "switchboard-gateway", "--port", "0", "--connections", "4",
                         "--dsn", f"dbname={database}", *options, env=cluster.environment(), **more)
