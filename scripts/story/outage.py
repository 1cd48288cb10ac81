"""The chapters in which Redis is killed under traffic and comes back empty."""
import json
import subprocess
import time

from .stage import KILLED, REDIS_TIMEOUT, REPLICAS
from .telling import milliseconds
from .traffic import Crowd, failed, passed, quantile

# How much of the crowd's traffic each figure is taken from.
MEASURED_SECONDS = 1.5


def lose_redis(stage, teller, entrance):
    """Kills Redis under traffic, and starts an empty one in its place."""
    teller.chapter("Redis is killed")
    crowd = Crowd(entrance)
    before = time.monotonic()
    stage.until("the replicas to know of each other", lambda: all(known(stage, replica) == 2 for replica in REPLICAS))
    time.sleep(max(0, before + MEASURED_SECONDS - time.monotonic()))
    calm = crowd.since(before)
    teller.say(f"""A crowd asks all the time, {len(calm) / (time.monotonic() - before):.0f} times a second: half of the answers take
        less than {milliseconds(quantile(calm, 0.5))}, 99 of 100 less than {milliseconds(quantile(calm, 0.99))}, from one end of a
        request to the other. Now Redis gets a SIGKILL.""")
    moment = time.monotonic()
    stage.end("redis", KILLED)
    away(stage, teller)
    noticed = time.monotonic()
    limits_hold(teller, entrance)
    time.sleep(max(0, moment + MEASURED_SECONDS - time.monotonic()))
    nothing_failed(teller, crowd.since(moment), noticed)
    teller.chapter("Redis comes back, empty")
    settle(stage, teller)
    nothing_is_forgotten(stage, teller, entrance)
    answers = crowd.stop()
    teller.promise(failed(answers) == 0, f"in all of this, {len(answers)} requests of the crowd, {failed(answers)} failed")


def shard(stage, replica):
    """What a replica says of its Redis."""
    status, text = stage.get(f"{replica}-admin", "/shards")
    return json.loads(text)[0] if status == 200 else {}


def known(stage, replica):
    """How many replicas this one knows of, itself included."""
    return shard(stage, replica).get("replicas")


def away(stage, teller):
    """Both replicas notice, and stay ready."""
    def degraded():
        pages = [stage.get(f"{replica}-http", "/readyz") for replica in REPLICAS]
        return pages if all(text.startswith("ok, degraded") for _status, text in pages) else None
    pages = stage.until("both replicas to miss Redis", degraded)
    teller.show(f"$ curl http://{stage.address(REPLICAS[0] + '-http')}/readyz\n" + pages[0][1])
    teller.promise(all(status == 200 for status, _text in pages), "both replicas stay ready (200), and say what they miss")


def limits_hold(teller, entrance):
    """Each replica gives out its share of what is left."""
    alice, carol = entrance.ask("alice", 10), entrance.ask("carol", 60)
    teller.promise(passed(alice) == 0, f"Alice's limit is used up, and stays so: of 10 requests {passed(alice)} pass")
    teller.promise(0 < passed(carol) <= 30,
                   f"Carol is new. Each replica gives out its half of her 30: of 60 requests {passed(carol)} pass")
    teller.promise(failed(alice + carol) == 0, f"failed requests among these {len(alice) + len(carol)}: {failed(alice + carol)}")


def nothing_failed(teller, answers, noticed):
    """The crowd hardly notices."""
    early = [answer for answer in answers if answer.at < noticed]
    late = [answer for answer in answers if answer.at >= noticed]
    teller.promise(early and late and failed(answers) == 0,
                   f"of {len(answers)} requests of the crowd since the kill, {failed(answers)} failed")
    teller.say(f"""The {len(early)} that were on their way before both replicas had noticed took up to
        {milliseconds(quantile(early, 1))}: a call waits for Redis as long as `redis.timeout` says, once; that is {REDIS_TIMEOUT} here and 10ms
        by default. Of the {len(late)} after them, 99 of 100 took less than {milliseconds(quantile(late, 0.99))}.""")


def settle(stage, teller):
    """The replicas find the new Redis, and tell it what it does not know."""
    begin = time.monotonic()
    stage.start_redis()
    for replica in REPLICAS:
        stage.until(f"{replica} to count in Redis again", lambda: stage.get(f"{replica}-http", "/readyz") == (200, "ok\n"))
    teller.say(f"""It knows nothing of what was counted before. The replicas find it {milliseconds(time.monotonic() - begin)} after
        its start, and tell it: what they had read there, and what they have let through meanwhile. Only then it is asked again.""")
    settled = sum(counted(stage, replica, "ratekeeper_store_settled_counters_total") for replica in REPLICAS)
    teller.promise(settled > 0, f"they have settled {settled} counters with it, and say `ok` again")


def counted(stage, replica, metric):
    """A counter of a replica, over all of its labels."""
    lines = stage.get(f"{replica}-metrics", "/metrics")[1].splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith(metric))


def nothing_is_forgotten(stage, teller, entrance):
    """Who was over the limit before or during the outage still is."""
    answers = {user: entrance.ask(user, 10) for user in ("alice", "carol")}
    through = {user: passed(found) for user, found in answers.items()}
    words = ["counters", "list", "--admin", stage.address(f"{REPLICAS[0]}-admin"), "--domain", "shop"]
    said = subprocess.run([stage.binary, *words], env={}, capture_output=True, text=True, check=False).stdout
    teller.show("$ ratekeeper counters list --domain shop\n" + said)
    teller.promise(through == {"alice": 0, "carol": 0},
                   "nobody got anything anew: of 10 requests each, "
                   f"{through['alice']} of Alice's and {through['carol']} of Carol's pass")
