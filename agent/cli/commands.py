"""The commands of ``kikimimi``, in the order of its help."""

from __future__ import annotations

from agent.core.commandline import Command
from agent.core.extras import Extra

COMMANDS = (
    Command(
        "run",
        "listen, and publish alerts by MQTT",
        "agent.cli.run",
        (
            "kikimimi run --config /etc/kikimimi/agent.yaml",
            "kikimimi run --descriptions descriptions.yaml --source recording.wav",
            "arecord -t raw -f FLOAT_LE -r 32000 | kikimimi run --source -",
            "arecord -t raw -f S16_LE -r 8000 | kikimimi run --source - --format s16le --rate 8000",
        ),
    ),
    Command(
        "demo",
        "hear a factory scene, or a microphone, with a live view of the alerts",
        "agent.cli.demo.command",
        ("kikimimi demo --language en", "kikimimi demo --microphone"),
        extra=Extra.DEMO,
    ),
    Command(
        "init",
        "ask five questions and write a configuration that fits this box",
        "agent.cli.init.command",
        (
            "kikimimi init",
            "sudo kikimimi init --output /etc/kikimimi/agent.yaml",
            "kikimimi init --site p1 --node press3 --device default --broker none --language ja",
            "kikimimi init --yes --broker mqtts://broker --username p3 --password-file p3.txt",
        ),
        remarks="The microphone is heard and the login at the broker tried while you answer. What "
        "an option says is not asked, and not tried either: type kikimimi doctor then. A file "
        "that is there is not overwritten unless you say so at the terminal; --yes does not.",
    ),
    Command(
        "check",
        "tell what is wrong with configuration, descriptions and bundle",
        "agent.cli.check.command",
        (
            "kikimimi check --config agent.yaml --online",
            "kikimimi check --descriptions descriptions.yaml --json",
        ),
    ),
    Command(
        "doctor",
        "look at everything that a box needs, and tell what to type where it lacks something",
        "agent.cli.doctor.command",
        (
            "kikimimi doctor --config /etc/kikimimi/agent.yaml",
            "kikimimi doctor --config agent.yaml --language ja",
            "kikimimi doctor --config agent.yaml --json",
        ),
        remarks="Listens to each source for a second and logs in at the broker, where it publishes "
        "one level of the first source. Speaks Japanese where the locale does (LC_ALL, "
        "LC_MESSAGES, LANG). Exit status 1 where something fails, 0 with warnings alone.",
    ),
    Command(
        "devices",
        "list the microphones of this machine",
        "agent.cli.devices",
        ("kikimimi devices",),
    ),
    Command(
        "score",
        "score sound files against descriptions",
        "agent.cli.score",
        (
            "kikimimi score recording.wav --descriptions descriptions.yaml --json",
            "kikimimi score night-shift.flac --config /etc/kikimimi/agent.yaml --alerts",
            "kikimimi score sounds/*.flac --whole --descriptions classes.yaml --truth clips.csv",
        ),
    ),
    Command(
        "teach",
        "have the box learn a sound: make it, or name a piece of a file",
        "agent.cli.teach.command",
        (
            "kikimimi teach metal_part_dropped --config /etc/kikimimi/agent.yaml",
            "kikimimi teach metal_part_dropped --seconds 20 --source mic1",
            "kikimimi teach metal_part_dropped --file night.flac --from 3.2 --to 4.0",
        ),
        remarks="Where an agent runs it is asked by MQTT to listen, since it holds the "
        "microphone. Tells how sure the box is of the sound then; exit status 1 where it is not.",
    ),
    Command(
        "calibrate",
        "learn this site's background and set the thresholds by it",
        "agent.cli.calibrate.command",
        (
            "kikimimi calibrate --config /etc/kikimimi/agent.yaml --hours 2",
            "kikimimi calibrate --files night-shift/ --json",
            "kikimimi calibrate --exclude mic1@2026-11-24T10:00:00Z/2026-11-24T10:00:05Z",
        ),
    ),
    Command(
        "bench",
        "measure speed, memory and delay on this machine",
        "agent.cli.bench.command",
        ("kikimimi bench --json",),
        extra=Extra.DEMO,
    ),
    Command(
        "install-service",
        "make the agent a service of systemd on this machine",
        "agent.cli.install_service",
        (
            "sudo /opt/kikimimi/.venv/bin/kikimimi install-service",
            "sudo /opt/kikimimi/.venv/bin/kikimimi install-service --console",
            "kikimimi install-service --print",
        ),
    ),
    Command(
        "labels",
        "list, export and delete what people answered",
        "agent.cli.labels.command",
        (
            "kikimimi labels list --since 30d",
            "kikimimi labels export ~/labels-p1 --since 30d",
            "kikimimi labels purge --before 2026-01-01",
            "kikimimi labels audit --json",
        ),
    ),
    Command(
        "replay",
        "hear stored clips and recordings with two bundles, and compare",
        "agent.cli.replay.command",
        (
            "kikimimi replay --bundle runs/bundle --config /etc/kikimimi/agent.yaml",
            "kikimimi replay --bundle runs/bundle --labels ~/labels --descriptions my.yaml --json",
            "kikimimi replay a.flac --bundle new --against old --descriptions my.yaml",
        ),
    ),
    Command(
        "console",
        "serve the page where people answer alerts and rate sounds",
        "agent.cli.console",
        (
            "kikimimi console --config /etc/kikimimi/agent.yaml",
            "kikimimi console --config agent.yaml --set-password",
        ),
        extra=Extra.CONSOLE,
    ),
    Command(
        "report",
        "tell what alerts and answers came to: a page to read or print",
        "agent.cli.report.command",
        (
            "kikimimi report --config agent.yaml --since 30d",
            "kikimimi report --since 2026-05-01 --until 2026-06-01 --output may.html --pdf",
            'kikimimi report --shifts "day 06:00-14:00, night 22:00-06:00" --language en',
            "kikimimi report --roi roi.yaml --json",
        ),
    ),
    Command(
        "scan",
        "hear an archive of recordings: tables of its alerts, on all cores or a cluster",
        "agent.cli.scan",
        (
            "kikimimi scan /archive/2026 --descriptions descriptions.yaml --out alerts.parquet",
            "kikimimi scan '/archive/*/night-*.flac' --config agent.yaml --out nights.parquet",
            "kikimimi scan /archive --descriptions d.yaml --out a.parquet --embed /archive/views",
            "kikimimi scan /archive --descriptions d.yaml --out a.parquet --ray head:6379",
        ),
        remarks="Interrupted or killed, the same command goes on where it was; given again later, "
        "it hears what is new. Exit status 1 where a file could not be heard; the others count.",
        extra=Extra.ARCHIVE,
    ),
    Command(
        "search",
        "find sounds in an archive by words or by a recording",
        "agent.cli.search",
        (
            'kikimimi search "a siren wails" --archive /archive/views',
            "kikimimi search clips/drop.flac --archive /archive/views --top 50 --json",
            'kikimimi search "air leaks" --archive /archive/views --qdrant http://qdrant:6333',
        ),
        remarks="What scan --embed kept is searched. The first search builds an index beside it.",
        extra=Extra.ARCHIVE,
    ),
)
