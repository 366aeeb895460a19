// The page on which an item is forwarded: the sentence about what happens names the chosen colleague.

const box = document.getElementById("to"), effect = document.getElementById("effect");
const usual = effect.textContent;

box.addEventListener("input", show);
show();

function show() {
  const proposed = [...document.querySelectorAll("#people option")].some((option) => option.value === box.value);
  const name = proposed ? box.value.replace(/ \([^(]*\)$/u, "") : "";
  effect.textContent = name ? effect.dataset.named.replaceAll("{name}", () => name) : usual;
}
