"""The items that a form names, read together: one statement for a whole table of lines."""


def item_of(work, row):
    """The item of a row, as the register has it; None while the row names none."""
    ids = {one.product for one in row.parent.lines if one.product is not None}
    return work.peek("master_data.item", ids).get(row.product)


def description(item):
    """Model and specification in one text."""
    return " ".join(filter(None, (item.model, item.specification))) or None if item else None


def of_row(work, row):
    """Model and specification of the product of a row."""
    return description(item_of(work, row))


def of_record(work, record):
    """Model and specification of the product that a record is about."""
    return None if record.product is None else description(work.peek("master_data.item", {record.product}).get(record.product))
