// What a person can do: sliders, switches, pointer, keys, and the address.

function goTo(slice) { index = clamp(Math.round(slice), 0, heights.length - 1); draw(); }
function nearestSlice(z) {
  let best = 0;
  heights.forEach((height, slice) => {
    if (Math.abs(height - z) < Math.abs(heights[best] - z)) best = slice;
  });
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
  const title = `${type.name}, radius ${type.radius} Å`;
  const name = make("span", { className: "name", textContent: type.name, title });
  const slider = make("input", { type: "range", min: "0", max: String(STEPS), step: "1" });
  const number = make("input", { type: "number", min: "0", max: String(MOST), step: "any" });
  const first = make("i", { title: `first cut-off: ${rounded(type.cutoff)}` });
  first.style.setProperty("--at", shareOfValue(type.cutoff));
  const more = make("button", { textContent: "◂", title: "The pick that is next more probable" });
  const less = make("button", { textContent: "▸", title: "The pick that is next less probable" });
  const slot = make("div", { className: "slider" }, first, slider);
  const line = make("div", { className: "cutoff" }, slot, number, more, less);
  const label = make("label", {}, shown, swatch, name, count);
  const row = make("div", { className: "type" }, label, line);
  row.dataset.type = type.name;
  slider.setAttribute("aria-label", `Cut-off of ${type.name}`);
  number.setAttribute("aria-label", `Cut-off of ${type.name}, number`);
  line.hidden = count.hidden = type.picks.length === 0;
  shown.addEventListener("change", () => {
    hidden[shown.checked ? "delete" : "add"](type.name);
    draw();
  });
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
  const z = parseFloat(words.get("z"));
  if (Number.isFinite(z)) index = nearestSlice(z);
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
    if (event.ctrlKey) {
      zoomBy(Math.exp(-pixels / WHEEL_PIXELS_ZOOM), event.offsetX, event.offsetY);
      return;
    }
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
    const [mostLeft, mostTop] = [clientWidth - hover.offsetWidth, clientHeight - hover.offsetHeight];
    hover.style.left = `${clamp(event.offsetX + HOVER_PIXELS, 0, Math.max(0, mostLeft))}px`;
    hover.style.top = `${clamp(event.offsetY + HOVER_PIXELS, 0, Math.max(0, mostTop))}px`;
  });
  const letGo = () => { from = null; element("field").classList.remove("dragged"); };
  field.addEventListener("pointerup", (event) => {
    if (from !== null && !moved) { chosen = under(event); draw(); }
    letGo();
  });
  field.addEventListener("pointercancel", letGo);
  field.addEventListener("pointerleave", () => {
    element("hover").hidden = true;
    if (!moved) letGo();
  });
  field.addEventListener("dblclick", fit);
}

function listenToKeys() {
  const slicesOfKey = {
    ArrowUp: 1, ArrowRight: 1, PageUp: PAGE_SLICES,
    ArrowDown: -1, ArrowLeft: -1, PageDown: -PAGE_SLICES,
  };
  const larger = () => zoomMiddle(ZOOM_STEP);
  const doneByKey = { "+": larger, "=": larger, "-": () => zoomMiddle(1 / ZOOM_STEP), 0: fit };
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
