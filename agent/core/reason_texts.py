"""The English of every code of a reason; ``agent/console/static/words.js`` has the Japanese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "other"
"""The code of a text that has none of its own."""

ENGLISH: Final[Mapping[str, str]] = {
    OTHER: "{detail}",
    # Sources
    "source_starting": "starting: no sound yet",
    "source_hung": (
        "a call has not returned for {seconds:g} s; check the device, disk or sound server behind "
        "it, and start the agent again if that does not help"
    ),
    "source_ended": "the sound is at its end",
    "source_empty": "no sound came before the end",
    "source_overrun": "sound was lost because this machine is too busy; give it less to do",
    "source_quiet": "no sound for {seconds:g} s; check the sender",
    "source_failed": "{detail}",
    "source_not_open": "source '{source}' is not open",
    "sender_quiet": "source '{source}': nothing came for {seconds:.1f} s",
    "sender_unreadable": "source '{source}': {detail}",
    "sender_not_samples": (
        "source '{source}': {percent}% of the samples are no numbers or far beyond full scale, so "
        "this is not {encoding}; say what is sent: --format s16le --rate 16000 --channels 1 "
        "(in agent.yaml format, rate_hz, channels)"
    ),
    "input_terminal": (
        "standard input is a terminal; send sound into it: "
        "arecord -f S16_LE -r 48000 -t wav | kikimimi run"
    ),
    "input_closed": "standard input is closed; send sound into it",
    "ffmpeg_missing": "ffmpeg is missing; install it: apt-get install ffmpeg",
    "stream_scheme": "stream '{url}' is not read; write a URL with one of {schemes}",
    "stream_lost": "stream '{url}' is lost: {detail}",
    "stream_ended": "stream '{url}' is lost: it ended",
    "stream_without_sound": (
        "stream '{url}' has no sound; switch the camera's audio on (where its video is set up), or "
        "write the URL of a stream that has it"
    ),
    "stream_one_track": "stream '{url}' has 1 sound track, not {track}; write track: 1",
    "stream_tracks": (
        "stream '{url}' has {tracks} sound tracks, not {track}; write track: 1 to {tracks}"
    ),
    "stream_other_tracks": "or hear another sound track of the stream: {tracks}",
    "stream_track_empty": (
        "or switch the camera's microphone on: the stream's only sound track is empty"
    ),
    "device_ambiguous": (
        "device '{device}' fits {count} input devices: {found}; write more of the name"
    ),
    "device_none": (
        "device '{device}' not found: this machine shows no input device; connect a microphone, "
        "and let the user belong to the group 'audio'"
    ),
    "device_unknown": (
        "device '{device}' not found; input devices: {found}; write 'default' or a part of a name"
    ),
    "device_waits": (
        "device '{device}' waits until the other microphones make room for a new look at the sound "
        "cards"
    ),
    "device_channels": (
        "device '{device}' has {channels} input channels, not {wanted}; "
        "choose channels from 1 to {channels}"
    ),
    "device_busy": ("device '{device}' cannot be opened: {detail}; is another program using it?"),
    "device_not_open": "device '{device}' is not open",
    "device_stopped": ("device '{device}' stopped by itself; check its plug and the sound server"),
    "device_quiet": (
        "device '{device}' delivered nothing for {seconds:.1f} s; check its plug "
        "and the sound server"
    ),
    "device_hung": "{device} does not answer within {seconds:g} s; restart the sound server",
    "device_still_hung": "{device} still does not answer; restart the sound server",
    "cards_changed": "the sound cards have changed; opened again to see them",
    "portaudio_missing": (
        "the PortAudio library is missing; install it: apt-get install libportaudio2"
    ),
    "device_not_closed": "the sound device cannot be closed: {detail}",
    "portaudio_not_started": "PortAudio cannot be initialised: {detail}",
    "portaudio_no_list": "PortAudio cannot list the sound devices: {detail}",
    # Signals
    "signal_stuck": (
        "the value has stood still at {value:.3f} for {seconds} s; check cable and converter"
    ),
    "signal_silent": "digital silence for {seconds} s; check plug, mute and gain",
    "signal_clipped": "{percent:.1f} % of the samples are at full scale; lower the gain",
    "signal_offset": (
        "the signal is {percent:+} % of full scale off zero (DC); check converter, cable and "
        "phantom power"
    ),
    "level_louder": (
        "the last day was {decibels} dB louder than any of the first week; check place, cover and "
        "gain of the microphone"
    ),
    "level_quieter": (
        "the last day was {decibels} dB quieter than any of the first week; check place, cover and "
        "gain of the microphone"
    ),
    "level_as_it_should": "if that is right, delete {file} and start again",
    "channel_dead": "channel {channel} has no sound",
    "channels_dead": "the other channels have no sound",
    "channels_cancel": (
        "channels {first} and {last} cancel each other: one side is inverted (two wires swapped)"
    ),
    "channels_weaken": (
        "channels {first} and {last} weaken each other by {decibels} dB around {hertz} Hz: one "
        "hears the sound later than another, or is inverted"
    ),
    "channel_alone": "channel {channel} alone is heard; write channels: [{channel}]",
    # The rest of the box
    "broker_away": "{detail}",
    "broker_refuses": "{detail}",
    "store_refuses": "{detail}",
    "store_in_memory": "alerts are kept in memory until then",
    "speech_unsearched": "speech cannot be looked for, so no sound is kept: {detail}",
    "clip_not_written": "{folder}: {detail}; free the disk or mend state_dir",
    "clips_not_deleted": "old clips cannot be deleted ({folder}: {detail}); mend state_dir",
    "clips_failed": "internal error: {detail}; see the log",
    "inference_slow": (
        "{dropped} windows dropped since the start; this machine is too slow for windows.hop_s and "
        "its sources"
    ),
    "calibration_trouble": "{detail}",
    "calibration_none": (
        "not calibrated yet; {count} descriptions go by the bundle's threshold: "
        "run 'kikimimi calibrate'"
    ),
    "calibration_made": "calibrated on {hours} hours until {made}",
    "calibration_new": (
        "{error_id} is new since then: its threshold is found anew from the background that was "
        "kept"
    ),
    "calibration_reworded": (
        "{error_id} is worded otherwise since then: its threshold is found anew from the "
        "background that was kept"
    ),
    "calibration_short": "{error_id} was heard too little to be calibrated",
    "calibration_longer": "run 'kikimimi calibrate' for longer",
    "background_shifted": "{detail}",
    "descriptions_refused": "{detail}",
    "metrics_not_served": (
        "{address} cannot be listened on: {detail}; end what listens there, or mend metrics.host "
        "and metrics.port"
    ),
    "attachment_failed": "internal error: {detail}; see the log, and start the agent again",
    "muted": "{descriptions}; send cmd/mute with duration_s 0 to end it",
    "muted_all": "everything; send cmd/mute with duration_s 0 to end it",
    # Commands
    "request_wrong": "{detail}",
    "command_unknown": "{command} is no command; known are {known}",
    "command_misspelt": "{command} is no command; did you mean {near}?",
    "command_too_often": "too many {command} commands; wait {seconds} s",
    "command_retained": "is retained, so it is ignored; send it without the retain flag",
    "command_waited": (
        "may have waited at the broker: the box has just connected, and its clock is not set; send "
        "it again in {seconds} s, or by MQTT 5 with a message expiry of at most {most:.0f} s"
    ),
    "correlation_too_long": "its correlation data has {size} bytes; send at most {most}",
    "response_topic": (
        "its response topic {topic} is not allowed; name one below {result}/ or outside of "
        "{prefix}/"
    ),
    "mute_too_long": (
        "duration_s is {seconds:g}, over commands.mute_longest_s; write at most {most:g}"
    ),
    "time_past": "ts is {seconds} s ago; send it again, with the time of now",
    "time_ahead": "ts is {seconds} s ahead; send it again, with the time of now",
    "clock_ahead": "ts is {seconds} s ahead; set the sender's clock and send it again",
    "description_unknown": (
        "error_id {error_id} is no description; write an id of the descriptions"
    ),
    "description_misspelt": "error_id {error_id} is no description; did you mean {near}?",
    "verdict_other": (
        "error_id says which description it was instead, which verdict {verdict} does not; write "
        "verdict reject with it, or leave error_id out"
    ),
    "verdict_itself": (
        "error_id {error_id} is the alert's own; write the id of another description, or confirm "
        "without error_id"
    ),
    "verdicts_full": "{most} verdicts were given on it; no more are kept",
    "verdict_none": "operator {operator} has no verdict on it that could be taken back",
    "undo_too_late": (
        "the verdict came in {seconds} s ago, and verdicts.undo_s is {most:g}; give another "
        "verdict instead"
    ),
    "undone_already": "was taken back already, by another request",
    "threshold_outside": (
        "threshold is {threshold:g}, and this box takes {lowest:g} to {highest:g} "
        "(commands.threshold_lowest, threshold_highest); write one of these, or auto"
    ),
    "threshold_none": (
        "operator {operator} has set no threshold of error_id {error_id} that could be taken back"
    ),
    "threshold_undo_too_late": (
        "the threshold was set {seconds} s ago, and verdicts.undo_s is {most:g}; set another one, "
        "or auto, instead"
    ),
    "alert_unreadable": (
        "alert_id {alert_id} cannot be looked up: the box's store cannot be read "
        "(health tells why); send it again later"
    ),
    "alert_unknown": "alert_id {alert_id} is no alert of this box; write the one of its message",
    "request_used": (
        "request_id {request_id} was used for something else; choose a new one for each request"
    ),
    "clips_busy": "other clips are being sent; wait until their last piece came",
    "clip_none": (
        "alert_id {alert_id} has no clip; it is written some seconds after the alert's end and "
        "deleted when its time or room is over"
    ),
    "clip_spoken": "the {kind} of {alert_id} was not kept, for what was said in it",
    "clip_not_kept": "the {kind} of {alert_id} was not kept",
    "clip_unreadable": "the {kind} of {alert_id} cannot be read ({detail})",
    "clip_too_large": "the {kind} of {alert_id} is over {most} bytes; copy it from state_dir",
    "memory_off": (
        "nothing is remembered here: write clips.enabled: true and clips.memory: 10min in "
        "agent.yaml, and start the agent again"
    ),
    "memory_empty": "nothing of source {source} is remembered yet; wait some seconds",
    "source_unknown": "source {source} is no source of this box; write one of {known}",
    "span_long": "from and to are {seconds:g} s apart; mark at most {most:g} s",
    "span_outside": (
        "source {source} is remembered from {begin} to {end}, by the box's clock; mark a span "
        "within"
    ),
    "clips_waiting": "other clips are being written; send it again in {seconds} s",
    "teaching_busy": "{most} sounds are awaited already; send it again when one has come",
    "teaching_unheard": "nothing of source {source} was heard in time; see its state in health",
    "teaching_silent": (
        "source {source} gave nothing but digital silence then; check plug, mute and gain"
    ),
    "recent_spoken": "the {kind} is not sent, for what was said in it",
    # Recordings that do not count
    "recording_ordinary": "does not stand out from the ordinary sound of this site",
    "recording_silent": (
        "holds nothing but digital silence; check plug, mute and gain of what recorded it"
    ),
    "recording_contradicted": "nearly the same sound was rejected",
    "recording_silences": "would silence {count} that were confirmed",
    "recording_clip_deleted": "its clip was deleted",
    "recording_other_bundle": "another bundle heard it, and its sound was not kept",
    "recording_outside": "{file} lies outside of the folder of clips",
    "recording_unreadable": "{detail}",
    "recording_changed": "its views have {joint} and {acoustic} numbers; its row was changed",
    # The console's own
    "not_sent": "{detail}",
    "mqtt_off": (
        "mqtt.enabled is false in agent.yaml: alerts are shown, but nothing can be answered"
    ),
    "database_missing": ("{file}: is missing; start the agent, or name its agent.yaml by --config"),
    "database_unreadable": "{detail}",
    "not_written": "{detail}",
    "host_unknown": "{host} is not a name of this console; add it to console.names",
    "body_too_large": "send at most {most} bytes",
    "not_logged_in": "log in first",
    "other_page": "comes from another page",
    "session_other": "its token is not of this session; load the page again",
    "not_json": "send application/json",
    "no_file": "there is no such file",
    "console_failed": "the console failed; its log says why",
    "pages_full": "too many pages are open; close some",
    "media_not_kept": "it was not kept",
    "text_missing": "send a text",
    "base_missing": "send a text and what it is based on",
    "text_problems": "{count} problems, the first in line {line}",
    "address_wrong": "the address names no alert",
    "password_set": "there is a password already",
    "nothing_to_rate": "there is nothing to rate; set console.tasks in agent.yaml",
    "no_recording": "there is no such recording",
    "rating_range": "write a whole number from 0 to {most}",
    "rating_unheard": "play the recording before you rate it",
    "raters_full": "{most} people have rated; no more are taken",
    "rating_done": "this one was rated already; load the page again",
}
"""By code: the English text, in which the parameters stand as :meth:`str.format` wants them."""
