// What moves on the page of a map: layers, lines between grains, and the values of a pixel.
// Rows of the data rise along y, those of the pictures fall: the last row is at the top.
"use strict";

(() => {
  const KINDS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array };
  const NONE = 2 ** 32 - 1; // the number of no grain
  const SIDE_PX = 1200; // of the lines' canvas, at least, along its longer side

  const map = JSON.parse(document.getElementById("map-data").textContent);
  const { nx, ny, step_um: step } = map;
  const layers = [...document.querySelectorAll(".layer")];
  const cursor = Object.assign(document.createElement("div"), { id: "cursor", hidden: true });
  const lines = document.createElement("canvas");
  let values = {};
  let column = Math.floor(nx / 2);
  let row = Math.floor(ny / 2);
  let held = false;

  async function unpacked({ kind, step, low, data }) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const numbers = new KINDS[kind](await new Response(stream).arrayBuffer());
    const none = 2 ** (8 * numbers.BYTES_PER_ELEMENT) - 1;
    return { numbers, at: (i) => (numbers[i] === none ? null : low + step * numbers[i]) };
  }

  function text(name, value) {
    if (value === null) return "–";
    const { digits, unit } = map.forms[name];
    return (digits < 0 ? value.toPrecision(-digits) : value.toFixed(digits)) + unit;
  }

  function show() {
    const place = row * nx + column;
    document.getElementById("value-x").textContent = text("x", column * step);
    document.getElementById("value-y").textContent = text("y", row * step);
    for (const name of Object.keys(values)) {
      document.getElementById(`value-${name}`).textContent = text(name, values[name].at(place));
    }
    const style = { left: column / nx, top: (ny - 1 - row) / ny, width: 1 / nx, height: 1 / ny };
    for (const [name, share] of Object.entries(style)) cursor.style[name] = `${100 * share}%`;
    cursor.hidden = false;
    document.getElementById("held").textContent = held ? "held; Escape lets it go" : "";
  }

  function move(to_column, to_row) {
    column = Math.min(Math.max(to_column, 0), nx - 1);
    row = Math.min(Math.max(to_row, 0), ny - 1);
    show();
  }

  function point(event) {
    const area = event.currentTarget.getBoundingClientRect();
    const right = Math.floor(((event.clientX - area.left) / area.width) * nx);
    const down = Math.floor(((event.clientY - area.top) / area.height) * ny);
    move(right, ny - 1 - down);
  }

  function press(event) {
    const far = event.shiftKey ? 10 : 1;
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key in ways) {
      const [right, up] = ways[event.key];
      move(column + far * right, row + far * up);
    } else if (event.key === "Enter") {
      held = true;
      show();
    } else if (event.key === "Escape") {
      held = false;
      show();
    } else {
      return;
    }
    event.preventDefault();
  }

  function choose(name) {
    for (const layer of layers) {
      const chosen = layer.id === `layer-${name}`;
      layer.classList.toggle("shown", chosen);
      if (chosen) layer.querySelector(".frame").append(lines, cursor);
    }
  }

  function draw() {
    const fine = Math.max(1, Math.ceil(SIDE_PX / Math.max(nx, ny)));
    lines.width = nx * fine;
    lines.height = ny * fine;
    const context = lines.getContext("2d");
    for (const input of document.querySelectorAll("[name=overlay]:checked")) {
      const labels = values[input.value].numbers;
      const differ = (one, other) =>
        labels[one] !== labels[other] && labels[one] !== NONE && labels[other] !== NONE;
      context.beginPath();
      for (let y = 0; y < ny; y++) {
        for (let x = 0; x < nx; x++) {
          const here = y * nx + x;
          const left = x * fine;
          const top = (ny - 1 - y) * fine;
          if (x > 0 && differ(here, here - 1)) {
            context.moveTo(left, top);
            context.lineTo(left, top + fine);
          }
          if (y > 0 && differ(here, here - nx)) {
            context.moveTo(left, top + fine);
            context.lineTo(left + fine, top + fine);
          }
        }
      }
      context.strokeStyle = input.dataset.colour;
      context.lineWidth = Math.max(1, fine / 4);
      context.lineCap = "square";
      context.stroke();
    }
  }

  function listen() {
    const controls = document.getElementById("controls");
    controls.addEventListener("submit", (event) => event.preventDefault());
    controls.addEventListener("change", ({ target }) => {
      if (target.name === "layer") choose(target.value);
      if (target.name === "zoom") document.documentElement.style.setProperty("--zoom", target.value);
      if (target.name === "overlay") draw();
    });
    for (const frame of document.querySelectorAll(".frame")) {
      frame.tabIndex = 0;
      frame.addEventListener("mousemove", (event) => held || point(event));
      frame.addEventListener("click", (event) => {
        held = !held;
        point(event);
      });
      frame.addEventListener("keydown", press);
    }
  }

  async function start() {
    const names = Object.keys(map.values);
    const all = await Promise.all(names.map((name) => unpacked(map.values[name])));
    values = Object.fromEntries(names.map((name, i) => [name, all[i]]));
    document.documentElement.classList.add("js");
    listen();
    choose(document.querySelector("[name=layer]:checked").value);
    draw();
    for (const id of ["controls", "readout"]) document.getElementById(id).hidden = false;
    document.documentElement.dataset.ready = "yes";
  }

  start();
})();
