
"use strict";
// Folded connections are unread text until they are opened; fields and bytes light each other. Nothing is fetched.

function unfold(details) {
  const kept = details.querySelector(":scope > noscript");
  if (kept) kept.replaceWith(document.createRange().createContextualFragment(kept.textContent));
}

// Bytes become elements when their message is opened.
function split(message) {
  const hex = message.querySelector(".hex");
  if (!hex || hex.firstElementChild) return;
  const bytes = hex.textContent.trim().split(" ");
  hex.textContent = "";
  bytes.forEach((byte, at) => {
    const span = document.createElement("span");
    span.textContent = byte;
    span.dataset.at = at;
    hex.append(span, " ");
  });
}

function range(field) {
  return field.dataset.r.split(" ").map(Number);
}

function light(message, field) {
  for (const old of message.querySelectorAll(".lit")) old.classList.remove("lit");
  if (!field) return;
  const [start, stop] = range(field);
  const bytes = message.querySelectorAll(".hex span");
  field.classList.add("lit");
  for (let at = start; at < stop && at < bytes.length; at++) bytes[at].classList.add("lit");
  tell(message, field, start, stop);
}

function tell(message, field, start, stop) {
  const about = field.dataset.k && document.getElementById("w-" + field.dataset.k);
  const head = document.createElement("strong");
  head.textContent = field.firstElementChild.textContent;
  const where = stop === start ? "no bytes" : stop === start + 1 ? `byte ${start}` : `bytes ${start} to ${stop - 1}`;
  message.querySelector(".tell").replaceChildren(head, `, ${where}. ${about ? about.nextElementSibling.textContent : ""}`);
}

// The innermost field that holds a byte: the last of the shortest.
function holder(message, at) {
  let best = null;
  for (const field of message.querySelectorAll(".fields button")) {
    const [start, stop] = range(field);
    if (at < start || at >= stop) continue;
    if (!best || stop - start <= range(best)[1] - range(best)[0]) best = field;
  }
  return best;
}

// Bring something into view inside its own box, and leave the page where it is.
function show(box, thing) {
  if (!thing) return;
  const low = thing.offsetTop - box.offsetTop;
  if (low < box.scrollTop || low > box.scrollTop + box.clientHeight - 30) box.scrollTop = low - box.clientHeight / 3;
}

function point(target) {
  const message = target.closest(".msg");
  if (!message) return;
  const field = target.closest(".fields button");
  const byte = target.closest(".hex span");
  if (field) {
    light(message, field);
    show(message.querySelector(".hex"), message.querySelector(".hex .lit"));
  } else if (byte) {
    const found = holder(message, Number(byte.dataset.at));
    light(message, found);
    show(message.querySelector(".fields"), found);
  }
}

function leave(target) {
  const message = target.closest(".msg");
  if (message && target.closest(".fields button, .hex span")) light(message, message.querySelector("[aria-pressed=true]"));
}

function press(field) {
  const message = field.closest(".msg");
  const pressed = field.getAttribute("aria-pressed") === "true";
  for (const old of message.querySelectorAll("[aria-pressed=true]")) old.setAttribute("aria-pressed", "false");
  field.setAttribute("aria-pressed", String(!pressed));
  light(message, field);
}

// A link to a connection or a message opens what it lies in.
function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  const connection = document.getElementById(id.split("-")[0]);
  if (connection && connection.matches("details")) {
    unfold(connection);
    connection.open = true;
  }
  const target = document.getElementById(id);
  if (!target) return;
  if (target.matches("details")) target.open = true;
  target.scrollIntoView();
}

function keys(event) {
  const field = event.target.closest(".fields button");
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!field || !step) return;
  const next = field.parentElement[step];
  if (next) next.querySelector("button").focus();
  event.preventDefault();
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches(".connection")) unfold(event.target);
  if (event.target.matches(".msg") && event.target.open) split(event.target);
}, true);
document.addEventListener("mouseover", (event) => point(event.target));
document.addEventListener("focusin", (event) => point(event.target));
document.addEventListener("mouseout", (event) => leave(event.target));
document.addEventListener("click", (event) => {
  const field = event.target.closest(".fields button");
  if (field) press(field);
  const link = event.target.closest('a[href^="#"]');
  if (link && link.getAttribute("href") === location.hash) follow();
});
document.addEventListener("keydown", keys);
window.addEventListener("hashchange", follow);
follow();
