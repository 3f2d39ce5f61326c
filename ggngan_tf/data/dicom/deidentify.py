"""De-identification by the basic profile of PS3.15, annex E.

The standard's table of tags and actions is the one in the package dicom-anonymizer (edition 2024b).
Its actions are ours: they reach nested items, take the strictest choice where the table leaves one,
and give UIDs that follow from a seed instead of chance.
"""

import pydicom
from dicomanonymizer import dicomfields_selector
from pydicom.sr import codedict
from pydicom.tag import BaseTag

from ggngan_tf.data.dicom import encoding, identifiers

_TABLE = dicomfields_selector.dicom_anonymization_database_selector("dicomfields_2024b")
_REPLACED = frozenset(tag for tag in _TABLE["U_TAGS"] if len(tag) == 2)
_EMPTIED = frozenset(_TABLE["Z_TAGS"]) | frozenset(_TABLE["Z_D_TAGS"])
_ALL = frozenset(tag for tag in _TABLE["ALL_TAGS"] if len(tag) == 2)
_GROUPS = tuple(tag for tag in _TABLE["ALL_TAGS"] if len(tag) == 4)  # curves, overlays


def apply(dataset: pydicom.Dataset, seed: int) -> None:
    """Removes, empties or replaces in place what the basic profile names, and private elements.

    Dates, descriptions and serial numbers go; UIDs and the Patient ID become others, alike in every
    file that is given the same seed, so that series and patients stay together: whoever has the
    seed can check a guess at the old ones. Pixels are not looked at: text burnt into them stays.
    """
    patient = str(dataset.get("PatientID") or "")
    _clean(dataset, seed)
    number = identifiers.derive("patient", patient, seed)[-12:]
    dataset.PatientID, dataset.PatientName = f"ANON-{number}", f"Anonymous^{number}"
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    dataset.DeidentificationMethod = "DICOM PS3.15 basic profile, edition 2024b"
    profile = codedict.codes.DCM.BasicApplicationConfidentialityProfile
    dataset.DeidentificationMethodCodeSequence = [encoding.code(profile)]


def replaced(uid: str, seed: int) -> str:
    """Returns the UID that takes the place of `uid`."""
    return identifiers.derive("deidentified", uid, seed)


def _clean(dataset, seed):
    dataset.remove_private_tags()
    for tag in list(dataset.keys()):
        place = tag.group, tag.element
        if place in _REPLACED:
            _replace(dataset[tag], seed)
        elif place in _EMPTIED:
            dataset[tag].clear()
        elif place in _ALL or _in_group(tag):
            del dataset[tag]
        elif dataset[tag].VR == "SQ":
            for item in dataset[tag].value:
                _clean(item, seed)


def _replace(element, seed):
    if element.VM > 1:
        element.value = [replaced(uid, seed) for uid in element.value]
    elif element.value:
        element.value = replaced(element.value, seed)


def _in_group(tag: BaseTag) -> bool:
    return any(
        tag.group & mask == group & mask and tag.element & submask == element & submask
        for group, element, mask, submask in _GROUPS
    )
