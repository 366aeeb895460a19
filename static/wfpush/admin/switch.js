// A choice that hides fields of a form and changes labels. The server says which (notifications/admin/engines/engine_access.py), in the
// choice's data-switch.
"use strict";
(() => {
  const places = (scope, selectors) => selectors.flatMap((selector) => [...scope.querySelectorAll(selector)]);

  function name(scope, field, [label, help]) {
    const input = scope.querySelector(`.field-${field} :is(input, textarea, select)`);
    const title = input && scope.querySelector(`label[for="${input.id}"]`);
    const hint = input && document.getElementById(`${input.id}_helptext`);
    if (title) {
      title.dataset.usual ||= title.firstChild.textContent;
      title.firstChild.textContent = label || title.dataset.usual;
    }
    if (hint && help !== undefined) hint.textContent = help;
  }

  function show(select) {
    const choices = JSON.parse(select.dataset.switch);
    const scope = select.closest(".form-group") || document;
    const chosen = choices[select.value] || { hide: [], words: {} };
    const all = Object.values(choices);
    for (const place of places(scope, all.flatMap((choice) => choice.hide))) place.classList.remove("desk-gone");
    for (const place of places(scope, chosen.hide)) place.classList.add("desk-gone");
    for (const field of new Set(all.flatMap((choice) => Object.keys(choice.words)))) name(scope, field, chosen.words[field] || []);
  }

  const all = () => document.querySelectorAll("select[data-switch]");
  document.addEventListener("change", (event) => { if (event.target.matches("select[data-switch]")) show(event.target); });
  document.addEventListener("DOMContentLoaded", () => all().forEach(show));
})();
