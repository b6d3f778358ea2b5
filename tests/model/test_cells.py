"""The small-cell rule against attackers who compute (tests/support/attacker.py), and against the fewest figures."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats.columns import ALL, PERSONAL, Columns, Mask, Profile
from services.stats.lines import Lines
from services.stats.protection import Certificate, Protection, decide, protect
from tests.support.attacker import Figure, computed, fewest, guessed, recount, small
from tests.support.protected_years import Line, booking, plain_lines, random_lines, year

BLOCK = 10


def withheld(mask: Mask) -> set[Figure]:
    return {(*place, measure) for place, measures in mask.items() for measure in measures}


def certain(protection: Protection) -> set[Figure]:
    """Those with a possible other world; the contract publishes the others anyway."""
    figures = set[Figure]()
    for one in protection.certificates:
        if one.lawful:
            figures |= {protection.lines.figure(*figure) for figure in one.figures()}
    return figures


def attacked(seeds: range) -> None:
    """He finds no figure that has a certificate, and nearly all have."""
    hidden = bare = 0
    for seed in seeds:
        random = Random(seed)
        columns, k = year(random_lines(random, random.randint(6, 30), random.randint(1, 3))), random.choice([3, 3, 5])
        mask, proven = decide(columns, k), certain(protect(columns, k))
        assert not computed(columns, mask) & proven, seed
        hidden += len(withheld(mask))
        bare += len(withheld(mask) - proven)
    assert bare < hidden / 20


@pytest.mark.parametrize("block", range(5))
def test_an_attacker_who_computes_learns_nothing(block: int) -> None:
    attacked(range(block * BLOCK, (block + 1) * BLOCK))


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(5, 100))
def test_nor_does_he_in_a_thousand_years(block: int) -> None:
    attacked(range(block * BLOCK, (block + 1) * BLOCK))


PROFILES = st.one_of(
    st.builds(
        booking,
        st.sampled_from(["seat", "present", "absent", "waiting"]),
        st.integers(0, 1),
        cohort=st.booleans(),
        plain=st.just(value=True),
    ),
    st.just(Profile(leave_days=1.0)),
    st.just(Profile(counts=(("assigned", ("cohort", ("Azubis", "O0"))),))),
)


def lines(most: int, people: int, organisations: Sequence[str | None] = ("o", "p")) -> st.SearchStrategy[list[Line]]:
    """A leave has an organisation."""
    whose = st.tuples(st.sampled_from(["d", "e", None]), st.just("s"), st.sampled_from(organisations))
    line = st.tuples(PROFILES, st.integers(1, people), whose)
    able = line.filter(lambda one: one[0].leave_days is None or one[2][2] is not None)
    return st.lists(able, min_size=1, max_size=most)


@settings(max_examples=25, deadline=None)
@given(lines(4, 3, ("o", None)))
def test_nor_does_one_who_knows_all_lines_but_not_whose_they_are(some: list[Line]) -> None:
    columns = year(some)
    assert guessed(columns, decide(columns, 3)) <= withheld(decide(columns, 3)) - certain(protect(columns, 3))


def other_world(columns: Columns, known: Lines, certificate: Certificate) -> Columns:
    """The lines as the certificate has them."""
    values = {name: known.values[n] for n, name in enumerate(PERSONAL)}
    named = {name: [*known.columns[n]] for n, name in enumerate(PERSONAL)}
    for line, after in certificate.exchange:
        for n, name in enumerate(PERSONAL):
            named[name][line] = after[n]
    return Columns(columns.profiles, values, columns.profile, columns.person, named)


@settings(max_examples=25, deadline=None)
@given(lines(14, 8, ("o", "p", None)), st.integers(3, 5))
def test_every_certificate_is_a_world_that_differs_in_what_is_withheld_only(some: list[Line], k: int) -> None:
    columns = year(some)
    here, protection, hidden = recount(columns), protect(columns, k), withheld(decide(columns, k))
    for one in protection.certificates:
        there = recount(other_world(columns, protection.lines, one))
        figures = here.figures.keys() | there.figures.keys()
        differing = {name for name in figures if here.figures.get(name, 0) != there.figures.get(name, 0)}
        assert differing == {protection.lines.figure(*figure) for figure in one.figures()}
        assert differing <= hidden
        assert not one.lawful or here.owners == there.owners


@settings(max_examples=40, deadline=None)
@given(lines(20, 12, ("o", "p", None)), st.integers(3, 5), st.randoms(use_true_random=False))
def test_small_figures_are_withheld_and_the_whole_is_not_whatever_the_order(
    some: list[Line], k: int, random: Random
) -> None:
    mask = decide(year(some), k)
    assert small(recount(year(some)), k) <= withheld(mask)
    assert all(owner is not None for owner, _ in mask)
    turned = [(profile, 100 - person, whose) for profile, person, whose in random.sample(some, len(some))]
    assert decide(year(turned), k) == mask


def test_a_dimension_with_one_value_repeats_the_whole() -> None:
    columns = year([(booking("present"), n, ("d", "s", "o")) for n in range(2)])
    assert decide(columns, 5) == {}


def test_an_organisation_is_not_left_by_all_its_lines() -> None:
    """Else its row would be gone; assignments are in no total, so that totals do not tell."""
    assigned = Profile(counts=(("assigned", ("cohort", ("Azubis", "O0"))),))
    columns = year([(Profile(leave_days=1.0), 1, ("d", "s", "o")), *[(assigned, 1, ("d", "s", "p"))] * 2])
    for one in protect(columns, 3).certificates:
        assert not one.lawful or recount(other_world(columns, Lines(columns), one)).owners == recount(columns).owners


def test_many_are_told() -> None:
    columns = year([(booking("seat"), n, ("de"[n % 2], "s", "o")) for n in range(10)])
    assert decide(columns, 5) == {}


def test_ten_bookings_of_four_people_are_withheld() -> None:
    ten = [(booking("seat"), n % 4, ("d", "s", "o")) for n in range(10)]
    mask = decide(year([*ten, *((booking("seat"), 100 + n, ("e", "s", "o")) for n in range(6))]), 5)
    assert mask[("department", "d"), ALL] == frozenset({"bookings"})


def test_a_few_no_shows_hide_no_bookings() -> None:
    some = [(booking("absent"), n, ("d", "s", "o")) for n in range(2)]
    some += [(booking("seat"), 10 + n, ("de"[n % 2], "s", "o")) for n in range(14)]
    mask = decide(year(some), 5)
    assert {measure for measures in mask.values() for measure in measures} == {"no_shows"}
    assert mask[("department", "d"), ALL] == mask[("department", "e"), ALL] == frozenset({"no_shows"})


def small_ones_only(columns: Columns) -> set[Figure]:
    return small(recount(columns), 3)


def without_cross_tables(columns: Columns) -> set[Figure]:
    """Complements in the rows of the whole report and in totals alone."""
    return {one for one in withheld(decide(columns, 3)) if one[1] == ALL} | small(recount(columns), 3)


def without_rows_of_people(columns: Columns) -> set[Figure]:
    """Complements of narrowed reports, but not by department and status group."""
    return {one for one in withheld(decide(columns, 3)) if one[1][0] not in PERSONAL} | small(recount(columns), 3)


def one_complement_too_few(columns: Columns) -> set[Figure]:
    hidden, few = withheld(decide(columns, 3)), small(recount(columns), 3)
    return hidden - set(sorted(hidden - few, key=repr)[:1])


FAULTS = [small_ones_only, without_cross_tables, without_rows_of_people, one_complement_too_few]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_attacker_breaks_what_is_not_thought_through(fault: Callable[[Columns], set[Figure]]) -> None:
    broken = 0
    for seed in range(12):
        columns = year(plain_lines(Random(seed), 45))
        mask: Mask = {}
        for owner, cell, measure in fault(columns):
            mask[owner, cell] = mask.get((owner, cell), frozenset()) | {measure}
        broken += bool(computed(columns, mask))
    assert broken > 6


def everything_in_a_dimension(columns: Columns, k: int) -> set[Figure]:
    """The generous rule: a measure that is small for any value of a dimension is withheld for all of them."""
    counted = recount(columns)
    few = {(owner[0], measure) for owner, _, measure in small(counted, k) if owner}
    return {one for one, amount in counted.figures.items() if one[0] and amount and (one[0][0], one[2]) in few}


@pytest.mark.parametrize("years", [range(12), pytest.param(range(12, 112), marks=pytest.mark.nightly)], ids=len)
def test_few_figures_are_withheld(years: range) -> None:
    """No more than the fewest of all and a third, and many fewer than of a dimension as a whole."""
    mine = least = generous = 0.0
    for seed in years:
        columns = year(plain_lines(Random(seed), 45))
        mine += len(withheld(decide(columns, 3)))
        least += fewest(columns, 3)
        generous += len(everything_in_a_dimension(columns, 3))
    print(f"withheld {mine:.0f}, at least {least:.0f}: {mine / least:.2f}; by dimensions {generous:.0f}")  # noqa: T201
    assert mine <= least * 4 / 3
    assert mine < generous / 2


def test_somebody_who_was_booked_twice_is_exchanged_with_both_bookings() -> None:
    """One person behind two bookings of a cohort: if only one of them moved, the person would still be counted."""
    twice = [
        (booking("present", cohort=True), 0, ("d0", "s0", "o1")),
        (booking("cancelled", cohort=True), 0, ("d0", "s0", "o1")),
    ]
    columns = year([*twice, *((booking("seat"), person, ("d0", "s0", "o0")) for person in range(1, 9))])
    mask, group = decide(columns, 5), ("cohort", ("Azubis", "O0"))
    assert "assigned" in mask[("organisation", "o0"), group]
    assert not {one for one in computed(columns, mask) if one[1] == group}
