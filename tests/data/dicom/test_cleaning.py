import pydicom
import pytest

from ggngan_tf.data.dicom import cleaning


def header(**tags) -> pydicom.Dataset:
    dataset = pydicom.Dataset()
    with pydicom.config.disable_value_validation():
        for name, value in tags.items():
            setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("StudyDate", "3 May 2019"),
        ("StudyTime", "noon"),
        ("PatientAge", "sixty"),
        ("AcquisitionUID", "not-a-uid"),
    ],
)
def test_a_value_out_of_its_form_goes(name, value):
    assert name not in cleaning.copy(header(**{name: value}))


def test_values_in_form_stay_as_they_are_written():
    dataset = header(StudyDate="20190503", PatientAge="060Y", SliceThickness="2.500000")
    found = cleaning.copy(dataset)
    assert found == dataset
    assert found.SliceThickness.original_string == "2.500000"


def test_a_decimal_string_of_more_than_16_characters_is_rounded():
    found = cleaning.copy(header(PixelSpacing=["0.70312500000000001", "0.70312500000000001"]))
    assert [str(mm) for mm in found.PixelSpacing] == ["0.703125", "0.703125"]


def test_a_code_in_small_letters_is_put_in_capitals():
    assert cleaning.copy(header(BodyPartExamined="Chest")).BodyPartExamined == "CHEST"


def test_private_elements_go_nested_ones_too():
    dataset = header(PatientID="A")
    dataset.private_block(0x0029, "VENDOR", create=True).add_new(1, "LO", "x")
    item = header(CodeValue="1", CodingSchemeDesignator="DCM", CodeMeaning="one")
    item.private_block(0x0029, "VENDOR", create=True).add_new(1, "LO", "x")
    dataset.ProcedureCodeSequence = [item]
    found = cleaning.copy(dataset)
    assert [element.keyword for element in found] == ["ProcedureCodeSequence", "PatientID"]
    assert len(found.ProcedureCodeSequence[0]) == 3
    assert len(item) == 5  # the source stays as it was


def test_codes_that_say_nothing_go():
    whole = header(CodeValue="1", CodingSchemeDesignator="DCM", CodeMeaning="one")
    empty = header(CodeValue="", CodingSchemeDesignator="", CodeMeaning="")
    found = cleaning.copy(
        header(ProcedureCodeSequence=[empty, whole], RequestedProcedureCodeSequence=[empty])
    )
    assert found.ProcedureCodeSequence == [whole]
    assert "RequestedProcedureCodeSequence" not in found


def test_an_element_of_the_wrong_type_goes():
    dataset = header(PatientID="A")
    dataset.add(pydicom.DataElement(0x00180015, "US", 7))  # Body Part Examined is a code
    assert "BodyPartExamined" not in cleaning.copy(dataset)


def test_an_unknown_character_set_gives_way_to_utf_8():
    found = cleaning.copy(header(SpecificCharacterSet="ISO_IR 9999", PatientID="A"))
    assert found.SpecificCharacterSet == "ISO_IR 192"
