"use strict";

const find = (id) => document.getElementById(id);
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const SET_ASIDE = "";

let questions = [];
let cards = [];
let classes = [];
let shown = []; // what each card shows to be decided

fetch("questions")
  .then((answer) => answer.json())
  .then((about) => {
    find("title").textContent = `Labels of ${about.run} that may be wrong`;
    document.title = `Labels of ${about.run} – tune`;
    questions = about.questions;
    classes = about.classes;
    cards = questions.map(card_of);
    find("questions").append(...cards);
    show(about);
  })
  .catch(() => (find("count").textContent = "The server does not answer."));

function card_of(question, number) {
  const card = find("card").content.cloneNode(true).firstElementChild;
  const image = card.querySelector("img");
  image.src = `image?number=${number}`;
  image.alt = question.path;
  card.querySelector(".path").textContent =
    question.path + (question.split ? ` (${question.split})` : "");
  const [keep, change, aside] = ["keep", "change", "aside"].map((name) =>
    card.querySelector(`.${name}`),
  );
  keep.textContent = `Keep ${question.label} (${percent(question.shares[0])})`;
  change.textContent = `It is ${question.likelier} (${percent(question.shares[1])})`;
  keep.addEventListener("click", () => decide(card, number, question.label));
  change.addEventListener("click", () => decide(card, number, question.likelier));
  aside.addEventListener("click", () => decide(card, number, SET_ASIDE));
  const select = card.querySelector("select");
  for (const sign of ["focus", "pointerdown"])
    select.addEventListener(sign, () => fill(select, question));
  select.addEventListener("change", () => select.value && decide(card, number, select.value));
  card.querySelector(".other").hidden = others_of(question).length === 0;
  return card;
}

const others_of = (question) =>
  classes.filter((name) => ![question.label, question.likelier].includes(name));

/* List the other classes when they are wanted: of many images and classes all would be too many. */
function fill(select, question) {
  if (select.options.length > 1) return;
  select.append(...others_of(question).map((name) => new Option(name, name)));
}

function decide(card, number, label) {
  return tell("decide", { number, label }, card);
}

/* Send what was decided; the page shows what the file then holds. */
async function tell(path, body, card) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const state = await answer.json();
    if (!answer.ok) throw new Error(state.error);
    show(state);
  } catch (error) {
    const place = card ? card.querySelector(".decision") : find("count");
    place.classList.add("failed");
    place.textContent = `Not saved: ${error.message}`;
  }
}

function show(state) {
  find("file").textContent = state.file;
  find("undo").disabled = state.undo === 0;
  state.decided.forEach((label, number) => {
    const failed = cards[number].querySelector(".decision.failed");
    if (failed || label !== shown[number]) show_decision(cards[number], questions[number], label);
  });
  shown = state.decided;
  const done = state.decided.filter((label) => label !== null).length;
  find("count").textContent = `${done} of ${questions.length} decided`;
}

function show_decision(card, question, label) {
  const decided = label !== null;
  const line = card.querySelector(".decision");
  line.classList.remove("failed");
  line.textContent = !decided
    ? ""
    : label === SET_ASIDE
      ? "Set aside"
      : label === question.label
        ? `Stays ${label}`
        : `Now ${label}`;
  const pressed = { keep: question.label, change: question.likelier, aside: SET_ASIDE };
  for (const [name, value] of Object.entries(pressed))
    card.querySelector(`.${name}`).setAttribute("aria-pressed", String(label === value));
  const select = card.querySelector("select");
  const is_other = decided && !Object.values(pressed).includes(label);
  if (is_other) fill(select, question);
  select.value = is_other ? label : "";
  select.classList.toggle("chosen", is_other);
  card.classList.toggle("decided", decided);
  card.hidden = decided && find("open-only").checked;
}

find("undo").addEventListener("click", () => tell("undo", {}));
find("open-only").addEventListener("change", () => {
  for (const card of cards)
    card.hidden = card.classList.contains("decided") && find("open-only").checked;
});
