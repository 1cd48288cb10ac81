"""The chapters. Each says what happens, makes it happen, shows it, and promises only what it has just seen."""
import json
import subprocess
import time
import urllib.parse

from . import ending, outage
from .stage import REPLICAS
from .telling import milliseconds
from .traffic import Entrance, passed

# Limits are per day, so that no window ends in the midst of the story; or longer where the day itself is about to end.
UNITS = {"day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400, "year": 365 * 86_400}
ROOM_SECONDS = 600
RULES = """\
domain: shop
descriptors:
  # Each user has a counter of its own.
  - key: user
    rate_limit: {unit: UNIT, requests_per_unit: 10}
  # Those who keep asking while things happen below.
  - key: user
    value: crowd
    rate_limit: {unit: UNIT, requests_per_unit: 1000000}
"""


def tell(stage, teller, keep):
    """Tells all of it, in order."""
    teller.say("""What follows happens on this machine while you read it: programs are started, asked, killed and started again. No
        figure is made up, and ✓ stands before what was checked; where a check fails, the story ends and says so.""")
    unit = next(unit for unit, seconds in UNITS.items() if seconds - time.time() % seconds > ROOM_SECONDS)
    rules = RULES.replace("UNIT", unit)
    entrance = Entrance(stage.address("entrance"))
    start(stage, teller, rules)
    bite(stage, teller, entrance, unit)
    explain(stage, teller)
    reload(stage, teller, entrance, rules)
    outage.lose_redis(stage, teller, entrance)
    ask_prometheus(stage, teller, entrance)
    ending.drain(stage, teller, entrance)
    ending.end(stage, teller, keep)


def start(stage, teller, rules):
    """Brings everything up."""
    teller.chapter("Two replicas, one Redis, an Envoy in front")
    (stage.folder / "rules").mkdir()
    (stage.folder / "rules/shop.yaml").write_text(rules)
    (stage.folder / "ratekeeper.yaml").write_text((stage.project / "deploy/compose/ratekeeper.yaml").read_text())
    begin = time.monotonic()
    stage.start_redis()
    for replica in REPLICAS:
        stage.start_replica(replica, pause=2)
    stage.start_envoy()
    stage.start_prometheus()
    for replica in REPLICAS:
        stage.until(f"{replica} to be ready", lambda: stage.get(f"{replica}-http", "/readyz") == (200, "ok\n"))
    stage.until("Envoy to see both replicas", lambda: stage.replicas_in_envoy() == 2)
    stage.until("Prometheus", lambda: stage.get("prometheus", "/-/ready")[0] == 200)
    teller.say("""Every request goes to Envoy, and Envoy asks one of the replicas whether it may pass. The replicas count in one
        Redis. One rule file is all that they were told; Envoy sends them the header x-user as the entry `user`:""")
    teller.show(rules)
    teller.promise(True, f"all of it runs, {milliseconds(time.monotonic() - begin)} after it was started: "
                   + ", ".join(f"{name} (process {process.pid})" for name, process in stage.processes.items()))


def bite(stage, teller, entrance, unit):
    """A limit is exact, however many ask at once."""
    teller.chapter("A limit bites")
    answers = entrance.ask("alice", 15)
    denied = next((answer for answer in answers if answer.status == 429), answers[-1])
    teller.say(f"""The rule allows each user 10 requests a {unit}. Alice sends 15, six at a time, through both replicas. A denial looks
        like this to her:""")
    shown = [f"{name}: {value}" for name, value in denied.headers.items() if "ratelimit" in name]
    teller.show("\n".join([f"HTTP/1.1 {denied.status}", *shown]))
    teller.promise((passed(answers), len(answers)) == (10, 15),
                   f"exactly {passed(answers)} passed, {len(answers) - passed(answers)} were denied", statuses(answers))
    shares = [decisions(stage, replica) for replica in REPLICAS]
    teller.promise(all(shares) and sum(shares) == 15,
                   f"{REPLICAS[0]} decided {shares[0]} of them and {REPLICAS[1]} decided {shares[1]}, on one counter")
    bob = entrance.ask("bob", 1)[0]
    teller.promise(bob.status == 200, f"Bob is another user: {bob.status}, {bob.headers.get('x-ratelimit-remaining')} remaining")


def statuses(answers):
    """What was answered, for whoever has to find out why."""
    return f"The answers were {[answer.status for answer in answers]}."


def decisions(stage, replica):
    """How many decisions by a rule of ours a replica shows in its metrics."""
    lines = stage.get(f"{replica}-metrics", "/metrics")[1].splitlines()
    mine = [line for line in lines if line.startswith('ratekeeper_decisions_total{domain="shop",rule="user')]
    return sum(int(line.split()[-1]) for line in mine)


def explain(stage, teller):
    """Why somebody was denied: before the fact from the files, after it from the decision log."""
    teller.chapter("Why was Alice denied?")
    teller.say("The files alone say which rule is hers, and what came close:")
    said = run(stage, "explain", "-f", "rules", "--domain", "shop", "user=alice")
    teller.show("$ ratekeeper explain -f rules --domain shop user=alice\n" + said)
    teller.say("And the decision log has a line for each denial. From one of them:")
    line, status = stage.until("a line in the decision log", lambda: denial(stage, "alice"))
    kept = ("rule", "location", "outcome", "decided_by", "limit", "unit", "count", "remaining")
    teller.show(f"{line['time']}  denied: {json.dumps(line['denied'])}\n"
                + json.dumps({name: status[name] for name in ("entries", *kept) if name in status}))
    where = f"rules/shop.yaml:{RULES.splitlines().index('  - key: user') + 1}"
    teller.promise(where in said and status["location"].startswith(where), f"both name the same line: {where}")


def run(stage, *words):
    """What our program says."""
    done = subprocess.run([stage.binary, *words], cwd=stage.folder, env={}, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def denial(stage, user):
    """A line of a decision log about this user, with the descriptor that denied; nothing while there is none."""
    for log in stage.folder.glob("*-decisions.jsonl"):
        for line in log.read_text().splitlines():
            try:
                decided = json.loads(line)
            except ValueError:
                continue  # It is being written.
            for status in decided["statuses"]:
                if status["outcome"] == "over" and status["entries"][0].get("value") == user:
                    return decided, status
    return None


def reload(stage, teller, entrance, rules):
    """A typo does no harm, and a changed limit is in force at once."""
    teller.chapter("A rule is edited: first with a typo, then well")
    edit(stage, rules.replace("requests_per_unit: 10}", "request_per_unit: 30}"))
    until_readiness(stage, lambda text: text.startswith("ok, degraded"))
    teller.say("Somebody saves `request_per_unit: 30`. The replicas say what is wrong, as `ratekeeper check` does:")
    teller.show(run(stage, "check", "rules"))
    dave = entrance.ask("dave", 1)[0]
    teller.promise(dave.status == 200 and dave.headers["x-ratelimit-limit"].startswith("10,"),
                   "meanwhile the rules before stay in force: Dave's limit is still 10")
    begin = time.monotonic()
    edit(stage, rules.replace("requests_per_unit: 10}", "requests_per_unit: 30}"))
    until_readiness(stage, lambda text: text == "ok\n")
    teller.promise(True, f"with the typo mended, 30 is in force at both replicas after {milliseconds(time.monotonic() - begin)}, "
                   "without a restart")
    answers = entrance.ask("alice", 30)
    teller.promise(passed(answers) == 20, f"Alice's 10 so far still count: of 30 requests exactly {passed(answers)} pass",
                   statuses(answers))


def edit(stage, text):
    """Saves the rule file as a careful editor does: a new one in the place of the old one."""
    draft = stage.folder / "rules/.draft"
    draft.write_text(text)
    draft.rename(stage.folder / "rules/shop.yaml")


def until_readiness(stage, is_right):
    """Waits until both replicas say so."""
    for replica in REPLICAS:
        stage.until(f"{replica} to say how it is", lambda: is_right(stage.get(f"{replica}-http", "/readyz")[1]))


def ask_prometheus(stage, teller, entrance):
    """The same figures from the metrics."""
    teller.chapter("What Prometheus has seen")
    teller.say("Prometheus has scraped both replicas all the time. It is asked what became of every request so far, and who decided:")
    sent = {outcome: entrance.tally[status] for outcome, status in (("passed", 200), ("denied", 429))}

    def seen():
        outcomes = query(stage, "outcome")
        denied = outcomes.get("over", 0)
        found = {"passed": sum(outcomes.values()) - denied, "denied": denied}
        return found if found == sent else None
    found = stage.until(f"Prometheus to have seen {sent}; it has {query(stage, 'outcome')}", seen)
    deciders = query(stage, "decided_by")
    teller.show("\n\n".join(table(label, query(stage, label)) for label in ("outcome", "decided_by")))
    teller.promise(True, f"that is what this script has counted at its own end: {found['passed']} passed, {found['denied']} denied")
    teller.promise(deciders.get("fallback", 0) > 0 and deciders.get("store", 0) > 0,
                   f"{deciders.get('fallback', 0)} were decided without Redis (`fallback`), and some denials from `memory`: "
                   "who is over the limit is not asked about again for a second")


def selection(label):
    """What Prometheus is asked."""
    return f'sum by ({label}) (ratekeeper_decisions_total{{domain="shop", rule!=""}})'


def table(label, rows):
    """A question with its answer."""
    return "\n".join([selection(label), *(f"  {name:<10}{count:>7}" for name, count in sorted(rows.items()))])


def query(stage, label):
    """Prometheus's answer: a count for each value of the label."""
    status, text = stage.get("prometheus", "/api/v1/query?" + urllib.parse.urlencode({"query": selection(label)}))
    results = json.loads(text)["data"]["result"] if status == 200 else []
    return {one["metric"].get(label, ""): int(float(one["value"][1])) for one in results}
