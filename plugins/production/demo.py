"""A valve maker's three months: plans, weeks, orders, requisitions and daily reports, some late, open or returned."""
def fill(demo):
    pass
