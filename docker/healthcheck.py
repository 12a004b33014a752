"""Asks a service whether it is ready; exits with 1 when it is not. `healthcheck.py [URL]`"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8081/readyz"
try:
    urllib.request.urlopen(url, timeout=3).close()
except (urllib.error.URLError, OSError) as error:
    sys.exit(f"{url}: {error}")
