"""What the three programs share: where things are."""

import os
from pathlib import Path

import psycopg2
import redis

QUEUE, AT_WORK = "orders", "at-work"


def database():
    """The rest of it (PGHOST, PGDATABASE, PGUSER) the library reads from the environment itself."""
    password = Path(os.environ["PGPASSWORD_FILE"]).read_text(encoding="utf-8").strip()
    return psycopg2.connect(password=password, connect_timeout=5)


def queue():
    return redis.Redis(host=os.environ["REDIS_HOST"], decode_responses=True)
