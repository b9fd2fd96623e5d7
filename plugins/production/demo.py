"""A valve maker's three months: plans, weeks, orders, requisitions and daily reports, some late, open or returned."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from .completion import month_after, month_before, month_of
from .rules import DAYS, monday_of, weeks_of

PLANNER, APPROVER, MANAGER, KEEPER, ITEM_KEEPER = "lijianguo", "zhengguoqiang", "zhoujun", "xuxiaoyan", "songyi"
DIRECTORS = {"MC1": "chendayong", "MC2": "zhaohai", "WELD": "liuhansheng", "ASM1": "yangli", "ASM2": "huangzhiqiang"}


@dataclass
class Story:
    """What the months are told with: the items by code, who is where, and the texts that people type."""

    demo: Any
    items: dict = field(default_factory=dict)
    kinds: dict = field(default_factory=dict)
    drawn: int = 0

    @property
    def data(self):
        """What stands in `data/demo.toml`."""
        return self.demo.data["production"]

    @property
    def texts(self):
        """What people type."""
        return self.data["texts"]

    def chance(self, percent):
        """Whether something happens this time."""
        return self.demo.random.randrange(100) < percent


def fill(demo):
    """Registers first, then two months that are over, this month as far as it has come, and the plan for the next."""
    story = Story(demo)
    fill_registers(story)
    this = month_of(demo.today)
    for month in (month_before(month_before(this)), month_before(this), this):
        demo.told(f"production {month:%Y-%m}")
        plan = draw_up(story, month)
        work_through(story, plan, month)
        if month < this:
            with demo.as_user(PLANNER, month_after(month) + timedelta(days=1), 9) as work:
                work.fire(work.get("production.monthly_plan", plan), "close")
    draw_up_next(story, month_after(this))


def fill_registers(story):
    """Standard hours of what is made, and what the workshops can do."""
    demo = story.demo
    with demo.as_user(ITEM_KEEPER, demo.today - timedelta(days=140), 14) as work:
        for item in work.find("master_data.item", state="active"):
            story.items[item.code], story.kinds[item.id] = item.id, item.kind
            if item.kind in ("product", "semi_finished"):
                size = int(item.code.rpartition("DN")[2])
                work.edit(item, production_standard_hours=Decimal("0.30") + (Decimal(size) / 160).quantize(Decimal("0.01")))
    with demo.as_user(MANAGER, demo.today - timedelta(days=139), 10) as work:
        for shop in story.data["workshops"]:
            work.create("production.workshop", {
                "code": shop["code"], "workshop": demo.department(shop["code"]), "capacity": Decimal(shop["capacity"]),
                "processes": shop["processes"], "equipment": shop["equipment"],
            })


# The month


def plan_lines(story, month):
    """Forty lines: what each workshop makes, how much, for which order, by when."""
    random = story.demo.random
    for shop in story.data["workshops"]:
        for code in (code for family in shop["families"] for code in story.items if code.startswith(f"{family}-")):
            size = int(code.rpartition("DN")[2])
            quantity = Decimal(round((420 - size * 3) * random.uniform(0.72, 1.0), -1))
            yield {
                "product": story.items[code], "workshop": story.demo.department(shop["code"]), "planned_qty": quantity,
                "stock_qty": Decimal(random.randrange(0, 120)), "source_order": f"XS-{month:%y%m}-{random.randrange(1, 80):03d}",
                "due_date": month + timedelta(days=random.randrange(12, 27)), "responsible": story.demo.user(DIRECTORS[shop["code"]]),
                "risks": story.texts["line_risk"] if story.chance(10) else None,
            }


def plan_values(story, month):
    """The head of a plan with its lines."""
    texts = story.texts
    return {
        "plan_month": month, "basis": texts["basis"], "resources_and_manpower": texts["manpower"], "goals": texts["goals"],
        "risks_and_countermeasures": texts["risks"], "lines": list(plan_lines(story, month)),
    }


def draw_up(story, month):
    """A plan from draft to issue in the last days of the month before; the second one is returned once."""
    demo, day = story.demo, month - timedelta(days=6)
    with demo.as_user(PLANNER, day, 10) as work:
        plan = work.fire(work.create("production.monthly_plan", plan_values(story, month)), "submit").id
    if month == month_before(month_of(demo.today)):
        with demo.as_user(APPROVER, day + timedelta(days=1), 9) as work:
            work.fire(work.get("production.monthly_plan", plan), "send_back", demo.because(story.texts["send_back"]))
        with demo.as_user(PLANNER, day + timedelta(days=1), 14) as work:
            work.fire(work.get("production.monthly_plan", plan), "submit")
    confirmed = demo.confirmed(APPROVER)
    with demo.as_user(APPROVER, day + timedelta(days=2), 16) as work:
        work.fire(work.get("production.monthly_plan", plan), "approve", confirmed)
    with demo.as_user(PLANNER, day + timedelta(days=3), 9) as work:
        work.fire(work.get("production.monthly_plan", plan), "issue")
    return plan


def draw_up_next(story, month):
    """Next month's plan waits for its approver from the middle of this month on; before that it is a draft."""
    demo = story.demo
    with demo.as_user(PLANNER, demo.today - timedelta(days=1), 15) as work:
        plan = work.create("production.monthly_plan", plan_values(story, month))
        if demo.today.day >= 15:
            work.fire(plan, "submit")


def work_through(story, plan, month):
    """The weeks of a month: weekly plans, requisitions, daily reports; and its orders."""
    orders = issue_orders(story, plan, month)
    for week in weeks_of(month):
        if monday_of(week) - timedelta(days=3) > story.demo.today:
            break
        for shop in story.data["workshops"]:
            work_a_week(story, plan, week, shop)
    finish_orders(story, orders, month)


# The week


def work_a_week(story, plan, week, shop):
    """One workshop's week: planned on Friday, materials drawn on Monday, output reported each day, closed on Saturday."""
    demo, director, monday = story.demo, DIRECTORS[shop["code"]], monday_of(week)
    with demo.as_user(director, monday - timedelta(days=3), 15) as work:
        source = work.get("production.monthly_plan", plan)
        made = work.create("production.weekly_plan", {"week": week}, source=source, opens="weekly_plan")
        if not made.lines:
            work.remove(made)
            return
        made = work.fire(made, "issue")
        lines = [dict(line.values) for line in made.lines]
    draw(story, made.id, "requisition", shop, min(monday, demo.today))
    for offset in range(5):
        report_a_day(story, made.id, lines, director, monday + timedelta(days=offset), DAYS[offset])
    if monday + timedelta(days=5) < demo.today:
        with demo.as_user(director, monday + timedelta(days=5), 11) as work:
            work.fire(work.get("production.weekly_plan", made.id), "close")


def report_a_day(story, week, lines, director, day, name):
    """What was made on one day; the last days of the story show a report that is missing, one in draft, some not yet received."""
    demo = story.demo
    if day >= demo.today or (day >= demo.today - timedelta(days=3) and story.chance(12)):
        return
    rows = [row for line in lines if (row := output(story, line, name))]
    if not rows:
        return
    values = {"report_date": day, "lines": rows, "remarks": story.texts["late"] if story.chance(4) else None}
    with demo.as_user(director, day, 17, demo.random.randrange(5, 55)) as work:
        made = work.create("production.daily_report", values, source=work.get("production.weekly_plan", week), opens="daily_report")
        if day >= demo.today - timedelta(days=2) and story.chance(10):
            return
        work.fire(made, "submit")
    if day < demo.today - timedelta(days=1):
        with demo.as_user(PLANNER, day + timedelta(days=1), 8, 30) as work:
            work.fire(work.get("production.daily_report", made.id), "receive")


def output(story, line, name):
    """One line of a daily report: mostly what the day asked for, now and then less, some pieces nonconforming."""
    planned = line[name] or Decimal(0)
    if not planned:
        return None
    made = Decimal(int(planned * Decimal(story.demo.random.choice(("0.8", "0.9", "0.95", "1", "1", "1.05")))))
    semi = story.kinds[line["product"]] == "semi_finished"
    row = {"product": line["product"], "process": story.texts["process_semi" if semi else "process_finished"]}
    row["qty_semi_finished" if semi else "qty_finished"] = made
    row["qty_nonconforming"] = Decimal(story.demo.random.choice((0, 0, 0, 0, 1, 2)))
    return row if made else None


# Orders and requisitions


def issue_orders(story, plan, month):
    """Six orders a month for the assembly workshops, one of them void; this month's last one is still a draft."""
    demo, made = story.demo, []
    shops = [shop for shop in story.data["workshops"] if shop["code"].startswith("ASM")]
    for number in range(6):
        day = min(month + timedelta(days=2 + 4 * number), demo.today)
        if day < month or (number and day == demo.today):
            break
        with demo.as_user(PLANNER, day, 10, number) as work:
            order = work.create("production.order", order_values(story, work.get("production.monthly_plan", plan), shops, number))
            if number == 5 and month == month_of(demo.today):
                continue
            work.fire(order, "issue")
            if number == 4:
                work.void(order, story.texts["void"])
                continue
        draw(story, order.id, "requisition", shops[number % 2], day + timedelta(days=1))
        made.append(order.id)
    return made


def order_values(story, plan, shops, number):
    """An order for one product of the plan, shared between the two assembly workshops, with its materials."""
    line = [line for line in plan.lines if story.kinds[line.product] == "product"][number * 3]
    quantity = (line.planned_qty / 2).to_integral_value()
    first = (quantity * 2 / 3).to_integral_value()
    return {
        "month_plan": plan.id, "source_order": line.source_order, "product": line.product, "qty": quantity, "due_date": line.due_date,
        "stock_considered": line.stock_qty, "batch_no": f"{plan.plan_month:%y%m}-{number + 1:02d}", "process_route": story.texts["route"],
        "workshops": [
            {"workshop": story.demo.department(shops[0]["code"]), "qty": first, "due_date": line.due_date},
            {"workshop": story.demo.department(shops[1]["code"]), "qty": quantity - first, "due_date": line.due_date},
        ],
        "materials": [{"material": story.items[code], "qty_needed": quantity} for code in shops[number % 2]["materials"]],
    }


def finish_orders(story, orders, month):
    """Orders of a month that is over are completed; of this month the first."""
    demo = story.demo
    for order in orders if month < month_of(demo.today) else orders[:1]:
        with demo.as_user(PLANNER, month + timedelta(days=27), 16) as work:
            work.fire(work.get("production.order", order), "complete")


def draw(story, source, opens, shop, day):
    """A requisition: filled in by the workshop, approved by the head, handed out; every ninth is returned once, the newest wait."""
    demo, director = story.demo, DIRECTORS[shop["code"]]
    story.drawn += 1
    with demo.as_user(director, day, 8, 20) as work:
        values = {"purpose": story.texts["purpose"]}
        origin = work.get(None, source)
        if origin.type.name != "production.order":
            values["lines"] = [{"material": story.items[code], "qty_requested": Decimal(demo.random.randrange(40, 160))} for code in shop["materials"]]
        made = work.fire(work.create("stock.requisition", values, source=origin, opens=opens), "submit").id
    if day >= demo.today:
        return
    if story.drawn % 9 == 0:
        with demo.as_user(MANAGER, day, 9, 10) as work:
            work.fire(work.get("stock.requisition", made), "send_back", demo.because(story.texts["return_requisition"]))
        with demo.as_user(director, day, 9, 40) as work:
            work.fire(work.get("stock.requisition", made), "submit")
    with demo.as_user(MANAGER, day, 10) as work:
        work.fire(work.get("stock.requisition", made), "approve")
    if day >= demo.today - timedelta(days=2):
        return
    with demo.as_user(KEEPER, day, 13, 30) as work:
        slip = work.get("stock.requisition", made)
        rows = [{"id": line.id, "qty_issued": line.qty_requested, "batch_no": f"{day:%y%m%d}-{line.position:02d}"} for line in slip.lines]
        work.fire(work.edit(slip, lines=rows), "issue")
