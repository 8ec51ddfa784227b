// Keeps the live parts of a page as they are on the node: an element with
// data-live is drawn by the server anew, or, with data-append, added to. Every
// page works without this.
"use strict";

const longest = 2000; // rows of a log
const note = document.querySelector("[data-live-note]");

function say(text) {
  if (note && note.textContent !== text) note.textContent = text;
}

function parse(html) {
  const t = document.createElement("template");
  t.innerHTML = html;
  return t.content;
}

const within = (root, what) => [...root.querySelectorAll(what)];
const focusable = root => within(root, "a[href], button, summary, [tabindex]");

function marked(root) {
  const s = getSelection();
  return s && !s.isCollapsed && root.contains(s.anchorNode);
}

// swap puts what is in the place of what was, unless they are alike or the
// person is marking text there. Focus and open details stay.
function swap(was, is) {
  const open = within(was, "details");
  within(is, "details").forEach((d, i) => { if (open[i]) d.open = open[i].open; });
  if (was.isEqualNode(is) || marked(was)) return;
  const held = was.contains(document.activeElement) ? focusable(was).indexOf(document.activeElement) : -1;
  was.replaceWith(is);
  if (held >= 0) focusable(is)[held]?.focus({ preventScroll: true });
}

const readings = root => within(root, "[data-say]").map(e => e.textContent.trim()).join(". ");

function replace(part, html) {
  const before = readings(part), fresh = parse(html);
  const was = [...part.children], is = [...fresh.children];
  was.forEach((e, i) => is[i] ? swap(e, is[i]) : e.remove());
  part.append(...is.slice(was.length));
  const now = readings(part);
  say(now === before ? note?.textContent : now);
}

function append(part, html) {
  const box = part.closest("[data-tail]");
  const follow = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  part.append(parse(html));
  document.querySelector("[data-empty]")?.remove();
  if (follow) {
    while (part.rows.length > longest) part.rows[0].remove();
    box.scrollTop = box.scrollHeight;
  }
}

function listen(part) {
  const adds = part.hasAttribute("data-append");
  const source = new EventSource(part.dataset.live);
  source.onopen = () => say(adds ? "Live: new entries come at the end." : "Live.");
  source.onmessage = e => adds ? append(part, e.data) : replace(part, e.data);
  source.onerror = () => say(source.readyState === EventSource.CLOSED
    ? "Not live: the node has refused. Load the page again."
    : "Not live: the node does not answer. Shown is what was known last.");
  source.addEventListener("end", () => {
    source.close();
    say("Not live: the sign-in has ended. Load the page again.");
  });
}

within(document, "[data-tail]").forEach(box => { box.scrollTop = box.scrollHeight; });
within(document, "[data-live]").forEach(listen);
