// The groups as they stand in the page's data, each after the one above it.

const data = JSON.parse(document.getElementById("data").textContent);

/** The name of a level, from 1. */
const levelName = (level) => data.levels[level - 1];

/** A number with its noun: `1 group`, `1,200 groups`. */
const counted = (number, noun) =>
  `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

const groups = data.groups.map(
  ([id, name, parent, level, tags, owner, agents, marks], index) => ({
    index, id, name, parent, level, agents, marks,
    tags: Object.entries(tags),
    owner: owner && { stack: owner[0], resource: owner[1] },
    children: [],
    agentsBelow: agents.length,
    groupsBelow: 0,
    isGroup: true,
  }),
);

// Agents in no group get a line of their own, so that they are found like all others.
if (data.withoutGroup.length) {
  groups.push({
    index: groups.length, id: "", name: "In no group", parent: -1, level: 1,
    agents: data.withoutGroup, marks: [], tags: [], owner: null, children: [],
    agentsBelow: data.withoutGroup.length, groupsBelow: 0, isGroup: false,
  });
}

const roots = [];
for (const group of groups) {
  (group.parent < 0 ? roots : groups[group.parent].children).push(group.index);
}
for (let index = groups.length - 1; index >= 0; index -= 1) {
  const { parent, agentsBelow, groupsBelow } = groups[index];
  if (parent >= 0) {
    groups[parent].agentsBelow += agentsBelow;
    groups[parent].groupsBelow += groupsBelow + 1;
  }
}

/** The groups from level one down to this one, itself included. */
function pathOf(group) {
  const path = [];
  for (let at = group; at; at = groups[at.parent]) path.unshift(at);
  return path;
}

/** An element with a class and children; texts become text nodes, so no name is ever markup. */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
