"""The box's memory: one SQLite database with alerts, people's answers, clips and the outbox.

An alert or an answer and the message that tells of it are written in one transaction, so there is
no moment in which one exists without the other (the transactional outbox pattern).
"""

from agent.store.clips import CLIPS_FOLDER
from agent.store.database import FILE_NAME
from agent.store.lock import FolderLock, holder_of
from agent.store.schema import SCHEMA_VERSION
from agent.store.store import Store

__all__ = ["CLIPS_FOLDER", "FILE_NAME", "SCHEMA_VERSION", "FolderLock", "Store", "holder_of"]
