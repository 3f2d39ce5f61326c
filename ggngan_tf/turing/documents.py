"""The two papers of a study: what its readers' server may know, and the key that it may not."""

import hashlib
import json
import pathlib
from typing import Literal, TypeVar

import pydantic

from ggngan_tf import errors, files
from ggngan_tf.turing import design as design_

STUDY = "ggngan-vtt/1"
KEY = "ggngan-vtt-key/1"
Truth = Literal["real", "synthetic"]
Document = TypeVar("Document", bound=pydantic.BaseModel)


class _Frozen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Slot(_Frozen):
    """A case of the pack: its name, its image in `images.npy`, and where to look if it is shown."""

    case: str = pydantic.Field(pattern=r"^[0-9a-f]{8}$")
    image: pydantic.NonNegativeInt
    centre: tuple[int, int] | None = None


class TrainingSlot(Slot):
    """A case to learn from; its truth is told after the answer, and its answer is not scored."""

    truth: Truth


class Batch(_Frozen):
    """One part of the study, in the order of its DICOM series; a repeated case is named twice."""

    order: list[str]


class Study(_Frozen):
    """`study.json` of a blinded pack; nothing in it tells real from synthetic.

    Attributes:
        study_id: Drawn at random.
        title: Shown to readers.
        design: Settings.
        pixel_spacing: mm, one nominal value for all cases; the true ones are in the key.
        shape: Rows and columns of each image.
        cases: All cases, in the order of `images.npy`.
        training: Cases to learn from.
        batches: Who comes together.
        commitment: SHA-256 of the key's file, so that nobody can change labels afterwards.
    """

    schema_: Literal["ggngan-vtt/1"] = pydantic.Field(STUDY, alias="schema")
    study_id: str
    title: str
    design: design_.Design
    pixel_spacing: float
    shape: tuple[int, int]
    cases: list[Slot]
    training: list[TrainingSlot] = []
    batches: list[Batch]
    commitment: str = pydantic.Field(pattern=r"^[0-9a-f]{64}$")

    @pydantic.model_validator(mode="after")
    def _refers(self):
        known = {slot.case for slot in self.cases}
        named = {case for batch in self.batches for case in batch.order}
        if known != named:
            raise ValueError(f"batches name {len(named)} cases, the study has {len(known)}.")
        return self


class Answer(_Frozen):
    """What a case of the pack is, in the key."""

    truth: Truth
    origin: str
    row: int
    nodule_id: int
    patient: str
    diameter_mm: float | None
    pixel_spacing: tuple[float, float]
    centre: tuple[int, int] | None


class Key(_Frozen):
    """The key of a study: keep it from everybody who reads, and from the server.

    Attributes:
        study_id: As the study's.
        salt: Random, so that nobody finds the labels by trying until the commitment fits.
        seed: What all draws followed from.
        cases: By case name; training cases too.
        sources: What each source says of itself, synthetic marks included.
        audit: How well everything outside the nodules tells real from synthetic.
    """

    schema_: Literal["ggngan-vtt-key/1"] = pydantic.Field(KEY, alias="schema")
    study_id: str
    salt: str
    seed: int
    cases: dict[str, Answer]
    sources: dict[Truth, dict[str, object]]
    audit: dict[str, object]


def read_study(folder: pathlib.Path) -> Study:
    """Reads `study.json` of a blinded pack.

    Raises:
        ReadingError: It is missing or does not conform.
    """
    return _read(folder / "study.json", Study, "give a folder that `ggngan vtt pack` wrote")


def read_key(path: pathlib.Path, study_id: str, commitment: str) -> Key:
    """Reads the key of the study that has this name and this commitment.

    Raises:
        ReadingError: It is missing, does not conform, belongs to another study, or was changed.
    """
    key = _read(path, Key, "give the key that `ggngan vtt pack` wrote")
    if key.study_id != study_id:
        raise errors.ReadingError(
            f"{path}: is the key of study {key.study_id}, needed is that of {study_id}."
        )
    if files.sha256(path) != commitment:
        raise errors.ReadingError(
            f"{path}: its SHA-256 is not the pack's commitment {commitment[:12]}...; "
            "the key was changed after the pack was made: restore the original."
        )
    return key


def text(document: pydantic.BaseModel) -> str:
    """Returns a document as JSON, the same bytes for the same content."""
    content = json.loads(document.model_dump_json(by_alias=True))
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def commitment(key: Key) -> str:
    """Returns the SHA-256 of the key's file."""
    return hashlib.sha256(text(key).encode()).hexdigest()


def _read(path: pathlib.Path, model: type[Document], advice: str) -> Document:
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise errors.ReadingError(f"{path}: no such file; {advice}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ReadingError(f"{path}: cannot be read ({error}); {advice}.") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise errors.ReadingError(f"{path}: {place}: {first['msg']}; {advice}.") from error
