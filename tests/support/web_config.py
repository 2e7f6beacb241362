"""gunicorn's settings of services/web, for tests: COLLECTED is the folder of the static files.

With IMPATIENT, web waits less for bodies, for tests that wait until it gives up.
"""

import os
import runpy

from django.conf import settings

from mayfly import bodies

settings.STATIC_ROOT = os.environ["COLLECTED"]

if os.environ.get("IMPATIENT"):
    bodies.PATIENCE = 0.5
    bodies.MOST = 1.0

globals().update(runpy.run_path("../web/gunicorn.conf.py"))  # gunicorn runs in services/app
