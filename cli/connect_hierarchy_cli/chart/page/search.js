// Which groups a search finds, and where in a text the found words stand.

/** Letters without case and accents: `Zurich` finds `Zürich`. */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

for (const group of groups) {
  group.words = plain(
    [
      group.name,
      group.id,
      ...group.tags.flat(),
      ...group.marks.map(([, text]) => text),
      ...(group.owner ? [group.owner.stack, group.owner.resource] : []),
    ].join("\n"),
  );
  group.agentWords = plain(group.agents.join("\n"));
}

/** The words of a query, each of which has to be found. */
const wordsOf = (query) => plain(query).split(/\s+/).filter(Boolean);

/**
 * What a search finds.
 *
 * @returns the groups found, those to show (with all above them), and how many agents were found;
 *   null if nothing is asked for.
 */
function search(query, owner, changesOnly) {
  const words = wordsOf(query);
  if (!words.length && !owner && !changesOnly) return null;
  const found = new Set();
  const toShow = new Set();
  let agents = 0;
  for (const group of groups) {
    if (changesOnly && !group.marks.length) continue;
    if (owner && owner !== (group.owner ? `in ${group.owner.stack}` : group.isGroup && "none")) {
      continue;
    }
    const inAgents = words.filter((word) => !group.words.includes(word));
    if (!inAgents.every((word) => group.agentWords.includes(word))) continue;
    group.agentsFound = inAgents.length
      ? group.agents.filter((agent) => inAgents.every((word) => plain(agent).includes(word)))
      : [];
    if (inAgents.length && !group.agentsFound.length) continue;
    agents += group.agentsFound.length;
    found.add(group.index);
    for (let at = group; at && !toShow.has(at.index); at = groups[at.parent]) toShow.add(at.index);
  }
  return { words, found, toShow, agents };
}

/** The text as nodes, with each of the words marked. */
function marked(text, words) {
  if (!words.length) return [text];
  // Each character stands alone, so that a place in the plain text leads back to the text itself.
  const characters = Array.from(text);
  const starts = [];
  let folded = "";
  characters.forEach((character, number) => {
    const part = plain(character);
    for (let at = 0; at < part.length; at += 1) starts.push(number);
    folded += part;
  });
  const isFound = new Array(characters.length).fill(false);
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
      for (let one = at; one < at + word.length; one += 1) isFound[starts[one]] = true;
    }
  }
  const nodes = [];
  for (let from = 0; from < characters.length; ) {
    let to = from;
    while (to < characters.length && isFound[to] === isFound[from]) to += 1;
    const part = characters.slice(from, to).join("");
    nodes.push(isFound[from] ? element("mark", "", part) : part);
    from = to;
  }
  return nodes;
}
