"""What documents tells others about guidance."""

from ascms.documents.v1 import guide_events_pb2

from kit.outbox import Event
from services.documents.domain.guides import Guide, guide_id


def guide_published(guide: Guide) -> Event:
    """A guide was published."""
    message = guide_events_pb2.GuidePublished(slug=guide.slug, version=guide.version)
    return Event(guide_id(guide.slug), message)
