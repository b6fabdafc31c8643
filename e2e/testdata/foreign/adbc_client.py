"""Reads a worker with ADBC's driver for Flight SQL. Arguments: the address, the token, and how many rows to read."""
import datetime
import decimal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import adbc_driver_flightsql.dbapi as flight
import pyarrow

address = "grpc://" + sys.argv[1]


def connect(token=sys.argv[2]):
    return flight.connect(address, autocommit=True, db_kwargs={"adbc.flight.sql.authorization_header": "Bearer " + token})


def refused(action, *words):
    try:
        action()
    except flight.Error as err:
        assert all(word in str(err) for word in words), err
    else:
        raise AssertionError("it is not refused: " + " ".join(words))


refused(lambda: connect("wrong").cursor().execute("SELECT 1"), "wrong token")
con = connect()
cur = con.cursor()

objects = con.adbc_get_objects(depth="all").read_all().to_pylist()
tables = {t["table_name"]: t for s in objects[0]["catalog_db_schemas"] if s["db_schema_name"] == "main" for t in s["db_schema_tables"]}
columns = {c["column_name"]: c["xdbc_type_name"] for c in tables["events"]["table_columns"]}
assert objects[0]["catalog_name"] == "12345" and columns["event_time"] == "TIMESTAMP" and columns["properties"] == "JSON", columns
assert len([name for name in tables if name.startswith("wide_")]) == 50, tables.keys()

cur.execute("SELECT count(*) FROM events WHERE day >= ?", (datetime.date(2025, 1, 1),))
assert cur.fetchone()[0] > 0
utc = datetime.timezone.utc
for value in [
    7, 2**40, 0.1, "it's ü", b"\x00\xff", True, None, decimal.Decimal("-123456789012345678.90"), datetime.date(1969, 12, 31),
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678), datetime.time(1, 2, 3), datetime.datetime(2026, 1, 2, tzinfo=utc),
]:
    cur.execute("SELECT ? AS v", (value,))
    got = cur.fetchone()[0]
    assert got == value and type(got) is type(value), (value, got)
cur.execute("SELECT list_sum(?::INTEGER[]), (?::STRUCT(a INTEGER, b VARCHAR)).b", ([1, 2], {"a": 1, "b": "x, 'y'"}))
assert cur.fetchone() == (3, "x, 'y'")
cur.execute("SELECT NULL::INTEGER AS n, 1.50::DECIMAL(4, 2) AS d, {'a': [1, NULL]} AS s, TIMESTAMP '2026-01-02 03:04:05.000006' AS t")
assert cur.fetchone() == (None, decimal.Decimal("1.50"), {"a": [1, None]}, datetime.datetime(2026, 1, 2, 3, 4, 5, 6))

refused(lambda: cur.execute("DROP TABLE events"), "only statements that read")
refused(lambda: cur.execute("SELECT * FROM read_text('/etc/passwd')"), "not allowed")
refused(lambda: cur.execute("SELECT * FROM nothing"), "nothing", "the tables are")
refused(lambda: cur.adbc_ingest("x", pyarrow.table({"a": [1]})), "only reads")

rows, want = 0, int(sys.argv[3])
cur.execute("SELECT range AS a, range * 2 AS b, range::DOUBLE AS c, 'u' || (range %% 1000) AS d, range %% 7 AS e FROM range(%d)" % want)
for batch in cur.fetch_record_batch():
    rows += batch.num_rows
assert rows == want, rows


def one(n):
    with connect() as c, c.cursor() as k:
        k.execute("SELECT ?, count(*) FROM events", (n,))
        return k.fetchone()[0]


with ThreadPoolExecutor(20) as pool:
    assert list(pool.map(one, range(20))) == list(range(20))

threading.Timer(1, cur.adbc_cancel).start()
refused(lambda: (cur.execute("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"), cur.fetchall()), "ancel")
with connect() as again, again.cursor() as k:
    k.execute("SELECT 42")
    assert k.fetchone() == (42,)
print("ok")
