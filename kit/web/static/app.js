// Enhancement only: every page works without this file.
(() => {
  "use strict";

  const writing = (element) => element.closest("input, textarea, select, [contenteditable]");
  const items = () => [...document.querySelectorAll("[data-list-item]")].filter((item) => item.offsetParent !== null);
  const linkOf = (item) => item && item.querySelector("a[href]");

  // "/" goes to the search; "j" and "k" move through a list, Enter opens (the link has the focus).
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const open = document.querySelector("details.pop[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      }
      return;
    }
    if (writing(event.target)) return;
    if (event.key === "/") {
      const search = [...document.querySelectorAll("[data-search]")].find((input) => input.offsetParent !== null);
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "j" || event.key === "k") {
      const all = items();
      const here = all.findIndex((item) => item.contains(document.activeElement));
      const next = here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + (event.key === "j" ? 1 : -1)));
      const link = linkOf(all[next]);
      if (link) {
        event.preventDefault();
        link.focus();
        all[next].scrollIntoView({ block: "nearest" });
      }
    }
  });

  // What opens over the page closes by a click elsewhere.
  document.addEventListener("click", (event) => {
    for (const pop of document.querySelectorAll("details.pop[open]")) {
      if (!pop.contains(event.target)) pop.open = false;
    }
  });

  // Ticking all boxes of a page at once; without scripts the box for it is not there.
  for (const all of document.querySelectorAll("[data-tick-all]")) {
    const boxes = () => [...all.form.querySelectorAll("[data-tick]")];
    all.closest("[hidden]").hidden = false;
    all.addEventListener("change", () => boxes().forEach((box) => (box.checked = all.checked)));
    all.form.addEventListener("change", () => (all.checked = boxes().every((box) => box.checked)));
  }

  // A form is sent once, and says so in words. Coming back by Back makes it usable again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter;
    const words = button && button.dataset.busy;
    if (words) {
      const label = button.querySelector("span") || button;
      button.dataset.words = label.textContent;
      label.textContent = words;
      button.setAttribute("aria-live", "polite");
    }
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[data-words]")) {
      (button.querySelector("span") || button).textContent = button.dataset.words;
    }
  });

  // A page that comes back with errors begins at their summary; its links put the cursor into the field.
  const summary = document.querySelector(".govuk-error-summary");
  if (summary && !summary.closest("[data-no-focus]")) summary.focus();
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".govuk-error-summary a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    const group = field.closest(".govuk-form-group, fieldset") || field;
    group.scrollIntoView({ block: "start" });
    field.focus({ preventScroll: true });
  });
})();
