// The form of a quiz. It shows what the kernel tells, sends answers there, and knows nothing of what is right.

const SLOW_MS = 5000;

export default { render };

function render({ model, el }) {
  const asked = model.get("asked");
  const questions = asked.questions.map((question, index) => questionForm(model, question, index));
  const score = make("p", { className: "wslab-quiz-score" });
  const end = make("div", { className: "wslab-quiz-end", role: "status", tabIndex: -1 });
  const root = make(
    "section",
    { className: "wslab-quiz", ariaLabel: asked.title },
    make("header", {}, make("h3", { textContent: asked.title }), score),
    ...questions.map((question) => question.form),
    end,
  );

  const update = () => {
    const given = model.get("given");
    score.textContent = given.score;
    questions.forEach((question, index) => question.update(given.questions[index]));
    showEnd(end, given);
  };
  const refuse = ({ number, says }) => questions[number - 1]?.refuse(says);
  const next = (event) => {
    const open = questions.filter((question) => question.isOpen());
    const after = open.find((question) => question.index > event.detail) ?? open[0];
    after ? after.focus() : end.focus();
  };

  root.addEventListener("wslab-quiz-next", next);
  model.on("change:given", update);
  model.on("msg:custom", refuse);
  update();
  el.replaceChildren(root);
  // JupyterLab takes this as the sign to start the thread on which answers are taken while a cell runs.
  model.send({});
  return () => {
    model.off("change:given", update);
    model.off("msg:custom", refuse);
    questions.forEach((question) => question.stopWaiting());
  };
}

function questionForm(model, question, index) {
  const answer = ANSWERS[question.kind](question);
  const button = make("button", { type: "submit", textContent: "Answer" });
  const tries = make("span", { className: "wslab-quiz-tries", textContent: "two tries" });
  const feedback = make("div", { className: "wslab-quiz-feedback", role: "status" });
  feedback.setAttribute("aria-live", "polite");
  const legend = make("legend", {}, make("span", { className: "wslab-quiz-number", textContent: `${index + 1}` }));
  legend.append(make("span", {}, ...withCode(question.text)));
  const field = make("fieldset", {}, legend, ...listings(question), answer.element);
  const form = make("form", { noValidate: true, autocomplete: "off" }, field);
  form.append(make("div", { className: "wslab-quiz-send" }, button, tries), feedback);

  let shown = "";
  let state = { answers: [], finished: false };
  let waiting = null;

  const say = (...content) => feedback.replaceChildren(...content);
  const stopWaiting = () => {
    clearTimeout(waiting);
    waiting = null;
    button.removeAttribute("aria-disabled");
  };
  const send = (value) => {
    say();
    button.setAttribute("aria-disabled", "true");
    waiting = setTimeout(() => {
      stopWaiting();
      say(line("The kernel has not answered yet. If it was restarted, run the cell again."));
    }, SLOW_MS);
    model.send({ number: index + 1, answer: value });
  };

  form.addEventListener("keydown", (event) => {
    // In a notebook of JupyterLab, Enter in a text field does not submit its form by itself.
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (waiting !== null) return;
    if (state.finished) {
      form.dispatchEvent(new CustomEvent("wslab-quiz-next", { bubbles: true, detail: index }));
      return;
    }
    const value = answer.value();
    value ? send(value) : say(line(answer.missing));
  });

  return {
    form,
    index,
    stopWaiting,
    isOpen: () => !state.finished,
    focus: () => answer.focus(),
    refuse(says) {
      if (waiting === null) return; // another view of this quiz asked
      stopWaiting();
      say(line(says));
    },
    update(given) {
      const news = JSON.stringify(given);
      if (news === shown) return; // said once is enough: the region is read aloud at each change
      shown = news;
      state = given;
      stopWaiting();
      if (!given.answers.length) return;
      say(...feedbackOn(given));
      answer.tried(given.answers);
      form.classList.toggle("wslab-quiz-right", given.finished && given.right);
      form.classList.toggle("wslab-quiz-wrong", !given.right);
      tries.textContent = given.finished ? "" : "one more try";
      button.textContent = given.finished ? "Go on" : "Answer again";
      button.classList.toggle("wslab-quiz-quiet", given.finished);
      if (given.finished) {
        // What is disabled loses the focus, and the keys would go to the notebook.
        if (answer.element.contains(document.activeElement)) button.focus();
        answer.finish(given.answers.at(-1));
      }
    },
  };
}

const ANSWERS = {
  single: (question) => choice("radio", question.options, question.how),
  multiple: (question) => choice("checkbox", question.options, question.how),
  "illegal-frame": (question) => choice("radio", frameOptions(question.frames), "Choose the frame."),
  number: (question) => entry(question.how, { inputMode: "decimal", size: 10 }, question.unit),
  output: (question) => entry(question.how, { size: 40, className: "wslab-quiz-code" }, ""),
};

function frameOptions(count) {
  return Array.from({ length: count }, (_, index) => [`${index + 1}`, ""]);
}

function choice(type, options, how) {
  const rows = options.map(([value, text]) => optionRow(type, value, text));
  const inputs = rows.map((row) => row.input);
  const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);
  const choose = (answer) => {
    inputs.forEach((input) => (input.checked = type === "radio" ? input.value === answer : answer.includes(input.value)));
  };
  const list = make("div", { className: "wslab-quiz-options" }, ...rows.map((row) => row.label));
  list.classList.toggle("wslab-quiz-short", options.every(([, text]) => !text));
  return {
    element: make("div", {}, make("p", { className: "wslab-quiz-how", textContent: how }), list),
    missing: type === "radio" ? "Choose an answer first." : "Choose at least one answer first.",
    value: () => chosen().join(""),
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
    tried(answers) {
      if (!chosen().length) choose(answers.at(-1));
      if (type === "checkbox") return; // of several that were chosen, some may be right
      rows.forEach(({ input, mark }) => (mark.textContent = answers.includes(input.value) ? "tried" : ""));
    },
    finish(answer) {
      choose(answer);
      inputs.forEach((input) => (input.disabled = true));
      rows.filter(({ input }) => input.checked).forEach(({ mark }) => (mark.textContent = "your answer"));
    },
  };
}

function optionRow(type, value, text) {
  const input = make("input", { type, name: "answer", value });
  const letter = make("span", { className: "wslab-quiz-letter", textContent: value });
  const mark = make("span", { className: "wslab-quiz-mark" });
  return { input, mark, label: make("label", {}, input, letter, make("span", {}, ...withCode(text)), mark) };
}

function entry(how, properties, unit) {
  const input = make("input", { type: "text", spellcheck: false, ...properties });
  const element = make("label", { className: "wslab-quiz-entry" }, make("span", { className: "wslab-quiz-how", textContent: how }));
  element.append(make("span", {}, input, unit ? ` ${unit}` : ""));
  return {
    element,
    missing: "Write an answer first.",
    value: () => input.value.trim(),
    focus: () => input.focus(),
    tried(answers) {
      if (!input.value) input.value = answers.at(-1);
    },
    finish(last) {
      input.value = last;
      input.readOnly = true;
    },
  };
}

function listings({ code, tape }) {
  return [code, tape].filter(Boolean).map((text) => make("pre", {}, make("code", { textContent: text })));
}

function feedbackOn({ verdict, notes, source, read }) {
  const said = [make("p", {}, make("strong", { textContent: verdict }))];
  for (const [letter, text] of notes) {
    const label = letter && notes.length > 1 ? [make("span", { className: "wslab-quiz-letter", textContent: letter })] : [];
    said.push(make("p", {}, ...label, make("span", {}, ...withCode(text))));
  }
  if (source) said.push(make("p", { className: "wslab-quiz-source", textContent: `Source: ${source}.` }));
  if (read) said.push(make("p", {}, "Read again: ", link(read)));
  return said;
}

function showEnd(end, { finished, score, topics, readAgain }) {
  if (!finished || end.childElementCount) return;
  end.append(make("p", { className: "wslab-quiz-total", textContent: `Your score: ${score}` }));
  if (topics.length > 1) {
    const rows = topics.map(([topic, points]) => make("tr", {}, make("th", { scope: "row", textContent: topic }), make("td", { textContent: points })));
    end.append(make("table", {}, make("tbody", {}, ...rows)));
  }
  if (readAgain.length) {
    end.append(make("p", { textContent: "What to read again:" }));
    end.append(make("ul", {}, ...readAgain.map((each) => make("li", {}, link(each)))));
  }
}

function link({ href, path, anchor, words }) {
  const a = make("a", { href, target: "_blank", textContent: words });
  // JupyterLab opens a lesson beside this one by its own command, told by data on the element; others follow the link.
  const folder = location.pathname.match(/\/(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree\/(?:(.*)\/)?[^/]*$/);
  if (folder) {
    a.dataset.commandlinkerCommand = "rendermime:handle-local-link";
    a.dataset.commandlinkerArgs = JSON.stringify({ path: [folder[1] && decodeURIComponent(folder[1]), path].filter(Boolean).join("/"), id: anchor });
  }
  return a;
}

function line(text) {
  return make("p", { textContent: text });
}

// Text in which `code` stands between backticks.
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", { textContent: part }) : part));
}

// JupyterLab's keys would move, insert and delete cells. It looks for this mark on what has the focus, not only around it.
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.dataset.lmSuppressShortcuts = "true";
  element.append(...children);
  return element;
}
