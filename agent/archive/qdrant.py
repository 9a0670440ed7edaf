"""The views of an archive in Qdrant, for archives that no memory of one box holds."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from agent.archive.search import Hit
from agent.archive.views import VIEWS, Part, Place, View, ViewArchive
from agent.core.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agent.core.records import FloatArray

KEY_VARIABLE = "QDRANT_API_KEY"
_SPACE = uuid.UUID("6b1f0a52-6f0e-4c0e-9b1c-1d3a3b0f5a11")
_TOGETHER = 256
_PAGE = 1_000
_TIMEOUT_S = 60


@dataclass(slots=True)
class QdrantIndex:
    """Searches an archive in a collection of Qdrant, of which it is the only one."""

    archive: ViewArchive
    target: str
    client: QdrantClient
    collection: str

    @classmethod
    @contextmanager
    def opened(
        cls, archive: ViewArchive, target: str, remark: Callable[[str], None]
    ) -> Iterator[Self]:
        """The collection of an archive, with all that the archive holds.

        Args:
            archive: to search.
            target: URL of a server, or a folder, in which this process is its own server.
            remark: told, in a line, what takes long.

        Raises:
            ArchiveError: Qdrant cannot be reached, or refuses.
        """
        with _told(target):
            if "://" in target:
                key = os.environ.get(KEY_VARIABLE)
                client = QdrantClient(
                    target,
                    api_key=key,
                    timeout=_TIMEOUT_S,
                    check_compatibility=False,  # a thread that prints warnings
                )
            else:
                client = QdrantClient(path=target)
        try:
            name = f"kikimimi-{_identified(str(archive.folder.resolve()))}"
            index = cls(archive, target, client, name)
            with _told(target):
                index._bring(remark)
            yield index
        finally:
            client.close()

    def nearest(self, view: View, vector: FloatArray, most: int) -> list[Hit]:
        """The windows that resemble a vector most, the best first.

        Raises:
            ArchiveError: Qdrant cannot be reached, or refuses.
        """
        with _told(self.target):
            found = self.client.query_points(
                self.collection, query=vector.tolist(), using=view, limit=most, with_payload=True
            )
        return [Hit(_place(point.payload or {}), point.score) for point in found.points]

    @property
    def _parts(self) -> str:
        """The collection that tells which parts are there; a part is entered when it is whole."""
        return f"{self.collection}-parts"

    def _bring(self, remark: Callable[[str], None]) -> None:
        """Bring the parts that are new or others now, and take away those that are gone."""
        self._make()
        there = self._there()
        wanted = {part.name: part for part in self.archive.parts()}
        gone = [name for name, stamp in there.items() if not _is(wanted.get(name), stamp)]
        new = [part for name, part in wanted.items() if there.get(name) != part.stamp]
        if new:
            remark(f"bringing {sum(part.windows for part in new)} windows to {self.target}, once")
        for name in {*gone, *(part.name for part in new)}:
            self._remove(name)
        for part in new:
            self._add(part)

    def _make(self) -> None:
        sizes = {view: self.archive.size(view) for view in VIEWS}
        if not self.client.collection_exists(self.collection):
            self.client.create_collection(
                self.collection,
                vectors_config={
                    view: models.VectorParams(
                        size=size,
                        distance=models.Distance.COSINE,
                        datatype=models.Datatype.FLOAT16,
                        on_disk=True,
                    )
                    for view, size in sizes.items()
                },
            )
        if not self.client.collection_exists(self._parts):
            one = models.VectorParams(size=1, distance=models.Distance.DOT)
            self.client.create_collection(self._parts, vectors_config=one)

    def _there(self) -> dict[str, str]:
        """Stamps of the parts that were brought whole, by name."""
        found: dict[str, str] = {}
        offset = None
        while True:
            points, offset = self.client.scroll(self._parts, limit=_PAGE, offset=offset)
            for point in points:
                payload = point.payload or {}
                found[str(payload["part"])] = str(payload["stamp"])
            if offset is None:
                return found

    def _remove(self, name: str) -> None:
        of_part = models.Filter(
            must=[models.FieldCondition(key="part", match=models.MatchValue(value=name))]
        )
        for collection in (self._parts, self.collection):
            self.client.delete(collection, models.FilterSelector(filter=of_part))

    def _add(self, part: Part) -> None:
        points = self._points(part)
        while some := list(islice(points, _TOGETHER)):
            self.client.upsert(self.collection, some)
        entry = models.PointStruct(
            id=str(uuid.uuid5(_SPACE, part.name)),
            vector=[1.0],
            payload={"part": part.name, "stamp": part.stamp},
        )
        self.client.upsert(self._parts, [entry])

    def _points(self, part: Part) -> Iterator[models.PointStruct]:
        places = iter(enumerate(self.archive.places(part)))
        columns = (self.archive.rows(part, view) for view in VIEWS)
        for joint, acoustic in zip(*columns, strict=True):
            for heard, sounds in zip(joint, acoustic, strict=True):
                row, place = next(places)
                yield models.PointStruct(
                    id=str(uuid.uuid5(_SPACE, f"{part.name} {row}")),
                    vector={"joint": heard.tolist(), "acoustic": sounds.tolist()},
                    payload={
                        "part": part.name,
                        "file": place.file,
                        "start": place.start,
                        "end": place.end,
                        "bundle": self.archive.manifest.bundle,
                    },
                )


@contextmanager
def _told(target: str) -> Iterator[None]:
    """Tell what went wrong in a line.

    Raises:
        ArchiveError: Qdrant cannot be reached, or refuses.
    """
    try:
        yield
    except ArchiveError:
        raise
    except (ApiException, OSError, RuntimeError, ValueError) as error:
        found = (str(error) or type(error).__name__).splitlines()[0]
        raise ArchiveError(
            f"{target}: Qdrant does not answer as it should ({found}); name the URL of a server "
            f"that runs, with its key in {KEY_VARIABLE} if it has one, or a folder"
        ) from error


def _place(payload: Mapping[str, object]) -> Place:
    start, end = payload["start"], payload["end"]
    return Place(str(payload["file"]), float(str(start)), float(str(end)))


def _is(part: Part | None, stamp: str) -> bool:
    return part is not None and part.stamp == stamp


def _identified(text: str) -> str:
    return uuid.uuid5(_SPACE, text).hex[:16]
