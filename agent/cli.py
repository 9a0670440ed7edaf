"""The commands, each a thin call into one module."""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import bundle, descriptions, folders, memory, systemd
from agent.config import FileSettings, MicrophoneSettings, StdinSettings, load_settings
from agent.errors import ConfigError, DescriptionsError, KikimimiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.config import Settings

FINE, FOUND_PROBLEMS, BAD_USAGE = 0, 1, 2

_EXAMPLES = {
    "run": "  kikimimi run --config /etc/kikimimi/agent.yaml\n"
    "  kikimimi run --descriptions descriptions.yaml --source recording.wav\n"
    "  arecord -t raw -f FLOAT_LE -r 32000 | kikimimi run --source -",
    "check": "  kikimimi check --config agent.yaml --online\n"
    "  kikimimi check --descriptions descriptions.yaml --json",
    "devices": "  kikimimi devices",
    "score": "  kikimimi score recording.wav --descriptions descriptions.yaml --json\n"
    "  kikimimi score sounds/*.flac --whole --descriptions classes.yaml --truth clips.csv",
    "calibrate": "  kikimimi calibrate --config /etc/kikimimi/agent.yaml --hours 2\n"
    "  kikimimi calibrate --files night-shift/ --json\n"
    "  kikimimi calibrate --exclude mic1@2026-11-24T10:00:00Z/2026-11-24T10:00:05Z",
    "bench": "  kikimimi bench --json",
    "demo": "  kikimimi demo --language en\n  kikimimi demo --microphone",
    "labels": "  kikimimi labels list --since 30d\n"
    "  kikimimi labels export ~/labels-p1 --since 30d\n"
    "  kikimimi labels purge --before 2026-01-01\n"
    "  kikimimi labels audit --json",
    "console": "  kikimimi console --config /etc/kikimimi/agent.yaml\n"
    "  kikimimi console --config agent.yaml --set-password",
    "replay": "  kikimimi replay --bundle runs/bundle --config /etc/kikimimi/agent.yaml\n"
    "  kikimimi replay --bundle runs/bundle --labels ~/labels-p1 --descriptions my.yaml --json\n"
    "  kikimimi replay night.flac --bundle runs/bundle --against runs/old --descriptions my.yaml",
    "report": "  kikimimi report --config agent.yaml --since 30d\n"
    "  kikimimi report --since 2026-05-01 --until 2026-06-01 --output may.html --pdf\n"
    '  kikimimi report --shifts "day 06:00-14:00, night 22:00-06:00" --language en\n'
    "  kikimimi report --roi roi.yaml --json",
    "install-service": "  sudo /opt/kikimimi/.venv/bin/kikimimi install-service\n"
    "  sudo /opt/kikimimi/.venv/bin/kikimimi install-service --console\n"
    "  kikimimi install-service --print",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 fine, 1 found problems, 2 bad usage or configuration.
    """
    arguments = _parser().parse_args(argv)
    folders.close_new_files()
    memory.give_back_large_blocks()
    try:
        return int(arguments.command(arguments))
    except (ConfigError, DescriptionsError) as error:
        for problem in error.problems:
            print(f"kikimimi: {problem}", file=sys.stderr)
        return BAD_USAGE
    except KikimimiError as error:
        print(f"kikimimi: {error}", file=sys.stderr)
        return BAD_USAGE
    except BrokenPipeError:
        # Whoever read the output has enough of it; nothing more may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kikimimi",
        description="Listens to a factory floor and asks people about the work errors it hears.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"examples:\n{_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    run = add("run", "listen, and publish alerts by MQTT")
    _add_site(run)
    run.add_argument(
        "--source", metavar="FILE|-", help="listen to a sound file or standard input instead"
    )
    run.add_argument("--device", metavar="NAME", help="listen to this microphone instead")
    run.set_defaults(command=_run)

    demo = add("demo", "hear a factory scene, or a microphone, with a live view of the alerts")
    from agent import demo as demonstration

    demonstration.add_arguments(demo)
    demo.set_defaults(command=demonstration.run)

    check = add("check", "tell what is wrong with configuration, descriptions and bundle")
    _add_site(check)
    check.add_argument("--online", action="store_true", help="also try to reach the broker")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(command=_check)

    devices = add("devices", "list the microphones of this machine")
    devices.add_argument("--json", action="store_true", help="print one JSON array")
    devices.set_defaults(command=_devices)

    score = add("score", "score sound files against descriptions")
    from agent import score as scoring

    scoring.add_arguments(score)
    score.set_defaults(command=scoring.run)

    calibrate = add("calibrate", "learn this site's background and set the thresholds by it")
    from agent.calibration import command as calibration

    _add_site(calibrate)
    calibration.add_arguments(calibrate)
    calibrate.set_defaults(command=calibration.run)

    bench = add("bench", "measure speed, memory and delay on this machine")
    from agent import bench as benchmark

    benchmark.add_arguments(bench)
    bench.set_defaults(command=benchmark.run)

    install = add("install-service", "make the agent a service of systemd on this machine")
    install.add_argument(
        "--config", type=Path, metavar="FILE", help="agent.yaml, by default in /etc/kikimimi"
    )
    install.add_argument("--console", action="store_true", help="the page where people answer, too")
    install.add_argument("--print", action="store_true", help="show the unit and write nothing")
    install.add_argument(
        "--prefix",
        type=Path,
        metavar="FOLDER",
        help="write below this folder as if it were / (to make a package)",
    )
    install.set_defaults(command=_install_service)

    _add_for_answers(add)
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    from agent.report import command as reporting

    reporting.add_arguments(parser)
    parser.set_defaults(command=reporting.run)


def _add_for_answers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Commands about what people answered."""
    from agent.labels import command as labels

    labels.add_arguments(add("labels", "list, export and delete what people answered"))

    replay = add("replay", "hear stored clips and recordings with two bundles, and compare")
    from agent.replay import command as replaying

    replaying.add_arguments(replay)
    replay.set_defaults(command=replaying.run)

    page = add("console", "serve the page where people answer alerts and rate sounds")
    _add_site(page)
    from agent.console import command as console

    console.add_arguments(page)
    page.set_defaults(command=lambda arguments: console.run(arguments, _settings(arguments)))

    _add_report(add("report", "tell what alerts and answers came to: a page to read or print"))


def _add_site(parser: argparse.ArgumentParser) -> None:
    """Options that every command that knows a site takes."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="agent.yaml")
    parser.add_argument(
        "--descriptions", type=Path, metavar="FILE", help="what to listen for, instead of its own"
    )
    parser.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="model, instead of its own or the shipped one"
    )


def _settings(arguments: argparse.Namespace) -> Settings:
    """The site's settings with what the command line says instead."""
    settings = load_settings(arguments.config, os.environ)
    if arguments.descriptions is not None:
        settings = replace(settings, descriptions=arguments.descriptions)
    if arguments.bundle is not None:
        settings = replace(settings, bundle=arguments.bundle)
    return settings


def _run(arguments: argparse.Namespace) -> int:
    from agent import log
    from agent.clock import SystemClock
    from agent.pipeline import Pipeline, Requests

    settings = _settings(arguments)
    if arguments.source == "-":
        settings = replace(settings, sources=(StdinSettings(name="stdin"),))
    elif arguments.source is not None:
        path = Path(arguments.source)
        settings = replace(settings, sources=(FileSettings(name="file", path=path),))
    elif arguments.device is not None:
        microphone = MicrophoneSettings(name="mic1", device=arguments.device)
        settings = replace(settings, sources=(microphone,))
    # PortAudio sends standard error to nowhere while it looks for devices: log by a copy of it.
    errors = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    log.set_up(settings.log.level, settings.log.format, errors)
    # The watchdog ends a process that hangs by SIGABRT: the log then shows where it hung.
    faulthandler.enable(errors)
    folders.close_to_others(settings.state_dir)
    model = bundle.load(settings.bundle)
    described = descriptions.load(settings.descriptions)
    requests = Requests()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(requests, "stop", True))
    signal.signal(signal.SIGHUP, lambda *_: setattr(requests, "reload", True))
    clock = SystemClock()
    notifier = systemd.Notifier.of(os.environ, os.getpid(), clock)
    try:
        return Pipeline(settings, model, clock, notifier=notifier).run(described, requests)
    except KikimimiError:
        if requests.stop:  # systemd stops the process that embeds texts as well
            return FINE
        raise


def _check(arguments: argparse.Namespace) -> int:
    from agent.capture.devices import find_device
    from agent.capture.microphone import list_devices
    from agent.check import Probes, check
    from agent.text import embed_texts

    report = check(
        arguments.config,
        arguments.descriptions,
        arguments.bundle,
        os.environ,
        Probes(
            embed=lambda model, texts: embed_texts(model, texts, None),
            find_microphone=lambda wanted: find_device(list_devices(), wanted.device),
            online=arguments.online,
        ),
    )
    if arguments.json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        for line in report.lines():
            print(line)
        if report.ok:
            print(f"ready: {report.descriptions} descriptions, bundle {report.bundle}")
    return FINE if report.ok else FOUND_PROBLEMS


def _devices(arguments: argparse.Namespace) -> int:
    from agent.capture.microphone import list_devices

    devices = list_devices()
    if arguments.json:
        fields = ("name", "host_api", "channels", "sample_rate_hz", "is_default", "identity")
        print(json.dumps([{f: getattr(one, f) for f in fields} for one in devices], indent=2))
        return FINE
    if not devices:
        print("no microphone: plug one in and see that `arecord -l` lists it", file=sys.stderr)
        return FOUND_PROBLEMS
    for one in devices:
        mark = "*" if one.is_default else " "
        print(f"{mark} {one.label}: {one.channels} channels, {one.sample_rate_hz} Hz")
    return FINE


def _install_service(arguments: argparse.Namespace) -> int:
    from agent import install

    config = arguments.config or install.CONFIG
    service = install.Service.CONSOLE if arguments.console else install.Service.AGENT
    if arguments.print:
        print(install.unit(install.command(), config, service), end="")
        return FINE
    if arguments.console and importlib.util.find_spec("uvicorn") is None:
        raise KikimimiError("the console is not installed; pip install 'kikimimi[console]' first")
    report = install.install(install.command(), config, arguments.prefix, console=arguments.console)
    for line in report.lines():
        print(line)
    return FINE if report.ok else FOUND_PROBLEMS


if __name__ == "__main__":
    sys.exit(main())
