// The page's settings, and its words: sentences, times and outcomes in its reader's language and time zone.

import { outcomesOf } from "./outcomes.js";
import { sentencesOf } from "./sentences.js";
import { timesOf } from "./times.js";

export const settings = JSON.parse(document.getElementById("settings").textContent);
const { ref, language, locale: variety, timezone } = settings;
const ahead = Date.parse(settings.now) - Date.now();  // a phone's clock may be minutes off, so the server's is used

export const now = () => new Date(Date.now() + (Math.abs(ahead) > 5_000 ? ahead : 0));
export const { say, sayOf } = sentencesOf(settings.texts);
export const { exact, due, dueGroup, stamp, when } = timesOf({ say, language, timezone, variety });
export const { outcomeOf, isMine } = outcomesOf({ say, sayOf, stamp, when, now, ref });

/** Have a screen reader say something once, politely. */
export function announce(text) {
  const news = document.getElementById("news");
  news.textContent = news.textContent === text ? `${text}\u00a0` : text;
}
