// A target's form shows only what its kind needs: the server checks the same (notifications/admin/routing.py).
"use strict";
(() => {
  const uses = { team: ["team"], team_lead: ["team"], person: ["person"], duty: ["rota"], path: ["path"], role: ["role"] };
  const fields = ["team", "person", "rota", "path", "role"];

  function show(select) {
    const row = select.closest(".form-row, tr, .inline-related");
    if (!row) return;
    for (const name of fields) {
      const cell = row.querySelector(`.field-${name}`);
      if (!cell) continue;
      const used = (uses[select.value] || []).includes(name);
      cell.classList.toggle("desk-unused", !used);
    }
  }

  const isKind = (element) => element instanceof HTMLSelectElement && /^targets-.+-kind$/.test(element.name);
  document.addEventListener("change", (event) => { if (isKind(event.target)) show(event.target); });
  document.addEventListener("formset:added", (event) => event.target.querySelectorAll("select").forEach((select) => isKind(select) && show(select)));
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("select").forEach((select) => isKind(select) && show(select)));
})();
