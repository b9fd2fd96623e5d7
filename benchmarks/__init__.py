"""How quick Yunkong is, against a bare Flask + SQLAlchemy Core app that writes the same rows: `make bench`, figures in docs/performance.md."""
