"""hypothesis for these tests: the same examples in every run, and no deadline on a busy machine."""

from hypothesis import HealthCheck, Phase, settings

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
