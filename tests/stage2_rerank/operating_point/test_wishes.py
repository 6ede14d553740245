import pytest

from picking.errors import InputError
from stage2_rerank.operating_point.wishes import Wish, wishes_by_type

TYPES = ["ribosome", "thyroglobulin", "apo-ferritin"]


def test_a_type_by_name_goes_before_all_types():
    given = {"precision": ["0.9", "ribosome=0.95"], "number": ["thyroglobulin=300"]}
    assert wishes_by_type(given, TYPES) == {
        "ribosome": Wish("precision", 0.95),
        "thyroglobulin": Wish("number", 300),
        "apo-ferritin": Wish("precision", 0.9),
    }


def test_types_that_are_not_named_are_left_alone():
    assert list(wishes_by_type({"probability": ["ribosome=0.3"]}, TYPES)) == ["ribosome"]
    assert wishes_by_type({}, TYPES) == {}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"precision": ["virus=0.9"]}, "no particle type 'virus'.*ribosome, thyroglobulin"),
        ({"precision": ["=0.9"]}, "no particle type ''"),
        ({"precision": ["0.9"], "number": ["5"]}, "--number 5: is a second wish for all types"),
        ({"number": ["ribosome=5", "ribosome=6"]}, "second wish for ribosome"),
        ({"precision": ["90"]}, "--precision: '90' is not a share of right picks"),
        ({"precision": ["0"]}, "is not a share"),
        ({"probability": ["1"]}, "is not a probability"),
        ({"probability": ["-0.1"]}, "is not a probability"),
        ({"number": ["0"]}, "is not a whole number"),
        ({"number": ["2.5"]}, "is not a whole number"),
        ({"number": ["inf"]}, "is not a whole number"),
        ({"number": ["many"]}, "'many' is not a whole number"),
        ({"precision": ["nan"]}, "is not a share"),
    ],
)
def test_what_makes_no_sense_is_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        wishes_by_type(given, TYPES)
