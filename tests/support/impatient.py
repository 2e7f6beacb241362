"""gunicorn's settings of services/web, with less patience, for tests that wait until it ends.

COLLECTED is the folder of the static files.
"""

import os
import runpy

from django.conf import settings

from mayfly import bodies

settings.STATIC_ROOT = os.environ["COLLECTED"]

bodies.PATIENCE = 0.5
bodies.MOST = 1.0

globals().update(runpy.run_path("../web/gunicorn.conf.py"))  # gunicorn runs in services/app
