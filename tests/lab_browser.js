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

window.lesson = {
  panel: () => window.jupyterapp?.shell.currentWidget,
  run: (command) => window.jupyterapp.commands.execute(command),
  codeCells() {
    return this.panel().content.widgets.filter((cell) => cell.model.type === "code");
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
