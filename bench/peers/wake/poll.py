"""`python -m bench.peers.wake.poll COUNT`: work put into a polled table; prints the seconds until it was seen."""

import json
import os
import queue
import random
import sys
import threading
import time

import psycopg

EVERY_SECONDS = 0.2
_TAKE = "UPDATE peer_work SET taken = true WHERE NOT taken RETURNING id"


def poll(database_url: str, seen: "queue.Queue[float]", over: threading.Event) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not over.wait(EVERY_SECONDS):
            if connection.execute(_TAKE).fetchall():
                seen.put(time.monotonic())


def measure(database_url: str, count: int) -> list[float]:
    seen: queue.Queue[float] = queue.Queue()
    over = threading.Event()
    seconds = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS peer_work (id serial PRIMARY KEY, taken boolean DEFAULT false)")
        threading.Thread(target=poll, args=(database_url, seen, over), daemon=True).start()
        for _ in range(count):
            time.sleep(random.uniform(0, EVERY_SECONDS))  # work does not come in step with the poll
            began = time.monotonic()
            connection.execute("INSERT INTO peer_work DEFAULT VALUES")
            seconds.append(seen.get(timeout=20) - began)
        over.set()
    return seconds


if __name__ == "__main__":
    print(json.dumps(measure(os.environ["DATABASE_URL"], int(sys.argv[1]))))
