"""What the story is played on: processes on free ports in a temporary folder, with the files of deploy/, and their end."""
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from .telling import Broken

# How long anything may take to be as it should. Far more than it takes: the machine may be busy with other things.
PATIENCE_SECONDS = 30
# Ample, so that a machine that builds or tests beside it is not taken for a Redis that is gone.
REDIS_TIMEOUT = "500ms"
# Below the ports that kernels take for outgoing connections, so that no client sits on one by chance.
PORTS = range(23_000, 32_000)
# The service behind the limits, in the same Envoy: it says who was asked.
ECHO = """    - name: echo
      address: {socket_address: {address: 127.0.0.1, port_value: ECHO_PORT}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: echo
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: {prefix: /}
                          direct_response: {status: 200, body: {inline_string: "hello from the service\\n"}}
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""


class Stage:
    """Starts programs, knows where they are, and ends all of them."""

    def __init__(self, project, binary):
        self.project, self.binary = project, binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ratekeeper-demo-"))
        self.processes = {}
        self.ports = {}
        for name in ("redis", "entrance", "envoy-admin", "echo", "prometheus"):
            self.ports[name] = self._free_port()
        for replica in REPLICAS:
            for port in ("grpc", "http", "metrics", "admin"):
                self.ports[f"{replica}-{port}"] = self._free_port()

    def _free_port(self):
        taken = set(self.ports.values())
        for port in random.sample(PORTS, 1_000):
            with socket.socket() as probe:
                if port not in taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                    return port
        raise Broken("no free port was found")

    def address(self, name):
        """Where to reach a port, by the name that it has here."""
        return f"127.0.0.1:{self.ports[name]}"

    def get(self, name, path, timeout=5):
        """The status and the text of a page."""
        try:
            with urllib.request.urlopen(f"http://{self.address(name)}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def start(self, name, words, variables=()):
        """Starts a program with no variables but the given ones; what it prints goes to a file of its name."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), **dict(variables)}
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in words], cwd=self.folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                # Ctrl-C on the terminal is for the story, which ends its programs in order.
                start_new_session=True)

    def start_replica(self, name, pause):
        """Starts a replica with the settings of the compose file, on ports of this stage."""
        self.start(name, [self.binary, "serve", "--config", "ratekeeper.yaml"], {
            "RATEKEEPER_RULES__PATHS": "rules",
            **{f"RATEKEEPER_LISTEN__{port.upper()}": self.address(f"{name}-{port}")
               for port in ("grpc", "http", "metrics", "admin")},
            "RATEKEEPER_REDIS__URLS": f"redis://{self.address('redis')}",
            "RATEKEEPER_REDIS__TIMEOUT": REDIS_TIMEOUT,
            "RATEKEEPER_DECISION_LOG__OUTPUT": f"{name}-decisions.jsonl",
            "RATEKEEPER_DRAIN__PAUSE": f"{pause}s",
            # There is no collector here.
            "OTEL_SDK_DISABLED": "true",
        })

    def start_redis(self):
        """Starts an empty Redis."""
        self.start("redis", ["redis-server", "--port", self.ports["redis"], "--bind", "127.0.0.1", "--save", "",
                             "--appendonly", "no", "--maxmemory-policy", "noeviction"])

    def start_envoy(self):
        """Starts the Envoy of the compose file, with names and ports of this stage, and `echo` inside of it."""
        text = (self.project / "deploy/compose/envoy.yaml").read_text()
        text = text.replace("  listeners:\n", "  listeners:\n" + ECHO.replace("ECHO_PORT", str(self.ports["echo"])), 1)
        places = {("0.0.0.0", 9901): "envoy-admin", ("0.0.0.0", 10000): "entrance", ("echo", 8000): "echo",
                  **{(replica, 8081): f"{replica}-grpc" for replica in REPLICAS}}
        for (host, port), name in places.items():
            text = replaced(text, f"address: {host}, port_value: {port}}}",
                            f"address: 127.0.0.1, port_value: {self.ports[name]}}}")
        # As ample as what Redis is given.
        text = replaced(replaced(text, " timeout: 0.2s", " timeout: 3s"), "- timeout: 0.5s", "- timeout: 5s")
        (self.folder / "envoy.yaml").write_text(text)
        self.start("envoy", [self.project / ".venv/bin/envoy", "-c", "envoy.yaml", "--concurrency", "1",
                             "--disable-hot-restart", "--log-level", "warning"])

    def envoy_statistic(self, name):
        """One of Envoy's own counters or gauges; 0 where it has none yet."""
        text = self.get("envoy-admin", f"/stats?filter=^{name}$")[1]
        return int(text.split(": ")[1]) if ": " in text else 0

    def replicas_in_envoy(self):
        """How many replicas Envoy would ask."""
        return self.envoy_statistic("cluster.ratekeeper.membership_healthy")

    def start_prometheus(self):
        """Starts a Prometheus with our example, its alerts and recording rules, once a second."""
        for name in ("alerts.yaml", "recording.yaml"):
            shutil.copy(self.project / "deploy/prometheus" / name, self.folder)
        text = (self.project / "deploy/prometheus/prometheus.yaml").read_text()
        text = replaced(text, "interval: 15s", "interval: 1s")
        for replica in REPLICAS:
            text = replaced(text, f"{replica}:9090", self.address(f"{replica}-metrics"))
        (self.folder / "prometheus.yaml").write_text(text)
        self.start("prometheus", ["prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=prometheus",
                                  f"--web.listen-address={self.address('prometheus')}"])

    def until(self, what, is_so):
        """Waits until something is as it should be, and gives what it is."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found = is_so()
            if found:
                return found
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise Broken(f"{name} has ended, with status {process.returncode}")
            time.sleep(0.01)
        raise Broken(f"waited in vain for {what}")

    def end(self, name, number):
        """Sends a signal that ends a program, and gives how it ended."""
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Broken(f"{name} did not end") from None

    def clear(self):
        """Ends every program, and removes the folder. Gives the process ids of those that were running."""
        running = {name: process.pid for name, process in self.processes.items()}
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        return running

    def last_words(self):
        """The last lines of every log, for whoever must find out what went wrong."""
        logs = sorted(self.folder.glob("*.log"))
        tails = [f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-12:]) for log in logs]
        return "\n".join(tails)


REPLICAS = ("ratekeeper-0", "ratekeeper-1")
KILLED = signal.SIGKILL
ASKED_TO_END = signal.SIGTERM


def replaced(text, old, new):
    """A text with something replaced that must be in it."""
    if old not in text:
        raise Broken(f"`{old}` is not in the example any more")
    return re.sub(re.escape(old), lambda _match: new, text)
