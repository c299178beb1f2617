// What the tests of tests/lab.py ask of a page of JupyterLab, which --expose-app-in-browser puts at window.jupyterapp.
"use strict";

// The Lab draws icons of its own beside an output; these stand inside.
const SHAPES = {
  svg: ".jp-RenderedHTML svg, .jp-RenderedSVG img, .jp-RenderedSVG svg",
  table: ".jp-RenderedHTML table",
  image: ".jp-RenderedImage img",
};

const isDrawn = (element) => {
  element.scrollIntoView();
  const { width, height } = element.getBoundingClientRect();
  // A broken image has a box too, the one of its icon.
  return width > 0 && height > 0 && (element.tagName !== "IMG" || element.naturalWidth > 0);
};

const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const over = ([r, g, b, a = 1], below) => [r, g, b].map((value, index) => value * a + below[index] * (1 - a));

const backgroundOf = (element) => {
  if (!element) return [255, 255, 255];
  const color = numbers(getComputedStyle(element).backgroundColor);
  return color.length === 3 ? color : over(color, backgroundOf(element.parentElement));
};

// Relative luminance and contrast, WCAG 2.2.
const luminance = (color) => {
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = color.map((value) => linear(value / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const contrast = (element) => {
  const below = backgroundOf(element);
  const both = [luminance(over(numbers(getComputedStyle(element).color), below)), luminance(below)];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
};

const hasText = (element) =>
  element.matches("input[type=text]") || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());

window.lesson = {
  panel: () => window.jupyterapp?.shell.currentWidget,
  run: (command) => window.jupyterapp.commands.execute(command),
  codeCells() {
    return this.panel().content.widgets.filter((cell) => cell.model.type === "code");
  },

  cells() {
    const { activeCellIndex, widgets } = this.panel().content;
    return [activeCellIndex, widgets.map((cell) => [cell.model.id, cell.model.type, cell.model.sharedModel.source])];
  },

  async execute(code) {
    const reply = await this.panel().sessionContext.session.kernel.requestExecute({ code }).done;
    return reply.content.status === "ok" ? "ok" : `${reply.content.ename}: ${reply.content.evalue}`;
  },

  // How many texts an element shows, and those with less contrast than WCAG 2.2 asks for (1.4.3, AA).
  faintTexts(root) {
    const texts = [...root.querySelectorAll("*")].filter((element) => element.checkVisibility() && hasText(element));
    const faint = texts.filter((element) => contrast(element) < 4.5);
    return [texts.length, faint.map((element) => `${element.outerHTML}: ${contrast(element).toFixed(2)}`)];
  },

  isOpen(path) {
    return this.panel()?.context?.path === path && this.panel().sessionContext.session?.kernel != null;
  },

  // Commands come with their plugins; a restart that comes before the kernel has said who it is gets lost.
  async ready() {
    const { context, revealed, sessionContext } = this.panel();
    await Promise.all([window.jupyterapp.allPluginsActivated, revealed, context.ready, sessionContext.ready]);
    await sessionContext.session.kernel.info;
  },

  failures() {
    const expected = (cell) => (cell.model.getMetadata("tags") ?? []).includes("raises-exception");
    return this.codeCells()
      .filter((cell) => !expected(cell))
      .flatMap((cell) => cell.model.outputs.toJSON())
      .filter((output) => output.output_type === "error")
      .map((error) => `${error.ename}: ${error.evalue}`);
  },

  hasRun() {
    const done = (cell, index) => cell.model.executionState === "idle" && cell.model.executionCount === index + 1;
    return this.failures().length > 0 || this.codeCells().every(done);
  },

  // What the reader should see and does not; promises has a count of shapes by kind for each code cell.
  missing(promises) {
    const seen = (cell, kind) => [...cell.outputArea.node.querySelectorAll(SHAPES[kind])].filter(isDrawn).length;
    return this.codeCells().flatMap((cell, index) =>
      Object.entries(promises[index])
        .filter(([kind, count]) => seen(cell, kind) < count)
        .map(([kind, count]) => `cell [${index + 1}] shows ${seen(cell, kind)} of ${count} ${kind}`),
    );
  },
};
