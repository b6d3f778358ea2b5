import asyncio

import pytest
from argon2 import PasswordHasher

from shared.doors import NOBODY, Login
from shared.passwords import LOCK_SECONDS, QUEUE, REMEMBER_SECONDS, TRIES, Busy, Passwords

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHED = CHEAP.hash("Paßwort: geheim")
RIGHT, OTHER = Login("bo", "Paßwort: geheim", HASHED), Login("bo", "geheim", HASHED)


class World:
    """Passwords with a clock that stands, counting what is computed."""

    def __init__(self) -> None:
        self.now, self.computed = 0.0, 0
        self.passwords = Passwords(lambda: self.now)
        verify = self.passwords._verify

        def counted(login: Login) -> bool:
            self.computed += 1
            return verify(login)

        self.passwords._verify = counted  # type: ignore[method-assign]

    async def fits(self, login: Login) -> bool:
        return await self.passwords.fits(login)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_right_password_is_computed_once_and_again_after_a_while(world: World) -> None:
    assert [await world.fits(RIGHT) for _ in range(3)] == [True] * 3
    assert world.computed == 1
    world.now += REMEMBER_SECONDS
    assert await world.fits(RIGHT)
    assert world.computed == 2


async def test_what_is_remembered_is_of_this_user_password_and_hash(world: World) -> None:
    assert await world.fits(RIGHT)
    changed = RIGHT._replace(hash=CHEAP.hash("new password"))
    assert [await world.fits(one) for one in (OTHER, changed, RIGHT._replace(user="al"))] == [False, False, True]
    assert world.computed == 4


async def test_an_unusable_hash_and_nobodys_fit_no_password(world: World) -> None:
    assert [await world.fits(Login("x", "p", hashed)) for hashed in (NOBODY, "$argon2id$v=19$broken")] == [False, False]


async def test_wrong_passwords_lock_their_user_for_a_while_and_nobody_else(world: World) -> None:
    for _ in range(TRIES):
        assert not await world.fits(OTHER)
    with pytest.raises(Busy):
        await world.fits(RIGHT)
    assert world.computed == TRIES
    assert await world.fits(RIGHT._replace(user="al"))
    world.now += LOCK_SECONDS
    assert not await world.fits(OTHER)
    with pytest.raises(Busy):
        await world.fits(RIGHT)
    world.now += LOCK_SECONDS
    assert await world.fits(RIGHT)
    assert not await world.fits(OTHER)


async def test_whoever_is_logged_in_goes_on_while_somebody_guesses(world: World) -> None:
    assert await world.fits(RIGHT)
    for _ in range(TRIES):
        assert not await world.fits(OTHER)
    assert await world.fits(RIGHT)


async def test_many_guesses_at_once_are_tried_no_more_often(world: World) -> None:
    found = await asyncio.gather(*(world.fits(OTHER) for _ in range(QUEUE)), return_exceptions=True)
    assert [one for one in found if not isinstance(one, Busy)] == [False] * TRIES
    assert world.computed == TRIES


async def test_no_more_than_a_few_passwords_wait_for_their_turn(world: World) -> None:
    logins = [Login(f"u{n}", "wrong", HASHED) for n in range(QUEUE + 2)]
    found = await asyncio.gather(*map(world.fits, logins), return_exceptions=True)
    assert [type(one) for one in found] == [bool] * QUEUE + [Busy] * 2
    assert await world.fits(RIGHT)


async def test_no_password_stands_in_memory(world: World) -> None:
    assert await world.fits(RIGHT)
    assert "geheim" not in repr(vars(world.passwords))
