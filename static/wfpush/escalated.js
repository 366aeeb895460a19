// Who was told of a task because it ran late, in words: the same as notifications/items/escalated.py.

import { say, settings } from "./words.js";

const WHY = {
  manager: /^manager of (.+?)(?:, level \d+)?$/,
  lead: /^lead of team (.+)$/,
  fallback: /^fallback owner: (.+)$/,
};

/** Why the reader was told, and who else; empty for what is not late, or waits no more. */
export function escalationOf({ state, reason, escalated, escalated_to: told = [] }) {
  if (state !== "open") return "";
  const said = escalated ? [why(reason)] : [];
  const others = told.filter(({ ref }) => ref !== settings.ref).map(({ name }) => name);
  if (others.length) said.push(say("escalated_to", { names: others.join(", ") }));
  return said.join(" · ");
}

function why(reason) {
  for (const [key, pattern] of Object.entries(WHY)) {
    const found = pattern.exec(reason);
    if (found) return say(`escalated_${key}`, { name: found[1] });
  }
  return say("escalated_other");
}
