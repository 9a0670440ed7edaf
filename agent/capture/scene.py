"""A minute of a factory of our own making, with a few work errors at known times.

Every sound is synthesised from how it comes about: modes of struck metal, shards of glass, the
reeds of a lorry's horn, a buzzer's square wave, a siren's rising tone, all in one reverberant hall
over its machines. The same seed gives the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.core.records import FloatArray

RATE_HZ = 32_000
SEED = 2_032
_Samples: TypeAlias = npt.NDArray[np.float64]

_CALM_S = 10.0
_PAUSE_S = 6.0
_BACKGROUND_DBFS = -42.0
# A ventilator's channel carries nothing below.
_RUMBLE_HZ = 90.0
# Of a steel part on concrete; when bounces come faster than this they are one rattle that ends.
_RESTITUTION = 0.46
_LAST_BOUNCE_S = 0.012
# Share of the time that the buzzer sounds.
_DUTY = 0.55


@dataclass(frozen=True, slots=True)
class SceneEvent:
    """One work error in the scene."""

    error_ids: tuple[str, ...]
    """Descriptions that fit it, the one that says it best first."""
    starts_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Sound and what happens in it."""

    samples: FloatArray
    """Mono at :data:`RATE_HZ`, shape ``(samples,)``."""
    events: tuple[SceneEvent, ...]

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return len(self.samples) / RATE_HZ


def build_scene(seed: int = SEED) -> Scene:
    """The factory scene of the demo."""
    rng = np.random.default_rng(seed)
    parts: tuple[tuple[tuple[str, ...], Callable[[np.random.Generator], _Samples], float], ...] = (
        (("metal_part_dropped", "tool_dropped"), metal_part_dropped, -13.0),
        (("vehicle_horn",), vehicle_horn, -15.0),
        (("glass_broken",), glass_broken, -14.0),
        (("alarm_buzzer", "smoke_detector", "reversing_beeper"), alarm_buzzer, -18.0),
        (("siren",), siren, -18.0),
    )
    sounds = [(ids, at_level(make(rng), dbfs)) for ids, make, dbfs in parts]
    seconds = _CALM_S + sum(len(sound) / RATE_HZ + _PAUSE_S for _, sound in sounds)
    dry = np.zeros(round(seconds * RATE_HZ))
    events = []
    starts_s = _CALM_S
    for ids, sound in sounds:
        first = round(starts_s * RATE_HZ)
        dry[first : first + len(sound)] += sound
        events.append(SceneEvent(ids, starts_s, starts_s + len(sound) / RATE_HZ))
        starts_s += len(sound) / RATE_HZ + _PAUSE_S
    wet = dry + 0.25 * _reverberated(rng, dry)
    mixed = wet + at_level(machines(rng, len(dry)), _BACKGROUND_DBFS)
    return Scene(np.clip(mixed, -1.0, 1.0).astype(np.float32), tuple(events))


def at_level(samples: _Samples, dbfs: float) -> _Samples:
    """Scaled so that the loudest tenth of a second has this RMS."""
    width = RATE_HZ // 10
    # Differences of running sums: convolving a minute took longer than all else in the scene.
    energy = np.concatenate([np.zeros(1), np.cumsum(np.square(samples))])
    power = (energy[width:] - energy[:-width]) / width
    scaled: _Samples = samples * (10.0 ** (dbfs / 20.0) / np.sqrt(power.max() + 1e-12))
    return scaled


def _time(seconds: float) -> _Samples:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _noise(
    rng: np.random.Generator, samples: int, shape: Callable[[_Samples], _Samples]
) -> _Samples:
    """Noise with a given spectrum: ``shape`` turns frequencies in Hz into amplitudes."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1.0 / RATE_HZ)
    shaped: _Samples = np.fft.irfft(spectrum * shape(hertz.astype(np.float64)), samples)
    return shaped


def _below(limit_hz: float) -> Callable[[_Samples], _Samples]:
    """A spectrum that ends at a frequency."""
    return lambda hz: (hz < limit_hz).astype(np.float64)


def _reverberated(rng: np.random.Generator, dry: _Samples) -> _Samples:
    """A hall: noise that dies away over 0.8 s, the high end first."""
    time_s = _time(0.8)
    response = _noise(rng, len(time_s), lambda hz: 1.0 / (1.0 + (hz / 4_000.0) ** 2))
    response *= np.exp(-6.9 * time_s / 0.8)
    response /= np.sqrt(np.square(response).sum())
    size = len(dry) + len(response)
    spectrum = np.fft.rfft(dry, size) * np.fft.rfft(response, size)
    wet: _Samples = np.fft.irfft(spectrum, size)
    return wet[: len(dry)]


def _struck(
    rng: np.random.Generator, modes_hz: _Samples, decays_s: _Samples, seconds: float
) -> _Samples:
    """Damped modes of a body that is struck once, with the click of the contact."""
    time_s = _time(seconds)
    amplitudes = rng.uniform(0.3, 1.0, len(modes_hz))
    phases = rng.uniform(0, 2 * np.pi, len(modes_hz))
    ringing: _Samples = (
        amplitudes[:, None]
        * np.exp(-time_s[None, :] / decays_s[:, None])
        * np.sin(2 * np.pi * modes_hz[:, None] * time_s[None, :] + phases[:, None])
    ).sum(axis=0)
    click = rng.standard_normal(len(time_s)) * np.exp(-time_s / 0.002)
    return ringing + 2.0 * click


def metal_part_dropped(rng: np.random.Generator) -> _Samples:
    """A steel part on concrete: a few inharmonic modes, the slap of the floor, and it bounces."""
    seconds = 2.0
    falling = np.zeros(round(seconds * RATE_HZ))
    modes_hz = np.exp(rng.uniform(np.log(1_850.0), np.log(10_000.0), 13))
    decays_s = 0.45 * (900.0 / modes_hz) ** 0.5 * rng.uniform(0.5, 1.5, len(modes_hz))
    time_s = _time(0.8)
    start_s, strength, pause_s = 0.05, 1.0, 0.29
    while pause_s > _LAST_BOUNCE_S:
        blow = _struck(rng, modes_hz * rng.uniform(0.995, 1.005), decays_s, 0.8)
        blow += 3.5 * rng.standard_normal(len(time_s)) * np.exp(-time_s / 0.012)
        blow += 0.8 * np.sin(2 * np.pi * 95.0 * time_s) * np.exp(-time_s / 0.02)
        first = round(start_s * RATE_HZ)
        blow = blow[: len(falling) - first]
        falling[first : first + len(blow)] += strength * blow
        start_s += pause_s * rng.uniform(0.85, 1.1)
        pause_s *= _RESTITUTION
        strength *= _RESTITUTION
    return falling


def glass_broken(rng: np.random.Generator) -> _Samples:
    """A pane cracks, then shards rain down, each a small bar of glass."""
    seconds = 1.6
    breaking = np.zeros(round(seconds * RATE_HZ))
    time_s = _time(0.25)
    crack = _noise(rng, len(time_s), lambda hz: 1.0 / (1.0 + (1_800.0 / (hz + 1.0)) ** 2))
    breaking[: len(crack)] += 14.0 * crack * np.exp(-time_s / 0.045)
    for _ in range(440):
        start_s = min(seconds - 0.2, rng.gamma(1.4, 0.12))
        modes_hz = rng.uniform(2_300.0, 14_500.0, rng.integers(3, 7))
        shard = _struck(rng, modes_hz, rng.uniform(0.003, 0.028, len(modes_hz)), 0.2)
        first = round(start_s * RATE_HZ)
        breaking[first : first + len(shard)] += rng.exponential(0.5) * shard
    return breaking


def alarm_buzzer(rng: np.random.Generator) -> _Samples:
    """A piezo buzzer: a square wave near 2.7 kHz, on and off three times a second."""
    seconds = 4.0
    time_s = _time(seconds)
    base_hz = 2_700.0 * rng.uniform(0.98, 1.02)
    tone: _Samples = np.zeros(len(time_s))
    for order in (1, 3, 5):
        tone += np.sin(2 * np.pi * base_hz * order * time_s) / order
    gate = _below(_DUTY)((time_s * 3.0) % 1.0)
    ramp = np.ones(160) / 160
    return tone * np.convolve(gate, ramp, mode="same").astype(np.float64)


def siren(_rng: np.random.Generator) -> _Samples:
    """A motor siren: a rich tone that climbs and falls."""
    seconds = 5.0
    time_s = _time(seconds)
    pitch_hz = 620.0 + 480.0 * (0.5 - 0.5 * np.cos(2 * np.pi * time_s / 2.5))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone: _Samples = np.zeros(len(time_s))
    for order in range(1, 9):
        tone += np.sin(order * phase) / order
    return tone * np.minimum(1.0, np.minimum(time_s, seconds - time_s) / 0.2)


def vehicle_horn(_rng: np.random.Generator) -> _Samples:
    """A lorry's two-tone horn, twice: reeds a minor third apart with all their harmonics."""
    seconds = 1.4
    time_s = _time(seconds)
    tone: _Samples = np.zeros(len(time_s))
    for reed_hz in (462.0, 554.0):
        for order in range(1, 17):
            tone += np.sin(2 * np.pi * reed_hz * order * time_s + order) / order**0.9
    blast = tone * np.minimum(1.0, np.minimum(time_s, seconds - time_s) / 0.02)
    pause = np.zeros(round(0.3 * RATE_HZ))
    return np.concatenate([blast, pause, blast])


def machines(rng: np.random.Generator, samples: int) -> _Samples:
    """The hall at work: motors, ventilation, a conveyor's rollers, a pump far away."""
    time_s = np.arange(samples) / RATE_HZ
    drift = 1.0 + 0.002 * np.sin(2 * np.pi * 0.07 * time_s)
    phase = 2 * np.pi * 49.6 * np.cumsum(drift) / RATE_HZ
    motors: _Samples = np.zeros(samples)
    for order in range(1, 20):
        motors += rng.uniform(0.3, 1.0) / order * np.sin(order * phase + order)
    air = _noise(rng, samples, lambda hz: (1.0 - _below(_RUMBLE_HZ)(hz)) / (1.0 + hz / 900.0))
    rollers = np.zeros(samples)
    click = _struck(rng, np.array([900.0, 1_700.0]), np.array([0.008, 0.005]), 0.05)
    for start_s in np.arange(0.2, time_s[-1] - 0.2, 0.31):
        first = round((start_s + rng.normal(0, 0.012)) * RATE_HZ)
        rollers[first : first + len(click)] += rng.uniform(0.4, 1.0) * click
    pump = 1.0 + 0.3 * np.sin(2 * np.pi * 1.1 * time_s)
    air *= 0.72 / float(np.std(air))
    return 0.5 * motors + air * pump + 0.25 * rollers
