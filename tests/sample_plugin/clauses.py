"""The clauses of the tool procedure, and the records that prove each."""

from core import Clause, _

CLAUSES = (Clause("TL-1", _("Tools are handed out against a signature"), proven_by=("tools.loan", "report:tools.out")),)
