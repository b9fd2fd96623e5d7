"""Where records lie: column types, the tables of a registry, engines, and records in and out of them."""

from core.storage.columns import Base, Exact, Id, Json, Moment, new_id, plain
from core.storage.engine import Database, bump, dialect_insert, is_passing
from core.storage.record import Record, Row
from core.storage.tables import END_OF_TIME, READER, RECORD, STAMP, Tables

__all__ = [
    "END_OF_TIME", "READER", "RECORD", "STAMP", "Base", "Database", "Exact", "Id", "Json", "Moment", "Record", "Row", "Tables", "bump", "dialect_insert",
    "is_passing", "new_id", "plain",
]
