// The database of this device: the person, their kept items, answers to be sent, shown notifications. It belongs to one person
// at a time; forget.js empties it. Shared by page and service worker.

const TABLES = { about: "name", items: "id", answers: "key", shown: "tag", documents: "url" };
let database = null;

function opened() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("wfpush", 1);
    request.onupgradeneeded = () => {
      for (const [table, keyPath] of Object.entries(TABLES)) request.result.createObjectStore(table, { keyPath });
    };
    request.onsuccess = () => {
      const found = request.result;
      found.onversionchange = found.onclose = () => {
        found.close();
        database = null;
      };
      resolve(found);
    };
    request.onerror = () => reject(request.error);
  });
  database.catch(() => (database = null));
  return database;
}

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** One transaction. `work` gets a function from name to table, and may await requests of these tables only. */
async function within(mode, tables, work) {
  const transaction = (await opened()).transaction(tables, mode);
  const over = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
  over.catch(() => {});  // reported by what is awaited below, or by `work` itself
  const result = await work((table) => transaction.objectStore(table));
  await over;
  return result;
}

export const stored = (table, key) => within("readonly", [table], (of) => asked(of(table).get(key)));
export const allStored = (table) => within("readonly", [table], (of) => asked(of(table).getAll()));

export const store = (table, ...rows) =>
  within("readwrite", [table], (of) => {
    for (const row of rows) of(table).put(row);
  });

export const unstore = (table, ...keys) =>
  within("readwrite", [table], (of) => {
    for (const key of keys) of(table).delete(key);
  });

export const emptied = (...tables) =>
  within("readwrite", tables, (of) => {
    for (const table of tables) of(table).clear();
  });

export const everything = Object.keys(TABLES);

/** What is typed into the form of an item, and its files: rows of their own, as files take long to store. */
export const draftName = (id) => `draft ${id}`;
export const draftFilesName = (id) => `draft files ${id}`;
export const dropDraft = (id) => unstore("about", draftName(id), draftFilesName(id)).catch(() => {});

/** The person: {ref, timezone, language, look, csrf, seq, at, shell, push, device, endpoint, sender, checked}. */
export const person = async () => (await stored("about", "person")) ?? {};

export const tellPerson = (changes) =>
  within("readwrite", ["about"], async (of) => {
    const before = await asked(of("about").get("person"));
    of("about").put({ ...before, ...changes, name: "person" });
  });
