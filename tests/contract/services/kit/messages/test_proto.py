"""The message definitions: generated classes are theirs, and nothing that was released is broken."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc  # type: ignore[import-untyped]  # it has no stubs

PROTO: Final = Path(__file__).parents[5] / "proto"


def compile_sources(*options: str) -> None:
    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "dramatis").rglob("*.proto"))
    well_known = str(files("grpc_tools") / "_proto")
    assert protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *options, *sources]) == 0


@pytest.fixture
def current(tmp_path: Path) -> FileDescriptorSet:
    """What the sources define today."""
    compile_sources(f"--descriptor_set_out={tmp_path / 'current.binpb'}")
    return FileDescriptorSet.FromString((tmp_path / "current.binpb").read_bytes())


@pytest.fixture
def released() -> FileDescriptorSet:
    """What was promised last."""
    return FileDescriptorSet.FromString((PROTO / "released.binpb").read_bytes())


def find_breaks(old: FileDescriptorSet, new: FileDescriptorSet) -> list[str]:
    """What a reader or writer of the old definitions could no longer rely on."""
    there = {name: item for file in new.file for name, item in items_of(file)}
    return [
        fault
        for file in old.file
        for name, item in items_of(file)
        for fault in (compare(name, item, there[name]) if name in there else [f"{name} was removed"])
    ]


def items_of(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto | EnumDescriptorProto]]:
    for enum in file.enum_type:
        yield f"{file.package}.{enum.name}", enum
    for message in file.message_type:
        yield from messages_of(file.package, message)


def messages_of(
    scope: str, message: DescriptorProto
) -> Iterator[tuple[str, DescriptorProto | EnumDescriptorProto]]:
    name = f"{scope}.{message.name}"
    yield name, message
    for enum in message.enum_type:
        yield f"{name}.{enum.name}", enum
    for nested in message.nested_type:
        yield from messages_of(name, nested)


def compare(
    name: str, old: DescriptorProto | EnumDescriptorProto, new: DescriptorProto | EnumDescriptorProto
) -> Iterator[str]:
    if isinstance(old, EnumDescriptorProto) and isinstance(new, EnumDescriptorProto):
        values = {value.number: value.name for value in new.value}
        for value in old.value:
            if values.get(value.number) != value.name:
                yield f"{name}.{value.name} = {value.number} became {values.get(value.number)}"
    elif isinstance(old, DescriptorProto) and isinstance(new, DescriptorProto):
        fields = {field.number: field for field in new.field}
        for field in old.field:
            if field.number in fields:
                yield from compare_fields(f"{name}.{field.name}", field, fields[field.number])
            elif not is_reserved(new, field):
                yield f"{name}.{field.name} was removed, and its number and name are not reserved"
    else:
        yield f"{name} became another kind of thing"


def compare_fields(name: str, old: FieldDescriptorProto, new: FieldDescriptorProto) -> Iterator[str]:
    for what, before, after in [
        ("name", old.name, new.name),
        ("type", (old.type, old.type_name), (new.type, new.type_name)),
        ("label", old.label, new.label),
        ("oneof", old.HasField("oneof_index"), new.HasField("oneof_index")),
    ]:
        if before != after:
            yield f"{name} has another {what}: {after}, was {before}"


def is_reserved(message: DescriptorProto, field: FieldDescriptorProto) -> bool:
    has_number = any(span.start <= field.number < span.end for span in message.reserved_range)
    return has_number and field.name in message.reserved_name


def test_nothing_that_was_released_is_broken(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    assert find_breaks(released, current) == []


def test_the_generated_classes_are_those_of_the_sources(tmp_path: Path) -> None:
    compile_sources(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}")
    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2.py*")}
    committed = PROTO / "gen"
    there = {
        path.relative_to(committed): path.read_text()
        for path in committed.rglob("*_pb2.py*")
        if path.suffix in (".py", ".pyi")
    }
    assert there == fresh, "run `make proto`"


def message_of(files: FileDescriptorSet, name: str) -> DescriptorProto:
    return next(item for file in files.file for item in file.message_type if item.name == name)


def test_a_removed_field_is_found(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    del message_of(current, "Clip").field[1]
    assert find_breaks(released, current) == [
        "dramatis.stitching.v1.Clip.clip_uri was removed, and its number and name are not reserved"
    ]


def test_a_removed_field_may_be_reserved(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    clip = message_of(current, "Clip")
    del clip.field[1]
    clip.reserved_range.add(start=2, end=3)
    clip.reserved_name.append("clip_uri")
    assert find_breaks(released, current) == []


def test_a_renumbered_field_is_found(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    message_of(current, "Clip").field[1].number = 9
    assert any("clip_uri was removed" in fault for fault in find_breaks(released, current))


def test_a_retyped_or_renamed_field_is_found(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    fields = message_of(current, "Clip").field
    fields[1].type = FieldDescriptorProto.TYPE_BYTES
    fields[2].name = "frame"
    faults = find_breaks(released, current)
    assert len(faults) == 2
    assert "clip_uri has another type" in faults[0]
    assert "first_frame has another name: frame" in faults[1]


def test_a_removed_message_and_a_changed_enum_are_found(
    released: FileDescriptorSet, current: FileDescriptorSet
) -> None:
    for file in current.file:
        if file.name.endswith("clip.proto"):
            del file.message_type[:]
        if file.name.endswith("control.proto"):
            file.enum_type[0].value[1].number = 5
    assert find_breaks(released, current) == [
        "dramatis.session.v1.ControlKind.CONTROL_KIND_CANCEL = 1 became None",
        "dramatis.stitching.v1.Clip was removed",
    ]


def test_an_added_field_breaks_nothing(released: FileDescriptorSet, current: FileDescriptorSet) -> None:
    message_of(current, "Clip").field.add(name="later", number=40, type=FieldDescriptorProto.TYPE_STRING)
    assert find_breaks(released, current) == []
