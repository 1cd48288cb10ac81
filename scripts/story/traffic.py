"""Who asks: people with a name, and a crowd that goes on asking while things happen. Everything that is answered is counted."""
import concurrent.futures
import http.client
import threading
import time
from collections import Counter, namedtuple

# A status of 0 stands for no answer. `decided` tells whether ratekeeper was heard: Envoy adds these headers to no other answer.
Answer = namedtuple("Answer", "at seconds status decided headers")
CALLERS = 6
# How long one of the crowd rests between two requests.
REST_SECONDS = 0.015


class Entrance:
    """The way in, through Envoy; it keeps the tally of every answer to anybody."""

    def __init__(self, address):
        self.address = address
        self.tally = Counter()
        self._lock = threading.Lock()

    def ask(self, user, times):
        """Sends requests of one user, several at once, and gives the answers."""
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            shares = [times // CALLERS + (caller < times % CALLERS) for caller in range(CALLERS)]
            parts = pool.map(lambda share: self._in_turn(user, share), shares)
            return [answer for part in parts for answer in part]

    def _in_turn(self, user, times):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            return [self.ask_on(connection, user) for _ in range(times)]
        finally:
            connection.close()

    def ask_on(self, connection, user):
        """Sends one request on this connection."""
        begin = time.monotonic()
        try:
            connection.request("GET", "/", headers={"x-user": user})
            response = connection.getresponse()
            response.read()
            status, headers = response.status, {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException):
            connection.close()
            status, headers = 0, {}
        answer = Answer(begin, time.monotonic() - begin, status, "x-ratelimit-limit" in headers, headers)
        with self._lock:
            self.tally[status] += 1
        return answer


class Crowd:
    """Asks steadily, from when it is made until it is told to stop."""

    def __init__(self, entrance):
        self._entrance = entrance
        self._answers = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _go_on(self):
        connection = http.client.HTTPConnection(self._entrance.address, timeout=10)
        while not self._over.wait(REST_SECONDS):
            # Appending to a list is one step in Python, so it takes no lock.
            self._answers.append(self._entrance.ask_on(connection, "crowd"))
        connection.close()

    def since(self, moment):
        """The answers that came from this moment on, also to what was asked before."""
        return [answer for answer in list(self._answers) if answer.at + answer.seconds >= moment]

    def stop(self):
        """Ends it, and gives all of its answers."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return list(self._answers)


def passed(answers):
    """How many got through to the service."""
    return sum(answer.status == 200 for answer in answers)


def failed(answers):
    """How many got neither a 200 nor a 429, or one that ratekeeper did not decide."""
    return sum(answer.status not in (200, 429) or not answer.decided for answer in answers)


def quantile(answers, part):
    """The duration that this part of the answers did not take longer than."""
    ordered = sorted(answer.seconds for answer in answers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
