// The record page: a step's own page shown as a dialog, the link copied, the timeline narrowed. Without script all of it is plain links.

async function pageOf(address, options = {}) {
  const answer = await fetch(address, { credentials: "same-origin", ...options, headers: { "X-Dialog": "1", ...(options.headers || {}) } });
  const onward = answer.headers.get("X-Onward");
  if (onward) { location.assign(onward); return null; }
  if (answer.redirected) { location.assign(answer.url); return null; }
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-step]");
}

function fill(dialog, part) {
  dialog.querySelector("[data-body]").replaceChildren(document.adoptNode(part));
  const form = dialog.querySelector("form[data-edit-step]");
  if (form && globalThis.yunkongForm) globalThis.yunkongForm.upgrade(form);
  if (globalThis.yunkongForm) globalThis.yunkongForm.errors(dialog);
  focusFirst(dialog);
}

// An open dialog alone can be focused into; by itself it would begin at the way back.
function focusFirst(dialog) {
  const wrong = dialog.querySelector("[role=alert]:not([hidden])");
  const first = wrong || dialog.querySelector("[data-body] input:not([type=hidden]):not([tabindex='-1']), [data-body] textarea, [data-body] select, [data-body] button[type=submit]");
  if (first) first.focus();
}

async function open(link) {
  const dialog = document.querySelector("dialog[data-step-dialog]");
  let part = null;
  try { part = await pageOf(link.href); } catch { /* the page itself says what is wrong */ }
  if (!part) { if (!document.hidden) location.assign(link.href); return; }
  fill(dialog, part);
  dialog.showModal();
  focusFirst(dialog);
  dialog.addEventListener("close", () => link.focus(), { once: true });
}

async function send(event, dialog) {
  const form = event.target, button = event.submitter;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const body = new FormData(form, button);
  const words = button?.querySelector("[data-words]"), before = words?.textContent;
  const slow = setTimeout(() => { if (words && button.dataset.busy) words.textContent = button.dataset.busy; }, 300);
  dialog.querySelectorAll("button[type=submit]").forEach((one) => { one.disabled = true; });
  try {
    const part = await pageOf(form.action, { method: "POST", body });
    if (part) fill(dialog, part);
  } catch {
    delete form.dataset.sent;
    if (words) words.textContent = before;
    dialog.querySelectorAll("button[type=submit]").forEach((one) => { one.disabled = false; });
    const said = dialog.querySelector("[data-failed]");
    if (said) said.hidden = false;
  } finally { clearTimeout(slow); }
}

function start() {
  const dialog = document.querySelector("dialog[data-step-dialog]");
  if (dialog && dialog.showModal) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-dialog]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      open(link);
    });
    dialog.addEventListener("submit", (event) => { if (!event.target.matches("[method=dialog]")) send(event, dialog); });
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) { event.preventDefault(); dialog.close(); }
    });
  }
  document.querySelectorAll("[aria-disabled=true][data-gate]").forEach((button) => button.addEventListener("click", (event) => {
    event.preventDefault();
    const gate = document.getElementById("gate");
    gate?.scrollIntoView({ block: "center" });
    gate?.focus();
  }));
  document.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const words = button.querySelector("[data-words]");
      try { await navigator.clipboard.writeText(button.dataset.copy); words.textContent = button.dataset.done; }
      catch { words.textContent = button.dataset.copy; }
    });
  });
  const timeline = document.querySelector("[data-timeline]");
  document.querySelectorAll("[data-only]").forEach((chip) => {
    chip.hidden = false;
    chip.addEventListener("click", () => {
      document.querySelectorAll("[data-only]").forEach((one) => { one.setAttribute("aria-pressed", String(one === chip)); one.classList.toggle("on", one === chip); });
      timeline.querySelectorAll("li[data-kind]").forEach((line) => { line.hidden = chip.dataset.only !== "" && line.dataset.kind !== chip.dataset.only; });
    });
  });
}

start();
