"""The names of a fault: the operation, the world, and the step at which it happens."""

from dataclasses import dataclass, field

OPERATIONS = (
    *("begin", "sign", "complete", "clean", "refuse", "remove", "clear", "sweep", "reconcile", "release"),
    *("beginbundle", "completebundle", "removebundle"),
)
WORLDS = ("local", "s3")
# storage: one request to S3, or one call of the folder storage. disk: one change that such a call makes in its folder.
# commit: one commit of the database, or one statement outside of a transaction.
PLACES = ("storage", "disk", "commit")


@dataclass(frozen=True, slots=True)
class Point:
    """One fault.

    * `kill`: the process gets SIGKILL.
    * `error`: the step fails, and so do botocore's further attempts. `after`: it happens, and its answer fails.
    * `retry`: S3 does the step, but its first answer is lost, and botocore asks again.
    * `meanwhile`: a completion in another process goes on at this moment.

    `returns` says whether the visitor comes back afterwards and tries again. `swap` names two steps of the product that
    swaps.py exchanges.
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
