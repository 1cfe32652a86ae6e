"""What a batch may commit, and how many values become one parameter."""

from kit import arrays
from kit.batches import prefixes
from kit.bus import Delivery


def delivery(partition: int, offset: int) -> Delivery:
    return Delivery("topic", partition, offset, "key", b"")


def test_only_what_nothing_undone_stands_before_is_committed() -> None:
    came = [delivery(0, 1), delivery(1, 7), delivery(0, 2), delivery(1, 8), delivery(0, 3)]
    done = [came[0], came[1], came[4], came[3]]

    assert prefixes(came, done) == [came[0], came[1], came[3]]


def test_values_stand_as_the_database_reads_them() -> None:
    assert arrays.plain([1, None, "a"]) == "{1,NULL,a}"
    assert arrays.quoted([]) == "{}"
    assert arrays.quoted(["", 'a "b"', "c\\d", "{e,f}"]) == r'{"","a \"b\"","c\\d","{e,f}"}'
