import asyncio

import httpx2
import pytest
from conftest import MakeSettings
from sample.main import build

from kit.shedding import Gate
from kit.testing import in_process


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def full(limit: int, queue: int, wait_s: float, time: Time | None = None) -> Gate:
    gate = Gate(limit, queue, wait_s, time or Time())
    assert all(gate.admit() for _ in range(limit))
    return gate


async def test_nobody_waits_while_there_is_room() -> None:
    gate = full(2, 10, 5.0)
    assert not gate.admit()
    gate.leave()
    assert gate.admit()
    assert gate.in_flight == 2


async def test_a_place_goes_to_the_one_that_waits_longest() -> None:
    gate = full(1, 10, 5.0)
    order: list[int] = []

    async def work(number: int) -> None:
        assert await gate.wait()
        order.append(number)
        gate.leave()

    tasks = [asyncio.create_task(work(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert gate.queued == 3
    gate.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert (gate.in_flight, gate.queued) == (0, 0)


async def test_the_queue_is_short() -> None:
    gate = full(1, 2, 5.0)
    tasks = [asyncio.create_task(gate.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not await gate.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gate.leave()
    assert (gate.in_flight, gate.queued) == (0, 0)


async def test_a_wait_ends() -> None:
    gate = full(1, 10, 0.05)
    assert await asyncio.gather(*(gate.wait() for _ in range(5))) == [False] * 5
    assert (gate.in_flight, gate.queued) == (1, 0)


async def test_in_a_standing_queue_nobody_waits_long() -> None:
    time = Time()
    gate = full(1, 10, 30.0, time)
    first = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    time.now = 31.0
    async with asyncio.timeout(10):
        assert not await gate.wait()
    gate.leave()
    assert await first
    burst = asyncio.create_task(gate.wait())  # the queue has been empty
    await asyncio.sleep(1.6)
    assert not burst.done()
    gate.leave()
    assert await burst


async def test_a_place_is_lost_with_no_one_that_gives_up() -> None:
    gate = full(1, 10, 5.0)
    task = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    gate.leave()  # the place is the task's from now on
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gate.in_flight == 0


@pytest.mark.parametrize(("queue_ms", "expected"), [(50, {200, 503}), (3000, {200})])
async def test_a_busy_service_queues_and_sheds(
    make_settings: MakeSettings, queue_ms: int, expected: set[int]
) -> None:
    settings = make_settings(max_in_flight=2, max_queued=6, queue_ms=queue_ms)
    async with in_process(build(settings)) as client:
        slow = [client.get("/v1/oddities/slow", params={"seconds": 0.3}) for _ in range(8)]
        task = asyncio.gather(*slow)
        await asyncio.sleep(0.1)
        assert (await client.get("/livez")).status_code == 200  # probes pass
        answers = await task
        assert {answer.status_code for answer in answers} == expected
        for refused in (answer for answer in answers if answer.status_code == 503):
            assert refused.headers["Retry-After"] == "1"
        assert (await client.get("/v1/oddities/slow?seconds=0")).status_code == 200


async def test_too_many_are_sent_away_at_once(make_settings: MakeSettings) -> None:
    settings = make_settings(max_in_flight=1, max_queued=1, queue_ms=2000)
    async with in_process(build(settings)) as client:

        async def ask() -> tuple[int, float]:
            answer = await client.get("/v1/oddities/slow", params={"seconds": 0.5})
            return answer.status_code, answer.elapsed.total_seconds()

        answers = await asyncio.gather(*(ask() for _ in range(10)))
    assert [status for status, _ in answers].count(200) == 2
    assert all(seconds < 0.4 for status, seconds in answers if status == 503)


async def test_time_in_the_queue_is_the_requests_own(make_settings: MakeSettings) -> None:
    settings = make_settings(max_in_flight=1, max_queued=5, queue_ms=2000)
    async with in_process(build(settings)) as client:
        holder = asyncio.create_task(client.get("/v1/oddities/slow?seconds=0.5"))
        await asyncio.sleep(0.05)
        headers = {"X-Request-Timeout-Ms": "700"}
        late: httpx2.Response = await client.get("/v1/oddities/slow?seconds=0.4", headers=headers)
        assert late.status_code == 504
        assert (await holder).status_code == 200
