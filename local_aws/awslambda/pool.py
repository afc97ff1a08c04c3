"""The warm containers: whether an event takes a free one, starts one, or waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from local_aws.awslambda.configuration import FunctionConfiguration
from local_aws.awslambda.container import Container
from local_aws.clock import Clock

# Lambda's limit for loading a handler; after it, loading starts again within the timeout.
INIT_SECONDS = 10.0
# Seconds after which an idle container is ended.
IDLE_SECONDS = 300.0


class PoolStoppedError(RuntimeError):
    """The pool was stopped, so there are no more containers."""


class ContainerPool:
    """All containers of a local Lambda.

    Only one container per processor starts at a time: on Lambda they do not slow each other down,
    but here many at once would not load within `INIT_SECONDS`. An event that waits to start one
    takes a container that becomes free in the meantime.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._starting = 0
        self._starting_at_once = os.cpu_count() or 1
        self._idle: list[tuple[Container, float]] = []
        self._containers: set[Container] = set()
        self._stopped = False

    def acquire(
        self, configuration: FunctionConfiguration, start: Callable[[], Container]
    ) -> Container:
        """Return a container for one event; `release` it afterwards.

        It has loaded its handler, or failed to load it, or was too slow and loads it again.

        Args:
            configuration: the configuration of the container; free containers of the same function
                with another one are ended.
            start: starts one.

        Raises:
            PoolStoppedError: the pool was stopped.
        """
        self._end_outdated(configuration)
        with self._changed:
            self._changed.wait_for(lambda: self._can_go_on(configuration))
            if self._stopped:
                raise PoolStoppedError
            for index in reversed(range(len(self._idle))):
                if self._idle[index][0].configuration == configuration:
                    return self._idle.pop(index)[0]
            self._starting += 1
        try:
            container = self._started(start)
            if not container.wait_ready(INIT_SECONDS):
                container.give_up_init()
                self._end(container)
                container = self._started(start)
        finally:
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()
        return container

    def release(self, container: Container) -> None:
        """Take back a container, for the next event if it can serve one."""
        with self._changed:
            if container.usable and not self._stopped:
                self._idle.append((container, self._clock.now()))
                self._changed.notify_all()
                return
        self._end(container)

    def stop(self) -> None:
        """End all containers, even during an event; idempotent."""
        with self._changed:
            self._stopped = True
            self._idle.clear()
            containers = list(self._containers)
            self._changed.notify_all()
        for container in containers:
            self._end(container)

    def _can_go_on(self, configuration: FunctionConfiguration) -> bool:
        return (
            self._stopped
            or self._starting < self._starting_at_once
            or any(container.configuration == configuration for container, _ in self._idle)
        )

    def _end_outdated(self, configuration: FunctionConfiguration) -> None:
        oldest = self._clock.now() - IDLE_SECONDS

        def outdated(container: Container, since: float) -> bool:
            other = container.configuration
            replaced = other.arn == configuration.arn and other != configuration
            return replaced or since < oldest or not container.usable

        with self._changed:
            gone = [container for container, since in self._idle if outdated(container, since)]
            self._idle = [entry for entry in self._idle if entry[0] not in gone]
        for container in gone:
            self._end(container)

    def _started(self, start: Callable[[], Container]) -> Container:
        container = start()
        with self._changed:
            self._containers.add(container)
            stopped = self._stopped
        if stopped:
            self._end(container)
            raise PoolStoppedError
        return container

    def _end(self, container: Container) -> None:
        container.end()
        with self._changed:
            self._containers.discard(container)
