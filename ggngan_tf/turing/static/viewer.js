// Shows one 16-bit slice: Cornerstone3D draws it, this file keeps window, zoom and pan.

import {
  canvasToPixel, pixelToCanvas, renderGrayscaleImage,
} from "./vendor/cornerstone/cornerstone.js";

const MOST_ZOOM = 16; // times the whole image
const HU = [-1024, 3071];

export class Viewer {
  #canvas;
  #settings;
  #enabled = null;
  #fit = 1;
  #drawing = false;
  onchange = () => {};

  constructor(canvas, settings) {
    this.#canvas = canvas;
    this.#settings = settings; // shape, pixel_spacing, centre, width
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  // Shows pixels, Int16Array in HU. `look` is the pixel to frame, `place` the point to mark, both
  // [row, column] or null; a point's numbers are whole at the upper left corner of a pixel.
  show(pixels, look, place) {
    const [rows, columns] = this.#settings.shape;
    const image = {
      imageId: crypto.randomUUID?.() ?? String(performance.now()),
      rows, columns, height: rows, width: columns,
      rowPixelSpacing: 1, columnPixelSpacing: 1,
      // One range for all images, so that all have one table of grey values.
      minPixelValue: HU[0], maxPixelValue: HU[1], slope: 1, intercept: 0,
      voxelManager: { getScalarData: () => pixels },
      stats: {},
    };
    const voi = this.#enabled?.viewport.voi ?? this.#opening();
    this.#enabled = {
      canvas: this.#canvas, image, look, place, renderingTools: {},
      viewport: viewport(rows, columns, voi),
    };
    this.#resize();
    this.reset(false);
  }

  clear() {
    this.#enabled = null;
    this.#canvas.getContext("2d").reset();
  }

  get window() {
    const { windowCenter, windowWidth } = this.#enabled?.viewport.voi ?? this.#opening();
    return { centre: windowCenter, width: windowWidth };
  }

  set window({ centre, width }) {
    if (!this.#enabled) return;
    this.#enabled.viewport.voi = {
      windowCenter: Math.round(clamp(centre, HU[0], HU[1])),
      windowWidth: Math.round(clamp(width, 50, 4096)),
    };
    this.#draw();
  }

  get zoom() {
    return this.#enabled ? this.#enabled.viewport.scale / this.#fit : 1;
  }

  // Zooms by a factor and keeps the image point under (x, y), CSS pixels, where it is.
  zoomAt(factor, x, y) {
    if (!this.#enabled) return;
    const { viewport } = this.#enabled;
    const before = this.toPixel(x, y);
    viewport.scale = clamp(viewport.scale * factor, this.#fit, this.#fit * MOST_ZOOM);
    const after = this.toPixel(x, y);
    viewport.translation.x += after.column - before.column;
    viewport.translation.y += after.row - before.row;
    this.#keepInside();
    this.#draw();
  }

  pan(dx, dy) {
    if (!this.#enabled) return;
    const { viewport } = this.#enabled;
    viewport.translation.x += (dx * this.#ratio()) / viewport.scale;
    viewport.translation.y += (dy * this.#ratio()) / viewport.scale;
    this.#keepInside();
    this.#draw();
  }

  reset(withWindow = true) {
    if (!this.#enabled) return;
    const { viewport } = this.#enabled;
    viewport.scale = this.#fit;
    viewport.translation = { x: 0, y: 0 };
    if (withWindow) viewport.voi = this.#opening();
    this.#draw();
  }

  mark(place) {
    if (!this.#enabled) return;
    this.#enabled.place = place;
    this.#draw();
  }

  // Returns the image point under (x, y), CSS pixels within the canvas.
  toPixel(x, y) {
    const [column, row] = canvasToPixel(this.#enabled, [x * this.#ratio(), y * this.#ratio()]);
    return { row, column };
  }

  contains({ row, column }) {
    const [rows, columns] = this.#settings.shape;
    return row >= 0 && column >= 0 && row < rows && column < columns;
  }

  #opening() {
    return { windowCenter: this.#settings.centre, windowWidth: this.#settings.width };
  }

  #ratio() {
    return this.#canvas.width / (this.#canvas.clientWidth || 1);
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    if (!width || !height) return;
    const zoom = this.zoom;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const [rows, columns] = this.#settings.shape;
    this.#fit = Math.min(this.#canvas.height / rows, this.#canvas.width / columns);
    if (!this.#enabled) return;
    this.#enabled.viewport.scale = this.#fit * zoom;
    this.#draw();
  }

  #keepInside() {
    const { viewport } = this.#enabled;
    const [rows, columns] = this.#settings.shape;
    const room = (size, shown) => Math.max(0, (size - shown / viewport.scale) / 2);
    const [x, y] = [room(columns, this.#canvas.width), room(rows, this.#canvas.height)];
    viewport.translation.x = clamp(viewport.translation.x, -x, x);
    viewport.translation.y = clamp(viewport.translation.y, -y, y);
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (!this.#enabled) return;
      renderGrayscaleImage(this.#enabled, false);
      this.#drawMarks();
      this.onchange();
    });
  }

  #drawMarks() {
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    const unit = this.#ratio();
    const { look, place } = this.#enabled;
    if (look) {
      const middle = pixelToCanvas(this.#enabled, [look[1] + 0.5, look[0] + 0.5]);
      corners(context, middle, 18 * this.#enabled.viewport.scale, unit);
    }
    if (place) cross(context, pixelToCanvas(this.#enabled, [place[1], place[0]]), unit);
  }
}

function viewport(rows, columns, voi) {
  return {
    voi, scale: 1, translation: { x: 0, y: 0 }, rotation: 0,
    invert: false, hflip: false, vflip: false, pixelReplication: false,
    displayedArea: {
      tlhc: { x: 1, y: 1 }, brhc: { x: columns, y: rows },
      rowPixelSpacing: 1, columnPixelSpacing: 1, presentationSizeMode: "NONE",
    },
  };
}

function corners(context, [x, y], half, unit) {
  const arm = half / 3;
  stroke(context, "#ffb000", unit, () => {
    for (const [sx, sy] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) {
      context.moveTo(x + sx * half, y + sy * (half - arm));
      context.lineTo(x + sx * half, y + sy * half);
      context.lineTo(x + sx * (half - arm), y + sy * half);
    }
  });
}

function cross(context, [x, y], unit) {
  stroke(context, "#56b4e9", unit, () => {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * unit * dx, y + 4 * unit * dy);
      context.lineTo(x + 12 * unit * dx, y + 12 * unit * dy);
    }
  });
}

function stroke(context, colour, unit, path) {
  for (const [style, width] of [["#000", 4], [colour, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width * unit;
    context.beginPath();
    path();
    context.stroke();
  }
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
