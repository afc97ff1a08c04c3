"""The limits of Amazon Connect that synth and the handlers both check.

Sources: the service model of Amazon Connect (lengths, tags) and "Amazon Connect service quotas"
(groups an instance).
"""

from __future__ import annotations

MAX_LEVELS = 5
MAX_LEVEL_NAME_LENGTH = 50
MAX_GROUP_NAME_LENGTH = 100

MAX_TAGS = 50
MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256

DEFAULT_GROUP_QUOTA = 500
"""Groups an instance over all levels, adjustable (quota code L-D68AAAE4)."""
