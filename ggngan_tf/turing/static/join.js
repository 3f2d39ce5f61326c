// The link's secret stands behind the # of the address, which browsers keep to themselves.

import * as api from "./api.js";

const button = document.getElementById("begin");
const status = document.getElementById("status");
const token = location.hash.slice(1);

if (token) history.replaceState(null, "", "/join");
else {
  button.hidden = true;
  document.getElementById("welcome").textContent =
    "Open the personal link that the organiser of the study sent to you.";
}

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    const { role } = await api.post("/api/session", { token });
    location.replace(role === "organiser" ? "/organiser" : "/");
  } catch (error) {
    status.textContent = error.message;
    status.className = "error";
    button.disabled = false;
  }
});
