// What stands around the tree: search, levels, theme, printing, the address.

const SEARCH_AFTER_MS = 80;
const byId = (id) => document.getElementById(id);
const query = byId("query");
const ownerChoice = byId("owner");
const changesOnly = byId("changes-only");
const depths = byId("depths");

/** Show a message, which screen readers say as well. */
function say(text) {
  byId("status").textContent = text;
}

/** Keep the chosen group in the address, so that the address can be given to somebody. */
function remember(id) {
  try {
    history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : "#");
  } catch {
    // Some viewers of files allow no change of the address.
  }
}

function find() {
  state.result = search(query.value, ownerChoice.value, changesOnly.checked);
  if (state.result) {
    // Everything above what was found is unfolded.
    state.searchOpen = new Set([...state.result.toShow].filter((index) =>
      groups[index].children.some((child) => state.result.toShow.has(child))));
    const [first] = state.result.found;
    if (first !== undefined && !state.result.found.has(state.current)) state.current = first;
  } else {
    for (let at = groups[state.chosen]; at; at = groups[at.parent]) {
      if (at.index !== state.chosen) state.open.add(at.index);
    }
    if (state.chosen !== null) state.current = state.chosen;
  }
  render({ anew: true });
  showDepth();
  showFound();
  byId("asked").textContent = [
    query.value.trim() && `Search: ${query.value.trim()}`,
    ownerChoice.value && `Owner: ${ownerChoice.selectedOptions[0].text}`,
    changesOnly.checked && "Changes only",
  ].filter(Boolean).join(" · ");
  if (state.chosen !== null) showDetails(groups[state.chosen]);
}

function showFound() {
  const result = state.result;
  const nothing = Boolean(result) && !result.found.size;
  byId("nothing").hidden = !nothing;
  if (!result) {
    say("");
    return;
  }
  if (nothing) {
    const asked = query.value.trim();
    byId("nothing").firstElementChild.textContent = asked
      ? `No group and no agent matches “${asked}”${ownerChoice.value || changesOnly.checked ? " under these choices" : ""}.`
      : "No group matches these choices.";
    say("Nothing found");
    return;
  }
  const number = [...result.found].filter((index) => groups[index].isGroup).length;
  say(
    `${counted(number, "group")} found` +
      (result.agents ? `, ${counted(result.agents, "agent")} by name` : ""),
  );
}

function showAll() {
  query.value = "";
  ownerChoice.value = "";
  changesOnly.checked = false;
  find();
}

let searchTimer = 0;
query.addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(find, SEARCH_AFTER_MS);
});
query.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && query.value) {
    query.value = "";
    find();
  } else if (event.key === "Enter" || event.key === "ArrowDown") {
    clearTimeout(searchTimer);
    find();
    focusOn(state.current);
  } else return;
  event.preventDefault();
});
ownerChoice.addEventListener("change", find);
changesOnly.addEventListener("change", find);
byId("nothing").querySelector("button").addEventListener("click", () => {
  showAll();
  query.focus();
});
byId("show-agents").addEventListener("change", (event) => {
  state.showAgents = event.target.checked;
  render({ anew: true });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !event.target.closest("input, select")) {
    event.preventDefault();
    query.focus();
    query.select();
  } else if (event.key === "Escape" && !event.target.closest("input, select")) {
    if (state.chosen !== null) closeDetails();
    else if (state.result) showAll();
  }
});

/** A button for each level that has groups. */
function makeDepths() {
  for (let level = 1; level <= deepest; level += 1) {
    const number = groups.filter((group) => group.isGroup && group.level === level).length;
    const button = element("button", "", apart(levelName(level)), " ", element("small", "", number.toLocaleString("en")));
    button.type = "button";
    button.setAttribute("aria-label", `Unfold to ${levelName(level)}, ${counted(number, "group")}`);
    button.addEventListener("click", () => {
      unfoldTo(level);
      showDepth();
    });
    depths.append(button);
  }
  depths.hidden = deepest < 2;
}

function showDepth() {
  const now = depth();
  [...depths.querySelectorAll("button")].forEach((button, at) => {
    button.setAttribute("aria-pressed", at + 1 === now);
  });
}

function makeChoices() {
  const stacks = [...new Set(groups.flatMap((group) => group.owner?.stack ?? []))].sort();
  for (const stack of stacks) ownerChoice.add(new Option(stack, `in ${stack}`));
  if (stacks.length && groups.some((group) => group.isGroup && !group.owner)) {
    ownerChoice.add(new Option("no stack", "none"));
  }
  byId("owner-choice").hidden = ownerChoice.length < 3;
  byId("changes-choice").hidden = !groups.some((group) => group.marks.length);
}

// The theme: the system's, unless somebody chose another one here before.
const themes = byId("themes");
function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
themes.addEventListener("change", (event) => {
  setTheme(event.target.value);
  try {
    localStorage.setItem("connect-hierarchy-theme", event.target.value);
  } catch {
    // A page from a file may have no storage: the choice then lasts until it is closed.
  }
});
try {
  const theme = localStorage.getItem("connect-hierarchy-theme");
  const choice = [...themes.elements].find((one) => one.value === theme);
  if (choice) {
    choice.checked = true;
    setTheme(theme);
  }
} catch {
  // The same.
}

// Paper folds nothing: all rows that the search lets through, with all tags and agents.
addEventListener("beforeprint", () => render({ anew: true, complete: true }));
addEventListener("afterprint", () => render({ anew: true }));

/** Show the group that the address names. */
function showAddressed() {
  let id = "";
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    // No address of ours.
  }
  const group = id && groups.find((one) => one.id === id);
  if (!group) return;
  for (const one of pathOf(group).slice(0, -1)) state.open.add(one.index);
  render();
  showDepth();
  focusOn(group.index, false);
  chooseGroup(group.index);
  rows.get(group.index).scrollIntoView({ block: "center" });
}
addEventListener("hashchange", showAddressed);

byId("app").hidden = false;
makeDepths();
makeChoices();
if (groups.length) {
  unfoldTo(firstDepth());
  showDepth();
} else {
  byId("nothing").hidden = false;
  byId("nothing").replaceChildren(element("p", "", "This instance has no groups yet."));
}
showOverview();
showAddressed();
