"""The last chapters: a replica leaves under traffic, then everything ends."""
import os
import signal
import time

from .stage import ASKED_TO_END, REPLICAS
from .telling import milliseconds
from .traffic import Crowd, failed


def drain(stage, teller, entrance):
    """Restarts a replica, as a rollout does, and loses no request."""
    teller.chapter("A replica is restarted under traffic")
    leaving = REPLICAS[1]
    crowd, begin = Crowd(entrance), time.monotonic()
    teller.say(f"""{leaving} gets a SIGTERM, as in a rollout. It says that it is not ready, goes on deciding for two seconds while Envoy
        turns away, sends GOAWAY, and ends.""")
    missed = stage.envoy_statistic("cluster.echo.ratelimit.error")
    status = stage.end(leaving, ASKED_TO_END)
    gone = time.monotonic() - begin
    stage.until("Envoy to miss it", lambda: stage.replicas_in_envoy() == 1)
    teller.promise(status == 0, f"it ended after {milliseconds(gone)} with status {status}; Envoy asks the other one alone")
    stage.start_replica(leaving, pause=2)
    stage.until("Envoy to see both replicas", lambda: stage.replicas_in_envoy() == 2)
    answers = crowd.stop()
    missed = stage.envoy_statistic("cluster.echo.ratelimit.error") - missed
    teller.promise(failed(answers) == 0 and missed == 0,
                   f"it is back, and of {len(answers)} requests meanwhile {failed(answers)} failed; Envoy missed {missed} decisions")


def end(stage, teller, keep):
    """Shows where everything is if it is to stay, and ends it."""
    if keep:
        stay(stage, teller)
    teller.chapter("The end")
    running = stage.clear()
    left = [name for name, process in running.items() if is_running(process)]
    teller.promise(not left and not stage.folder.exists(), f"all {len(running)} processes have ended, and their files are gone")
    teller.say("Read on:")
    teller.show("README.md           what it is, settings, ports\n"
                "docs/rules.md       the whole rule language\n"
                "docs/operations.md  what happens when Redis is away, and what is exact when\n"
                "docs/demo.md        the same with containers, with Grafana: deploy/compose/\n"
                "make demo DEMO_OPTIONS=--keep   this again, and everything stays for you to try")


def is_running(process):
    """Whether there is a process of this id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def stay(stage, teller):
    """Waits for Ctrl-C."""
    signal.alarm(0)
    teller.chapter("It is yours")
    teller.say("Everything goes on running until Ctrl-C:")
    places = [("Envoy", "entrance", "/"), ("Envoy's admin pages", "envoy-admin", "/"), ("Prometheus", "prometheus", "/"),
              *((f"{replica}, {port}", f"{replica}-{port}", path) for replica in REPLICAS
                for port, path in (("http", "/readyz"), ("metrics", "/metrics"), ("admin", "/rlconfig")))]
    teller.show("\n".join(f"{what:<22}http://{stage.address(name)}{path}" for what, name, path in places)
                + f"\n{'Redis':<22}redis-cli -p {stage.ports['redis']}\n{'rules':<22}{stage.folder}/rules/shop.yaml")
    teller.say(f"curl -i -H 'x-user: you' http://{stage.address('entrance')}/")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()
