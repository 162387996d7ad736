"use strict";

const find = (id) => document.getElementById(id);
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const SET_ASIDE = "";

let questions = [];
let cards = [];

fetch("questions")
  .then((answer) => answer.json())
  .then((about) => {
    find("title").textContent = `Labels of ${about.run} that may be wrong`;
    document.title = `Labels of ${about.run} – tune`;
    questions = about.questions;
    cards = questions.map((question, number) => card_of(question, number, about.classes));
    find("questions").append(...cards);
    show(about);
  })
  .catch(() => (find("count").textContent = "The server does not answer."));

function card_of(question, number, classes) {
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
  const others = classes.filter((name) => ![question.label, question.likelier].includes(name));
  const select = card.querySelector("select");
  select.append(...others.map((name) => new Option(name, name)));
  select.addEventListener("change", () => select.value && decide(card, number, select.value));
  card.querySelector(".other").hidden = others.length === 0;
  return card;
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
  state.decided.forEach((label, number) => show_decision(cards[number], questions[number], label));
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
