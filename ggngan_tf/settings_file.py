"""Settings as YAML: a preset, changed by a file, changed by `section.key=value`."""

import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic
import yaml

from ggngan_tf import errors


class Frozen(pydantic.BaseModel):
    """What all settings are: checked when made, never changed, without unknown keys."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


Settings = TypeVar("Settings", bound=Frozen)


def load(
    presets: Mapping[str, Settings],
    preset: str,
    path: pathlib.Path | None,
    overrides: tuple[str, ...],
) -> Settings:
    """Returns a preset, changed by a YAML file, changed by overrides.

    Raises:
        ConfigError: The preset or a key is unknown, a value impossible, or the file not YAML.
    """
    if preset not in presets:
        raise errors.ConfigError(f"preset {preset!r} is unknown; take one of {', '.join(presets)}.")
    values = presets[preset].model_dump()
    if path is not None:
        _merge(values, _read_yaml(path), str(path))
    for override in overrides:
        _merge(values, _parse(override), f"--set {override}")
    return _checked(type(presets[preset]), values)


def read(kind: type[Settings], path: pathlib.Path) -> Settings:
    """Reads resolved settings, as `dump` writes them.

    Raises:
        ConfigError: The file is missing, not YAML, or not settings of this version.
    """
    return _checked(kind, _read_yaml(path))


def dump(settings: Frozen) -> str:
    """Returns all settings as YAML."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


def _checked(kind, values):
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        raise errors.ConfigError(f"{where}: {first['msg']} (found {first['input']!r}).") from None


def _read_yaml(path: pathlib.Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise errors.ConfigError(f"{path}: cannot be read as YAML ({reason}).") from None
    if not isinstance(values, dict):
        raise errors.ConfigError(f"{path}: holds no settings; needed are lines like 'training:'.")
    return values


def _parse(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise errors.ConfigError(f"--set {override}: needed is section.key=value.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise errors.ConfigError(
            f"--set {override}: {text!r} is not a YAML value; "
            "quote what has brackets inside brackets."
        ) from None
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _merge(values: dict[str, Any], changes: dict[str, Any], where: str) -> None:
    for key, change in changes.items():
        if key not in values:
            known = ", ".join(values)
            raise errors.ConfigError(f"{where}: {key!r} is unknown; known here are {known}.")
        if isinstance(values[key], dict):
            if not isinstance(change, dict):
                raise errors.ConfigError(f"{where}: {key!r} is a section; set one of its keys.")
            _merge(values[key], change, where)
        else:
            values[key] = change
