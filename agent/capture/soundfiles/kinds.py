"""What a file or a stream is, told by its first bytes; which endings sound files have."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 16_384
"""Enough of a file to tell what it is: two frames of any MP3 or AAC."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A container or a header that sound comes in."""

    name: str
    endings: tuple[str, ...] = ()
    """Of its files, in lower case, without the dot."""
    demuxer: str = ""
    """What ffmpeg calls it; empty where only libsndfile reads it."""
    by_libsndfile: bool = True
    """Whether libsndfile reads it, or some of it."""
    tells_length: bool = True


WAV = Kind("WAV", ("wav", "wave", "bwf"))
RF64 = Kind("RF64", ("rf64",))
BIG_ENDIAN_WAV = Kind("big-endian WAV (RIFX)")
RIFF = Kind("RIFF without sound")
AVI = Kind("AVI", ("avi",), "avi", by_libsndfile=False)
CAF = Kind("CAF", ("caf",), "caf")
MP3 = Kind("MP3", ("mp3", "mp2"), "mp3", tells_length=False)
MP3_IN_WAV = Kind("MP3 in a WAV", (), "wav", tells_length=False)
MPEG_4 = Kind(
    "MPEG-4 (m4a, mp4, mov, 3gp)",
    ("m4a", "m4b", "mp4", "m4v", "mov", "3gp", "3g2"),
    "mov",
    by_libsndfile=False,
)
MATROSKA = Kind("Matroska (mkv, webm)", ("mkv", "mka", "webm"), "matroska", by_libsndfile=False)
ASF = Kind("Windows Media (wma, asf)", ("wma", "asf", "wmv"), "asf", by_libsndfile=False)
AMR = Kind("AMR", ("amr",), "amr", by_libsndfile=False, tells_length=False)
AAC = Kind("AAC", ("aac",), "aac", by_libsndfile=False, tells_length=False)

# Each of these stands in the first bytes: (where, what) pairs that all have to fit.
_SIGNS: tuple[tuple[Kind, tuple[tuple[int, bytes], ...]], ...] = (
    (WAV, ((0, b"RIFF"), (8, b"WAVE"))),
    (AVI, ((0, b"RIFF"), (8, b"AVI "))),
    (RF64, ((0, b"RF64"),)),
    (BIG_ENDIAN_WAV, ((0, b"RIFX"),)),
    (Kind("W64", ("w64",)), ((0, b"riff\x2e\x91\xcf\x11"),)),
    (Kind("FLAC", ("flac",)), ((0, b"fLaC"),)),
    (Kind("Ogg (ogg, opus)", ("ogg", "oga", "opus")), ((0, b"OggS"),)),
    (Kind("AIFF", ("aif", "aiff", "aifc")), ((0, b"FORM"), (8, b"AIF"))),
    (Kind("AU", ("au", "snd")), ((0, b".snd"),)),
    (CAF, ((0, b"caff"), (4, b"\0\1"))),
    (MP3, ((0, b"ID3"),)),
    (AMR, ((0, b"#!AMR"),)),
    (MATROSKA, ((0, b"\x1a\x45\xdf\xa3"),)),
    (ASF, ((0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),)),
    *((MPEG_4, ((4, box),)) for box in (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"pnot")),
    (RIFF, ((0, b"RIFF"),)),
)

KINDS = tuple(dict.fromkeys([*(kind for kind, _ in _SIGNS), AAC]))
"""All that are told apart by their first bytes."""

ENDINGS = frozenset(f".{ending}" for kind in KINDS for ending in kind.endings)
"""Endings, in lower case, of the files that are taken out of a folder."""

READ = "WAV, FLAC, Ogg, Opus, MP3 and the like; through ffmpeg also " + ", ".join(
    ending for kind in KINDS if not kind.by_libsndfile for ending in kind.endings
)
"""What is read, for the help of commands."""


_ID3_HEADER_BYTES = 10
_SYNC, _SYNC_LOW = 0xFF, 0xE0
_FRAME_HEADER_BYTES = 7
_RESERVED_VERSION, _VERSION_1 = 1, 3
_LAYER_3, _LAYER_1 = 1, 3
_NO_RATE, _FREE, _NO_BITS = 3, 0, 15
_MP3_RATES_HZ = (44_100, 48_000, 32_000)
# Kilobits a second by index, of MPEG 1 (layers 1, 2, 3) and of MPEG 2 (layer 1, others).
_KBITS_1 = (
    (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_KBITS_2 = (
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_AAC_RATES = 13
_AAC_MASK, _AAC_SYNC = 0xF6, 0xF0


def recognised(head: bytes) -> Kind | None:
    """What bytes begin like; ``None`` where it is nothing that is known here.

    Args:
        head: the first bytes, :data:`HEAD_BYTES` of them where there are so many.
    """
    for kind, signs in _SIGNS:
        if all(head[at : at + len(sign)] == sign for at, sign in signs):
            return kind
    return _frames(head)


def undecided(head: bytes) -> bool:
    """Whether more bytes may yet turn these into the beginning of something known."""
    if any(
        any(len(head) < at + len(sign) for at, sign in signs)
        and all(sign.startswith(head[at : at + len(sign)]) for at, sign in signs)
        for _, signs in _SIGNS
    ):
        return True
    if len(head) < _FRAME_HEADER_BYTES:
        return not head or (head[0] == _SYNC and (len(head) == 1 or head[1] >= _SYNC_LOW))
    size = _mp3_frame_bytes(head) or _aac_frame_bytes(head)
    return size > 0 and len(head) < size + _FRAME_HEADER_BYTES


def after_tag(head: bytes) -> int:
    """Where the sound begins behind an ID3v2 tag; 0 where there is none."""
    if not head.startswith(b"ID3") or len(head) < _ID3_HEADER_BYTES:
        return 0
    size = 0
    for byte in head[6:_ID3_HEADER_BYTES]:  # seven bits a byte
        size = size << 7 | byte & 0x7F
    return size + _ID3_HEADER_BYTES


def _frames(head: bytes) -> Kind | None:
    """MP3 or AAC without a container: a frame, and where it ends another one like it.

    A frame's header alone is also what quiet raw samples look like.
    """
    for kind, frame_bytes in ((MP3, _mp3_frame_bytes), (AAC, _aac_frame_bytes)):
        size = frame_bytes(head)
        second = head[size : size + _FRAME_HEADER_BYTES]
        if size and second[:2] == head[:2] and frame_bytes(second):
            return kind
    return None


def _mp3_frame_bytes(head: bytes) -> int:
    """Length of the MPEG audio frame that begins here; 0 where none does."""
    if len(head) < _FRAME_HEADER_BYTES or head[0] != _SYNC or head[1] < _SYNC_LOW:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == _RESERVED_VERSION or layer == 0 or bits in {_FREE, _NO_BITS} or rate == _NO_RATE:
        return 0
    first = version == _VERSION_1
    row = _LAYER_1 - layer
    kbits = (_KBITS_1[row] if first else _KBITS_2[min(row, 1)])[bits]
    rate_hz = _MP3_RATES_HZ[rate] // {_VERSION_1: 1, 2: 2, 0: 4}[version]
    padding = head[2] >> 1 & 1
    if layer == _LAYER_1:
        return (12_000 * kbits // rate_hz + padding) * 4
    samples = 72_000 if layer == _LAYER_3 and not first else 144_000
    return samples * kbits // rate_hz + padding


def _aac_frame_bytes(head: bytes) -> int:
    """Length of the ADTS frame that begins here; 0 where none does."""
    if len(head) < _FRAME_HEADER_BYTES or head[0] != _SYNC or head[1] & _AAC_MASK != _AAC_SYNC:
        return 0
    if head[2] >> 2 & 15 >= _AAC_RATES:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size >= _FRAME_HEADER_BYTES else 0
