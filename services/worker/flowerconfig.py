"""Flower as we run it: it shows the tasks, keeps them over a restart, and changes nothing. Flower runs this file.

Its names are Flower's options. `start flower --read_only=False` takes one back, as every option after the role does.
"""

import os

from flower import urls
from flower.app import Flower
from flower.views.broker import BrokerView
from flower.views.monitor import Metrics
from tornado.web import authenticated

address, port = "0.0.0.0", 5555  # noqa: S104  (of its container)
# Its login opens no way to end a worker, to revoke a task or to send one: Flower answers 403.
read_only = True
# Threads that ask the workers. Each takes two connections to Redis, and `start` allows so many: if all threads had one
# and waited for their second, Flower would ask nothing more until its end. Its default is five, and one a core.
Flower.max_workers = 3
# Beat sends 10,000 tasks in about ten hours. Flower's default of 100,000 outgrows a small container.
max_tasks = 10_000
# The sentence that a task returns tells a preview from an idle search; without it the list shows names only.
tasks_columns = "name,state,result,received,runtime,worker"
# A volume of Compose's, where there is one. Elsewhere nothing outlasts the container.
persistent = True
db = "/mayfly/flower/tasks" if os.access("/mayfly/flower", os.W_OK) else "/tmp/flower"  # noqa: S108
state_save_interval = 60_000  # ms. It is also saved at SIGTERM, so only a crash loses a minute


class MetricsBehindLogin(Metrics):
    """Flower's own has no login, and names every worker and task."""

    @authenticated
    async def get(self):
        await super().get()


class BrokerOfAllQueues(BrokerView):
    """Flower's own shows the queues of the workers that have answered so far."""

    def get_active_queue_names(self):
        routes = self.capp.conf.task_routes or {}
        ours = {self.capp.conf.task_default_queue, *(route["queue"] for route in routes.values())}
        return sorted({*super().get_active_queue_names(), *ours})


urls.handlers[:0] = [(r"/metrics", MetricsBehindLogin), (r"/broker", BrokerOfAllQueues)]  # the first match counts
