// Choosing several items: how many are ticked, and all of the page by one press. What is sent is a plain form.

const form = document.getElementById("several"), all = document.getElementById("tick-all");
const ticked = document.getElementById("ticked"), send = form?.querySelector(".primary");
const boxes = () => [...document.querySelectorAll('.tick input')];

function tell() {
  const count = boxes().filter((box) => box.checked).length, { one, many } = ticked.dataset;
  ticked.textContent = count === 1 ? one : count ? many.replace("{n}", count) : "";
  send.disabled = count === 0;
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
