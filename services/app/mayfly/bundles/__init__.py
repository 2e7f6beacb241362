"""Several uploads under one link: they are sent one by one, fetched together, and expire and disappear as one."""
