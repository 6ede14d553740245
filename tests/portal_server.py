"""A stand-in of the CryoET Data Portal: its GraphQL schema on this machine, with rows of a test.

Queries are checked by the schema that comes with the portal's client. Where a row says nothing of a
field that is never null, the field has a zero of its type.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cryoet_data_portal
from graphql import (
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLScalarType,
    build_schema,
    graphql_sync,
)

SCHEMA = Path(cryoet_data_portal.__file__).parent / "data" / "schema.graphql"
ZEROS = {"Int": 0, "Float": 0.0, "String": "", "Boolean": False, "ID": "0"}
A_DATE = "2025-02-25T00:00:00+00:00"

# A row of a table; related rows stand in it under the name of the relation.
Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]


@contextmanager
def portal_server(tables: Tables) -> Iterator[tuple[str, list[str]]]:
    """Answer queries for the tables (by the schema's names of their lists).

    Yields the address, and the names of the lists that have been asked for so far.
    """
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = graphql_sync(
                schema,
                query["query"],
                tables,
                variable_values=query.get("variables"),
                field_resolver=lambda source, info, **where: _field(source, info, asked, **where),
            )
            body = json.dumps(answer.formatted).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/graphql", asked
        finally:
            server.shutdown()
            thread.join()


def _field(source: Any, info: GraphQLResolveInfo, asked: list[str], **arguments: Any) -> Any:
    if info.parent_type.name == "Query":
        asked.append(info.field_name)
        rows = source.get(info.field_name, ())
        return [row for row in rows if _fits(row, arguments.get("where") or {})]
    value = source.get(info.field_name)
    if value is None and isinstance(info.return_type, GraphQLNonNull):
        kind = info.return_type.of_type
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLScalarType):
            return ZEROS.get(kind.name, A_DATE)
    return value


def _fits(row: Row, where: Mapping[str, Any]) -> bool:
    """Whether a row fits filters of the kinds that copick asks with: equal, in a list, related."""
    return all(
        row.get(key) == condition["_eq"]
        if "_eq" in condition
        else row.get(key) in condition["_in"]
        if "_in" in condition
        else _fits(row[key], condition)
        for key, condition in where.items()
    )
