// Talks to the server; every failure becomes an Error with a `status` (0: no connection).

export async function get(path) {
  return (await request(path, { method: "GET" })).json();
}

export async function pixels(slot) {
  const reply = await request(`/api/images/${slot}`, { method: "GET" });
  return new Int16Array(await reply.arrayBuffer());
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

export async function signOut() {
  await request("/api/session", { method: "DELETE" });
}

async function request(path, options) {
  let reply;
  try {
    reply = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
  } catch {
    throw failure("No connection to the server.", 0);
  }
  if (!reply.ok) {
    const { error, detail } = await reply.json().catch(() => ({}));
    throw failure(error ?? detail ?? `The server answered ${reply.status}.`, reply.status);
  }
  return reply;
}

function failure(message, status) {
  return Object.assign(new Error(message), { status });
}
