// The tree: which rows are there, folding, and the keyboard as in the ARIA tree pattern.

const ROWS_AT_ONCE = 500;
const FIRST_ROWS = 60;
const TYPED_TOGETHER_MS = 600;
const tree = document.getElementById("tree");

const state = {
  /** Groups that are unfolded. */
  open: new Set(),
  /** What is searched for, null if nothing; then `searchOpen` says what is unfolded. */
  result: null,
  searchOpen: new Set(),
  /** The group that Tab leads to, and the one that is chosen. */
  current: null,
  chosen: null,
  showAgents: false,
};
const rows = new Map();
let waiting = null;

const openNow = () => (state.result ? state.searchOpen : state.open);

/** The groups directly below one: what a search shows of them, or all if it shows none. */
function childrenOf(indexes) {
  if (!state.result) return indexes;
  const some = indexes.filter((index) => state.result.toShow.has(index));
  return some.length ? some : indexes;
}

/** What has a row, in order, with its place among its siblings. */
function visible(isOpen = (index) => openNow().has(index)) {
  const found = [];
  const walk = (indexes) => {
    indexes.forEach((index, at) => {
      found.push({ index, at: at + 1, of: indexes.length });
      if (groups[index].children.length && isOpen(index)) walk(childrenOf(groups[index].children));
    });
  };
  if (!state.result || state.result.toShow.size) walk(childrenOf(roots));
  return found;
}

/** Whether what is below a group belongs on paper: all of it, or what was searched for. */
function leadsOn(index) {
  return !state.result || groups[index].children.some((child) => state.result.toShow.has(child));
}

function rowOf({ index, at, of }, view) {
  let row = rows.get(index);
  if (!row) {
    row = makeRow(groups[index], view);
    rows.set(index, row);
  }
  row.setAttribute("aria-posinset", at);
  row.setAttribute("aria-setsize", of);
  if (groups[index].children.length) {
    row.setAttribute("aria-expanded", view.complete || openNow().has(index));
  }
  row.setAttribute("aria-selected", state.chosen === index);
  row.tabIndex = state.current === index ? 0 : -1;
  return row;
}

/**
 * Bring the rows in line with the state. Rows that stay keep their elements, and so the focus.
 *
 * @param anew make all rows anew, since what they say has changed
 * @param complete everything unfolded and named, all at once: for printing
 */
function render({ anew = false, complete = false } = {}) {
  cancelAnimationFrame(waiting);
  waiting = null;
  const hadFocus = tree.contains(document.activeElement);
  if (anew) {
    rows.clear();
    tree.replaceChildren();
  }
  const wanted = visible(complete ? leadsOn : undefined);
  if (!wanted.some(({ index }) => index === state.current)) state.current = wanted[0]?.index ?? null;
  const view = { words: state.result?.words ?? [], agents: state.showAgents, complete };
  tree.classList.toggle("many", wanted.length > ROWS_AT_ONCE);
  const here = new Set(wanted.map(({ index }) => index));
  for (const row of [...tree.children]) if (!here.has(row.group.index)) row.remove();
  let next = tree.firstElementChild;
  let done = 0;
  const place = (until) => {
    for (; done < until; done += 1) {
      const row = rowOf(wanted[done], view);
      if (row === next) next = next.nextElementSibling;
      else tree.insertBefore(row, next);
    }
  };
  const placeMore = () => {
    place(Math.min(done + ROWS_AT_ONCE, wanted.length));
    waiting = done < wanted.length ? requestAnimationFrame(placeMore) : null;
    tree.setAttribute("aria-busy", waiting !== null);
  };
  finish = () => {
    cancelAnimationFrame(waiting);
    waiting = null;
    place(wanted.length);
    tree.setAttribute("aria-busy", false);
  };
  if (complete) finish();
  else placeMore();
  if (hadFocus && !tree.contains(document.activeElement)) focusOn(state.current);
}

/** Places the rows that still wait for their turn. */
let finish = () => {};

/** Move the focus to a group's row. */
function focusOn(index, choose = true) {
  if (index === null) return;
  if (!rows.get(index)?.isConnected) finish();
  const row = rows.get(index);
  setCurrent(index);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  // Where there is room, the panel follows; a sheet that covers the tree opens only when asked.
  if (choose && isWide()) chooseGroup(index);
}

/** Let Tab lead to a row. */
function setCurrent(index) {
  const before = rows.get(state.current);
  if (before) before.tabIndex = -1;
  state.current = index;
  rows.get(index).tabIndex = 0;
}

const isWide = () => matchMedia("(min-width: 1100px)").matches;

function chooseGroup(index) {
  rows.get(state.chosen)?.setAttribute("aria-selected", false);
  state.chosen = index;
  rows.get(index)?.setAttribute("aria-selected", true);
  showDetails(groups[index]);
  rows.get(index)?.scrollIntoView({ block: "nearest" });
  remember(groups[index].id);
}

function closeDetails() {
  const back = state.chosen;
  rows.get(back)?.setAttribute("aria-selected", false);
  state.chosen = null;
  showOverview();
  remember("");
  if (back !== null) focusOn(rows.get(back)?.isConnected ? back : state.current, false);
}

/** Unfold or fold a group; nothing where nothing is below it. */
function fold(index, isOpen) {
  if (!groups[index].children.length) return;
  if (isOpen) openNow().add(index);
  else openNow().delete(index);
  if (!isOpen && state.current !== index) {
    for (let at = groups[state.current]; at; at = groups[at.parent]) {
      if (at.index === index) state.current = index;
    }
  }
  render();
  showDepth();
}

/** Unfold all groups above a level, and fold all others. */
function unfoldTo(level) {
  const open = openNow();
  open.clear();
  for (const group of groups) if (group.level < level && group.children.length) open.add(group.index);
  while (groups[state.current]?.level > level) state.current = groups[state.current].parent;
  render();
}

/** The level to which everything is unfolded and nothing below, 0 if it is not so. */
function depth() {
  const open = openNow();
  const inner = groups.filter((group) => group.children.length);
  let level = 1;
  while (level < deepest && inner.every((group) => group.level > level || open.has(group.index))) level += 1;
  return inner.every((group) => open.has(group.index) === group.level < level) ? level : 0;
}
const deepest = groups.reduce((most, group) => Math.max(most, group.level), 1);

/** The level to which to unfold at first: as deep as it stays easy to look over. */
function firstDepth() {
  let level = 1;
  while (level < deepest && groups.filter((group) => group.level <= level + 1).length <= FIRST_ROWS) level += 1;
  return level;
}

let typed = "";
let typedAt = 0;

/** Go to the next row whose name begins with what was typed. */
function typeAhead(key) {
  const now = performance.now();
  typed = now - typedAt > TYPED_TOGETHER_MS ? key : typed + key;
  typedAt = now;
  const order = visible().map(({ index }) => index);
  const at = order.indexOf(state.current);
  // One letter leads on from here, more of them narrow down what the first found.
  const from = [...typed].length > 1 ? at : at + 1;
  const next = [...order.slice(from), ...order.slice(0, from)].find((index) =>
    plain(groups[index].name).startsWith(plain(typed)));
  if (next !== undefined) focusOn(next);
}

const keys = {
  ArrowDown: (order, at) => focusOn(order[Math.min(at + 1, order.length - 1)]),
  ArrowUp: (order, at) => focusOn(order[Math.max(at - 1, 0)]),
  Home: (order) => focusOn(order[0]),
  End: (order) => focusOn(order.at(-1)),
  ArrowRight: (order, at, group) => {
    if (!group.children.length) return;
    if (openNow().has(group.index)) focusOn(order[at + 1]);
    else fold(group.index, true);
  },
  ArrowLeft: (order, at, group) => {
    if (group.children.length && openNow().has(group.index)) fold(group.index, false);
    else if (group.parent >= 0) focusOn(group.parent);
  },
  " ": (order, at, group) => fold(group.index, !openNow().has(group.index)),
  Enter: (order, at, group) => {
    chooseGroup(group.index);
    document.getElementById("details-title").focus();
  },
  "*": (order, at, group) => {
    for (const index of group.parent < 0 ? roots : groups[group.parent].children) {
      if (groups[index].children.length) openNow().add(index);
    }
    render();
    showDepth();
  },
};

tree.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || state.current === null) return;
  const order = visible().map(({ index }) => index);
  const act = event.key === " " && typed && performance.now() - typedAt < TYPED_TOGETHER_MS ? null : keys[event.key];
  if (act) act(order, order.indexOf(state.current), groups[state.current]);
  else if ([...event.key].length === 1 && event.key !== "/") typeAhead(event.key);
  else return;
  event.preventDefault();
});

// The focus can also come by the link above or by a screen reader's own commands.
tree.addEventListener("focusin", ({ target }) => {
  if (target === tree) focusOn(state.current, false);
  else if (target.group.index !== state.current) setCurrent(target.group.index);
});

tree.addEventListener("click", (event) => {
  const row = event.target.closest('[role="treeitem"]');
  if (!row || !getSelection().isCollapsed) return;
  const { index } = row.group;
  if (event.target.closest(".twisty") && groups[index].children.length) {
    focusOn(index, false);
    fold(index, !openNow().has(index));
    return;
  }
  focusOn(index, false);
  chooseGroup(index);
});

tree.addEventListener("dblclick", (event) => {
  const row = event.target.closest('[role="treeitem"]');
  if (row && !event.target.closest(".twisty")) fold(row.group.index, !openNow().has(row.group.index));
});
