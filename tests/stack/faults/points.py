"""The words in which a fault is named: what is done, where, and at which of its steps something happens."""

from dataclasses import dataclass, field

OPERATIONS = ("begin", "sign", "complete", "refuse", "remove", "clear", "sweep", "reconcile", "release")
WORLDS = ("local", "s3")
# storage: one request to S3, or one call of the local storage. disk: one change that such a call makes in its folder.
# commit: one commit of the database, or one statement that commits by itself.
PLACES = ("storage", "disk", "commit")


@dataclass(frozen=True, slots=True)
class Point:
    """One fault.

    * `kill`: the process gets SIGKILL.
    * `error`: the step fails, and so do botocore's further attempts. `after` means that it has happened all the same.
    * `retry`: S3 has done what was asked, but its first answer is lost, and botocore asks again.
    * `meanwhile`: a completion that is under way in another process goes on at this very moment.

    `returns` says whether the visitor is still there afterwards, and tries again. `swap` names two steps of the
    product that are exchanged on purpose (swaps.py).
    """

    operation: str
    world: str
    mode: str
    when: str
    place: str
    number: int
    returns: bool = field(default=True, kw_only=True)
    swap: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        return f"{self.operation}-{self.world}-{self.mode}-{self.when}-{self.place}-{self.number}"
