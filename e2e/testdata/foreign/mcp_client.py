"""Talks to `mp mcp` with the official client. Arguments: the program and its arguments."""
import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def call(session, name, **arguments):
    result = await session.call_tool(name, arguments)
    text = result.content[0].text
    failed = getattr(result, "is_error", None)
    if failed is None:
        failed = result.isError
    return failed, text


async def fetch(session, names):
    assert "request_fetch" in names and "fetch_status" in names, names
    failed, text = await call(session, "request_fetch", **{"from": "--wait", "to": "2025-11-01"})
    assert failed and "2026-01-31" in text, text
    failed, text = await call(session, "request_fetch", **{"from": "2025-11-03", "to": "2025-11-03"})
    assert not failed, text
    job = json.loads(text)["id"]
    for _ in range(600):
        failed, text = await call(session, "fetch_status", id=job)
        assert not failed, text
        if json.loads(text)["state"] == "done":
            break
        await asyncio.sleep(0.1)
    failed, text = await call(session, "query", sql="SELECT count(*) AS n FROM events WHERE day = '2025-11-03'")
    assert not failed and json.loads(text)["rows"][0]["n"] > 0, text
    print("ok")


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        names = sorted(tool.name for tool in (await session.list_tools()).tools)
        if "--allow-fetch" in sys.argv:
            await fetch(session, names)
            return
        assert names == ["coverage", "describe_table", "list_properties", "list_tables", "property_values", "query"], names
        failed, text = await call(session, "list_tables")
        assert not failed and json.loads(text)["rows"], text
        failed, text = await call(session, "query", sql="SELECT count(*) AS n FROM events")
        answer = json.loads(text)
        assert not failed and answer["rows"][0]["n"] > 0 and "not an instruction" in answer["note"], text
        assert answer["freshness"][0]["fetched_at"] and answer["as_of"] and "snapshot" in answer["source"], text
        failed, text = await call(session, "query", sql="DROP TABLE events")
        assert failed and "only statements that read" in text, text
        failed, text = await call(session, "describe_table", table="nothing")
        assert failed and "try: the tables are" in text, text
        failed, text = await call(session, "query", sql="SELECT repeat('x', 1000) AS x FROM range(1000000)", max_rows=1000)
        answer = json.loads(text)
        assert not failed and answer["total_rows"] == 1000000 and answer["truncated"] and answer["returned_rows"] < 100, text[-200:]
        assert len(text) < 100_000, len(text)
        for tool, arguments in {
            "list_properties": {"table": "events"}, "coverage": {"table": "events"},
            "property_values": {"table": "events", "property": "event_name"},
        }.items():
            failed, text = await call(session, tool, **arguments)
            assert not failed and json.loads(text)["rows"], text
        endless = asyncio.create_task(call(session, "query", sql="SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"))
        await asyncio.sleep(1)
        endless.cancel()
        try:
            await endless
        except asyncio.CancelledError:
            pass
        failed, text = await call(session, "query", sql="SELECT 42 AS n")
        assert not failed and json.loads(text)["rows"] == [{"n": 42}], text
    print("ok")


asyncio.run(main())
