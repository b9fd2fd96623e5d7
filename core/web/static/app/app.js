// What every page does with script: menus close, nothing is posted twice, refusals receive focus.
(function () {
  "use strict";

  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!except || !menu.contains(except)) menu.open = false;
    });
  }

  document.addEventListener("click", function (event) { closeMenus(event.target); });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var open = document.querySelector("details.menu[open]");
    if (open) { closeMenus(); open.querySelector("summary").focus(); }
  });

  // A form is sent once: its buttons lock and say so. Coming back through the browser's cache unlocks them.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.dataset.keep) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    var pressed = event.submitter;
    window.setTimeout(function () {
      if (pressed && form.dataset.sending) pressed.textContent = form.dataset.sending;
      form.querySelectorAll("button[type=submit]").forEach(function (button) { button.setAttribute("aria-busy", "true"); });
    }, 300);
  });

  window.addEventListener("pageshow", function (event) {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // Where a part of a page cannot be had, the whole page says why.
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.requestConfig.verb === "get" && event.detail.xhr.status !== 401) window.location.assign(event.detail.pathInfo.finalRequestPath);
  });

  document.addEventListener("DOMContentLoaded", function () {
    var summary = document.getElementById("problems");
    if (summary) summary.focus();
  });

  // A filter or a chosen option that sends its form at once; without script there is a button for it.
  document.addEventListener("change", function (event) {
    if (event.target.closest("[data-send]")) event.target.form.requestSubmit();
  });
})();
