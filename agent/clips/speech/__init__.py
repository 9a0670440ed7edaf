"""Where people speak in a recording: Silero VAD (MIT), by ONNX Runtime."""

from agent.clips.speech.vad import FRAME_S, VoiceDetector

__all__ = ["FRAME_S", "VoiceDetector"]
