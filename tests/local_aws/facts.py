"""The known facts about AWS that the local AWS must have, by which its conformance is measured.

Each fact has at least one mutant, which switches its behaviour off, and names the test that fails.
If behaviour of AWS is not documented, the fact has the positions of a switch. Then there is a
mutant for each position, in which the switch is stuck, and some test fails for each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One fact.

    Args:
        name: what mutants refer to it by; those of CloudFormation begin with the point's number.
        says: what AWS does.
        positions: what it may do if that is not documented.
    """

    name: str
    says: str
    positions: tuple[str, ...] = ()


CLOUDFORMATION = (
    Fact("1 fields", "which fields the three requests have"),
    Fact("1 asynchronous", "the function is invoked as an event: nobody waits for its return"),
    Fact("1 twice", "an event can be delivered twice, also at the same time"),
    Fact("1 retries", "after a crash or a time-out it runs again after one and two more minutes"),
    Fact("1 age", "an event is dropped at its maximum age, after six hours if none is set"),
    Fact("2 PUT", "the answer is one HTTPS PUT at the ResponseURL, of which the first counts"),
    Fact("2 echo", "it repeats the three ids of the request; FAILED needs a Reason"),
    Fact("2 physical id", "1 to 1024 bytes"),
    Fact("2 size", "an answer has at most 4096 bytes"),
    Fact("2 ServiceTimeout", "how long it waits: 1 to 3600 seconds, 3600 if none is given"),
    Fact("3 strings", "every scalar arrives as a string"),
    Fact("3 ServiceTimeout", "it is a property: another one alone is an Update"),
    Fact("4 difference", "an Update comes only where the resolved properties differ"),
    Fact("4 replacement", "another id: the old one is deleted, by its old properties, at the end"),
    Fact("4 abandoned", "a Delete of the clean-up is tried a few times; the update has gone well"),
    Fact("5 reverse", "a failed creation is deleted in reverse order, what failed included"),
    Fact("5 failed id", "what failed is deleted by the id of its answer"),
    Fact("5 made-up id", "a Create without an answer is deleted by an invented id"),
    Fact("5 cancelled", "work under way when another fails is cancelled, and may still run"),
    Fact("6 updates first", "a failed update is taken back by Updates, the failed one included"),
    Fact("6 deletes last", "all Deletes come after those, also of what the update made"),
    Fact("6 rollback fails", "UPDATE_ROLLBACK_FAILED, to be continued, with resources to skip"),
    Fact("7 reversed id", "which id the Update that takes a replacement back has", ("new", "old")),
    Fact("7 other id", "when it answers the original id, the other one is deleted"),
    Fact("7 failed id", "the id in the answer of a failed Update counts too"),
    Fact("8 order", "a stack is deleted in reverse dependency order"),
    Fact("8 failure", "a Delete that fails leaves DELETE_FAILED"),
    Fact("9 Retain", "sends no Delete"),
    Fact("9 operation", "an operation with RetainExceptOnCreate deletes retained ones it made"),
    Fact("9 RetainExceptOnCreate", "is deleted only where its own creation is rolled back"),
    Fact("9 UpdateReplacePolicy", "Retain keeps what was replaced; DeletionPolicy does not"),
    Fact("10 parallel", "independent resources run at the same time, dependent ones wait"),
    Fact("10 limit", "a template has at most 500 resources"),
    Fact("10 cycles", "a template has no cycles"),
    Fact("11 ServiceToken", "never changes on a deployed resource"),
    Fact("12 late", "a policy may not work for a while after it was attached"),
    Fact("12 early", "a policy goes before a Delete that needs it, unless that depends on it"),
    Fact("12 updated", "an updated policy has lost its old statements before the clean-up"),
    Fact("13 size", "the largest event", ("256 KB", "1 MB")),
    Fact("15 LastUpdatedTime", "whether a rollback changes it", ("stays", "changes")),
    Fact(
        "20 replaced",
        "whether a rollback sends what was replaced an Update, or its new id a Delete alone",
        ("update", "delete"),
    ),
    Fact("20 progress", "whether resource records show work in progress", ("shown", "hidden")),
    Fact("20 clean-up", "which id a record shows during the clean-up", ("present", "deleted")),
    Fact("20 date", "whether a ResponseURL says when it was signed", ("dated", "undated")),
)

CONNECT = (
    Fact("structure", "an instance has up to five levels, a new one none"),
    Fact("level name", "1 to 50 characters; botocore sends any"),
    Fact("group name", "1 to 100 characters; botocore sends any"),
    Fact("group", "whole: LevelId, path with the group itself, tags; the parent only in the path"),
    Fact("group ARN", "<instance arn>/agent-group/<id>"),
    Fact("level ARN", "<instance arn>/agent-group-level/<n>"),
    Fact("ARNs as ids", "path parameters and ParentGroupId take ARNs, of the same instance only"),
    Fact("InstanceId", "at most 100 characters"),
    Fact("search values", "whether searches take ARNs as values", ("ids", "ARNs")),
    Fact("InstanceId of searches", "whether it may be an ARN", ("id", "ARN")),
    Fact("quota", "500 groups an instance over all levels, or what the account has"),
    Fact("quota is told", "by Service Quotas, for an instance by its ARN, or for the account"),
    Fact("tags", "at most 50, keys to 128, values to 256 characters, none of aws:"),
    Fact("empty tags", "a map of tags has at least one"),
    Fact("taggable", "groups take tags, levels do not"),
    Fact("tag values", "which characters they may have", ("any", "some")),
    Fact(
        "UpdateUserHierarchyStructure", "replaces all: what is left out goes, if it is not in use"
    ),
    Fact("DescribeUserHierarchyStructure", "id, ARN, name and time of each level"),
    Fact("CreateUserHierarchyGroup", "fails without levels, misleadingly, and below the lowest"),
    Fact("UpdateUserHierarchyGroupName", "in place; a taken name is a Duplicate"),
    Fact("DeleteUserHierarchyGroup", "not while an agent or a child is attached"),
    Fact("DescribeUserHierarchyGroup", "one group, whole"),
    Fact("ListUserHierarchyGroups", "summaries, 100 a page if not said, up to 1000"),
    Fact("SearchUserHierarchyGroups", "whole groups, up to 100 a page, by four fields and tags"),
    Fact("hidden root", "a group search answers one more, of level 0"),
    Fact("search lag", "searches lag behind writes"),
    Fact("SearchUsers", "by group, with or without those below, up to 500 a page"),
    Fact("UpdateUserHierarchy", "moves an agent, and without a group takes it out of its own"),
    Fact("TagResource", "adds tags and changes values, by ARN"),
    Fact("UntagResource", "takes tags away"),
    Fact("ResourceInUse", "its two members are at the top of the answer"),
    Fact("ResourceId", "what it names the blocker by", ("id", "ARN")),
    Fact("throttling", "TooManyRequestsException, 429, though the calls do not declare it"),
    Fact("LimitExceeded", "429 too, so botocore tries it again"),
    Fact("no client token", "a Create that was tried again meets its own group as a Duplicate"),
    Fact("duplicates", "among which groups a name may be there once", ("siblings", "instance")),
    Fact("level gaps", "whether a level may be missing above another", ("refused", "allowed")),
    Fact("equal level names", "whether two levels may have one", ("refused", "allowed")),
    Fact("characters of names", "which there may be", ("any", "some")),
    Fact("security profiles", "whether one holds the group that it names", ("no", "yes")),
    Fact("id or ARN", "a security profile wants an id, CloudFormation's user an ARN"),
    Fact("pace", "2 requests a second, burst 5, for each API by itself, over all instances"),
    Fact("consistency", "what was made is not found for a while, what went is still in use"),
    Fact("tags of AWS", "whether aws: ones are answered", ("hidden", "shown")),
    Fact("current users", "who is on a contact now, of one group at a time"),
    Fact("IAM of groups", "the ARN that a call about a group is checked for"),
    Fact("IAM of searches", "they need the actions of what they answer too"),
    Fact("IAM of tags", "a Create with tags needs TagResource"),
)

DYNAMODB = (
    Fact("transactions", "all writes or none"),
    Fact("ClientRequestToken", "makes a transaction idempotent for ten minutes"),
    Fact("ConsistentRead", "without it reads may lag behind writes, for a time nobody documents"),
    Fact("throttled items", "which of two errors it is", ("throttling", "throughput")),
    Fact("conflicts", "a write is refused while another transaction is at the item"),
    Fact("faults of DynamoDB", "a 500 and a lost connection can come after the effect"),
    Fact("IAM of transactions", "they need the actions of the writes in them"),
    Fact("tables", "which changes keep a stack's table, and which make another"),
)
