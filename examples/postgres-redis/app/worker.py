"""Takes one order after the other from Redis and writes the result to PostgreSQL.

An order is moved to a list of orders at work, and taken from there once its result is written: one that a worker died over is
found at the next start. To do it twice does no harm.
"""

import signal
import sys
import threading

from common import AT_WORK, QUEUE, database, queue

ending = threading.Event()


def factors(number):
    found, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found + [number] if number > 1 else found


def main():
    # Process 1 has no default for this signal: the order at hand is finished first.
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    orders, connection = queue(), database()
    while orders.lmove(AT_WORK, QUEUE, "RIGHT", "LEFT"):
        pass
    print("ready", flush=True)
    while not ending.is_set():
        number = orders.blmove(QUEUE, AT_WORK, 1, "LEFT", "RIGHT")
        if number is None:
            continue
        text = " ".join(map(str, factors(int(number))))
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO report (number, factors) VALUES (%s, %s) ON CONFLICT DO NOTHING", (number, text))
        orders.lrem(AT_WORK, 1, number)
        print(f"{number}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
