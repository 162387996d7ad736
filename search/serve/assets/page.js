"use strict";

const AT_ONCE = 4; // photos sent together; the rest waits here instead of there
const LISTED = 8; // classes shown of many
const MOST_TRIES = 30;

const find = (id) => document.getElementById(id);
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const seconds = (number) => new Promise((resolve) => setTimeout(resolve, number * 1000));

const waiting = [];
let sending = 0;
let model = { heat: true, max_bytes: Infinity, threshold: 0 };

const described = fetch("model")
  .then((answer) => answer.json())
  .then((described) => {
    model = described;
    const labels = model.labels.slice(0, 6).join(", ");
    const more = model.labels.length > 6 ? ` and ${model.labels.length - 6} more` : "";
    find("name").textContent = model.name;
    document.title = `${model.name} – tune`;
    find("about").textContent = `${model.labels.length} classes: ${labels}${more}`;
  })
  .catch(() => announce("The server does not answer."));

function announce(text) {
  find("status").textContent = text;
}

/* A card for each file, the newest first. */
function take(files) {
  const cards = document.createDocumentFragment();
  for (const file of files) {
    const card = find("card").content.cloneNode(true).firstElementChild;
    card.querySelector(".file").textContent = file.name;
    show_photo(card, file);
    cards.append(card);
    waiting.push({ file, card });
  }
  find("results").prepend(cards);
  arrange();
  send();
}

function show_photo(card, file) {
  const picture = card.querySelector(".picture");
  const address = URL.createObjectURL(file);
  picture.alt = file.name;
  picture.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
  picture.addEventListener(
    "error",
    () => {
      URL.revokeObjectURL(address);
      card.classList.add("pictureless");
    },
    { once: true },
  );
  picture.src = address;
}

function arrange() {
  const some = find("results").childElementCount > 0;
  document.body.classList.toggle("some", some);
  find("controls").hidden = !some;
  find("heat-controls").hidden = !model.heat;
  find("what").hidden = !some || !model.heat;
}

function send() {
  while (sending < AT_ONCE && waiting.length) {
    sending += 1;
    const { file, card } = waiting.shift();
    answer_to(file)
      .then((row) => (row.error ? show_error(card, file, row.error) : show_answer(card, file, row)))
      .catch(async () => show_error(card, file, await why_not(file)))
      .finally(() => {
        card.setAttribute("aria-busy", "false");
        sending -= 1;
        send();
      });
  }
}

/* A folder that was dropped is a file here that cannot be read. */
async function why_not(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    return "It cannot be read; choose photos, not a folder.";
  }
  return "The server does not answer; is it still running?";
}

async function answer_to(file) {
  await described;
  if (file.size > model.max_bytes) {
    return { error: `larger than ${model.max_bytes / 2 ** 20} MiB` };
  }
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch("predict?heat=1", { method: "POST", body: file });
    if (answer.status !== 503 || tries === MOST_TRIES) return answer.json();
    await seconds(Number(answer.headers.get("Retry-After")) || 1);
  }
}

function show_answer(card, file, row) {
  // Sorted here again: an object gives names that are whole numbers first, in their own order.
  const shares = Object.entries(row.probabilities).sort((one, other) => other[1] - one[1]);
  const [likeliest, share] = shares[0];
  card.classList.toggle("unsure", row.unsure);
  card.querySelector(".answer").textContent = row.unsure ? "unsure" : `${likeliest}, ${percent(share)}`;
  const notes = [];
  if (row.unsure) {
    notes.push(`Likeliest is ${likeliest}; an answer is given from ${percent(model.threshold)} on.`);
  }
  if (shares.length > LISTED) notes.push(`The ${LISTED} likeliest of ${shares.length} classes:`);
  const note = card.querySelector(".note");
  note.hidden = !notes.length;
  note.textContent = notes.join(" ");
  card.querySelector(".shares").replaceChildren(...shares.slice(0, LISTED).map(share_row));
  if (row.heat) {
    const heat = card.querySelector(".heat");
    heat.src = row.heat;
    heat.hidden = false;
  }
  announce(`${file.name}: ${row.unsure ? "unsure, likeliest " : ""}${likeliest}, ${percent(share)}`);
}

function share_row([label, share]) {
  const row = find("share").content.cloneNode(true).firstElementChild;
  row.querySelector(".label").textContent = label;
  row.querySelector(".value").textContent = percent(share);
  row.querySelector(".bar span").style.width = `${share * 100}%`;
  return row;
}

function show_error(card, file, error) {
  card.classList.add("failed");
  card.querySelector(".answer").textContent = error;
  announce(`${file.name}: ${error}`);
}

/* Ways in: choose, drop anywhere, paste. */
find("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // so that the same photo can be chosen again
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) find("drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault(); // the browser would leave the page and show the file
  find("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => take(event.clipboardData.files));

find("heat-on").addEventListener("change", (event) => {
  document.body.classList.toggle("no-heat", !event.target.checked);
  find("opacity").disabled = !event.target.checked;
});
find("opacity").addEventListener("input", (event) => {
  document.documentElement.style.setProperty("--heat", event.target.value / 100);
});
find("clear").addEventListener("click", () => {
  waiting.length = 0;
  find("results").replaceChildren();
  announce("Cleared.");
  arrange();
  find("files").focus();
});
