"""Settings read by the annotations of their dataclass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pytest

from agent.config import yaml_tree as yamlfile
from agent.config.reader import (
    Between,
    By,
    Characters,
    From,
    Lasting,
    Place,
    ReadableFile,
    converter,
    load,
    read,
    read_new,
)
from agent.config.table import Table
from agent.core.errors import ConfigError

if TYPE_CHECKING:
    from agent.core.errors import Problem


class Colour(StrEnum):
    """Of a lamp."""

    RED = "red"
    GREEN = "green"


def even(raw: str) -> int:
    """Reads itself."""
    if not raw.isdigit() or int(raw) % 2:
        raise ValueError("write an even number")
    return int(raw)


@dataclass(frozen=True, slots=True)
class Lamp:
    """A part with a field that has no default."""

    pin: Annotated[int, Between(0, 40)]
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Horn:
    """A part that has all defaults."""

    loud: bool = False
    level_db: Annotated[float, Between(-60.0, 0.0, unit="dB")] = -20.0


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything that a setting may be."""

    name: Annotated[str, Characters(8)] = "panel"
    folder: Path = Path("runs")
    hold_s: Annotated[float, Lasting(0.1, 60.0)] = 1.0
    pairs: Annotated[int, By(even)] = 2
    limit: Annotated[float, Between(0.0, 1.0)] | None = None
    colours: tuple[Colour, ...] = (Colour.RED,)
    horn: Horn = Horn()
    spare: Horn | None = None
    lamps: tuple[Lamp, ...] = ()


def _table(text: str, tmp_path: Path) -> tuple[Table, list[Problem]]:
    path = tmp_path / "panel.yaml"
    path.write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    return Table(yamlfile.load(path, problems), "", problems), problems


def test_every_kind_of_setting_is_read(tmp_path: Path) -> None:
    """By what is annotated; what is left out is as in the default."""
    table, problems = _table(
        "name: left\nfolder: data\nhold_s: 0.5m\npairs: 4\nlimit: 0.5\ncolours: [green, RED]\n"
        "horn: {loud: yes}\nspare: {level_db: -3}\nlamps:\n  - pin: 3\n"
        "  - {pin: 4, colour: green}\n",
        tmp_path,
    )
    panel = read(table, Panel(), Place(Path("/site")))
    assert not problems
    assert panel == Panel(
        name="left",
        folder=Path("/site/data"),
        hold_s=30.0,
        pairs=4,
        limit=0.5,
        colours=(Colour.GREEN, Colour.RED),
        horn=Horn(loud=True),
        spare=Horn(level_db=-3.0),
        lamps=(Lamp(3), Lamp(4, Colour.GREEN)),
    )


def test_nothing_written_is_the_default(tmp_path: Path) -> None:
    """Whatever the default is of."""
    default = Panel(name="other", horn=Horn(loud=True), lamps=(Lamp(1),))
    table, problems = _table("hold_s:\n", tmp_path)
    assert read(table, default) == default
    assert not problems


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: much too long\n", "panel.yaml:1 name: is 'much too long'; write at most 8"),
        ("\nhold_s: 5h\n", "panel.yaml:2 hold_s: is '5h'; write a duration"),
        ("pairs: 3\n", "pairs: is '3'; write an even number"),
        ("limit: 2\n", "limit: is '2'; write a number from 0 to 1"),
        (
            "colours: [gren]\n",
            "colours[0]: is 'gren'; write one of red, green (did",
        ),
        ("horn: {loud: perhaps}\n", "horn.loud: is 'perhaps'; write true or false"),
        ("horn: loud\n", "horn: is 'loud'; write its fields below it, indented"),
        ("lamps: [{pin: 41}]\n", "lamps[0].pin: is '41'; write a whole number from 0 to 40"),
        ("lamps: [{colour: red}]\n", "lamps[0].pin: is missing; write 'pin: …'"),
        ("fodler: x\n", "fodler: is not a field; did you mean 'folder'?"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, content: str, message: str) -> None:
    """With file, line, what was found and what to write; all else is read on."""
    table, problems = _table(content, tmp_path)
    read(table, Panel())
    assert [message in str(one) for one in problems] == [True]


def test_a_file_is_read_whole_or_refused(tmp_path: Path) -> None:
    """Every problem at once, those of the caller among them."""
    path = tmp_path / "panel.yaml"
    path.write_text("name: p\nlimit: 0.25\n", encoding="utf-8")
    assert load(path, Panel()) == Panel(name="p", limit=0.25)
    path.write_text("limit: 7\nhorn: {pitch: 3}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, Panel(), lambda table: table.report("limit", "is given elsewhere", "delete it"))
    found = [problem.found for problem in caught.value.problems]
    assert found == ["is given elsewhere", "is '7'", "is not a field"]


def test_what_has_no_default_must_be_there(tmp_path: Path) -> None:
    """Else there is nothing, and the problem says so."""
    table, problems = _table("pin: 7\n", tmp_path)
    assert read_new(table, Lamp) == Lamp(7)
    assert not problems
    table, problems = _table("colour: green\n", tmp_path)
    assert read_new(table, Lamp) is None
    assert [problem.found for problem in problems] == ["is missing"]


def test_a_number_without_bounds_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    """Told to who writes the dataclass, not to who writes the file."""

    @dataclass(frozen=True, slots=True)
    class Loose:
        count: int = 1

    table, _ = _table("count: 2\n", tmp_path)
    with pytest.raises(TypeError, match="note its bounds"):
        read(table, Loose())


def _plug(table: Table, _: Place) -> str | None:
    """Read from the table, as no text by itself holds it."""
    parts = table.table("plug")
    kind = parts.value("kind", str, None)
    parts.finish()
    return kind


@dataclass(frozen=True, slots=True)
class Cable:
    """Whose fields depend on each other, and on where they are read."""

    name: str
    plug: Annotated[str, From(_plug)] = "none"
    length_m: Annotated[float, By(float, name="length")] = 1.0
    drawing: Annotated[Path, ReadableFile()] | None = None
    spare_m: Annotated[float, Between(0.0, 9.0)] = 0.0

    def checked(self, table: Table) -> Cable:
        """A spare length has to be asked for where the cable is long."""
        table.needs("drawing", "length")
        return self if table.has("spare_m") else replace(self, spare_m=self.length_m / 10)


def test_fields_may_depend_on_each_other_and_on_the_place(tmp_path: Path) -> None:
    """What was read already is given, what no text holds is read from the table."""
    (tmp_path / "c.pdf").write_text("a drawing")
    place = Place(Path("/nowhere"), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    drawing = "drawing: ${CREDENTIALS_DIRECTORY}/c.pdf\n"
    table, problems = _table(f"plug: {{kind: jack}}\nlength: 5\n{drawing}", tmp_path)
    cable = read_new(table, Cable, place, name="left")
    assert cable == Cable("left", "jack", 5.0, tmp_path / "c.pdf", 0.5)
    assert not problems
    table, problems = _table(f"spare_m: 2\n{drawing}length_m: 3\n", tmp_path)
    assert read(table, Cable("right"), place).spare_m == 2.0
    assert [str(one).partition(":")[2] for one in problems] == [
        "2 drawing: is given without length; write length too",
        "3 length_m: is not a field; did you mean 'length'?",
    ]


def test_an_option_is_read_as_the_setting_that_it_stands_for() -> None:
    """With the bounds that are noted there."""
    assert converter(Panel, "hold_s")("0.5m") == 30.0
    with pytest.raises(ValueError, match="from 0 to 1"):
        converter(Panel, "limit")("7")
