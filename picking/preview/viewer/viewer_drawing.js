"use strict";
// What the page shows and how it is drawn. The content comes from picking/preview/viewer/content.py:
// positions and radii in Å.

const content = JSON.parse(document.getElementById("content").textContent);
const { types, slices } = content;
const heights = slices.heights_angstrom;
const [LEFT, RIGHT, LOW, HIGH] = slices.extent_angstrom;
const element = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// The sliders' scale is logarithmic: decisions fall between 0.01 and 0.5. The left end is 0.
const LEAST = 0.001;
const MOST = 0.999; // a cut-off is below 1
const STEPS = 600;
const DIGITS = 3;
const TICKS = [0, 0.01, 0.1, 0.5];
const WHEEL_PIXELS = 40; // of a wheel for one slice; a mouse's notch has 100
const WHEEL_PIXELS_ZOOM = 300; // for a zoom by e
const HOVER_PIXELS = 14; // from the pointer to the text
const TRUTH_PIXELS = 4; // references are that much wider, so that a pick does not cover them
const FEW_PIXELS = 4; // a click may move that far
const PAGE_SLICES = 10;
const ZOOM_STEP = 1.25;
const LARGEST_ZOOM = 20;
const HASH_DELAY_MS = 300; // browsers refuse a hundred changes of the address in half a minute
const BAR_PIXELS = 140; // the scale bar is at most that long

const cutoffs = new Map(types.map((type) => [type.name, type.cutoff]));
const hidden = new Set();
const rows = new Map();
let index = Math.floor(heights.length / 2);
let chosen = null; // { type, pick }
// The position in the middle of the field, Å; the zoom is 1 where the whole field fits.
let view = { x: (LEFT + RIGHT) / 2, y: (LOW + HIGH) / 2, zoom: 1 };
let drawn = []; // { type, pick, radius } of the slice, for the pointer

const images = slices.base64_jpegs.map((base64) => {
  const image = new Image();
  image.src = "data:image/jpeg;base64," + base64;
  image.addEventListener("load", () => { if (image === images[index]) drawSlice(); });
  return image;
});

function clamp(value, low, high) { return Math.min(high, Math.max(low, value)); }
function isCutoff(value) { return value >= 0 && value < 1; }
function rounded(value) { return Number(value.toPrecision(DIGITS)); }
function above(type) {
  const cutoff = cutoffs.get(type.name);
  return type.picks.filter((pick) => pick[3] > cutoff);
}
function valueOfStep(step) {
  return step <= 0 ? 0 : Math.min(MOST, rounded(LEAST ** (1 - step / STEPS)));
}
function shareOfValue(value) {
  return value <= LEAST ? 0 : clamp(1 - Math.log(value) / Math.log(LEAST), 0, 1);
}

// Å to the pixels of the field, y upwards, and back.
function placing() {
  const { clientWidth: width, clientHeight: height } = element("field");
  const scale = view.zoom * Math.min(width / (RIGHT - LEFT), height / (HIGH - LOW));
  return {
    width, height, scale,
    x: (x) => width / 2 + (x - view.x) * scale,
    y: (y) => height / 2 - (y - view.y) * scale,
    back: (px, py) => [view.x + (px - width / 2) / scale, view.y - (py - height / 2) / scale],
  };
}

function drawSlice() {
  const canvas = element("slice");
  const at = placing();
  const dots = window.devicePixelRatio || 1;
  canvas.width = Math.round(at.width * dots);
  canvas.height = Math.round(at.height * dots);
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  context.imageSmoothingQuality = "high";
  const image = images[index];
  if (image.complete && image.naturalWidth) {
    const [width, height] = [(RIGHT - LEFT) * at.scale, (HIGH - LOW) * at.scale];
    context.drawImage(image, at.x(LEFT), at.y(HIGH), width, height);
  }
  const [contrast, brightness] = [element("contrast").value, element("brightness").value];
  canvas.style.filter = `contrast(${contrast}) brightness(${brightness})`;
  drawBar(at.scale);
}

function drawBar(scale) {
  const longest = BAR_PIXELS / scale; // Å
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = power * [5, 2, 1].find((factor) => factor * power <= longest);
  element("bar").firstElementChild.style.width = `${length * scale}px`;
  element("bar").lastElementChild.textContent = `${length} Å`;
}

function outline(kind, isChosen, type, pick, radius, at) {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", isChosen ? `${kind} chosen` : kind);
  group.dataset.type = type.name;
  for (const [part, color] of [["edge", type.edge], ["line", type.color]]) {
    const circle = document.createElementNS(SVG, "circle");
    circle.setAttribute("class", part);
    circle.setAttribute("stroke", color);
    circle.setAttribute("cx", at.x(pick[0]));
    circle.setAttribute("cy", at.y(pick[1]));
    circle.setAttribute("r", radius * at.scale + (kind === "truth" ? TRUTH_PIXELS : 0));
    group.append(circle);
  }
  return group;
}

// Radius in which a slice cuts a type's sphere at a pick, Å; 0 where it does not.
function cutRadius(type, pick) {
  return Math.sqrt(Math.max(0, type.radius ** 2 - (pick[2] - heights[index]) ** 2));
}

function drawOutlines() {
  const at = placing();
  const groups = [];
  drawn = [];
  for (const type of types) {
    if (hidden.has(type.name)) continue;
    const kept = above(type).map((pick) => ["pick", pick]);
    if (chosen !== null && chosen.type === type && chosen.pick[3] <= cutoffs.get(type.name)) {
      kept.push(["below", chosen.pick]);
    }
    if (element("truth").checked) kept.push(...type.truth.map((place) => ["truth", place]));
    for (const [kind, pick] of kept) {
      const radius = cutRadius(type, pick);
      if (radius === 0) continue;
      groups.push(outline(kind, pick === chosen?.pick, type, pick, radius, at));
      drawn.push({ type, pick, radius });
    }
  }
  element("outlines").replaceChildren(...groups);
}

function described({ type, pick: [x, y, z, probability] }) {
  const isReference = probability === undefined;
  const how = isReference ? "reference" : `probability ${probability.toPrecision(DIGITS)}`;
  return `${type.name}, ${how}, xyz ${x.toFixed(0)} ${y.toFixed(0)} ${z.toFixed(0)} Å`;
}

function drawChosen() {
  const note = element("pick");
  note.hidden = chosen === null;
  if (chosen === null) return;
  const isBelow = chosen.pick[3] <= cutoffs.get(chosen.type.name);
  note.textContent = described(chosen) + (isBelow ? ", below the cut-off" : "");
}

function drawCounts() {
  let total = 0;
  for (const type of types) {
    const { row, count, slider, number } = rows.get(type.name);
    const cutoff = cutoffs.get(type.name);
    const kept = above(type).length;
    total += kept;
    row.className = hidden.has(type.name) ? "type off" : "type";
    count.textContent = `${kept} `;
    const of = document.createElement("small");
    of.textContent = `of ${type.picks.length}`;
    count.append(of);
    slider.value = String(Math.round(shareOfValue(cutoff) * STEPS));
    if (document.activeElement !== number) number.value = String(rounded(cutoff));
  }
  const isTruthAlone = content.kind === "truth";
  element("total").textContent = isTruthAlone ? "" : `${total} picks of the run above the cut-offs`;
  element("command").value = command();
  element("command").rows = element("command").value.split("\n").length;
}

// A cut-off that nobody has moved is the result's own: the command need not name it.
function command() {
  const moved = types.filter((type) => cutoffs.get(type.name) !== type.cutoff);
  const words = moved.map((type) => {
    const word = `${type.name}=${cutoffs.get(type.name)}`;
    return /^[\w.+=-]+$/.test(word) ? word : `'${word}'`;
  });
  const lines = ["python -m stage2_rerank.pick_again", `${content.result} --output FOLDER`];
  if (words.length) lines.push("--probability", ...words);
  return lines.join(" \\\n  ");
}

function draw() {
  element("z").value = String(index);
  element("height").textContent = `${heights[index].toFixed(0)} Å, slice ${index + 1} of ${heights.length}`;
  drawSlice();
  drawOutlines();
  drawChosen();
  drawCounts();
  rememberLater();
}
