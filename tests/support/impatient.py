"""gunicorn's settings of services/web, with less patience, for tests that wait until it ends."""

import runpy

from mayfly import bodies

bodies.PATIENCE = 0.5
bodies.MOST = 1.0

globals().update(runpy.run_path("../web/gunicorn.conf.py"))  # gunicorn runs in services/app
