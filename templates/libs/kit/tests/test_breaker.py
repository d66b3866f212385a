from kit.breaker import Breaker, RetryBudget, State


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def breaker(time: Time, least_calls: int = 4) -> Breaker:
    return Breaker(window_s=10, least_calls=least_calls, failure_share=0.5, open_s=5, clock=time)


def state(subject: Breaker) -> State:
    return subject.state


def call(subject: Breaker, *, good: bool | None) -> bool:
    permit = subject.admit()
    if permit is not None:
        subject.settle(permit, good=good)
    return permit is not None


def test_a_few_failures_do_not_open_it() -> None:
    subject = breaker(Time())
    assert all(call(subject, good=False) for _ in range(3))
    assert state(subject) is State.CLOSED


def test_it_opens_at_the_share_of_failures() -> None:
    subject = breaker(Time())
    for good in (True, True, False):
        call(subject, good=good)
    assert state(subject) is State.CLOSED
    call(subject, good=False)
    assert state(subject) is State.OPEN
    assert not call(subject, good=True)


def test_old_results_do_not_count() -> None:
    time = Time()
    subject = breaker(time)
    for _ in range(3):
        call(subject, good=False)
    time.now += 11
    call(subject, good=False)
    assert state(subject) is State.CLOSED


def test_one_call_finds_out_whether_it_is_back() -> None:
    time = Time()
    subject = breaker(time)
    for _ in range(4):
        call(subject, good=False)
    time.now += 4.9
    assert subject.admit() is None
    time.now += 0.1
    probe = subject.admit()
    assert probe is not None
    assert state(subject) is State.HALF_OPEN
    assert subject.admit() is None
    subject.settle(probe, good=True)
    assert state(subject) is State.CLOSED
    assert call(subject, good=True)


def test_a_failed_probe_opens_it_again() -> None:
    time = Time()
    subject = breaker(time)
    for _ in range(4):
        call(subject, good=False)
    time.now += 5
    assert call(subject, good=False)
    assert state(subject) is State.OPEN
    assert subject.admit() is None


def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    time = Time()
    subject = breaker(time)
    for _ in range(4):
        call(subject, good=False)
    time.now += 5
    assert call(subject, good=None)
    assert call(subject, good=True)
    assert state(subject) is State.CLOSED


def test_late_results_do_not_settle_the_probe() -> None:
    time = Time()
    subject = breaker(time)
    late = subject.admit()
    for _ in range(4):
        call(subject, good=False)
    time.now += 5
    probe = subject.admit()
    assert late is not None
    assert probe is not None
    subject.settle(late, good=False)
    assert state(subject) is State.HALF_OPEN
    subject.settle(probe, good=True)
    assert state(subject) is State.CLOSED


def test_cancelled_calls_say_nothing() -> None:
    subject = breaker(Time())
    for _ in range(100):
        call(subject, good=None)
    assert state(subject) is State.CLOSED


def test_repeats_stay_within_their_share() -> None:
    budget = RetryBudget(0.1)
    assert not budget.spend()
    repeats = 0
    for number in range(1, 10_001):
        budget.earn()
        if number % 7:
            repeats += budget.spend()
        assert repeats <= 0.1 * number
    assert repeats > 900


def test_saved_repeats_are_bounded() -> None:
    budget = RetryBudget(0.5, most=3)
    for _ in range(100):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
