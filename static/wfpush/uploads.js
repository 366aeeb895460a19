// Files that wait to be sent with an answer: their bytes lie beside it until the server has them. Shared by page and service
// worker. Each has an id of its own, so that it counts once however often it is sent.

/** Send the files of an answer, one by one. The reply that stopped it, or null when the server has all of them. */
export async function sendFiles({ files = [] }, headers, signal) {
  for (const { id, name, blob } of files) {
    const response = await fetch(`/api/v1/attachments?id=${id}&name=${encodeURIComponent(name)}`, {
      method: "POST", headers: { ...headers, "Content-Type": "application/octet-stream" }, body: blob, signal,
    });
    if (!response.ok) return { status: response.status, body: (await response.json().catch(() => null)) ?? {} };
  }
  return null;
}
