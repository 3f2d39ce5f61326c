// The organiser's page: who has read how much, links, closing, export.

import * as api from "./api.js";

const $ = (id) => document.getElementById(id);
let closed = false;

start();

async function start() {
  try {
    const session = await api.get("/api/session");
    if (session.role !== "organiser") return location.replace("/");
    $("title").textContent = session.title;
  } catch (error) {
    return error.status === 401 ? location.replace("/join") : tell(error.message, "error");
  }
  $("close").addEventListener("click", () => act(toggle));
  $("add").addEventListener("submit", (event) => {
    event.preventDefault();
    act(add);
  });
  $("leave").addEventListener("click", async () => {
    await api.signOut();
    location.replace("/join");
  });
  await refresh();
  setInterval(() => document.visibilityState === "visible" && act(refresh), 5000);
}

async function act(step) {
  try {
    await step();
  } catch (error) {
    if (error.status === 401) return location.replace("/join");
    tell(error.message, "error");
  }
}

async function refresh() {
  const found = await api.get("/api/progress");
  closed = found.closed;
  $("state").textContent = closed ? "Closed: no more answers" : "Open for answers";
  $("state").className = closed ? "badge closed" : "badge open";
  $("close").textContent = closed ? "Open the study again" : "Close the study";
  const total = (name) => found.readers.reduce((sum, reader) => sum + reader[name], 0);
  $("sum").textContent = `${total("answered")} of ${total("cases")} readings`;
  found.readers.forEach(update);
}

function update(reader) {
  const row = $(`reader-${reader.id}`) ?? create(reader);
  const part = (name) => row.querySelector(`.${name}`);
  part("done").textContent = `${reader.answered} / ${reader.cases}`;
  part("bar").value = reader.answered / reader.cases;
  part("seconds").textContent = reader.seconds === null ? "–" : `${reader.seconds.toFixed(1)} s`;
  part("last").textContent = reader.last_at === null ? "–" : when(reader.last_at);
  part("link").textContent = reader.active ? "works" : "revoked";
  part("revoke").disabled = !reader.active;
}

function create(reader) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  row.id = `reader-${reader.id}`;
  row.querySelector(".name").textContent = reader.name;
  row.querySelector(".bar").setAttribute("aria-label", `Progress of ${reader.name}`);
  for (const [kind, step] of [["renew", renew], ["revoke", revoke]]) {
    const button = row.querySelector(`.${kind}`);
    button.setAttribute("aria-label", `${button.textContent} for ${reader.name}`);
    button.addEventListener("click", () => act(() => step(reader)));
  }
  $("readers").append(row);
  return row;
}

async function toggle() {
  if (!closed && !confirm("Close the study? Nobody can answer then; you can open it again.")) return;
  await api.post("/api/study", { closed: !closed });
  await refresh();
}

async function add() {
  const name = $("new-name").value.trim();
  if (!name) return;
  const { link } = await api.post("/api/readers", { name });
  $("new-name").value = "";
  present(name, link);
  await refresh();
}

async function renew(reader) {
  if (!confirm(`Make a new link for ${reader.name}? The old one stops working.`)) return;
  const { link } = await api.post(`/api/readers/${reader.id}/renew`, {});
  present(reader.name, link);
  await refresh();
}

async function revoke(reader) {
  if (!confirm(`Revoke the link of ${reader.name}? Answers given so far are kept.`)) return;
  await api.post(`/api/readers/${reader.id}/revoke`, {});
  tell(`The link of ${reader.name} no longer works.`);
  await refresh();
}

function present(name, link) {
  $("link-name").textContent = name;
  $("link-text").value = link;
  $("link-dialog").showModal();
  $("link-text").select();
}

function when(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, {
    dateStyle: "medium", timeStyle: "short",
  });
}

function tell(text, kind = "") {
  $("status").textContent = text;
  $("status").className = kind;
}
