"""The worker process."""

from __future__ import annotations

from services.kit.adapters import open_blobs, open_database
from services.kit.database.schema import check_schema
from services.kit.egress import Egress
from services.kit.retry import retrying
from services.kit.runtime import Runtime, run
from services.worker.handler import open_worker
from services.worker.settings import Settings

__all__ = ["main", "serve"]


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Do the jobs that Celery hands out, or without a broker all that there are, until cancelled."""
    database = await runtime.enter(open_database(settings.database))
    await retrying(lambda: check_schema(database))
    async with open_worker(
        settings,
        database=database,
        blobs=await runtime.enter(open_blobs(settings.blobs)),
        egress=Egress(settings.egress),
        clock=runtime.clock,
        telemetry=runtime.telemetry,
    ) as worker:
        runtime.ready()
        if not settings.jobs.broker_url.get_secret_value():
            await worker.run_embedded()
            return
        from services.worker.adapters.celery import run_celery  # an embedded worker never loads Celery

        await run_celery(worker.schedule, settings.jobs)


def main() -> None:
    """Run the service until it is asked to end."""
    run("worker", Settings, serve)


if __name__ == "__main__":
    main()
