"""Makes the table. Runs once per change of itself, before web and worker."""

from common import database

with database() as connection, connection.cursor() as cursor:
    cursor.execute("""CREATE TABLE IF NOT EXISTS report (
        number BIGINT PRIMARY KEY, factors TEXT NOT NULL, made TIMESTAMPTZ NOT NULL DEFAULT now())""")
print("the table is there")
