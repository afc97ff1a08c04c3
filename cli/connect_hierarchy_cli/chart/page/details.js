// What is known of one group, or of all of them while none is chosen.

const AGENTS_AT_FIRST = 200;
const panel = document.getElementById("details");

function definition(list, term, ...what) {
  list.append(element("dt", "", term), element("dd", "", ...what));
}

/** A text to take along, with a button that copies it. */
function copyable(what, text) {
  const code = element("code", "", apart(text));
  const button = element("button", "copy", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      say(`${what} copied`);
    } catch {
      say(`This browser does not let the page copy: the ${what} is selected, copy it by hand`);
    }
  });
  return [code, button];
}

function closeButton() {
  const button = element("button", "close", "×");
  button.type = "button";
  button.setAttribute("aria-label", "Close the details");
  button.addEventListener("click", closeDetails);
  return button;
}

/** Show a group in the panel. */
function showDetails(group) {
  const words = state.result?.words ?? [];
  const path = pathOf(group).slice(0, -1);
  const title = element("h2", "", apart(...marked(group.name, words)));
  title.tabIndex = -1;
  title.id = "details-title";
  const above = element("p", "path", ...path.map((one) => apart(one.name)));
  if (!path.length) above.textContent = group.isGroup ? "Top of the hierarchy" : "Agents";
  panel.className = "details";
  panel.replaceChildren(element("div", "top", above, closeButton()), title);
  if (group.marks.length) panel.append(element("div", "marks", ...group.marks.map(markBadge)));

  const facts = element("dl", "facts");
  if (group.isGroup) {
    definition(facts, "Level", `${levelName(group.level)}`, element("span", "aside", ` · ${group.level} of ${data.levels.length}`));
    if (group.owner) {
      definition(facts, "Owner", apart(group.owner.stack), element("span", "aside", " / "), apart(group.owner.resource));
    } else {
      definition(facts, "Owner", element("span", "aside", "no stack of this library"));
    }
  }
  const below = group.agentsBelow - group.agents.length;
  definition(facts, "Agents", counted(group.agents.length, "agent"), element("span", "aside", below ? ` and ${below.toLocaleString("en")} in the groups below` : ""));
  if (group.groupsBelow) definition(facts, "Below", counted(group.groupsBelow, "group"));
  if (group.isGroup && !group.marks.some(([change]) => change === "added")) {
    definition(facts, "Id", ...copyable("id", group.id));
    definition(facts, "ARN", ...copyable("ARN", `${data.arn}/agent-group/${group.id}`));
  }
  panel.append(facts);

  if (group.tags.length) {
    const pairs = element("dl", "pairs");
    for (const [key, value] of group.tags) {
      definition(pairs, apart(...marked(key, words)), apart(...marked(value, words)));
    }
    panel.append(element("h3", "", `Tags (${group.tags.length})`), pairs);
  }
  if (group.agents.length) {
    panel.append(element("h3", "", `Agents (${group.agents.length.toLocaleString("en")})`), agentList(group, words));
  }
  panel.scrollTop = 0;
}

function agentList(group, words) {
  const list = element("ul", "names");
  const fill = (agents) => list.append(...agents.map((one) => element("li", "", apart(...marked(one, words)))));
  fill(group.agents.slice(0, AGENTS_AT_FIRST));
  if (group.agents.length <= AGENTS_AT_FIRST) return list;
  const more = element("button", "button", `Show all ${group.agents.length.toLocaleString("en")} agents`);
  more.type = "button";
  more.addEventListener("click", () => {
    fill(group.agents.slice(AGENTS_AT_FIRST));
    more.remove();
  });
  return element("div", "", list, more);
}

/** Show levels and owners in the panel. */
function showOverview() {
  const real = groups.filter((group) => group.isGroup);
  const sum = (some) => [some.length, some.reduce((all, group) => all + group.agents.length, 0)];
  panel.className = "details overview";
  const title = element("h2", "", "Overview");
  title.id = "details-title";
  panel.replaceChildren(
    title,
    element("h3", "", "Levels"),
    figures("Level", data.levels.map((name, at) => [apart(name), ...sum(real.filter((group) => group.level === at + 1))])),
  );
  const stacks = [...new Set(real.map((group) => group.owner?.stack ?? ""))].sort((one, other) => !one - !other || one.localeCompare(other));
  panel.append(
    element("h3", "", "Owners"),
    figures("Stack", stacks.map((stack) => [
      stack ? apart(stack) : element("span", "aside", "no stack of this library"),
      ...sum(real.filter((group) => (group.owner?.stack ?? "") === stack)),
    ])),
    element("p", "hint", "Choose a group to see its tags, its agents and its id."),
  );
}

function figures(what, lines) {
  const head = element("tr", "", ...[what, "Groups", "Agents"].map((text) => {
    const cell = element("th", "", text);
    cell.scope = "col";
    return cell;
  }));
  const body = lines.map(([name, ...numbers]) => {
    const first = element("th", "", name);
    first.scope = "row";
    return element("tr", "", first, ...numbers.map((number) => element("td", "", number.toLocaleString("en"))));
  });
  return element("table", "table", element("thead", "", head), element("tbody", "", ...body));
}
