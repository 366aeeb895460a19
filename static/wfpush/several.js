// Choosing several items: how many are ticked, their sum, and all of the page by one press. What is sent is a plain form.

import { settings } from "./words.js";

const form = document.getElementById("several"), all = document.getElementById("tick-all");
const ticked = document.getElementById("ticked"), send = form?.querySelector(".primary");
const boxes = () => [...document.querySelectorAll('.tick input')];

function tell() {
  const count = boxes().filter((box) => box.checked).length, { one, many } = ticked.dataset;
  ticked.textContent = [count === 1 ? one : count ? many.replace("{n}", count) : "", ...sums()].filter(Boolean).join(" · ");
  send.disabled = count === 0;
}

/** The sums of the ticked amounts, one for each currency, as notifications/inbox/bulk_answers.py has them on the next page. */
function sums() {
  const totals = new Map();
  for (const { dataset: { amount, currency } } of boxes().filter((box) => box.checked && box.dataset.amount)) {
    totals.set(currency, (totals.get(currency) ?? 0) + Number(amount));
  }
  return [...totals].sort().map(([currency, total]) => written(total, currency));
}

function written(total, currency) {
  const isCode = /^[A-Za-z]{3}$/.test(currency), options = isCode ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const variety = settings.locale.replace("_", "-"), tag = variety.split("-")[0] === settings.language ? variety : settings.language;
  const text = new Intl.NumberFormat(tag, options).format(total);
  return isCode ? text : `${text} ${currency}`.trim();
}

if (form) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const missing = boxes().some((box) => !box.checked);
    for (const box of boxes()) box.checked = missing;
    tell();
  });
  document.addEventListener("change", (event) => event.target.closest(".tick") && tell());
  window.addEventListener("pageshow", tell);
  tell();
}
