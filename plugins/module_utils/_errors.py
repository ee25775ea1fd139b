# Copyright (c) 2026, arcfleet.apim contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

"""The one exception that the collection raises on purpose."""

from __future__ import annotations

import typing as t


class ApimError(Exception):
    """Something a person has to read: what went wrong, with which value, and what to do.

    The message never holds a secret. Only the outermost layer turns it into a failed task.

    :param message: whole sentences, ready to be shown.
    :param facts: more return values for the failed task, for example C(error) with Azure's code and correlation id.
    :ivar warnings: what was noticed before, and may be the cause.
    """

    def __init__(self, message: str, **facts: t.Any) -> None:
        super().__init__(message)
        self.facts = facts
        self.warnings: t.Sequence[str] = ()
