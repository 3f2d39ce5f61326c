// The reading itself: one case after the other, each answer stored before the next is shown.

import * as api from "./api.js";
import { Clock } from "./clock.js";
import { attach } from "./gestures.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const clock = new Clock();
const images = new Map(); // slot: a promise of its pixels
let session, viewer, index = 0, place = null, busy = false, paused = false, failed = false;

start();

async function start() {
  try {
    session = await api.get("/api/session");
  } catch (error) {
    return error.status === 401 ? location.replace("/join") : tell(error.message, "error");
  }
  if (session.role !== "reader") return location.replace("/organiser");
  document.title = session.title;
  $("title").textContent = session.title;
  $("name").textContent = session.name;
  viewer = new Viewer($("image"), session);
  viewer.onchange = showWindow;
  attach($("image"), viewer, (found) => setPlace(found));
  build();
  const first = session.slots.findIndex((slot) => !slot.answered);
  if (first < 0) return finish();
  await open(first);
}

function build() {
  session.classes.forEach((name, i) => {
    const button = $("choice").content.firstElementChild.cloneNode(true);
    button.dataset.rating = i + 1;
    button.querySelector(".key").textContent = i + 1;
    button.querySelector(".word").textContent = name;
    button.addEventListener("click", () => answer(i + 1));
    $("choices").append(button);
  });
  $("remark-box").hidden = !session.comments;
  $("place-box").hidden = !session.location;
  $("previous").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  $("pause").addEventListener("click", () => pause(!paused));
  $("resume").addEventListener("click", () => pause(false));
  $("reset").addEventListener("click", () => (failed ? open(index) : viewer.reset()));
  $("forget").addEventListener("click", () => setPlace(null));
  $("leave").addEventListener("click", leave);
  $("review").addEventListener("click", () => open(session.slots.length - 1));
  for (const id of ["level", "width"]) $(id).addEventListener("input", slide);
  document.addEventListener("keydown", key);
}

async function open(i) {
  index = i;
  const { slot, training } = session.slots[i];
  [busy, failed] = [true, false];
  show("reading");
  tell("Loading the image ...");
  try {
    const [found, pixels] = await Promise.all([api.get(`/api/cases/${slot}`), load(slot)]);
    setChosen(found.answer?.rating ?? null);
    $("remark").value = found.answer?.comment ?? "";
    place = found.answer?.row == null ? null : [found.answer.row, found.answer.column];
    viewer.show(pixels, found.centre, place);
    setPlace(place);
    feedback(found.truth);
    progress(training);
    tell(session.closed ? "The study is closed; answers can no longer be given." : "");
    clock.restart();
    prefetch(i + 1);
  } catch (error) {
    if (error.status === 401) return location.replace("/join");
    failed = true;
    viewer.clear();
    tell(`${error.message} Press R or Reset view to try again.`, "error");
  } finally {
    busy = false;
  }
}

async function answer(rating) {
  const slot = session.slots[index];
  if (busy || paused || failed || session.closed || $("reading").hidden) return;
  if (slot.answered && (slot.training || !session.revise)) return;
  busy = true;
  setChosen(rating);
  tell("Saving ...");
  const body = { rating, seconds: Number(clock.seconds.toFixed(2)) };
  if (session.comments) body.comment = $("remark").value;
  if (place) [body.row, body.column] = place;
  try {
    const { truth } = await api.post(`/api/cases/${slot.slot}/answer`, body);
    slot.answered = true;
    busy = false;
    if (truth) {
      feedback(truth);
      progress(true);
      tell("Saved. Press the right arrow or Next to go on.");
      return $("next").focus();
    }
    return await advance();
  } catch (error) {
    busy = false;
    setChosen(null);
    if (error.status === 409 && error.message.includes("closed")) session.closed = true;
    tell(`Not saved: ${error.message} Please choose again.`, "error");
  }
}

async function advance() {
  const next = index + 1 < session.slots.length ? index + 1 : -1;
  const left = session.slots.findIndex((slot) => !slot.answered);
  images.delete(session.slots[index - 1]?.slot);
  if (next > 0) return open(next);
  return left < 0 ? finish() : open(left);
}

function go(step) {
  const target = index + step;
  if (busy || paused || target < 0) return;
  if (!$("done").hidden) return step < 0 ? open(session.slots.length - 1) : undefined;
  if (step > 0 && !session.slots[index].answered) return tell("Choose an answer first.");
  if (target < session.slots.length) open(target);
  else if (session.slots.every((slot) => slot.answered)) finish();
}

function finish() {
  viewer.clear();
  $("count").textContent = "";
  setBar(1);
  $("review").hidden = !session.revise;
  show("done");
  $("done").focus();
}

function load(slot) {
  if (!images.has(slot)) {
    const found = api.pixels(slot);
    found.catch(() => images.delete(slot));
    images.set(slot, found);
  }
  return images.get(slot);
}

function prefetch(i) {
  if (i < session.slots.length) load(session.slots[i].slot).catch(() => {});
}

function progress(training) {
  const count = session.slots.filter((slot) => slot.training === training).length;
  const before = training ? 0 : session.slots.filter((slot) => slot.training).length;
  const kind = training ? "Practice case" : "Case";
  $("count").textContent = `${kind} ${index - before + 1} of ${count}`;
  $("image").setAttribute("aria-label", `CT slice in lung window, ${$("count").textContent}`);
  setBar(session.slots.filter((slot) => slot.answered).length / session.slots.length);
  const slot = session.slots[index];
  const fixed = session.closed || (slot.answered && (training || !session.revise));
  for (const button of $("choices").children) button.disabled = fixed;
  $("previous").disabled = index === 0;
  $("next").disabled = !slot.answered;
}

function setBar(share) {
  $("bar").value = share;
  $("bar").textContent = `${Math.round(100 * share)}%`;
}

function feedback(truth) {
  $("feedback").hidden = !truth;
  $("feedback").textContent = truth ? `This nodule is ${truth}.` : "";
}

function setChosen(rating) {
  for (const button of $("choices").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.rating) === rating));
  }
}

function setPlace(found) {
  place = session.location ? found : null;
  viewer.mark(place);
  $("place").textContent = place ? "Place marked" : "Click or tap the image to mark it";
  $("forget").hidden = !place;
}

function showWindow() {
  const { centre, width } = viewer.window;
  [$("level").value, $("width").value] = [centre, width];
  $("values").textContent = `L ${centre}  W ${width} HU  ·  ${Math.round(100 * viewer.zoom)}%`;
}

function slide() {
  viewer.window = { centre: Number($("level").value), width: Number($("width").value) };
}

function pause(value) {
  if ($("reading").hidden) return;
  paused = value;
  clock.pause(paused);
  $("paused").hidden = !paused;
  $("panel").inert = $("stage").inert = paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  (paused ? $("resume") : $("pause")).focus();
}

async function leave() {
  try {
    await api.signOut();
  } finally {
    location.replace("/join");
  }
}

function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === "Escape" && event.target === $("remark")) return $("remark").blur();
  if (event.target.matches("textarea, input")) return;
  if (/^[1-9]$/.test(event.key) && event.key <= session.classes.length) answer(Number(event.key));
  else if (event.key === "ArrowLeft") go(-1);
  else if (event.key === "ArrowRight") go(1);
  else if (event.key.toLowerCase() === "p") pause(!paused);
  else if (event.key.toLowerCase() === "r") failed ? open(index) : viewer.reset();
  else if (event.key === "+" || event.key === "-") zoomMiddle(event.key === "+" ? 1.25 : 0.8);
  else return;
  event.preventDefault();
}

function zoomMiddle(factor) {
  viewer.zoomAt(factor, $("image").clientWidth / 2, $("image").clientHeight / 2);
}

function show(id) {
  for (const part of ["reading", "done"]) $(part).hidden = part !== id;
}

function tell(text, kind = "") {
  $("status").textContent = text;
  $("status").className = kind;
}
