// Fields that are made of others, such as a slug of a name, until somebody writes into them.
const OTHERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", þ: "th", ł: "l", ı: "i" };

const slugOf = (text, most) => text.toLowerCase().replace(/[^a-z0-9]/g, (letter) => OTHERS[letter] ?? letter).normalize("NFKD")
  .replace(/\p{M}/gu, "").replace(/[^a-z0-9_]+/g, "-").slice(0, most).replace(/^-+|-+$/g, "");

for (const { id, dependency_ids: from, maxLength } of JSON.parse(document.getElementById("slugs").dataset.fields)) {
  const field = document.querySelector(id), sources = from.map((each) => document.querySelector(each)).filter(Boolean);
  if (!field || field.value) continue;
  let own = false;
  field.addEventListener("input", () => { own = field.value !== ""; });
  for (const source of sources) source.addEventListener("input", () => {
    if (!own) field.value = slugOf(sources.map((each) => each.value).join(" "), maxLength || 50);
  });
}
