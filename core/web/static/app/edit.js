// The edit page: autosave of unsent input, fields that come and go, references looked up, files sent while one types.
// Enter never submits, except from a password; only a button does.

const { start: grids, format, grouped, plain } = globalThis.yunkongGrid;

const QUIET = 2000;

class Autosave {
  constructor(form) {
    this.form = form;
    this.texts = JSON.parse(form.dataset.texts);
    this.place = document.querySelector("[data-autosave]");
    this.dirty = false;
    this.busy = false;
    this.wait = QUIET;
    form.addEventListener("input", () => this.touched());
    form.addEventListener("change", () => this.touched());
    form.addEventListener("yk:changed", () => this.touched());
    form.addEventListener("focusout", () => { if (this.dirty) this.soon(200); });
    form.addEventListener("submit", () => { clearTimeout(this.timer); this.dirty = false; this.left = true; });
    window.addEventListener("beforeunload", (event) => { if (this.dirty && !this.left) event.preventDefault(); });
    document.addEventListener("visibilitychange", () => { if (document.hidden && this.dirty) this.save(); });
    window.addEventListener("online", () => { if (this.dirty) this.save(); });
  }

  touched() {
    this.dirty = true;
    this.left = false;
    this.soon(QUIET);
  }

  soon(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  async save() {
    if (this.busy || this.left) { if (this.busy) this.soon(300); return; }
    this.busy = true;
    this.dirty = false;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(this.form.dataset.unsent, {
        method: "POST", body, credentials: "same-origin", keepalive: body.toString().length < 60000,
        headers: { Accept: "application/json", "X-CSRF-Token": body.get("_csrf") || "" },
      });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(said.detail || String(answer.status));
      this.wait = QUIET;
      if (said.stale) this.show("warn", said.stale);
      else this.show("good", format(this.texts.saved, { time: said.saved_at }));
      document.querySelectorAll("[data-when-unsent]").forEach((one) => { one.hidden = false; });
    } catch {
      this.dirty = true;
      this.show("warn", this.texts.retrying);
      this.wait = Math.min(this.wait * 2, 60000);
      this.soon(this.wait);
    } finally { this.busy = false; }
  }

  show(tone, text) {
    if (!this.place) return;
    this.place.dataset.tone = tone;
    this.place.querySelector("[data-said]").textContent = text;
    this.place.hidden = false;
  }
}

// `when` in its mapping form: the field is there only while the others have the wanted values.
function follow(form) {
  const places = [...form.querySelectorAll("[data-when]")];
  if (!places.length) return;
  const valuesOf = (name) => [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter((one) => !["radio", "checkbox"].includes(one.type) || one.checked)
    .map((one) => one.value).filter((one) => one !== "");
  const settle = () => {
    for (const place of places) {
      const holds = Object.entries(JSON.parse(place.dataset.when)).every(([name, wanted]) => valuesOf(name).some((one) => wanted.includes(one)));
      place.hidden = !holds;
    }
  };
  form.addEventListener("change", settle);
  form.addEventListener("input", settle);
  settle();
}

// A reference: the text field that works alone becomes a look-up; id and words go back into the same two inputs.
function lookUp(input) {
  const ref = input.parentElement.querySelector("input[data-ref]"), many = input.hasAttribute("data-many");
  const select = document.createElement("select");
  const known = new Map();
  const chosen = ref.value ? ref.value.split("\n").filter(Boolean) : [];
  const typed = many ? input.value.split(/[\uff1b;\n]/).map((one) => one.trim()).filter(Boolean) : [input.value.trim()].filter(Boolean);
  for (const pair of chosen) known.set(pair.slice(pair.indexOf("=") + 1), pair.slice(0, pair.indexOf("=")));
  const options = typed.map((text) => ({ value: known.get(text) || text, text }));
  select.multiple = many;
  select.setAttribute("aria-label", input.dataset.label);
  input.after(select);
  const tom = new window.TomSelect(select, {
    valueField: "value", labelField: "text", searchField: [], options, items: options.map((one) => one.value), maxItems: many ? null : 1,
    maxOptions: 50, create: false, loadThrottle: 200, preload: "focus", plugins: many ? ["remove_button"] : [],
    placeholder: input.placeholder, closeAfterSelect: !many,
    shouldLoad: () => true,
    score: () => () => 1,
    load(query, done) {
      const address = new URL(input.dataset.lookUp, location.href);
      address.searchParams.set("q", query);
      fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then((answer) => answer.json())
        .then(({ items }) => { this.clearOptions((option) => this.items.includes(option.value)); done(items.map((one) => ({ value: one.id, text: one.text }))); })
        .catch(() => done());
    },
    render: {
      option: (data, escape) => `<div>${escape(data.text)}</div>`,
      item: (data, escape) => `<div>${escape(data.text)}</div>`,
      no_results: (_data, escape) => `<div class="no-results">${escape(input.dataset.nothing)}</div>`,
      loading: (_data, escape) => `<div class="no-results">${escape(input.dataset.looking)}</div>`,
    },
    onChange() {
      const items = this.items.map((value) => ({ value, text: this.options[value]?.text ?? value }));
      input.value = items.map((one) => one.text).join("\uff1b");
      ref.value = items.map((one) => `${one.value}=${one.text}`).join("\n");
      input.dispatchEvent(new Event("change", { bubbles: true }));
    },
  });
  const label = document.querySelector(`label[for="${CSS.escape(input.id)}"]`);
  const control = tom.control_input;
  control.id = `${input.id}-ts`;
  if (label) label.htmlFor = control.id;
  for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) if (input.hasAttribute(name)) control.setAttribute(name, input.getAttribute(name));
  if (input.getAttribute("aria-invalid") === "true") tom.wrapper.classList.add("err");
  input.type = "hidden";
  input.dataset.control = control.id;
  leaving(tom);
}

// Tab takes what was looked for; where nothing was typed it goes on and takes nothing.
function leaving(tom) {
  tom.control_input.addEventListener("keydown", (event) => { if (event.key === "Tab") tom.settings.selectOnTab = Boolean(tom.control_input.value.trim()); }, true);
}

function longChoice(select) {
  const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  // The label goes over to the new input; the select behind it keeps its name for readers.
  if (select.labels.length && !select.hasAttribute("aria-label")) select.setAttribute("aria-label", select.labels[0].textContent.replace("*", "").trim());
  const tom = new window.TomSelect(select, { maxOptions: 500, plugins: select.multiple ? ["remove_button"] : [] });
  leaving(tom);
  if (label) label.htmlFor = tom.control_input.id;
}

// A file goes up as soon as it is chosen; the form keeps its id.
function uploads(place, form) {
  const picker = place.querySelector("input[type=file]"), list = place.querySelector("[data-files]"), texts = JSON.parse(place.dataset.texts);
  const send = (file) => {
    const line = document.createElement("li"), name = document.createElement("span"), bar = document.createElement("progress"), said = document.createElement("span");
    name.textContent = file.name;
    name.className = "ell";
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    said.className = "s t3";
    said.setAttribute("role", "status");
    line.append(name, bar, said);
    list.append(line);
    const call = new XMLHttpRequest(), body = new FormData();
    body.append("file", file);
        call.open("POST", place.dataset.upload);
    call.setRequestHeader("Accept", "application/json");
    call.setRequestHeader("X-CSRF-Token", form.elements._csrf.value);
    call.upload.addEventListener("progress", (event) => { if (event.lengthComputable) { bar.value = (event.loaded / event.total) * 100; said.textContent = `${Math.round(bar.value)} %`; } });
    call.addEventListener("load", () => {
      bar.remove();
      let answer = {};
      try { answer = JSON.parse(call.responseText); } catch { /* said below */ }
      if (call.status !== 201) { said.className = "s bad"; said.textContent = answer.detail || texts.failed; return; }
      const held = document.createElement("input");
      held.type = "hidden";
      held.name = place.dataset.name;
      held.value = `${answer.id}=${answer.name}`;
      said.textContent = texts.done;
      line.append(held, removal(line));
      form.dispatchEvent(new CustomEvent("yk:changed"));
    });
    call.addEventListener("error", () => { bar.remove(); said.className = "s bad"; said.textContent = texts.failed; });
    call.send(body);
  };
  const removal = (line) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-d sm";
    button.textContent = texts.remove;
    button.addEventListener("click", () => { line.remove(); form.dispatchEvent(new CustomEvent("yk:changed")); picker.focus(); });
    return button;
  };
  list.querySelectorAll("li").forEach((line) => {
    const held = document.createElement("input");
    held.type = "hidden";
    held.name = place.dataset.name;
    held.value = line.querySelector("input[type=checkbox]").value;
    line.querySelector("label").replaceWith(held, removal(line));
  });
  picker.addEventListener("change", () => { [...picker.files].forEach(send); picker.value = ""; });
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("drop", (event) => { event.preventDefault(); [...event.dataTransfer.files].forEach(send); });
}

// A workbook is read as soon as it is chosen.
function readAtOnce(picker) {
  const button = picker.closest("details").querySelector("button");
  picker.addEventListener("change", (event) => {
    event.stopPropagation();
    if (picker.files.length) button.click();
  });
}

// The summary on top, and the answer for each row of a workbook: their links lead to the very input, also in a grid and behind a look-up.
function errors(root) {
  const summary = root.querySelector("#problems");
  if (summary) summary.focus();
  for (const place of root.querySelectorAll("#problems, #imported")) place.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    let target = link && document.getElementById(link.hash.slice(1));
    if (!target || target === place) return;
    event.preventDefault();
    if (target.dataset.control) target = document.getElementById(target.dataset.control) || target;
    target.dispatchEvent(new CustomEvent("yk:go", { bubbles: true }));
    if (!target.matches("input, select, textarea, button")) target = target.querySelector("input:not([type=hidden]), select, textarea") || target;
    target.scrollIntoView({ block: "center" });
    target.focus();
  });
}

// What makes any form of ours comfortable: the edit page, a step's page, a step's dialog.
function upgrade(form) {
  const sheets = grids(form);
  for (const sheet of sheets) sheet.card.addEventListener("yk:go", (event) => { if (event.target.matches(".ce")) sheet.go(event.target); });
  if (window.TomSelect) {
    form.querySelectorAll("input[data-look-up]:not(.ce)").forEach(lookUp);
    form.querySelectorAll("select[data-long]").forEach(longChoice);
  }
  form.querySelectorAll("[data-upload]").forEach((place) => uploads(place, form));
  form.querySelectorAll("input[data-figure]").forEach((input) => {
    input.value = grouped(input.value);
    input.addEventListener("focus", () => { const bare = plain(input.value); if (/^-?\d+(\.\d+)?$/.test(bare)) input.value = bare; });
    input.addEventListener("blur", () => { input.value = grouped(input.value); });
  });
  for (const picker of form.elements) if (picker.matches("[data-import]")) readAtOnce(picker);
  follow(form);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter" || event.defaultPrevented) return;
    if (!event.target.matches("input, select") || event.target.matches("[type=submit], [type=button], [type=file]")) return;
    if (event.target.matches("[type=password], [autocomplete=one-time-code]")) return; // whoever signs types it and presses Enter
    event.preventDefault();
    if (!event.target.closest(".ts-wrapper, [data-grid]")) onward(form, event.target);
  });
  form.addEventListener("submit", (event) => {
    for (const sheet of sheets) if (sheet.last?.isConnected) sheet.commit(sheet.last);
    const button = event.submitter;
    setTimeout(() => { if (!event.defaultPrevented && button?.dataset.busy) button.querySelector("[data-words]").textContent = button.dataset.busy; }, 300);
  });
}

function onward(form, from) {
  const all = [...form.querySelectorAll("input, select, textarea, button[data-save], .foot button[type=submit]")].filter((one) => one.type !== "hidden" && !one.disabled && !one.readOnly && one.offsetParent);
  const next = all[all.indexOf(from) + 1];
  if (next) next.focus();
}

function start() {
  const step = document.querySelector("form[data-edit-step]");
  if (step) { upgrade(step); errors(document); }
  const form = document.querySelector("form[data-edit]");
  if (!form) return;
  upgrade(form);
  new Autosave(form);
  errors(document);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      document.querySelector("[data-save]")?.click();
    }
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.querySelectorAll("[data-keys]").forEach((link) => link.addEventListener("click", () => document.querySelector("dialog[data-all-keys]").showModal()));
}

start();

// The step dialog of the record page makes the form it fetched comfortable in the same way.
globalThis.yunkongForm = { upgrade, errors };
