"""The comments of the contracts, by full name: what people read in the API's description."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from google.protobuf import descriptor_pb2

_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE, _SERVICE_METHOD = 2, 2

Path = tuple[int, ...]


@cache
def comments() -> Mapping[str, str]:
    """Each element's comment as one text; its lines joined, since the contract wraps them for its own width."""
    files_set = descriptor_pb2.FileDescriptorSet.FromString(files("ascms").joinpath("descriptors.binpb").read_bytes())
    found: dict[str, str] = {}
    for file in files_set.file:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name is not None and location.leading_comments:
                found[name] = " ".join(location.leading_comments.split())
    return found


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    for index, message in enumerate(file.message_type):
        yield from _of_message(message, (_FILE_MESSAGE, index), f"{file.package}.{message.name}")
    yield from _of_enums(file.enum_type, (_FILE_ENUM,), file.package)
    for index, service in enumerate(file.service):
        yield (_FILE_SERVICE, index), f"{file.package}.{service.name}"
        for number, method in enumerate(service.method):
            path = (_FILE_SERVICE, index, _SERVICE_METHOD, number)
            yield path, f"{file.package}.{service.name}.{method.name}"


def _of_message(message: descriptor_pb2.DescriptorProto, path: Path, name: str) -> Iterator[tuple[Path, str]]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, _MESSAGE_FIELD, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _of_message(nested, (*path, _MESSAGE_NESTED, index), f"{name}.{nested.name}")
    yield from _of_enums(message.enum_type, (*path, _MESSAGE_ENUM), name)


def _of_enums(
    enums: Sequence[descriptor_pb2.EnumDescriptorProto], path: Path, scope: str
) -> Iterator[tuple[Path, str]]:
    for index, enum in enumerate(enums):
        yield (*path, index), f"{scope}.{enum.name}"
        for number, value in enumerate(enum.value):
            # The values of an enum are named in the scope that holds it.
            yield (*path, index, _ENUM_VALUE, number), f"{scope}.{value.name}"
