"""Copies a header so that it can be written again: without private or damaged elements."""

import copy as copying
import warnings

import pydicom
from pydicom import charset, config, datadict, filebase, filewriter, valuerep

_TEXT = ("CS", "SH", "LO", "ST", "LT", "UC", "UT")
# Programs read these; a value out of the standard's form is of no use to them, and fails some.
_STRICT = ("AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI")


def copy(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """Returns a copy of a header that can be encoded.

    Private elements go: vendors' data describe the acquired pixels, and may name the patient.
    So do group lengths, codes without a meaning, and values that cannot be encoded or break their
    type's form; decimal strings that are too long are rounded, small letters of codes put in
    capitals.
    """
    kept = pydicom.Dataset()
    kept.file_meta = pydicom.dataset.FileMetaDataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag in list(dataset.keys()):
            element = None if tag.is_private or tag.element == 0 else _usable(dataset, tag)
            if element is not None:
                kept.add(element)
    _name_charset(kept)
    return kept


def _usable(dataset, tag):
    try:
        element = filewriter.correct_ambiguous_vr_element(dataset[tag], dataset, True)
        if element.VR == "SQ":
            element = _sequence(copying.deepcopy(element))
        else:
            element = _conforming(copying.copy(element))
        buffer = filebase.DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        filewriter.write_data_element(buffer, element, "iso8859")
    except Exception:  # a damaged value fails in as many ways as there are types
        return None
    return element


def _sequence(element):
    for item in element.value:
        item.remove_private_tags()
        if "CodingSchemeVersion" in item and not item.CodingSchemeVersion:
            del item.CodingSchemeVersion
    if element.keyword.endswith("CodeSequence"):
        element.value = [item for item in element.value if _says_something(item)]
        if not element.value:
            raise ValueError(f"{element.keyword} has no code")
    return element


def _says_something(code):
    values = ("CodeValue", "LongCodeValue", "URNCodeValue")
    scheme = code.get("CodingSchemeDesignator") or code.get("URNCodeValue")
    return code.get("CodeMeaning") and scheme and any(code.get(name) for name in values)


def _conforming(element):
    tag = element.tag
    standard = datadict.dictionary_VR(tag) if datadict.dictionary_has_tag(tag) else element.VR
    if element.VR in _TEXT and standard in _TEXT:
        element.VR = standard  # some archives write a code as free text
    if element.VR not in (*standard.split(" or "), "UN"):
        raise ValueError(f"{tag} is {element.VR}, needed is {standard}")
    if element.VR not in _STRICT or element.is_empty:
        return element
    if not _valid(element):
        mended = _mend(element)
        element = pydicom.DataElement(tag, element.VR, mended, validation_mode=config.RAISE)
    return element


def _valid(element):
    try:
        for value in element.value if element.VM > 1 else [element.value]:
            text = getattr(value, "original_string", str(value))
            valuerep.validate_value(element.VR, text, config.RAISE)
    except ValueError:
        return False
    return True


def _mend(element):
    values = element.value if element.VM > 1 else [element.value]
    if element.VR == "DS":
        return [valuerep.format_number_as_ds(float(value)) for value in values]
    return [str(value).upper() for value in values]


def _name_charset(dataset):
    """Puts UTF-8 in the place of a character set that nobody knows; pydicom's text is Unicode."""
    names = dataset.get("SpecificCharacterSet") or []
    names = [names] if isinstance(names, str) else names
    if any(name not in charset.python_encoding for name in names):
        dataset.SpecificCharacterSet = "ISO_IR 192"
