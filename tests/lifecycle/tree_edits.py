"""Changes to the trees of a stack, and groups that pass into them, out of them and between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tests.lifecycle.drawing import Drawing
from tests.lifecycle.group_edits import GroupEdits, with_groups
from tests.lifecycle.plans import (
    FAIL,
    MOVE_TO_PARENT,
    UNASSIGN,
    GroupPlan,
    NodePlan,
    StackPlan,
    TreePlan,
    member_of_tree,
)

LOGICAL_IDS = ["T0", "T1"]
MOST_NODES = 7
POLICIES = [FAIL, MOVE_TO_PARENT, UNASSIGN]


@dataclass(frozen=True)
class TreeEdits:
    """Edits that are drawn; one that cannot be made gives the plan as it is, or one unsound."""

    draw: Drawing

    def any(self) -> Callable[[StackPlan], StackPlan]:
        """One of them, the more often the more it happens."""
        return self.draw.one_of(
            self.add,
            self.remove,
            self.add_node,
            self.add_node,
            self.remove_node,
            self.rename,
            self.rename,
            self.rename_as_another,
            self.move_node,
            self.move_node,
            self.retag_node,
            self.retag,
            self.swap_names,
            self.swap_with_parent,
            self.set_policy,
            self.set_policy_of_node,
            self.set_adoption,
            self.move,
            self.hand_over,
            self.pass_to_another,
            self.take_in,
            self.take_in,
            self.let_out,
            self.let_out,
        )

    # whole trees --------------------------------------------------------------------------------

    def add(self, plan: StackPlan) -> StackPlan:
        """One more tree, of one group."""
        free = self._free(plan)
        if not free:
            return plan
        node = NodePlan(self.draw.name(), tags=self.draw.tags())
        tree = TreePlan(
            {self._key(node.name): node},
            parent=self.draw.parent(plan),
            tags=self.draw.tags(),
            adopt=self.draw.flag(),
            on_delete=self.draw.text([FAIL, UNASSIGN]),
        )
        return with_trees(plan, **{self.draw.text(free): tree})

    def remove(self, plan: StackPlan) -> StackPlan:
        """A tree less, and what is below its groups."""
        tree_id = self._tree(plan)
        if tree_id is None:
            return plan
        for key in plan.trees[tree_id].nodes:
            if member_of_tree(tree_id, key) in plan.members:
                plan = plan.without(member_of_tree(tree_id, key))
        return replace(plan, trees={n: tree for n, tree in plan.trees.items() if n != tree_id})

    def retag(self, plan: StackPlan) -> StackPlan:
        """Other tags of all groups of a tree."""
        return self._changed(plan, tags=self.draw.tags())

    def set_policy(self, plan: StackPlan) -> StackPlan:
        """Another policy about agents, for nodes that say nothing else."""
        return self._changed(plan, on_delete=self.draw.text(POLICIES))

    def set_adoption(self, plan: StackPlan) -> StackPlan:
        """The other way round."""
        return self._changed(plan, adopt=self.draw.flag())

    def move(self, plan: StackPlan) -> StackPlan:
        """The whole tree to another parent."""
        return self._changed(plan, parent=self.draw.parent(plan))

    def hand_over(self, plan: StackPlan) -> StackPlan:
        """The same groups in a tree of another logical id."""
        former, free = self._tree(plan), self._free(plan)
        if former is None or not free:
            return plan
        name = self.draw.text(free)
        trees = {name if n == former else n: tree for n, tree in plan.trees.items()}
        keys = {key: key for key in plan.trees[former].nodes}
        return replace(plan, trees=trees).repointed(_members(former, name, keys))

    # nodes --------------------------------------------------------------------------------------

    def add_node(self, plan: StackPlan) -> StackPlan:
        """One more group in a tree."""
        tree_id = self._tree(plan)
        if tree_id is None or len(plan.trees[tree_id].nodes) >= MOST_NODES:
            return plan
        tree = plan.trees[tree_id]
        node = NodePlan(
            name=self.draw.name(),
            parent=self.draw.text_or_none(sorted(tree.nodes)),
            tags=self.draw.tags(),
        )
        key = self._key(tree.default_key(node))
        return plan if key in tree.nodes else _with_nodes(plan, tree_id, {key: node})

    def remove_node(self, plan: StackPlan) -> StackPlan:
        """A group of a tree less, and those below it."""
        tree_id, key = self._node(plan)
        return plan if key is None else plan.without(member_of_tree(tree_id, key))

    def rename(self, plan: StackPlan) -> StackPlan:
        """Another name under the same key."""
        return self._changed_node(plan, name=self.draw.name())

    def rename_as_another(self, plan: StackPlan) -> StackPlan:
        """Another name without a word about the key: then it is another group."""
        tree_id, key = self._node(plan)
        if key is None:
            return plan
        tree = plan.trees[tree_id]
        node = replace(tree.nodes[key], name=self.draw.name())
        return _rekeyed(plan, tree_id, key, node, tree.default_key(node))

    def retag_node(self, plan: StackPlan) -> StackPlan:
        """Other tags of one group."""
        return self._changed_node(plan, tags=self.draw.tags())

    def set_policy_of_node(self, plan: StackPlan) -> StackPlan:
        """Another policy about the agents of one group, or none of its own."""
        return self._changed_node(plan, on_delete=self.draw.text_or_none(POLICIES))

    def move_node(self, plan: StackPlan) -> StackPlan:
        """A group and all below it to another place in its tree."""
        tree_id, key = self._node(plan)
        if key is None:
            return plan
        tree = plan.trees[tree_id]
        others = sorted(tree.nodes.keys() - tree.below(key))
        node = replace(tree.nodes[key], parent=self.draw.text_or_none(others))
        return _with_nodes(plan, tree_id, {key: node})

    def swap_names(self, plan: StackPlan) -> StackPlan:
        """Two groups of a tree exchange their names."""
        tree_id, one = self._node(plan)
        if one is None:
            return plan
        nodes = plan.trees[tree_id].nodes
        other = self.draw.text(sorted(nodes))
        return _with_nodes(
            plan,
            tree_id,
            {
                one: replace(nodes[one], name=nodes[other].name),
                other: replace(nodes[other], name=nodes[one].name),
            },
        )

    def swap_with_parent(self, plan: StackPlan) -> StackPlan:
        """A group of a tree and the one above it exchange their places."""
        tree_id, child = self._node(plan)
        parent = None if child is None else plan.trees[tree_id].nodes[child].parent
        if child is None or parent is None:
            return plan
        nodes = plan.trees[tree_id].nodes
        return _with_nodes(
            plan,
            tree_id,
            {
                child: replace(nodes[child], parent=nodes[parent].parent, on_delete=FAIL),
                parent: replace(nodes[parent], parent=child),
            },
        )

    # between constructs -------------------------------------------------------------------------

    def pass_to_another(self, plan: StackPlan) -> StackPlan:
        """A group of a tree and all below it into another tree."""
        tree_id, key = self._node(plan)
        others = sorted(plan.trees.keys() - {tree_id})
        if key is None or not others:
            return plan
        source, target_id = plan.trees[tree_id], self.draw.text(others)
        target = plan.trees[target_id]
        parent = self.draw.text_or_none(sorted(target.nodes))
        passing = {k: node for k, node in source.nodes.items() if k in source.below(key)}
        if passing.keys() & target.nodes.keys():
            return plan
        passing[key] = replace(passing[key], parent=parent)
        left = {k: node for k, node in source.nodes.items() if k not in passing}
        plan = with_trees(plan, **{tree_id: replace(source, nodes=left)})
        plan = _with_nodes(plan, target_id, passing)
        return plan.repointed(_members(tree_id, target_id, {k: k for k in passing}))

    def take_in(self, plan: StackPlan) -> StackPlan:
        """A single group as a node at the place that it has."""
        tree_id = self._tree(plan)
        if tree_id is None or not plan.groups:
            return plan
        tree, name = plan.trees[tree_id], self.draw.text(sorted(plan.groups))
        group = plan.groups[name]
        places: dict[str | None, str | None] = {tree.parent: None}
        places |= {member_of_tree(tree_id, key): key for key in tree.nodes}
        if group.parent not in places:
            return plan
        node = NodePlan(group.name, places[group.parent], group.tags, group.on_delete)
        key = self._key(tree.default_key(node))
        if key in tree.nodes:
            return plan
        groups = {n: other for n, other in plan.groups.items() if n != name}
        plan = _with_nodes(replace(plan, groups=groups), tree_id, {key: node})
        return plan.repointed({name: member_of_tree(tree_id, key)})

    def let_out(self, plan: StackPlan) -> StackPlan:
        """A group of a tree, with none of the tree below it, as a single one at its place."""
        tree_id, key = self._node(plan)
        free = GroupEdits.free(plan)
        if key is None or not free or len(plan.trees[tree_id].below(key)) > 1:
            return plan
        member, name = member_of_tree(tree_id, key), self.draw.text(free)
        group: GroupPlan = plan.members[member]
        tree = plan.trees[tree_id]
        nodes = {k: node for k, node in tree.nodes.items() if k != key}
        plan = with_trees(plan, **{tree_id: replace(tree, nodes=nodes)})
        return with_groups(plan, **{name: group}).repointed({member: name})

    # parts --------------------------------------------------------------------------------------

    def _key(self, default: str) -> str:
        """Of a new node: none is given, or one that says nothing of its name."""
        return self.draw.text([default, default, f"key {self.draw.number(0, 9)}"])

    def _tree(self, plan: StackPlan) -> str | None:
        return self.draw.text(sorted(plan.trees)) if plan.trees else None

    def _node(self, plan: StackPlan) -> tuple[str, str | None]:
        tree_id = self._tree(plan)
        if tree_id is None or not plan.trees[tree_id].nodes:
            return "", None
        return tree_id, self.draw.text(sorted(plan.trees[tree_id].nodes))

    @staticmethod
    def _free(plan: StackPlan) -> list[str]:
        return [name for name in LOGICAL_IDS if name not in plan.trees]

    def _changed(self, plan: StackPlan, **changes: object) -> StackPlan:
        tree_id = self._tree(plan)
        if tree_id is None:
            return plan
        changed: TreePlan = replace(plan.trees[tree_id], **changes)  # type: ignore[arg-type]
        return with_trees(plan, **{tree_id: changed})

    def _changed_node(self, plan: StackPlan, **changes: object) -> StackPlan:
        tree_id, key = self._node(plan)
        if key is None:
            return plan
        changed: NodePlan = replace(plan.trees[tree_id].nodes[key], **changes)  # type: ignore[arg-type]
        return _with_nodes(plan, tree_id, {key: changed})


def with_trees(plan: StackPlan, **trees: TreePlan) -> StackPlan:
    """The plan with these trees, new or changed."""
    return replace(plan, trees={**plan.trees, **trees})


def _with_nodes(plan: StackPlan, tree_id: str, nodes: Mapping[str, NodePlan]) -> StackPlan:
    tree = plan.trees[tree_id]
    return with_trees(plan, **{tree_id: replace(tree, nodes={**tree.nodes, **nodes})})


def _members(tree_id: str, other_id: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Which node of a tree is which of another, or of the same one by other keys."""
    return {
        member_of_tree(tree_id, k): member_of_tree(other_id, other) for k, other in keys.items()
    }


def _rekeyed(plan: StackPlan, tree_id: str, key: str, node: NodePlan, new_key: str) -> StackPlan:
    """The node under another key, and with it all below it that are not given theirs."""
    tree = plan.trees[tree_id]
    keys = {key: new_key}
    for one in sorted(tree.below(key), key=len):
        below = tree.nodes[one]
        if below.parent in keys and one == tree.default_key(below):
            keys[one] = f"{keys[below.parent]}/{below.name}"
    nodes = {
        keys.get(one, one): node
        if one == key
        else replace(other, parent=keys.get(other.parent or "", other.parent))
        for one, other in tree.nodes.items()
    }
    if len(nodes) < len(tree.nodes):
        return plan
    changed = with_trees(plan, **{tree_id: replace(tree, nodes=nodes)})
    return changed.repointed(_members(tree_id, tree_id, keys))
