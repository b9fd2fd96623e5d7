// The line grid: a plain table with real inputs becomes a sheet. Keyboard, paste from Excel, fill down, undo, totals.
// It never submits anything, posts nothing of its own and keeps what was typed as typed.

const PAGE = 100;
const MOST = 1000;
const NUMBERS = new Set(["integer", "decimal", "quantity", "money", "year"]);
const LOOKED_UP = new Set(["reference", "any_record", "user"]);
const THIN = "\u2009";

function format(text, values) {
  return text.replace(/\{(\w+)\}/g, (_all, name) => (name in values ? String(values[name]) : ""));
}

function plain(text) {
  return text.normalize("NFKC").replace(/[\s\u2009\u202f]/g, "").replace(/(\d),(?=\d{3}(\D|$))/g, "$1");
}

function grouped(text) {
  const match = /^(-?)(\d{4,})(\.\d+)?$/.exec(plain(text));
  return match ? match[1] + match[2].replace(/\B(?=(\d{3})+$)/g, THIN) + (match[3] || "") : text;
}

// Exact sums: figures are whole millionths.
function millionths(text) {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,6}))?$/.exec(plain(text));
  if (!match) return null;
  const size = BigInt(match[2]) * 1000000n + BigInt((match[3] || "").padEnd(6, "0"));
  return match[1] ? -size : size;
}

function figure(sum) {
  const size = sum < 0n ? -sum : sum;
  const rest = String(size % 1000000n).padStart(6, "0").replace(/0+$/, "");
  return grouped((sum < 0n ? "-" : "") + String(size / 1000000n) + (rest ? "." + rest : ""));
}

// What Excel puts on the clipboard: tabs and lines, quoted where a cell holds either.
function cellsOf(text) {
  const rows = [[]];
  let cell = "", quoted = false, start = true;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') { cell += '"'; at += 1; } else quoted = false;
    } else if (sign === '"' && start) { quoted = true; start = false; }
    else if (sign === "\t" || sign === "\n") {
      rows[rows.length - 1].push(cell.trim());
      cell = ""; start = true;
      if (sign === "\n") rows.push([]);
    } else if (sign !== "\r") { cell += sign; start = false; }
  }
  rows[rows.length - 1].push(cell.trim());
  while (rows.length && rows[rows.length - 1].every((one) => one === "")) rows.pop();
  return rows;
}

const named = (text) => text.normalize("NFKC").replace(/[\s*\uff0a]/g, "").toLowerCase();

// The list under a cell that refers to a record or a person.
class Suggestions {
  constructor(grid) {
    this.grid = grid;
    this.list = document.createElement("ul");
    this.list.className = "yk-suggest";
    this.list.setAttribute("role", "listbox");
    this.list.id = "yk-suggest-" + grid.name;
    this.list.setAttribute("aria-label", grid.texts.suggestions);
    this.list.hidden = true;
    document.body.append(this.list);
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.take(Number(option.dataset.at));
    });
  }

  ask(input) {
    clearTimeout(this.timer);
    this.input = input;
    this.timer = setTimeout(() => this.fetch(input, input.value.trim()), 150);
  }

  async fetch(input, text) {
    const column = this.grid.columnOf(input);
    const address = new URL(column.lookUp, location.href);
    address.searchParams.set("q", text);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok || this.input !== input || document.activeElement !== input) return;
      this.show(input, (await answer.json()).items);
    } catch { this.close(); }
  }

  show(input, items) {
    this.items = items;
    this.at = -1;
    this.list.replaceChildren(...items.map((item, at) => {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.id = `${this.list.id}-${at}`;
      option.dataset.at = String(at);
      option.textContent = item.text;
      return option;
    }));
    if (!items.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = this.grid.texts.nothingFound;
      this.list.append(none);
    }
    const box = input.getBoundingClientRect();
    this.list.hidden = false;
    const below = window.innerHeight - box.bottom;
    this.list.style.left = `${Math.max(4, Math.min(box.left, window.innerWidth - 268))}px`;
    this.list.style.top = below > 220 || below > box.top ? `${box.bottom}px` : `${box.top - this.list.offsetHeight}px`;
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-controls", this.list.id);
  }

  get open() { return !this.list.hidden; }

  move(by) {
    if (!this.items.length) return;
    this.at = (this.at + by + this.items.length) % this.items.length;
    this.list.querySelectorAll("[role=option]").forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === this.at));
      if (at === this.at) option.scrollIntoView({ block: "nearest" });
    });
    this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
  }

  take(at) {
    const item = this.items[at];
    if (item) this.grid.choose(this.input, item);
    this.close();
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    if (this.input) {
      this.input.setAttribute("aria-expanded", "false");
      this.input.removeAttribute("aria-activedescendant");
    }
    this.input = null;
  }
}

class Grid {
  constructor(card) {
    this.card = card;
    this.name = card.dataset.grid;
    this.texts = JSON.parse(card.dataset.texts);
    this.table = card.querySelector("table");
    this.body = this.table.tBodies[0];
    this.template = card.querySelector("template[data-row]");
    this.fixed = card.hasAttribute("data-fixed");
    this.undone = [];
    this.page = 0;
    this.next = [...this.body.rows].reduce((most, row) => Math.max(most, Number(row.dataset.row) + 1), 0);
    this.columns = [...this.table.tHead.rows[0].cells].filter((cell) => cell.dataset.column).map((cell) => ({
      name: cell.dataset.column, kind: cell.dataset.kind, label: cell.dataset.label, required: cell.hasAttribute("data-required"),
      readonly: cell.hasAttribute("data-readonly"), total: cell.hasAttribute("data-total"), lookUp: cell.dataset.lookUp,
      places: cell.dataset.places === undefined ? 6 : Number(cell.dataset.places), min: cell.dataset.min, max: cell.dataset.max,
    }));
    this.suggestions = new Suggestions(this);
    this.tip = card.querySelector("[data-tip]");
    this.said = card.querySelector("[data-said]");
    this.report = card.querySelector("[data-report]");
    this.table.setAttribute("role", "grid");
    this.listen();
    this.card.querySelectorAll("[data-needs-script]").forEach((one) => { one.hidden = false; });
    for (const input of this.inputs()) this.settle(input);
    this.renumber();
  }

  listen() {
    this.body.addEventListener("focusin", (event) => event.target.matches(".ce") && this.enter(event.target));
    this.body.addEventListener("focusout", (event) => event.target.matches(".ce") && this.leave(event.target));
    this.body.addEventListener("keydown", (event) => event.target.matches(".ce") && this.key(event));
    this.body.addEventListener("input", (event) => event.target.matches(".ce") && this.typed(event.target));
    this.body.addEventListener("change", (event) => event.target.matches("select.ce") && this.commit(event.target));
    this.body.addEventListener("paste", (event) => event.target.matches(".ce") && this.paste(event));
    this.body.addEventListener("mousedown", (event) => {
      if (event.target === document.activeElement) this.editing = true;
      else if (event.target.matches("input.ce") && event.detail === 1) {
        event.preventDefault();
        event.target.focus();
      }
      this.unmark();
    });
    this.card.addEventListener("click", (event) => this.button(event));
    for (const name of ["resize", "scroll"]) window.addEventListener(name, () => { this.tip.hidden = true; this.suggestions.close(); }, { passive: true });
  }

  button(event) {
    const button = event.target.closest("button");
    if (!button || !this.card.contains(button)) return;
    if (button.matches("[data-add]")) { event.preventDefault(); this.add(this.rows().at(-1)); }
    else if (button.matches("[data-remove]")) { event.preventDefault(); this.remove(button.closest("tr")); }
    else if (button.matches("[data-fill]")) { event.preventDefault(); this.fill(); }
    else if (button.matches("[data-undo]")) { event.preventDefault(); this.undo(); }
    else if (button.matches("[data-close]")) button.closest("dialog").close();
    else if (button === this.report) { event.preventDefault(); this.compare(); }
    else if (button.matches("[data-page]")) { event.preventDefault(); this.turn(this.page + Number(button.dataset.page)); }
  }

  rows() { return [...this.body.rows]; }
  inputs() { return this.body.querySelectorAll(".ce"); }
  cell(row, name) { return row.querySelector(`td[data-column="${name}"]`); }
  field(row, name) { return row.querySelector(`td[data-column="${name}"] .ce`); }
  columnOf(input) { return this.columns.find((one) => one.name === input.closest("td").dataset.column); }
  writable(row) { return [...row.querySelectorAll(".ce")].filter((input) => !input.disabled && !input.readOnly); }
  companion(input) { return input.parentElement.querySelector("input[data-ref]"); }
  read(input) { return { text: input.value, ref: this.companion(input)?.value ?? "" }; }
  blank(row) { return this.writable(row).every((input) => input.value.trim() === ""); }

  write(input, value) {
    if (input.matches("select")) this.pick(input, value.text);
    else input.value = value.text;
    const companion = this.companion(input);
    if (companion) companion.value = value.ref || "";
    this.settle(input);
  }

  // A select takes the option of that value, code or words; what fits none is kept as an option of its own, marked wrong.
  pick(select, text) {
    const options = [...select.options];
    const wanted = named(text);
    const found = options.find((one) => one.value === text) ||
      options.find((one) => wanted && [named(one.text), named(one.dataset.code || "")].includes(wanted));
    if (found || !wanted) { select.value = found ? found.value : ""; return; }
    const kept = new Option(text, text, true, true);
    kept.dataset.unknown = "";
    select.append(kept);
  }

  enter(input) {
    this.was = this.read(input);
    this.editing = false;
    this.body.querySelectorAll("tr.cr").forEach((row) => row.classList.remove("cr"));
    input.closest("tr").classList.add("cr");
    if (NUMBERS.has(this.columnOf(input).kind) && !input.matches("select")) {
      const bare = plain(input.value);
      if (/^-?\d+(\.\d+)?$/.test(bare) && bare !== input.value) input.value = bare;
      this.was = this.read(input);
    }
    if (input.select) input.select();
    this.hint(input);
  }

  leave(input) {
    this.suggestions.close();
    this.commit(input);
    this.settle(input);
    this.tip.hidden = true;
  }

  typed(input) {
    this.editing = true;
    const companion = this.companion(input);
    if (companion) companion.value = "";
    if (LOOKED_UP.has(this.columnOf(input).kind)) this.suggestions.ask(input);
    this.total();
  }

  commit(input) {
    const before = this.was, after = this.read(input);
    if (!before || (before.text === after.text && before.ref === after.ref)) return;
    this.remember({ cells: [{ input, before }] });
    this.was = after;
    this.check(input);
    this.total();
    this.tell();
  }

  choose(input, item) {
    this.write(input, { text: item.text, ref: `${item.id}=${item.text}` });
    this.commit(input);
    this.fault(input, "");
  }

  remember(act) {
    this.undone.push(act);
    if (this.undone.length > 200) this.undone.shift();
  }

  tell() { this.card.dispatchEvent(new CustomEvent("yk:changed", { bubbles: true })); }
  say(text) { if (this.said) this.said.textContent = text; }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const input = event.target;
    const control = event.ctrlKey || event.metaKey;
    if (this.suggestions.open && this.suggesting(event)) return;
    if (control && this.shortcut(event, input)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.down(input, event.shiftKey ? -1 : 1);
    } else if (event.key === "Tab") this.tab(event, input);
    else if (event.key === "F2") { event.preventDefault(); this.edit(input); }
    else if (event.key === "Escape") this.restore(event, input);
    else if (event.altKey && event.key === "ArrowDown") this.open(event, input);
    else if (event.key.startsWith("Arrow") && !this.editing && !event.altKey && !control) this.arrow(event, input);
    else if (event.key === "Delete" && !this.editing && input.matches("select")) { event.preventDefault(); input.value = ""; this.commit(input); }
  }

  suggesting(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.suggestions.move(event.key === "ArrowDown" ? 1 : -1);
      return true;
    }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.suggestions.close(); return true; }
    if (event.key === "Enter" || event.key === "Tab") {
      const only = this.suggestions.items.length === 1 ? 0 : -1;
      this.suggestions.take(this.suggestions.at >= 0 ? this.suggestions.at : only);
    }
    return false;
  }

  shortcut(event, input) {
    const key = event.key.toLowerCase();
    if (key === "d") this.fill();
    else if (key === "enter") this.add(input.closest("tr"));
    else if (key === "delete") this.remove(input.closest("tr"));
    else if (key === "z" && !(this.editing && this.was && this.was.text !== input.value)) this.undo();
    else return false;
    event.preventDefault();
    return true;
  }

  down(input, by) {
    const rows = this.rows(), row = input.closest("tr"), name = input.closest("td").dataset.column;
    this.leave(input);
    for (let at = rows.indexOf(row) + by; at >= 0 && at < rows.length; at += by) {
      const target = this.field(rows[at], name);
      if (target && !target.readOnly && !target.disabled) { this.go(target); return; }
    }
    if (by > 0 && !this.blank(row) && !this.fixed) this.add(row, name);
    else this.enter(input);
  }

  tab(event, input) {
    const row = input.closest("tr");
    if (event.shiftKey || row !== this.rows().at(-1) || this.fixed) return;
    if (this.writable(row).at(-1) !== input || this.blank(row)) return;
    event.preventDefault();
    this.add(row);
  }

  edit(input) {
    this.editing = true;
    if (input.matches("select")) { try { input.showPicker(); } catch { /* an old browser opens it by itself */ } return; }
    const end = input.value.length;
    input.setSelectionRange(end, end);
  }

  open(event, input) {
    const kind = this.columnOf(input).kind;
    if (LOOKED_UP.has(kind)) { event.preventDefault(); this.suggestions.ask(input); }
    else if (kind === "date") { event.preventDefault(); this.calendar(input); }
  }

  calendar(input) {
    const picker = document.createElement("input");
    picker.type = "date";
    picker.className = "yk-picker";
    picker.tabIndex = -1;
    picker.value = /^\d{4}-\d\d-\d\d$/.test(input.value) ? input.value : "";
    input.parentElement.append(picker);
    picker.addEventListener("change", () => { this.write(input, { text: picker.value, ref: "" }); this.commit(input); });
    picker.addEventListener("blur", () => picker.remove());
    try { picker.showPicker(); } catch { picker.remove(); }
  }

  restore(event, input) {
    if (!this.was || input.value === this.was.text) { this.editing = false; this.unmark(); return; }
    event.preventDefault();
    event.stopPropagation();
    this.write(input, this.was);
    this.editing = false;
    if (input.select) input.select();
    this.check(input);
    this.total();
  }

  arrow(event, input) {
    const rows = this.rows(), row = input.closest("tr");
    event.preventDefault();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      if (event.shiftKey) { this.extend(input, by); return; }
      this.unmark();
      const next = rows[rows.indexOf(row) + by];
      const target = next && this.field(next, input.closest("td").dataset.column);
      if (target) this.go(target);
      return;
    }
    this.unmark();
    const cells = this.writable(row);
    const target = cells[cells.indexOf(input) + (event.key === "ArrowRight" ? 1 : -1)];
    if (target) this.go(target);
  }

  // Shift and arrows mark a stretch of the column for filling down.
  extend(input, by) {
    const rows = this.rows(), from = rows.indexOf(input.closest("tr"));
    const to = Math.max(0, Math.min(rows.length - 1, (this.marked?.to ?? from) + by));
    this.unmark();
    this.marked = { from, to, name: input.closest("td").dataset.column };
    for (const row of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) this.cell(row, this.marked.name)?.classList.add("sel");
  }

  unmark() {
    this.marked = null;
    this.body.querySelectorAll("td.sel").forEach((cell) => cell.classList.remove("sel"));
  }

  go(input) {
    const at = this.rows().indexOf(input.closest("tr"));
    if (Math.floor(at / PAGE) !== this.page) this.turn(Math.floor(at / PAGE));
    input.focus();
    input.closest("td").scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  make() {
    const row = this.template.content.firstElementChild.cloneNode(true);
    const number = String(this.next);
    this.next += 1;
    row.dataset.row = number;
    for (const one of row.querySelectorAll("[name], [id], [aria-describedby], button[value]")) {
      for (const attribute of ["name", "id", "value", "aria-describedby"]) {
        const text = one.getAttribute(attribute);
        if (text && text.includes("__row__")) one.setAttribute(attribute, text.replaceAll("__row__", number));
      }
    }
    return row;
  }

  add(after, name) {
    if (this.fixed) return;
    if (this.body.rows.length >= MOST) { this.say(format(this.texts.tooMany, { most: MOST })); return; }
    const row = this.make();
    if (after) after.after(row); else this.body.append(row);
    this.remember({ added: [row] });
    this.renumber();
    this.tell();
    const target = (name && this.field(row, name)) || this.writable(row)[0];
    if (target) this.go(target);
  }

  remove(row) {
    if (this.fixed) return;
    const rows = this.rows(), at = rows.indexOf(row);
    const focused = row.contains(document.activeElement) ? document.activeElement.closest("td")?.dataset.column : null;
    this.was = null;
    this.remember({ removed: [{ row, after: rows[at - 1] || null }] });
    row.remove();
    this.renumber();
    this.total();
    this.tell();
    this.say(format(this.texts.removed, { row: at + 1 }));
    const next = rows[at + 1] || rows[at - 1];
    const target = next && ((focused && this.field(next, focused)) || this.writable(next)[0]);
    if (target) this.go(target);
  }

  fill() {
    const active = document.activeElement;
    const input = active && this.body.contains(active) && active.matches(".ce") ? active : this.last;
    if (!input || !input.isConnected) return;
    this.commit(input);
    const rows = this.rows(), name = input.closest("td").dataset.column, at = rows.indexOf(input.closest("tr"));
    const marked = this.marked && this.marked.from !== this.marked.to;
    const first = marked ? Math.min(this.marked.from, this.marked.to) : at - 1;
    const last = marked ? Math.max(this.marked.from, this.marked.to) : at;
    const source = rows[first] && this.field(rows[first], name);
    if (!source) return;
    const value = this.read(source), cells = [];
    for (const row of rows.slice(first + 1, last + 1)) {
      const target = this.field(row, name);
      if (!target || target.readOnly || target.disabled) continue;
      cells.push({ input: target, before: this.read(target) });
      this.write(target, value);
      this.check(target);
    }
    if (cells.length) this.remember({ cells });
    this.was = this.read(input);
    this.total();
    this.tell();
    this.say(format(this.texts.filled, { cells: cells.length }));
  }

  undo() {
    const active = document.activeElement;
    if (active && this.body.contains(active) && active.matches(".ce")) this.commit(active);
    const act = this.undone.pop();
    if (!act) { this.say(this.texts.nothingToUndo); return; }
    for (const { input, before } of [...(act.cells || [])].reverse()) { this.write(input, before); this.check(input); }
    for (const row of act.added || []) row.remove();
    for (const { row, after } of [...(act.removed || [])].reverse()) { if (after) after.after(row); else this.body.prepend(row); }
    this.was = null;
    this.renumber();
    this.total();
    this.tell();
    this.say(this.texts.undone);
    const back = (act.cells && act.cells[0].input) || (act.removed && this.writable(act.removed[0].row)[0]) || this.inputs()[0];
    if (back && back.isConnected) this.go(back);
  }

  paste(event) {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\t\n]/.test(text)) return;
    event.preventDefault();
    const rows = cellsOf(text);
    if (!rows.length) return;
    const input = event.target;
    if (rows.length === 1 && rows[0].length === 1) {
      this.write(input, { text: rows[0][0], ref: "" });
      this.commit(input);
      return;
    }
    if (this.body.rows.length + rows.length > MOST) { this.say(format(this.texts.tooMany, { most: MOST })); return; }
    this.block(input, rows);
  }

  // Columns by the names in the first row when they are ours, else in order from this cell, read-only ones skipped.
  plan(input, rows) {
    const writable = this.columns.filter((one) => !one.readonly);
    const heads = rows[0].map((text) => this.columns.find((one) => named(text) && [named(one.label), named(one.name)].includes(named(text))) || null);
    const hits = heads.filter(Boolean).length, filled = rows[0].filter((text) => text !== "").length;
    if (hits && hits * 2 >= filled && (hits > 1 || filled === 1)) return { columns: heads, heads: rows[0], data: rows.slice(1) };
    const start = writable.indexOf(this.columnOf(input));
    return { columns: rows[0].map((_text, at) => writable[start + at] || null), heads: null, data: rows };
  }

  block(input, rows) {
    this.commit(input);
    const width = Math.max(...rows.map((row) => row.length));
    for (const row of rows) while (row.length < width) row.push("");
    const plan = this.plan(input, rows), have = this.rows(), start = have.indexOf(input.closest("tr"));
    const act = { cells: [], added: [] }, taken = [];
    plan.data.forEach((texts, at) => {
      let row = this.rows()[start + at];
      if (!row) {
        if (this.fixed) { taken.push({ row: null, texts }); return; }
        row = this.make();
        this.body.append(row);
        act.added.push(row);
      }
      plan.columns.forEach((column, place) => {
        const target = column && this.field(row, column.name);
        if (!target || target.readOnly || target.disabled) return;
        if (!act.added.includes(row)) act.cells.push({ input: target, before: this.read(target) });
        this.write(target, { text: texts[place], ref: "" });
      });
      taken.push({ row, texts });
    });
    this.remember(act);
    this.was = null;
    this.renumber();
    this.pasted = { plan, taken };
    this.judge(plan, taken).then(() => { this.announce(); this.total(); this.tell(); });
    this.go(input);
  }

  async judge(plan, taken) {
    for (const { row } of taken) for (const column of plan.columns) {
      const target = row && column && this.field(row, column.name);
      if (target) this.check(target);
    }
    for (const column of new Set(plan.columns.filter((one) => one && LOOKED_UP.has(one.kind) && one.lookUp))) await this.resolve(column, taken);
  }

  // Codes that were pasted are looked up together, a hundred at a time.
  async resolve(column, taken) {
    const targets = taken.map(({ row }) => row && this.field(row, column.name)).filter((one) => one && one.value.trim());
    const texts = [...new Set(targets.map((one) => one.value.trim()))];
    for (let at = 0; at < texts.length; at += 100) {
      const address = new URL(column.lookUp, location.href);
      for (const text of texts.slice(at, at + 100)) address.searchParams.append("exact", text);
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
        if (!answer.ok) return;
        const { found } = await answer.json();
        for (const target of targets) {
          const text = target.value.trim();
          if (!(text in found)) continue;
          const item = found[text];
          if (item) { this.write(target, { text: item.text, ref: `${item.id}=${item.text}` }); this.fault(target, ""); }
          else this.fault(target, format(this.texts.unknown, { value: text, label: column.label }));
        }
      } catch { return; }
    }
  }

  announce() {
    const { plan, taken } = this.pasted;
    let wrong = 0;
    for (const { row } of taken) for (const column of plan.columns) {
      const target = row && column && this.field(row, column.name);
      if (target && target.getAttribute("aria-invalid") === "true") wrong += 1;
    }
    const left = plan.columns.filter((one) => !one || one.readonly).length;
    let text = format(wrong ? this.texts.pastedWrong : this.texts.pasted, { rows: taken.length, wrong });
    if (left) text += format(this.texts.columnsLeft, { columns: left });
    const lost = taken.filter((one) => !one.row).length;
    if (lost) text += format(this.texts.rowsLeft, { rows: lost });
    this.say(text);
    this.report.textContent = text;
    this.report.hidden = false;
  }

  // What was pasted beside what was taken: nothing is dropped silently.
  compare() {
    const dialog = this.card.querySelector("dialog[data-compare]"), { plan, taken } = this.pasted;
    const table = document.createElement("table");
    table.className = "tb";
    const head = table.createTHead().insertRow(), body = table.createTBody();
    const put = (row, tag, text, style) => {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (style) cell.className = style;
      row.append(cell);
      return cell;
    };
    put(head, "th", this.texts.row);
    plan.columns.forEach((column, at) => {
      const known = column && !column.readonly;
      put(head, "th", known ? column.label : format(this.texts.notTaken, { name: (column && column.label) || (plan.heads && plan.heads[at]) || at + 1 }), known ? "" : "warn");
    });
    const rows = this.rows();
    for (const { row, texts } of taken) {
      const line = body.insertRow();
      put(line, "td", row ? String(rows.indexOf(row) + 1) : this.texts.noRoom);
      plan.columns.forEach((column, at) => {
        const target = row && column && !column.readonly && this.field(row, column.name);
        const wrong = target && target.getAttribute("aria-invalid") === "true";
        const cell = put(line, "td", texts[at], wrong ? "bad" : target ? "" : "t3");
        if (wrong) { const why = document.createElement("div"); why.className = "s"; why.textContent = this.sentence(target); cell.append(why); }
        else if (target && plain(this.shown(target)) !== plain(texts[at]) && texts[at]) {
          const how = document.createElement("div"); how.className = "s t3"; how.textContent = "→ " + this.shown(target); cell.append(how);
        }
      });
    }
    dialog.querySelector("[data-body]").replaceChildren(table);
    dialog.showModal();
  }

  shown(input) { return input.matches("select") ? (input.selectedOptions[0]?.text ?? "") : input.value; }

  check(input) {
    const column = this.columnOf(input), text = input.value.trim();
    this.fault(input, text === "" ? "" : this.wrong(column, input, text));
  }

  wrong(column, input, text) {
    if (input.matches("select")) return input.selectedOptions[0]?.dataset.unknown === undefined ? "" : format(this.texts.unknown, { value: text, label: column.label });
    if (NUMBERS.has(column.kind)) return this.wrongNumber(column, text);
    if (column.kind === "date" && !isDate(text)) return format(this.texts.notDate, { value: text });
    if (column.kind === "month" && !/^\d{4}[-/.\u5e74]?(0?[1-9]|1[0-2])\u6708?$/.test(text)) return format(this.texts.notMonth, { value: text });
    return "";
  }

  wrongNumber(column, text) {
    const bare = plain(text), letter = /[A-Za-z]/.exec(bare);
    if (letter) return format(this.texts.letter, { value: text, label: column.label, letter: letter[0] });
    if (!/^-?\d+(\.\d+)?$/.test(bare)) return format(this.texts.notNumber, { value: text, label: column.label });
    const [whole, part] = bare.replace("-", "").split(".");
    if (column.kind === "integer" && part) return format(this.texts.notWhole, { value: text });
    if (whole.length > 12 || (part && part.replace(/0+$/, "").length > column.places)) return format(this.texts.tooLong, { value: text, places: column.places });
    if (column.min !== undefined && Number(bare) < Number(column.min)) return format(this.texts.tooSmall, { value: text, min: column.min });
    if (column.max !== undefined && Number(bare) > Number(column.max)) return format(this.texts.tooLarge, { value: text, max: column.max });
    return "";
  }

  sentence(input) { return document.getElementById(input.getAttribute("aria-describedby") || "")?.textContent ?? ""; }

  fault(input, text) {
    const cell = input.closest("td");
    let note = cell.querySelector(".ce-note");
    if (!text) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      cell.classList.remove("e");
      note?.remove();
    } else {
      if (!note) { note = document.createElement("span"); note.className = "ce-note"; cell.append(note); }
      note.id = `${input.id}-note`;
      note.textContent = text;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", note.id);
      cell.classList.add("e");
    }
    if (document.activeElement === input) this.hint(input);
  }

  hint(input) {
    this.last = input;
    const text = this.sentence(input);
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    const box = input.getBoundingClientRect(), card = this.card.getBoundingClientRect();
    this.tip.style.left = `${Math.max(8, Math.min(box.left - card.left, card.width - 260))}px`;
    this.tip.style.top = `${box.bottom - card.top + 4}px`;
  }

  settle(input) {
    if (input !== document.activeElement && NUMBERS.has(this.columnOf(input)?.kind) && this.columnOf(input).kind !== "year" && !input.matches("select")) input.value = grouped(input.value);
  }

  renumber() {
    const rows = this.rows();
    rows.forEach((row, at) => { row.querySelector("[data-number]").textContent = String(at + 1); });
    const count = this.card.querySelector("[data-count]");
    if (count) count.textContent = format(this.texts.rows, { rows: rows.length });
    this.turn(Math.min(this.page, Math.max(0, Math.ceil(rows.length / PAGE) - 1)));
    this.total();
  }

  turn(page) {
    const rows = this.rows(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
    this.page = Math.max(0, Math.min(pages - 1, page));
    rows.forEach((row, at) => { row.hidden = pages > 1 && Math.floor(at / PAGE) !== this.page; });
    const pager = this.card.querySelector("[data-pager]");
    pager.hidden = pages < 2;
    pager.querySelector("[data-place]").textContent = format(this.texts.place, { from: this.page * PAGE + 1, to: Math.min(rows.length, (this.page + 1) * PAGE), rows: rows.length });
    pager.querySelector('[data-page="-1"]').disabled = this.page === 0;
    pager.querySelector('[data-page="1"]').disabled = this.page === pages - 1;
  }

  total() {
    const foot = this.table.tFoot;
    if (!foot) return;
    for (const column of this.columns.filter((one) => one.total)) {
      let sum = 0n;
      for (const row of this.body.rows) {
        const cell = this.cell(row, column.name);
        const size = cell && millionths(cell.querySelector(".ce")?.value ?? cell.dataset.value ?? "");
        if (size !== null && size !== undefined) sum += size;
      }
      const place = foot.querySelector(`[data-total-of="${column.name}"]`);
      if (place) place.textContent = figure(sum);
    }
  }
}

function isDate(text) {
  const match = /^(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?$/.exec(text.normalize("NFKC").trim()) || /^(\d{4})(\d\d)(\d\d)$/.exec(text);
  if (!match) return false;
  const year = Number(match[1]), day = new Date(Date.UTC(year, Number(match[2]) - 1, Number(match[3])));
  return day.getUTCMonth() === Number(match[2]) - 1 && day.getUTCDate() === Number(match[3]);
}

function start(root = document) {
  return [...root.querySelectorAll("[data-grid]")].map((card) => new Grid(card));
}

// Scripts carry their version in the address, so pages load each by itself; this is what others use of it.
globalThis.yunkongGrid = { start, format, grouped, plain, cellsOf, isDate };
