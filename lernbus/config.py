"""The settings in force: where each came from, and which are unsafe (`lernbus check-config`)."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError
from rich.console import Console

from lernbus.errors import CommandError
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notifications.settings import Settings as NotificationsSettings
from services.stats.settings import Settings as StatsSettings
from shared.secret_files import SecretFiles
from shared.settings import Settings

SETTINGS: Final[Mapping[str, type[Settings]]] = {
    "enrolment": EnrolmentSettings,
    "notifications": NotificationsSettings,
    "stats": StatsSettings,
}
PREFIX: Final = "LERNBUS_"
COMMANDS: Final = frozenset({"LERNBUS_URL", "LERNBUS_KEY", "LERNBUS_SECRETS", "LERNBUS_BUDGETS"})
"""What is no setting of a service: for the commands, the secret files' directory, all budgets in one."""


S = TypeVar("S", bound=Settings)


class Setting(NamedTuple):
    """One variable: the fields that lead to it, and the last one's description and default."""

    variable: str
    path: tuple[str, ...]
    field: FieldInfo

    def within(self, values: Any) -> Any:  # noqa: ANN401 (any setting)
        """This setting's value in a nested dictionary or model; None where there is none."""
        for name in self.path:
            values = values.get(name) if isinstance(values, dict) else getattr(values, name, None)
        return values


def settings_in(model: type[BaseModel], prefix: str = PREFIX, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every setting of a class, the nested ones one by one."""
    for name, field in model.model_fields.items():
        variable, kind = prefix + name.upper(), field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_in(kind, f"{variable}__", (*path, name))
        else:
            yield Setting(variable, (*path, name), field)


def load(kind: type[S]) -> S:
    """The settings of the environment. Raises CommandError that names the variables that are wrong, without values."""
    try:
        return kind()
    except ValidationError as error:
        raise CommandError("; ".join(_fault(one["loc"], one["msg"]) for one in error.errors())) from error
    except SettingsError as error:
        raise CommandError(re.sub(r'field "(\w+)"', lambda found: PREFIX + found[1].upper(), str(error))) from error


def _fault(place: tuple[int | str, ...], message: str) -> str:
    """What two settings together break has no place; its message begins with one of them."""
    fields = [name for name in place if isinstance(name, str)]
    if not fields and (found := re.match(r"Value error, (\w+): (.*)", message)):
        fields, message = [found[1]], found[2]
    return f"{PREFIX + '__'.join(fields).upper() if fields else 'the settings'}: {message}"


def shown(value: object) -> str:
    """A value as it is printed: no secret, and of a URI with a password all but the password."""
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (bool, int, float, tuple)) else str(value)


def _masked(secret: str) -> str:
    if "://" not in secret:
        return "***"
    scheme, _, rest = secret.partition("://")
    account, at, place = rest.rpartition("@")
    user = account.partition(":")[0] + ":***" if ":" in account else account
    place = re.sub(r"(?i)((?:password|properties)=)[^&]*", r"\1***", place)
    return f"{scheme}://{user}{at}{place}"


def unknown(names: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and that no service knows."""
    known = {one.variable for kind in SETTINGS.values() for one in settings_in(kind)} | COMMANDS
    return sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)


def check(service: str, console: Console) -> bool:
    """Print the settings in force; True if none is unsafe."""
    kind = SETTINGS.get(service)
    if kind is None:
        raise CommandError(f"there is no service {service}: it is {', '.join(SETTINGS)}")
    settings = load(kind)
    places = {"environment": EnvSettingsSource(kind)(), "secret file": SecretFiles(kind)()}
    rows = [_row(one, settings, places) for one in settings_in(kind)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        say(console, "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for name in unknown(os.environ):
        say(console, f"unknown: {name} is no setting of any service; is it a slip of the pen?")
    found = settings.unsafe()
    for one in found:
        say(console, f"unsafe: {one.variable}: {one.why}; {one.advice}")
    return not found


def _row(setting: Setting, settings: Settings, places: Mapping[str, Mapping[str, Any]]) -> tuple[str, str, str]:
    source = next((name for name, values in places.items() if setting.within(values) is not None), "default")
    return setting.variable, source, shown(setting.within(settings))


def say(console: Console, line: str) -> None:
    """A line as it is, however narrow the terminal."""
    console.print(line, markup=False, soft_wrap=True)
