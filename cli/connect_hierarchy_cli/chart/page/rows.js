// A row of the tree for a group.

const TAG_CHARACTERS_IN_A_ROW = 34;
const AGENTS_IN_A_ROW = 60;

/** The text apart from what is around it: a right-to-left name turns nothing else round. */
const apart = (...nodes) => element("bdi", "", ...nodes);

const markBadge = ([change, text]) => element("span", `mark mark-${change}`, apart(text));

/** Names one after the other; `more` of them are only counted. */
function namesLine(names, more, words) {
  const line = element("span", "people");
  names.forEach((name, number) => {
    if (number) line.append(", ");
    line.append(apart(...marked(name, words)));
  });
  if (more) line.append(` and ${more.toLocaleString("en")} more`);
  return line;
}

/**
 * The row of a group.
 *
 * @param view words to mark, whether agents are named, whether it is complete (for printing)
 */
function makeRow(group, view) {
  const row = element("li");
  row.id = `row-${group.index}`;
  row.setAttribute("role", "treeitem");
  row.setAttribute("aria-level", group.level);
  row.tabIndex = -1;
  row.group = group;
  if (group.marks.some(([change]) => change === "removed")) row.classList.add("gone");
  if (state.result && !state.result.found.has(group.index)) row.classList.add("context");

  const name = apart(...marked(group.name, view.words));
  name.className = group.isGroup ? "name" : "name odd";
  const label = element("span", "label", name, ...group.marks.flatMap((mark) => [" ", markBadge(mark)]));
  const twisty = element("span", "twisty");
  twisty.setAttribute("aria-hidden", "true");

  const shown = view.complete ? group.tags : tagsThatFit(group.tags);
  const tags = element("span", "tags", ...shown.map(([key, value]) =>
    element("span", "tag", apart(key), " ", apart(value))));
  tags.title = group.tags.map(([key, value]) => `${key}: ${value}`).join("\n");
  if (shown.length < group.tags.length) {
    tags.append(element("span", "tag more", `+${group.tags.length - shown.length}`));
  }
  const owner = element("span", "owner", group.owner ? apart(group.owner.stack) : "");
  if (group.owner) owner.title = `${group.owner.stack} / ${group.owner.resource}`;
  if (view.complete && group.owner) owner.append(" / ", apart(group.owner.resource));

  // In the order in which a screen reader says them; the grid puts the agents last.
  row.append(
    element("span", "what", twisty, label),
    agentCount(group),
    element("span", "level", group.isGroup ? levelName(group.level) : ""),
    tags,
    owner,
  );
  const people = peopleOf(group, view);
  if (people) row.append(people);
  return row;
}

/** The first tags, as many as a row has room for, at least one. */
function tagsThatFit(tags) {
  let characters = 0;
  const end = tags.findIndex(([key, value], number) => {
    characters += key.length + value.length + 2;
    return number > 0 && characters > TAG_CHARACTERS_IN_A_ROW;
  });
  return end < 0 ? tags : tags.slice(0, end);
}

function agentCount(group) {
  const here = group.agents.length;
  const count = element("span", here || group.agentsBelow ? "agents" : "agents none");
  count.append(
    element("b", "", here.toLocaleString("en")),
    element("span", "unseen", here === 1 ? " agent" : " agents"),
  );
  if (group.agentsBelow > here) {
    count.append(element("small", "", " ", group.agentsBelow.toLocaleString("en"), element("span", "unit", " in all")));
  }
  return count;
}

function peopleOf(group, view) {
  const found = view.words.length ? group.agentsFound ?? [] : [];
  const names = view.agents || view.complete ? group.agents : found;
  if (!names.length) return null;
  if (view.complete) return namesLine(names, 0, view.words);
  // Those that were searched for come first.
  const first = [...new Set([...found, ...names])].slice(0, AGENTS_IN_A_ROW);
  return namesLine(first, names.length - first.length, view.words);
}
