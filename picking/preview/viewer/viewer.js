"use strict";
// The content comes from picking/preview/viewer/content.py: positions and radii in Å.

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
function above(type) { const cutoff = cutoffs.get(type.name); return type.picks.filter((pick) => pick[3] > cutoff); }
function valueOfStep(step) { return step <= 0 ? 0 : Math.min(MOST, rounded(LEAST ** (1 - step / STEPS))); }
function shareOfValue(value) { return value <= LEAST ? 0 : clamp(1 - Math.log(value) / Math.log(LEAST), 0, 1); }

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
    context.drawImage(image, at.x(LEFT), at.y(HIGH), (RIGHT - LEFT) * at.scale, (HIGH - LOW) * at.scale);
  }
  canvas.style.filter = `contrast(${element("contrast").value}) brightness(${element("brightness").value})`;
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
    if (chosen !== null && chosen.type === type && !(chosen.pick[3] > cutoffs.get(type.name))) {
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
  const how = probability === undefined ? "reference" : `probability ${probability.toPrecision(DIGITS)}`;
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
  element("total").textContent = content.kind === "truth" ? "" : `${total} picks of the run above the cut-offs`;
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

function goTo(slice) { index = clamp(Math.round(slice), 0, heights.length - 1); draw(); }
function nearestSlice(z) {
  let best = 0;
  heights.forEach((height, slice) => { if (Math.abs(height - z) < Math.abs(heights[best] - z)) best = slice; });
  return best;
}

function setCutoff(type, value) {
  cutoffs.set(type.name, value);
  draw();
}

// Step through a type's picks, the most probable first, beginning with the last above the cut-off.
function step(type, by) {
  const at = chosen !== null && chosen.type === type ? type.picks.indexOf(chosen.pick) : -1;
  const last = Math.max(0, above(type).length - 1);
  const next = at < 0 ? last : clamp(at + by, 0, type.picks.length - 1);
  const pick = type.picks[next];
  chosen = { type, pick };
  hidden.delete(type.name);
  rows.get(type.name).shown.checked = true;
  if (view.zoom > 1) view = { ...view, x: pick[0], y: pick[1] };
  goTo(nearestSlice(pick[2]));
}

function make(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function addType(type) {
  const shown = make("input", { type: "checkbox", checked: true });
  const swatch = make("i", { className: "swatch" });
  Object.assign(swatch.style, { background: type.color, borderColor: type.edge });
  const count = make("span", { className: "count" });
  const name = make("span", { className: "name", textContent: type.name, title: `${type.name}, radius ${type.radius} Å` });
  const slider = make("input", { type: "range", min: "0", max: String(STEPS), step: "1" });
  const number = make("input", { type: "number", min: "0", max: String(MOST), step: "any" });
  const first = make("i", { title: `first cut-off: ${rounded(type.cutoff)}` });
  first.style.setProperty("--at", shareOfValue(type.cutoff));
  const more = make("button", { textContent: "◂", title: "The pick that is next more probable" });
  const less = make("button", { textContent: "▸", title: "The pick that is next less probable" });
  const line = make("div", { className: "cutoff" }, make("div", { className: "slider" }, first, slider), number, more, less);
  const row = make("div", { className: "type" }, make("label", {}, shown, swatch, name, count), line);
  row.dataset.type = type.name;
  slider.setAttribute("aria-label", `Cut-off of ${type.name}`);
  number.setAttribute("aria-label", `Cut-off of ${type.name}, number`);
  line.hidden = count.hidden = type.picks.length === 0;
  shown.addEventListener("change", () => { hidden[shown.checked ? "delete" : "add"](type.name); draw(); });
  slider.addEventListener("input", () => setCutoff(type, valueOfStep(Number(slider.value))));
  number.addEventListener("input", () => {
    const value = number.valueAsNumber;
    if (isCutoff(value)) setCutoff(type, value);
  });
  number.addEventListener("blur", drawCounts);
  more.addEventListener("click", () => step(type, -1));
  less.addEventListener("click", () => step(type, 1));
  rows.set(type.name, { row, shown, count, slider, number });
  element("types").append(row);
}

function addScale() {
  const ticks = make("div", { className: "ticks" });
  for (const value of TICKS) {
    const tick = make("span", { textContent: String(value) });
    tick.style.setProperty("--at", shareOfValue(value));
    ticks.append(tick);
  }
  element("scale").append(ticks, make("b", { textContent: "cut-off" }));
}

// The address holds what was chosen, so that it can be reloaded and passed on:
// #z=460&cutoff=ribosome:0.12&hide=apo-ferritin (no name of a type holds a colon).
let remembering = 0;
function rememberLater() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const words = new URLSearchParams({ z: heights[index].toFixed(0) });
    for (const type of types) {
      const cutoff = cutoffs.get(type.name);
      if (cutoff !== type.cutoff) words.append("cutoff", `${type.name}:${cutoff}`);
      if (hidden.has(type.name)) words.append("hide", type.name);
    }
    if (!element("truth").checked) words.append("references", "off");
    // Some browsers let no page of a file change its address.
    try { history.replaceState(null, "", `#${words}`); } catch { /* only the address stays */ }
  }, HASH_DELAY_MS);
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  if (words.has("z") && Number.isFinite(Number(words.get("z")))) index = nearestSlice(Number(words.get("z")));
  for (const type of types) {
    cutoffs.set(type.name, type.cutoff);
    rows.get(type.name).shown.checked = !words.getAll("hide").includes(type.name);
    hidden[rows.get(type.name).shown.checked ? "delete" : "add"](type.name);
  }
  for (const word of words.getAll("cutoff")) {
    const [name, value] = word.split(":");
    if (cutoffs.has(name) && isCutoff(parseFloat(value))) cutoffs.set(name, parseFloat(value));
  }
  element("truth").checked = words.get("references") !== "off";
}

function zoomBy(factor, px, py) {
  const [x, y] = placing().back(px, py);
  view.zoom = clamp(view.zoom * factor, 1, LARGEST_ZOOM);
  const [newX, newY] = placing().back(px, py);
  moveTo(view.x + x - newX, view.y + y - newY);
}

function moveTo(x, y) {
  view = { ...view, x: clamp(x, LEFT, RIGHT), y: clamp(y, LOW, HIGH) };
  if (view.zoom === 1) view = { x: (LEFT + RIGHT) / 2, y: (LOW + HIGH) / 2, zoom: 1 };
  drawSlice();
  drawOutlines();
}

function zoomMiddle(factor) {
  const { clientWidth, clientHeight } = element("field");
  zoomBy(factor, clientWidth / 2, clientHeight / 2);
}
function fit() { view.zoom = 1; moveTo(0, 0); }

// The outline under the pointer whose middle is nearest.
function under(event) {
  const [x, y] = placing().back(event.offsetX, event.offsetY);
  const distance = ({ pick }) => Math.hypot(pick[0] - x, pick[1] - y);
  const hit = drawn.filter((item) => distance(item) <= item.radius);
  return hit.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function listenToField() {
  const field = element("outlines");
  let from = null; // where a drag began
  let moved = false;
  let turned = 0; // pixels of the wheel that made no slice yet
  field.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? WHEEL_PIXELS : 1);
    if (event.ctrlKey) { zoomBy(Math.exp(-pixels / 300), event.offsetX, event.offsetY); return; }
    turned += clamp(pixels, -WHEEL_PIXELS, WHEEL_PIXELS);
    const by = Math.trunc(turned / WHEEL_PIXELS);
    turned -= by * WHEEL_PIXELS;
    if (by) goTo(index - by);
  }, { passive: false });
  field.addEventListener("pointerdown", (event) => {
    from = { px: event.offsetX, py: event.offsetY, ...view };
    moved = false;
  });
  field.addEventListener("pointermove", (event) => {
    const hover = element("hover");
    if (from !== null) {
      const [dx, dy] = [event.offsetX - from.px, event.offsetY - from.py];
      if (!moved && Math.hypot(dx, dy) > FEW_PIXELS) {
        moved = true;
        field.setPointerCapture(event.pointerId);
        element("field").classList.add("dragged");
      }
      if (moved) {
        const { scale } = placing();
        hover.hidden = true;
        moveTo(from.x - dx / scale, from.y + dy / scale);
      }
      return;
    }
    const item = under(event);
    hover.hidden = item === null;
    if (item === null) return;
    hover.textContent = described(item);
    const { clientWidth, clientHeight } = element("field");
    hover.style.left = `${Math.max(0, Math.min(event.offsetX + 14, clientWidth - hover.offsetWidth))}px`;
    hover.style.top = `${Math.min(event.offsetY + 14, clientHeight - hover.offsetHeight)}px`;
  });
  const letGo = () => { from = null; element("field").classList.remove("dragged"); };
  field.addEventListener("pointerup", (event) => {
    if (from !== null && !moved) { chosen = under(event); draw(); }
    letGo();
  });
  field.addEventListener("pointercancel", letGo);
  field.addEventListener("pointerleave", () => { element("hover").hidden = true; });
  field.addEventListener("dblclick", fit);
}

function listenToKeys() {
  const slicesOfKey = { ArrowUp: 1, ArrowDown: -1, ArrowRight: 1, ArrowLeft: -1, PageUp: PAGE_SLICES, PageDown: -PAGE_SLICES };
  const doneByKey = { "+": () => zoomMiddle(ZOOM_STEP), "=": () => zoomMiddle(ZOOM_STEP), "-": () => zoomMiddle(1 / ZOOM_STEP), 0: fit };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { type, tagName } = event.target;
    if (type === "number" || tagName === "TEXTAREA") return;
    // Left and right stay with the slider that was touched last.
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (isSideways && type === "range") return;
    if (event.key in slicesOfKey) goTo(index + slicesOfKey[event.key]);
    else if (event.key in doneByKey) doneByKey[event.key]();
    else return;
    event.preventDefault();
  });
}

function listenToSettings() {
  element("z").max = String(heights.length - 1);
  element("z").addEventListener("input", () => goTo(Number(element("z").value)));
  element("truth").addEventListener("change", draw);
  element("contrast").addEventListener("input", drawSlice);
  element("brightness").addEventListener("input", drawSlice);
  element("zoom-in").addEventListener("click", () => zoomMiddle(ZOOM_STEP));
  element("zoom-out").addEventListener("click", () => zoomMiddle(1 / ZOOM_STEP));
  element("zoom-fit").addEventListener("click", fit);
  element("reset").addEventListener("click", () => {
    for (const type of types) cutoffs.set(type.name, type.cutoff);
    draw();
  });
  element("copy").addEventListener("click", () => {
    element("command").select();
    document.execCommand("copy"); // also where a page of a file has no clipboard
  });
  window.addEventListener("resize", draw);
  window.addEventListener("hashchange", () => { readAddress(); draw(); });
}

const references = types.reduce((sum, type) => sum + type.truth.length, 0);
element("references").textContent = String(references);
element("truth-switch").hidden = references === 0;
element("choice").hidden = element("scale").hidden = content.kind === "truth";
addScale();
types.forEach(addType);
readAddress();
listenToField();
listenToKeys();
listenToSettings();
draw();
